// Causal attention: what its forward pass, its next step and its gradient share.
//
// A query meets the keys in chunks of 512 from the first one on: first all scores of a chunk, then their
// weights relative to the largest score so far, then the weighted values. Whether many queries are at work
// or one, its sums have the same terms in the same order, so the same bits.
//
// Numbers are packed in words (lanes.h): of bfloat16 two that are multiplied by two, a last one beside
// zero. Sums are float; of bfloat16 the weights are rounded to it before they are multiplied.
#pragma once

#include <string.h>

#include "kernels.h"
#include "lanes.h"
#include "numerics.h"

enum { CHUNK = 512, QUERIES = 4, TILE = 8, BLOCK = 64 };

#define EACH(I, N) \
  _Pragma("clang loop vectorize(assume_safety) interleave_count(1)") for (size_t I = 0; I < (N); I++)

SL_INLINE size_t whole(size_t n, size_t of) { return (n + of - 1) / of * of; }

// A head's sizes: whole blocks of positions; words of a query and of a value; values in whole lanes.
typedef struct {
  sl_attention shape;
  size_t positions, key_words, value_words, depth, width;
  // Numbers a word; the scale of scores as powers of two.
  size_t each;
  float scale;
} sizes;

SL_INLINE sizes sizes_of(const sl_attention *s) {
  const size_t each = s->half ? 2 : 1;
  return (sizes){
      .shape = *s,
      .positions = whole(s->length, BLOCK),
      .key_words = (s->keys + each - 1) / each,
      .value_words = (s->values + each - 1) / each,
      .depth = whole(s->keys, LANES),
      .width = whole(s->values, LANES),
      .each = each,
      .scale = 1.44269504f / __builtin_sqrtf((float)s->keys),
  };
}

// 2^x for x ≤ 0 in sixteen lanes, of relative error 8e-8, or 3e-6 where it is to be rounded to bfloat16;
// below -126 the smallest normal number. NaN stays NaN.
SL_INLINE void power_of_two(lanes *x, int coarse) {
  const lanes clamped = *x < -126.0f ? (lanes)-126.0f : *x;
  // Adding 1.5 * 2^23 rounds to a whole number in the low bits of the mantissa.
  const lanes shifted = clamped + 12582912.0f, f = clamped - (shifted - 12582912.0f);
  lanes p;
  if (coarse) {
    p = __builtin_elementwise_fma(f, (lanes)9.57010221e-3f, (lanes)0.0559178591f);
    p = __builtin_elementwise_fma(p, f, (lanes)0.240247443f);
    p = __builtin_elementwise_fma(p, f, (lanes)0.693121791f);
    p = __builtin_elementwise_fma(p, f, (lanes)0.999999285f);
  } else {
    p = __builtin_elementwise_fma(f, (lanes)1.32764725e-3f, (lanes)9.67554096e-3f);
    p = __builtin_elementwise_fma(p, f, (lanes)0.0555071309f);
    p = __builtin_elementwise_fma(p, f, (lanes)0.240221202f);
    p = __builtin_elementwise_fma(p, f, (lanes)0.693146944f);
    p = __builtin_elementwise_fma(p, f, (lanes)1.00000012f);
  }
  *x = (lanes)((words)p + ((words)shifted << 23));
}

// x where the lane's number is below count, else other.
SL_INLINE void keep_below(lanes *x, size_t count, float other) {
  const words numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  *x = numbers < (words)(uint32_t)(count < LANES ? count : LANES) ? *x : (lanes)other;
}

SL_INLINE float total_of(const lanes *x) {
  float total = 0;
  for (int i = 0; i < LANES; i++) total += (*x)[i];
  return total;
}

// MARK: Packing

// The words of a row's columns, `apart` from each other: numbers, or two of bfloat16, the last one perhaps
// beside zero.
SL_INLINE void pack_row(const void *x, size_t column, size_t columns, int half, uint32_t *to,
                        size_t apart) {
  const size_t whole_words = half ? columns / 2 : columns;
  const char *from = (const char *)x + column * (half ? 2 : 4);
  for (size_t d = 0; d < whole_words; d++) memcpy(to + d * apart, from + 4 * d, 4);
  if (half && columns % 2) to[whole_words * apart] = ((const uint16_t *)x)[column + columns - 1];
}

// Rows of x [length, stride] from a column on, as words along a row [positions, words]; zero beyond.
SL_INLINE void pack_rows(const sizes *z, const void *x, size_t stride, size_t column, size_t columns,
                         uint32_t *rows) {
  const size_t count = (columns + z->each - 1) / z->each, length = z->shape.length;
  memset(rows + length * count, 0, (z->positions - length) * count * sizeof(uint32_t));
  for (size_t i = 0; i < length; i++) {
    pack_row(x, i * stride + column, columns, z->each == 2, rows + i * count, 1);
  }
}

// The same words as slabs [positions / 16][words][16].
SL_INLINE void pack_slabs(const sizes *z, const void *x, size_t stride, size_t column, size_t columns,
                          uint32_t *slabs) {
  const size_t count = (columns + z->each - 1) / z->each;
  memset(slabs, 0, z->positions * count * sizeof(uint32_t));
  for (size_t i = 0; i < z->shape.length; i++) {
    uint32_t *to = slabs + i / LANES * LANES * count + i % LANES;
    pack_row(x, i * stride + column, columns, z->each == 2, to, LANES);
  }
}

// As words along positions, of bfloat16 those of two, [positions / each][width]; zero beyond.
SL_INLINE void pack_columns(const sizes *z, const void *x, size_t stride, size_t column,
                            size_t columns, size_t width, uint32_t *rows) {
  const size_t each = z->each, length = z->shape.length;
  memset(rows, 0, z->positions / each * width * sizeof(uint32_t));
  for (size_t i = 0; i < length; i++) {
    uint32_t *to = rows + i / each * width;
    if (each == 1) {
      memcpy(to, (const uint32_t *)x + i * stride + column, columns * sizeof(uint32_t));
    } else {
      const uint16_t *from = (const uint16_t *)x + i * stride + column;
      const int shift = i % 2 ? 16 : 0;
      EACH(d, columns) to[d] |= (uint32_t)from[d] << shift;
    }
  }
}

// Rows of floats [.., width] to rows of x.
SL_INLINE void unpack(const float *rows, size_t count, size_t stride, size_t column, size_t columns,
                      size_t width, int half, void *x) {
  for (size_t i = 0; i < count; i++) {
    const float *from = rows + i * width;
    if (half) {
      uint16_t *to = (uint16_t *)x + i * stride + column;
      EACH(d, columns) to[d] = sl_narrow(from[d]);
    } else {
      memcpy((float *)x + i * stride + column, from, columns * sizeof(float));
    }
  }
}

// MARK: What one head's gradient is made of

typedef struct {
  // Along the numbers of a position, and along positions.
  const uint32_t *q_rows, *q_columns, *dy_rows, *dy_columns, *keys, *key_columns, *values;
  // Of each query: the log-sum as a power of two, infinite beyond the last; dy · y.
  const float *log_sums, *balance;
  float *dq, *dk, *dv;
} gradient_sums;

// Where a head's results go: rows of y, of the column on, and their log-sums if wanted.
typedef struct {
  void *y;
  size_t stride, column;
  float *log_sums;
} place;

#define HALF_f32 0
#define HALF_f32_wide 0
#define HALF_bf16 1
#define HALF_bf16_wide 1
#define HALF_dot 1
#define IS_HALF PASTE_EXPANDED(HALF, KIND)
