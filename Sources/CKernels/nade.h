// What NADE's kernels share.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "lanes.h"

#pragma clang fp contract(fast)

// Hidden units of a block, in vectors of LANES.
enum { VECTORS = 4, BLOCK = LANES * VECTORS };

// The sigmoid of an activation a is 1 / (1 + 2^(a times this)); the factor stands in the packed weights.
#define FOLDED -1.44269504f

// x = 1 / (1 + 2^x) for a state, absolute error below 2e-7. NaN stays NaN, and makes one of what it
// shares a division with, in the same image.
SL_INLINE void sigmoids(lanes *x) {
  lanes shifted[VECTORS], f[VECTORS], p[VECTORS];
// By name, so that all who inline it round alike.
#define FMA __builtin_elementwise_fma
#define EACH UNROLL for (int z = 0; z < VECTORS; z++)
  // x as n + f, n whole and f in -1/2 ... 1/2: 1.5 * 2^23 rounds to n in the low bits. The polynomial
  // is 2^f within 1e-7 of it.
  EACH {
    const lanes above = x[z] < -63.0f ? (lanes)-63.0f : x[z];
    const lanes power = above > 63.0f ? (lanes)63.0f : above;
    shifted[z] = power + 12582912.0f;
    f[z] = power - (shifted[z] - 12582912.0f);
  }
  EACH p[z] = FMA(f[z], (lanes)1.326472684e-3f, (lanes)9.671512665e-3f);
  EACH p[z] = FMA(p[z], f[z], (lanes)5.550733744e-2f);
  EACH p[z] = FMA(p[z], f[z], (lanes)2.402224208e-1f);
  EACH p[z] = FMA(p[z], f[z], (lanes)6.931469776e-1f);
  EACH p[z] = FMA(p[z], f[z], (lanes)1.0f);
  EACH p[z] = (lanes)((words)p[z] + ((words)shifted[z] << 23)) + 1.0f;
#undef EACH
#undef FMA
  // One division, the slowest of these instructions, for two.
  UNROLL for (int z = 0; z < VECTORS; z += 2) {
    const lanes inverse = 1.0f / (p[z] * p[z + 1]);
    x[z] = inverse * p[z + 1];
    x[z + 1] = inverse * p[z];
  }
}

SL_INLINE size_t blocks_of(size_t hidden) { return (hidden + BLOCK - 1) / BLOCK; }

// Weights or their gradients by block of hidden units: rows of BLOCK numbers, of w [D], c and v [D].
SL_INLINE size_t rows_of(size_t dimension) { return 2 * dimension + 1; }

SL_INLINE size_t block_size(size_t dimension) { return rows_of(dimension) * BLOCK; }
SL_INLINE size_t packed_size(size_t dimension, size_t hidden) {
  return blocks_of(hidden) * block_size(dimension);
}

// v[0] = the sums of 16 vectors, in order.
SL_INLINE void sum_each(lanes *v) {
  UNROLL for (int i = 0; i < 8; i++) {
    const lanes a = v[2 * i], b = v[2 * i + 1];
    v[i] = __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
           __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    const lanes a = v[2 * i], b = v[2 * i + 1];
    v[i] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  }
  UNROLL for (int i = 0; i < 2; i++) {
    const lanes a = v[2 * i], b = v[2 * i + 1];
    v[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  }
  v[0] = __builtin_shufflevector(v[0], v[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
         __builtin_shufflevector(v[0], v[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29,
                                 30, 31);
}
