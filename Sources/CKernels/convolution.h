// Causal convolutions for processors with AVX-512: implicit matrix products over [N, H, W, C] that
// visit live taps only, take their input through a ReLU, and add bias, mask and residual while the
// sums are in registers.
//
// All three passes are one micro-kernel, C[M x 16 Z] += A^T B in 32-bit words. A word is a float, or
// two bfloat16 that follow one another in the sum: neighbouring channels in the forward pass and the
// input gradient, neighbouring pixels in the weight gradient.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "numerics.h"
#include "pool.h"

SL_INLINE size_t larger(size_t a, size_t b) { return a > b ? a : b; }

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
// first-level cache.
enum { BAND_BYTES = 49152 };
SL_INLINE size_t band_of(const sl_convolution *s, const tap_list *taps) {
  size_t columns = s->width + taps->before + taps->after;
  size_t rows = BAND_BYTES / (columns * larger(s->inputs, s->outputs) * (s->half ? 2 : 4));
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
  size_t words = larger(rows * columns, PIXELS) * window_words(larger(s->inputs, s->outputs));
  return (scratch_words){words, words, (taps.count * s->inputs + 1) * s->outputs};
}

#if defined(__x86_64__)
#include <immintrin.h>

#define SL_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define SL_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

#define UNROLL _Pragma("clang loop unroll(full)")

// x through a ReLU, in words; NaN stays NaN, for the maximum is the second operand then.
#define RELU_f32(X)                                                                               \
  _mm512_castps_si512(_mm512_max_ps(_mm512_setzero_ps(), _mm512_castsi512_ps(X)))
#define RELU_bf16(X)                                                                              \
  _mm512_maskz_mov_epi16(_mm512_cmpgt_epi16_mask(X, _mm512_set1_epi16(-128)), X)

#define MAC_f32(C, A, B)                                                                          \
  _mm512_fmadd_ps(_mm512_castsi512_ps(A), _mm512_castsi512_ps(B), C)
#define MAC_bf16(C, A, B) _mm512_dpbf16_ps(C, (__m512bh)(A), (__m512bh)(B))

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

// c[m][z] += sum over the segments; A's column m starts at a[m].
#define SUMS(TYPE, TARGET)                                                                        \
  TARGET SL_INLINE void sums_##TYPE(const int M, const int Z, __m512 (*c)[4],                     \
                                    const uint32_t *const *a, size_t a_stride, const uint32_t *b, \
                                    size_t b_stride, const segment *segments, size_t count,       \
                                    wishes *soon) {                                               \
    for (size_t s = 0; s < count; s++) {                                                          \
      const uint32_t *from[12];                                                                   \
      UNROLL for (int m = 0; m < M; m++) from[m] = a[m] + segments[s].a;                          \
      const uint32_t *row = b + segments[s].b;                                                    \
      const size_t length = segments[s].length;                                                   \
      /* Unrolled where A's steps are neighbours; else addresses would cost more than the loop. */  \
      for (size_t k = 0; k < length; k += STEPS) {                                                \
        ask_for_shares(soon);                                                                     \
        if (a_stride == 1 && k + STEPS <= length) {                                               \
          UNROLL for (size_t step = 0; step < STEPS; step++) {                                    \
            STEP_##TYPE(k + step)                                                                 \
          }                                                                                       \
        } else {                                                                                  \
          const size_t end = k + STEPS < length ? k + STEPS : length;                             \
          for (size_t step = k; step < end; step++) {                                             \
            STEP_##TYPE(step)                                                                     \
          }                                                                                       \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

#define STEP(TYPE, K)                                                                             \
  __m512i right[4];                                                                               \
  UNROLL for (int z = 0; z < Z; z++) right[z] = _mm512_loadu_si512(row + 16 * z);                 \
  UNROLL for (int m = 0; m < M; m++) {                                                            \
    __m512i left = _mm512_set1_epi32((int)from[m][(K)*a_stride]);                                 \
    UNROLL for (int z = 0; z < Z; z++) c[m][z] = MAC_##TYPE(c[m][z], left, right[z]);             \
  }                                                                                               \
  row += b_stride;
#define STEP_f32(K) STEP(f32, K)
#define STEP_bf16(K) STEP(bf16, K)

SUMS(f32, SL_AVX512)
SUMS(bf16, SL_BF16)

// Sixteen bfloat16 as floats.
#define LOAD_HALF(P)                                                                              \
  _mm512_castsi512_ps(_mm512_slli_epi32(                                                          \
      _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(P))), 16))

// Copies words, a multiple of 8, through a ReLU if asked to.
#define COPY(TYPE)                                                                                \
  SL_AVX512 SL_INLINE void copy_##TYPE(uint32_t *y, const uint32_t *x, size_t n, int relu) {      \
    size_t i = 0;                                                                                 \
    for (; i + 16 <= n; i += 16) {                                                                \
      __m512i words = _mm512_loadu_si512(x + i);                                                  \
      _mm512_storeu_si512(y + i, relu ? RELU_##TYPE(words) : words);                              \
    }                                                                                             \
    if (i < n) {                                                                                  \
      __m512i words = _mm512_maskz_loadu_epi32(0xff, x + i);                                      \
      _mm512_mask_storeu_epi32(y + i, 0xff, relu ? RELU_##TYPE(words) : words);                   \
    }                                                                                             \
  }

COPY(f32)
COPY(bf16)

#endif
