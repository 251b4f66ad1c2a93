// Symbols drawn from logits. Bits of a draw depend on its own logits and uniform alone.
#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

SL_CLONES static size_t bernoulli(const float *logits, const double *uniforms, uint8_t *symbols,
                                  size_t n) {
  size_t refused = 0;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) {
    const float x = logits[i], magnitude = x < 0 ? -x : x;
    // u < 1 / (1 + exp(-x)), but so that both symbols' probabilities are exact to 2e-7 of themselves.
    const double tail = (double)sl_exp(-magnitude);
    symbols[i] = uniforms[i] * (1.0 + tail) < (x < 0 ? tail : 1.0);
    refused += !(magnitude < __builtin_inff());
  }
  return refused;
}

size_t sl_draw_bernoulli(const float *logits, const double *uniforms, uint8_t *symbols, size_t n) {
  return bernoulli(logits, uniforms, symbols, n);
}

enum { PARTS = 8 };
typedef float eight __attribute__((vector_size(32), aligned(4)));
typedef double eight_sums __attribute__((vector_size(64), aligned(8)));

// The columns of eight rows, `apart` from each other.
SL_INLINE void transpose(const float *rows, size_t apart, float *columns) {
  eight x[8], y[8];
#define AT(I) (*(const eight *)(rows + (I) * apart))
  for (size_t i = 0; i < 4; i++) {
    x[2 * i] = __builtin_shufflevector(AT(2 * i), AT(2 * i + 1), 0, 8, 1, 9, 4, 12, 5, 13);
    x[2 * i + 1] = __builtin_shufflevector(AT(2 * i), AT(2 * i + 1), 2, 10, 3, 11, 6, 14, 7, 15);
  }
#undef AT
  for (size_t i = 0; i < 8; i += 4) {
    for (size_t j = 0; j < 2; j++) {
      y[i + 2 * j] = __builtin_shufflevector(x[i + j], x[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      y[i + 2 * j + 1] = __builtin_shufflevector(x[i + j], x[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (size_t i = 0; i < 4; i++) {
    ((eight *)columns)[i] = __builtin_shufflevector(y[i], y[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    ((eight *)columns)[i + 4] = __builtin_shufflevector(y[i], y[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// How many of k levels' cumulated weights, exp(logit - largest) up to each in their order, are at most a
// share of their sum; and the sum.
SL_INLINE size_t level_at(const float *logits, size_t k, double share, double *whole) {
  float weights[SL_MOST_LEVELS], columns[SL_MOST_LEVELS];
  eight_sums sums[SL_MOST_LEVELS / PARTS], totals = {0}, before;
  const float top = sl_largest(logits, k);
#pragma clang loop vectorize(assume_safety)
  for (size_t l = 0; l < k; l++) {
    const float x = logits[l] - top;
    // Not a number fails the comparison and comes through.
    weights[l] = x < -87.3f ? 0.0f : sl_exp_within(x);
  }
  // By parts that are summed side by side: one sum after the other would wait for each addition.
  const size_t part = k / PARTS, rest = part * PARTS;
  if (part % PARTS == 0) {
    for (size_t l = 0; l < part; l += PARTS) transpose(weights + l, part, columns + l * PARTS);
  } else {
    for (size_t l = 0; l < part; l++) {
      for (size_t p = 0; p < PARTS; p++) columns[l * PARTS + p] = weights[p * part + l];
    }
  }
  for (size_t l = 0; l < part; l++) {
    totals += __builtin_convertvector(((const eight *)columns)[l], eight_sums);
    sums[l] = totals;
  }
  double sum = 0;
  for (size_t p = 0; p < PARTS; p++) {
    before[p] = sum;
    sum += totals[p];
  }
  double tail[PARTS];
  for (size_t l = rest; l < k; l++) {
    sum += (double)weights[l];
    tail[l - rest] = sum;
  }
  *whole = sum;
  const double target = sum * share;
  size_t level = 0;
  for (size_t l = rest; l < k; l++) level += tail[l - rest] <= target;
  typedef int64_t counts __attribute__((vector_size(64)));
  counts passed = {0};
  for (size_t l = 0; l < part; l++) passed -= (counts)(sums[l] + before <= target);
  for (size_t p = 0; p < PARTS; p++) level += (size_t)passed[p];
  return level;
}

SL_CLONES static size_t categorical(const float *logits, const double *uniforms, uint8_t *symbols,
                                    size_t n, size_t k) {
  size_t refused = 0;
  for (size_t i = 0; i < n; i++) {
    double sum;
    const size_t level = level_at(logits + i * k, k, uniforms[i], &sum);
    symbols[i] = (uint8_t)(level < k ? level : k - 1);
    // A sum is one at least, for the largest logit's weight is; or it is not a number.
    refused += !(sum >= 1);
  }
  return refused;
}

size_t sl_draw_categorical(const float *logits, const double *uniforms, uint8_t *symbols, size_t n,
                           size_t k) {
  return categorical(logits, uniforms, symbols, n, k);
}
