// What the kernels of recurrent cells share. Images, or positions of a front times images, are lanes.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "lanes.h"
#include "numerics.h"

#pragma clang fp contract(fast)

#define EACH _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")

SL_INLINE size_t whole(size_t n, size_t of) { return (n + of - 1) / of * of; }

// Rows of the inputs, and of the sums that are kept for the way back, a unit.
SL_INLINE size_t gates_of(const sl_recurrence *s) {
  return s->cell == SL_TANH ? 1 : s->cell == SL_GRU ? 3 : 4;
}
SL_INLINE size_t kept_of(const sl_recurrence *s) { return s->cell == SL_TANH ? 1 : 4; }

// Words of a state, of which a bfloat16 one has two elements, and of what a position sees.
SL_INLINE size_t words_of(const sl_recurrence *s) { return s->half ? (s->units + 1) / 2 : s->units; }
SL_INLINE size_t columns_of(const sl_recurrence *s) {
  return s->reach * words_of(s) * (s->half ? 2 : 1);
}

SL_INLINE size_t front_of(const sl_recurrence *s, size_t f) { return s->first[f + 1] - s->first[f]; }
SL_INLINE size_t lanes_of(const sl_recurrence *s, size_t f, size_t at_once) {
  return whole(front_of(s, f) * at_once, LANES);
}
SL_INLINE size_t widest(const sl_recurrence *s) {
  size_t most = 0;
  for (size_t f = 0; f < s->fronts; f++) most = front_of(s, f) > most ? front_of(s, f) : most;
  return most;
}

// Fronts from one c that is kept to the next: about the root of their number.
SL_INLINE size_t segment_of(const sl_recurrence *s) {
  size_t length = 1;
  while (length * length < s->fronts) length++;
  return length;
}

// What a block of images keeps: the sums of all fronts, one after the other, then c before each segment but
// the first.
SL_INLINE size_t kept_sums(const sl_recurrence *s, size_t at_once) {
  size_t lanes = 0;
  for (size_t f = 0; f < s->fronts; f++) lanes += lanes_of(s, f, at_once);
  return whole(kept_of(s) * s->units * lanes * (s->half ? 2 : 4), 64);
}
SL_INLINE size_t kept_block(const sl_recurrence *s, size_t at_once) {
  const size_t segments = (s->fronts + segment_of(s) - 1) / segment_of(s);
  return kept_sums(s, at_once) +
         segments * s->units * whole(widest(s) * at_once, LANES) * sizeof(float);
}

SL_INLINE void *numbers(size_t words) {
  return aligned_alloc(64, whole((words ? words : 1) * sizeof(float), 64));
}

// Sixteen numbers of a row from a place on.
SL_INLINE void sixteen(const void *x, size_t i, int half, lanes *to) {
  if (half) {
    const halves h = *(const loose_halves *)((const uint16_t *)x + i);
    *to = LOW_HALVES(__builtin_convertvector(h, words));
  } else {
    *to = *(const loose_lanes *)((const float *)x + i);
  }
}

// to [width, lanes] = rows of so many numbers; zeros where the row is null.
SL_INLINE void rows_to_lanes(const char *const *rows, size_t lanes_, size_t width, const int half,
                             float *to) {
  for (size_t lane = 0; lane < lanes_; lane += LANES) {
    for (size_t at = 0; at < width; at += LANES) {
      const size_t count = width - at < LANES ? width - at : LANES;
      lanes x[LANES];
      for (size_t i = 0; i < LANES; i++) {
        const char *row = rows[lane + i];
        float rest[LANES] = {0};
        if (row && count == LANES) {
          sixteen(row, at, half, &x[i]);
          continue;
        }
        for (size_t j = 0; row && j < count; j++) {
          rest[j] = half ? sl_widen(((const uint16_t *)row)[at + j]) : ((const float *)row)[at + j];
        }
        x[i] = *(const loose_lanes *)rest;
      }
      transpose(x);
      for (size_t j = 0; j < count; j++) *(loose_lanes *)(to + (at + j) * lanes_ + lane) = x[j];
    }
  }
}

// And back; a row that is null gets nothing.
SL_INLINE void lanes_to_rows(const float *from, size_t lanes_, size_t width, const int half,
                             char *const *rows) {
  for (size_t lane = 0; lane < lanes_; lane += LANES) {
    for (size_t at = 0; at < width; at += LANES) {
      const size_t count = width - at < LANES ? width - at : LANES;
      lanes x[LANES];
      for (size_t j = 0; j < LANES; j++) {
        x[j] = j < count ? *(const loose_lanes *)(from + (at + j) * lanes_ + lane) : (lanes)0.0f;
      }
      transpose(x);
      for (size_t i = 0; i < LANES; i++) {
        char *row = rows[lane + i];
        if (!row) continue;
        if (half) {
          words narrow;
          narrow_lanes(&x[i], &narrow);
          const halves h = __builtin_convertvector(narrow, halves);
          if (count == LANES) {
            *(loose_halves *)((uint16_t *)row + at) = h;
          } else {
            memcpy((uint16_t *)row + at, &h, count * sizeof(uint16_t));
          }
        } else if (count == LANES) {
          *(loose_lanes *)((float *)row + at) = x[i];
        } else {
          memcpy((float *)row + at, &x[i], count * sizeof(float));
        }
      }
    }
  }
}

// Where each lane of a front has its row, of images first ..< end and rows of so many bytes.
SL_INLINE void rows_of(const sl_recurrence *s, size_t front, size_t first, size_t end, size_t at_once,
                       const void *x, size_t bytes, const char **rows) {
  const size_t count = front_of(s, front), total = lanes_of(s, front, at_once);
  memset(rows, 0, total * sizeof *rows);
  for (size_t place = 0; place < count; place++) {
    const size_t position = s->order[s->first[front] + place];
    for (size_t n = first; n < end; n++) {
      rows[place * at_once + n - first] = (const char *)x + (n * s->positions + position) * bytes;
    }
  }
}

// Predecessors that follow one another, as the places that they precede do: `count` of them, from a place
// of the front and from one of the front before, or -1 where there are none.
typedef struct {
  size_t place, count;
  ptrdiff_t before;
} stretch;

SL_INLINE stretch stretch_at(const sl_recurrence *s, size_t front, size_t which, size_t place) {
  const int32_t *before = s->before + s->first[front] * s->reach + which;
  stretch found = {place, 1, before[place * s->reach]};
  for (size_t next = place + 1; next < front_of(s, front); next++, found.count++) {
    const int32_t expected = found.before < 0 ? -1 : (int32_t)(found.before + (ptrdiff_t)found.count);
    if (before[next * s->reach] != expected) break;
  }
  return found;
}

// Rows of x [rows, lanes of the front] = those of a predecessor, zeros where there is none; from [rows, lanes
// of the front before].
SL_INLINE void gather(const sl_recurrence *s, size_t front, size_t which, size_t at_once, size_t rows,
                      const uint32_t *from, uint32_t *x) {
  const size_t to_lanes = lanes_of(s, front, at_once), count = front_of(s, front);
  const size_t from_lanes = front > 0 ? lanes_of(s, front - 1, at_once) : 0;
  for (size_t place = 0; place < count;) {
    const stretch run = stretch_at(s, front, which, place);
    for (size_t row = 0; row < rows; row++) {
      uint32_t *to = x + row * to_lanes + run.place * at_once;
      if (run.before < 0) {
        memset(to, 0, run.count * at_once * sizeof *to);
      } else {
        memcpy(to, from + row * from_lanes + (size_t)run.before * at_once,
               run.count * at_once * sizeof *to);
      }
    }
    place += run.count;
  }
  const size_t live = count * at_once;
  for (size_t row = 0; live < to_lanes && row < rows; row++) {
    memset(x + row * to_lanes + live, 0, (to_lanes - live) * sizeof *x);
  }
}

// The cell of groups first ..< end at so many lanes: q, in, c and h as above. kept [groups, kept, units /
// groups, lanes], bfloat16 where half, or null.
void sl_cell(const sl_recurrence *s, size_t first, size_t end, size_t lanes, const float *q,
             const float *in, const float *c_before, float *c, float *h, void *kept);

// x [width, lanes] of rows that are float or bfloat16, a null one zeros; and back, a null one left out.
void sl_load_rows(const char *const *rows, size_t lanes, size_t width, int half, float *x);
void sl_store_rows(const float *x, size_t lanes, size_t width, int half, const char *const *rows);

// Elements from a row of packed weights to the next.
size_t sl_recurrence_stride(const sl_recurrence *shape, int transposed);

// Beyond 9 a tanh is 1 to the last bit, and products of the denominators stay finite.
SL_INLINE float within_nine(float x) { return x < -9.0f ? -9.0f : (x > 9.0f ? 9.0f : x); }
SL_INLINE float tanh_of(float x) {
  const float e = sl_exp(-2.0f * within_nine(x));
  return (1.0f - e) / (1.0f + e);
}
