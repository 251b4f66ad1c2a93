// Causal convolutions: implicit matrix products over [N, H, W, C] that visit live taps only, take their input through a ReLU, and add bias, mask and residual while the
// sums are in registers.
//
// All three passes are one micro-kernel, C[M x 16 Z] += A^T B in 32-bit words. A word is a float, or
// two bfloat16 that follow one another in the sum: neighbouring channels in the forward pass and the
// input gradient, neighbouring pixels in the weight gradient.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "lanes.h"
#include "numerics.h"

SL_INLINE size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// Channels are padded with zeros to whole vectors.
SL_INLINE size_t padded(size_t channels) { return (channels + LANES - 1) / LANES * LANES; }

// Channels whose weights stand side by side. Where registers hold few sums these are few, so that
// their weights stay in the first-level cache while pixels go by; else all, and pixels stay.
SL_INLINE size_t panel_of(size_t channels) { return sl_is_wide() ? padded(channels) : LANES; }

// Where the taps of a convolution stand, in the direction of a pass.
typedef struct {
  // Row and column of the input from those of the output, by tap.
  ptrdiff_t row[SL_MOST_TAPS], column[SL_MOST_TAPS];
  // The tap's place in the kernel [kernel_height, kernel_width].
  size_t place[SL_MOST_TAPS];
  size_t count;
  // Rows and columns of zeros around the image.
  size_t above, below, before, after;
} tap_list;

SL_INLINE tap_list taps_of(const sl_convolution *shape, int sign) {
  tap_list taps = {.count = 0};
  for (size_t r = 0; r < shape->kernel_height; r++) {
    size_t columns = r + 1 < shape->kernel_height ? shape->kernel_width : shape->last_row;
    for (size_t c = 0; c < columns; c++) {
      ptrdiff_t row = sign * ((ptrdiff_t)r - (ptrdiff_t)shape->top);
      ptrdiff_t column = sign * ((ptrdiff_t)c - (ptrdiff_t)shape->left);
      taps.row[taps.count] = row;
      taps.column[taps.count] = column;
      taps.place[taps.count] = r * shape->kernel_width + c;
      taps.count++;
      taps.above = larger(taps.above, (size_t)(row < 0 ? -row : 0));
      taps.below = larger(taps.below, (size_t)(row > 0 ? row : 0));
      taps.before = larger(taps.before, (size_t)(column < 0 ? -column : 0));
      taps.after = larger(taps.after, (size_t)(column > 0 ? column : 0));
    }
  }
  return taps;
}

// Rows of an image that are worked on at a time, so that what they read stays in or near the
// first-level cache. Wide registers reread less.
enum { BAND_BYTES = 24576, WIDE_BAND_BYTES = 49152 };
SL_INLINE size_t band_of(const sl_convolution *s, const tap_list *taps) {
  size_t columns = s->width + taps->before + taps->after;
  size_t channels = padded(larger(s->inputs, s->outputs));
  size_t bytes = sl_is_wide() ? WIDE_BAND_BYTES : BAND_BYTES;
  size_t rows = bytes / (columns * channels * (s->half ? 2 : 4));
  size_t most = s->height < SL_MOST_BAND ? s->height : SL_MOST_BAND;
  return rows < 1 ? 1 : rows > most ? most : rows;
}

// Pixels of a tile in the forward pass and the input gradient.
enum { PIXELS = 6 };

// What each thread works in.
typedef struct {
  size_t window, gradient, sums;
} scratch_words;

SL_INLINE size_t pairs(size_t n, int half) { return half ? (n + 1) / 2 : n; }

// From a pixel to the next in the weight gradient's window, whose sums run across pixels: at a
// power of two these would all fall on a few of the cache's sets.
SL_INLINE size_t window_words(size_t channels) { return channels + 16; }

SL_INLINE scratch_words scratch_of(const sl_convolution *s) {
  tap_list taps = taps_of(s, 1);
  size_t rows = band_of(s, &taps) + taps.above + taps.below;
  // Pairs of pixels are packed twice, from even and from odd columns.
  size_t columns = s->width + taps.before + taps.after + 2;
  size_t words = larger(rows * columns, PIXELS) * window_words(padded(larger(s->inputs, s->outputs)));
  return (scratch_words){words, words, (taps.count * s->inputs + 1) * s->outputs};
}

// Sixteen numbers from a place on.
SL_INLINE void load(const void *from, size_t place, int half, lanes *to) {
  if (half) {
    const halves h = *(const loose_halves *)((const uint16_t *)from + place);
    *to = LOW_HALVES(__builtin_convertvector(h, words));
  } else {
    *to = *(const loose_lanes *)((const float *)from + place);
  }
}

// Asks for memory that is needed soon. The processor's own prefetching ends at each page, which is no
// more than sixteen pixels away.
SL_INLINE void ask(const void *from, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *)from + at, 0, 3);
}

// A run of the sum: `length` words of A and rows of B from these places on.
typedef struct {
  ptrdiff_t a, b;
  size_t length;
} segment;

// Memory that will be needed soon, and how much of each to ask for at a time. Asked for all at once it
// would fill the processor's queue of outstanding lines, and the multiply-adds would wait for a place.
typedef struct {
  const char *at[4];
  size_t share[4];
  size_t count;
} wishes;

// Lines of memory in a share, where there are so many.
SL_INLINE size_t share(size_t bytes, size_t shares) {
  return (bytes + 64 * shares - 1) / (64 * shares) * 64;
}

SL_INLINE void wish(wishes *soon, const void *from, size_t share) {
  soon->at[soon->count] = from;
  soon->share[soon->count++] = share;
}

SL_INLINE void ask_for_shares(wishes *soon) {
  for (size_t i = 0; i < soon->count; i++) {
    ask(soon->at[i], soon->share[i]);
    soon->at[i] += soon->share[i];
  }
}

// Steps of a sum from one share of the wishes to the next.
enum { STEPS = 8 };
