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

// Sums of exp(logit - largest) up to each of k levels, in their order; their last.
SL_CLONES static double cumulate(const float *logits, size_t k, double *sums) {
  enum { PARTS = 8 };
  float weights[SL_MOST_LEVELS];
  const float top = sl_largest(logits, k);
#pragma clang loop vectorize(assume_safety)
  for (size_t l = 0; l < k; l++) {
    const float x = logits[l] - top;
    // Not a number fails the comparison and comes through.
    weights[l] = x < -87.3f ? 0.0f : sl_exp_within(x);
  }
  // By parts that are summed side by side: one sum after the other would wait for each addition.
  const size_t part = k / PARTS, rest = part * PARTS;
  double totals[PARTS] = {0};
  for (size_t l = 0; l < part; l++) {
    for (size_t p = 0; p < PARTS; p++) {
      totals[p] += (double)weights[p * part + l];
      sums[p * part + l] = totals[p];
    }
  }
  double sum = 0;
  for (size_t p = 0; p < PARTS; p++) {
    for (size_t l = 0; l < part; l++) sums[p * part + l] += sum;
    sum += totals[p];
  }
  for (size_t l = rest; l < k; l++) {
    sum += (double)weights[l];
    sums[l] = sum;
  }
  return sum;
}

// A sum is one at least, for the largest logit's weight is; or it is not a number.
static int is_refused(double sum) { return !(sum >= 1); }

SL_CLONES static size_t categorical(const float *logits, const double *uniforms, uint8_t *symbols,
                                    size_t n, size_t k) {
  size_t refused = 0;
  double sums[SL_MOST_LEVELS];
  for (size_t i = 0; i < n; i++) {
    const double target = cumulate(logits + i * k, k, sums) * uniforms[i];
    size_t level = 0;
    for (size_t l = 0; l + 1 < k; l++) level += sums[l] <= target;
    symbols[i] = (uint8_t)level;
    refused += (size_t)is_refused(sums[k - 1]);
  }
  return refused;
}

size_t sl_draw_categorical(const float *logits, const double *uniforms, uint8_t *symbols, size_t n,
                           size_t k) {
  return categorical(logits, uniforms, symbols, n, k);
}
