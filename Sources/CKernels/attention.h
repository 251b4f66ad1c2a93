// Causal attention: the parts that its forward pass, its next step and its gradient share.
//
// Keys are met in blocks of 64 from the first one on, and within a block in their order, whether many
// queries are at work or one: so a query's sums have the same bits either way. Arithmetic is float;
// only what is kept may be bfloat16.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "lanes.h"
#include "numerics.h"

enum { BLOCK = 64, BLOCK_LANES = BLOCK / LANES, QUERIES = 4 };

#define EACH(I, N) \
  _Pragma("clang loop vectorize(assume_safety) interleave_count(1)") for (size_t I = 0; I < (N); I++)

SL_INLINE size_t whole(size_t n, size_t of) { return (n + of - 1) / of * of; }

// What a query has met so far: its largest score, and the sums of weights (by lane) and of weighted
// values relative to that.
typedef struct {
  float top;
  float sum[LANES];
} softmax;

SL_INLINE float element(const void *x, size_t i, int half) {
  return half ? sl_widen(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

SL_INLINE void put(void *x, size_t i, float value, int half) {
  if (half) {
    ((uint16_t *)x)[i] = sl_narrow(value);
  } else {
    ((float *)x)[i] = value;
  }
}

SL_INLINE void sixteen(const void *x, size_t i, int half, lanes *to) {
  if (half) {
    const halves h = *(const loose_halves *)((const uint16_t *)x + i);
    *to = LOW_HALVES(__builtin_convertvector(h, words));
  } else {
    *to = *(const loose_lanes *)((const float *)x + i);
  }
}

// Asks for a share of the next block's memory: the processor's own prefetching ends at each page, which
// is no more than a block.
SL_INLINE void ask_for(const char *next, size_t share, int half) {
  for (size_t line = 0; line < (half ? 2u : 4u); line++) {
    __builtin_prefetch(next + (share * (half ? 2 : 4) + line) * 64, 0, 3);
  }
}

// y[m][j] = the sum over d of a[m][d] b[d][j], j counting the 64 of a block, whose b come in four slabs
// [depth, 16]. Meanwhile what comes after b, and after other memory of as many bytes, is asked for.
SL_INLINE void block_products(const int M, const float *const *a, const void *b, size_t depth, int half,
                              const char *const *soon, float (*y)[BLOCK]) {
  lanes c[QUERIES][BLOCK_LANES];
  UNROLL for (int m = 0; m < M; m++) {
    UNROLL for (int z = 0; z < BLOCK_LANES; z++) c[m][z] = (lanes)0.0f;
  }
  for (size_t d = 0; d < depth; d++) {
    lanes right[BLOCK_LANES];
    if (soon) {
      ask_for(soon[0], d, half);
      ask_for(soon[1], d, half);
    }
    UNROLL for (int z = 0; z < BLOCK_LANES; z++) {
      sixteen(b, ((size_t)z * depth + d) * LANES, half, &right[z]);
    }
    UNROLL for (int m = 0; m < M; m++) {
      const lanes left = (lanes)a[m][d];
      UNROLL for (int z = 0; z < BLOCK_LANES; z++) {
        c[m][z] = __builtin_elementwise_fma(left, right[z], c[m][z]);
      }
    }
  }
  UNROLL for (int m = 0; m < M; m++) {
    UNROLL for (int z = 0; z < BLOCK_LANES; z++) *(loose_lanes *)(y[m] + LANES * z) = c[m][z];
  }
}

// y[m] += the sum over j < count of p[m][j] v[j], rows of `width` (whole lanes): four sums side by side, so
// that one query has work for as long as an addition takes. Beyond the count p is zero and v a number.
SL_INLINE void add_rows(const int M, const float (*p)[BLOCK], const void *v, size_t width, size_t count,
                        int half, float *const *y) {
  for (size_t z = 0; z < width; z += LANES) {
    lanes c[QUERIES][4];
    UNROLL for (int m = 0; m < M; m++) {
      c[m][0] = *(const loose_lanes *)(y[m] + z);
      UNROLL for (int r = 1; r < 4; r++) c[m][r] = (lanes)0.0f;
    }
    for (size_t j = 0; j < count; j += 4) {
      UNROLL for (int r = 0; r < 4; r++) {
        lanes right;
        sixteen(v, (j + (size_t)r) * width + z, half, &right);
        UNROLL for (int m = 0; m < M; m++) {
          c[m][r] = __builtin_elementwise_fma((lanes)p[m][j + (size_t)r], right, c[m][r]);
        }
      }
    }
    UNROLL for (int m = 0; m < M; m++) {
      *(loose_lanes *)(y[m] + z) = (c[m][0] + c[m][1]) + (c[m][2] + c[m][3]);
    }
  }
}

// Takes a block's scores, of which the first `count` are seen, into the softmax, and leaves the weights in
// their place; y is what has been summed so far.
SL_INLINE void weigh(softmax *so_far, float *scores, size_t count, float *y, size_t width) {
  float top = so_far->top;
  for (size_t j = count; j < BLOCK; j++) scores[j] = -__builtin_inff();
  const float largest = sl_largest(scores, BLOCK);
  top = largest > top ? largest : top;
  const float keep = sl_exp(so_far->top - top);
  EACH(j, BLOCK) {
    // What is not seen weighs nothing at all.
    scores[j] = j < count ? sl_exp_negative(scores[j] - top) : 0.0f;
  }
  EACH(i, LANES) {
    so_far->sum[i] =
        so_far->sum[i] * keep +
        ((scores[i] + scores[i + LANES]) + (scores[i + 2 * LANES] + scores[i + 3 * LANES]));
  }
  EACH(i, width) y[i] = y[i] * keep;
  so_far->top = top;
}

SL_INLINE float total_of(const softmax *s) {
  float total = 0;
  for (int i = 0; i < LANES; i++) total += s->sum[i];
  return total;
}

// M queries of one head and image at the positions from `first` on, `aligned` to their count: q [M][keys]
// scaled, keys in slabs, values in rows; y [M][width] and log-sums where wanted.
SL_INLINE void attend(const int M, const float *const *q, const void *keys, const void *values,
                      size_t depth, size_t width, size_t first, int half, float *const *y,
                      float *log_sums) {
  softmax s[QUERIES];
  float scores[QUERIES][BLOCK];
  UNROLL for (int m = 0; m < M; m++) {
    s[m].top = -1e30f;
    memset(s[m].sum, 0, sizeof s[m].sum);
    memset(y[m], 0, width * sizeof(float));
  }
  const size_t size = half ? 2 : 4, last = first + (size_t)M - 1;
  for (size_t at = 0; at <= last; at += BLOCK) {
    const size_t seen = last + 1 - at < BLOCK ? last + 1 - at : BLOCK;
    // One query alone waits for memory; many find it in the cache.
    const char *soon[2] = {(const char *)keys + (at + BLOCK) * depth * size,
                           (const char *)values + (at + BLOCK) * width * size};
    block_products(M, q, (const char *)keys + at * depth * size, depth, half, M == 1 ? soon : 0, scores);
    UNROLL for (int m = 0; m < M; m++) {
      const size_t own = first + (size_t)m + 1 - at;
      weigh(&s[m], scores[m], own < seen ? own : seen, y[m], width);
    }
    add_rows(M, scores, (const char *)values + at * width * size, width, seen, half, y);
  }
  UNROLL for (int m = 0; m < M; m++) {
    const float total = total_of(&s[m]);
    EACH(i, width) y[m][i] = y[m][i] / total;
    if (log_sums) log_sums[m] = s[m].top + sl_log(total);
  }
}

// Where the key of a position and head stands in slabs of sixteen positions: its component d at
// + d * LANES.
SL_INLINE size_t key_place(size_t position, size_t depth) {
  return position / LANES * LANES * depth + position % LANES;
}
