#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

typedef struct {
  const float *dy, *logits;
  const uint8_t *symbols;
  float *y;
  size_t k;
} job;

SL_CLONES static void bernoulli_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    float logit = j->logits[i];
    j->y[i] = -sl_softplus(j->symbols[i] ? -logit : logit);
  }
}

void sl_bernoulli_log_probability(const float *logits, const uint8_t *symbols, float *y, size_t n) {
  job j = {0, logits, symbols, y, 1};
  sl_parallel(bernoulli_part, &j, n, 1024);
}

SL_CLONES static void bernoulli_gradient_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    j->y[i] = j->dy[i] * ((float)j->symbols[i] - sl_sigmoid(j->logits[i]));
  }
}

void sl_bernoulli_gradient(
    const float *dy, const float *logits, const uint8_t *symbols, float *dlogits, size_t n) {
  job j = {dy, logits, symbols, dlogits, 1};
  sl_parallel(bernoulli_gradient_part, &j, n, 1024);
}

SL_INLINE float largest(const float *x, size_t k) {
  float top = x[0];
  for (size_t i = 1; i < k; i++) top = x[i] > top ? x[i] : top;
  return top;
}

SL_INLINE float sum_of_exponentials(const float *x, size_t k, float top) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < k; i++) sum += sl_exp(x[i] - top);
  return sum;
}

SL_CLONES static void categorical_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  for (size_t i = begin; i < end; i++) {
    const float *row = j->logits + i * j->k;
    float top = largest(row, j->k);
    j->y[i] = row[j->symbols[i]] - top - sl_log(sum_of_exponentials(row, j->k, top));
  }
}

void sl_categorical_log_probability(
    const float *logits, const uint8_t *symbols, float *y, size_t n, size_t k) {
  job j = {0, logits, symbols, y, k};
  sl_parallel(categorical_part, &j, n, 16);
}

SL_CLONES static void categorical_gradient_part(void *data, size_t begin, size_t end, int thread) {
#pragma clang fp reassociate(on)
  (void)thread;
  const job *j = data;
  for (size_t i = begin; i < end; i++) {
    const float *row = j->logits + i * j->k;
    float *gradient = j->y + i * j->k;
    float top = largest(row, j->k);
    float sum = 0;
    for (size_t l = 0; l < j->k; l++) {
      float e = sl_exp(row[l] - top);
      gradient[l] = e;
      sum += e;
    }
    float factor = -j->dy[i] / sum;
    for (size_t l = 0; l < j->k; l++) gradient[l] *= factor;
    gradient[j->symbols[i]] += j->dy[i];
  }
}

void sl_categorical_gradient(const float *dy, const float *logits, const uint8_t *symbols,
                             float *dlogits, size_t n, size_t k) {
  job j = {dy, logits, symbols, dlogits, k};
  sl_parallel(categorical_gradient_part, &j, n, 16);
}
