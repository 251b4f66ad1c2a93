#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

typedef struct {
  const float *dy, *logits;
  const uint8_t *symbols;
  void *y;
  size_t k;
} job;

SL_CLONES static void bernoulli_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  float *y = j->y;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    float logit = j->logits[i];
    y[i] = -sl_softplus(j->symbols[i] ? -logit : logit);
  }
}

void sl_bernoulli_log_probability(const float *logits, const uint8_t *symbols, float *y, size_t n) {
  job j = {0, logits, symbols, y, 1};
  sl_parallel(bernoulli_part, &j, n, 1024);
}

SL_CLONES static void bernoulli_gradient_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  float *y = j->y;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    y[i] = j->dy[i] * ((float)j->symbols[i] - sl_sigmoid(j->logits[i]));
  }
}

void sl_bernoulli_gradient(
    const float *dy, const float *logits, const uint8_t *symbols, float *dlogits, size_t n) {
  job j = {dy, logits, symbols, dlogits, 1};
  sl_parallel(bernoulli_gradient_part, &j, n, 1024);
}

SL_INLINE float sum_of_exponentials(const float *x, size_t k, float top) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < k; i++) sum += sl_exp_negative(x[i] - top);
  return sum;
}

SL_CLONES static void categorical_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  float *y = j->y;
  for (size_t i = begin; i < end; i++) {
    const float *row = j->logits + i * j->k;
    float top = sl_largest(row, j->k);
    y[i] = row[j->symbols[i]] - top - sl_log(sum_of_exponentials(row, j->k, top));
  }
}

void sl_categorical_log_probability(
    const float *logits, const uint8_t *symbols, float *y, size_t n, size_t k) {
  job j = {0, logits, symbols, y, k};
  sl_parallel(categorical_part, &j, n, 16);
}

// The exponentials of a row wait on the stack, so that the gradient is written once, in its precision.
#define CATEGORICAL_GRADIENT(NAME, TYPE, STORE)                                                \
  SL_CLONES static void NAME##_part(void *data, size_t begin, size_t end, int thread) {        \
    _Pragma("clang fp reassociate(on)")(void) thread;                                          \
    const job *j = data;                                                                       \
    float waiting[SL_MOST_LEVELS];                                                             \
    for (size_t i = begin; i < end; i++) {                                                     \
      const float *row = j->logits + i * j->k;                                                 \
      TYPE *gradient = (TYPE *)j->y + i * j->k;                                                \
      float top = sl_largest(row, j->k);                                                          \
      float sum = 0;                                                                           \
      for (size_t l = 0; l < j->k; l++) {                                                      \
        float e = sl_exp_negative(row[l] - top);                                                        \
        waiting[l] = e;                                                                        \
        sum += e;                                                                              \
      }                                                                                        \
      float factor = -j->dy[i] / sum;                                                          \
      for (size_t l = 0; l < j->k; l++) gradient[l] = STORE(waiting[l] * factor);              \
      gradient[j->symbols[i]] = STORE(waiting[j->symbols[i]] * factor + j->dy[i]);             \
    }                                                                                          \
  }                                                                                            \
  void sl_##NAME(const float *dy, const float *logits, const uint8_t *symbols, TYPE *dlogits,  \
                 size_t n, size_t k) {                                                         \
    job j = {dy, logits, symbols, dlogits, k};                                                 \
    sl_parallel(NAME##_part, &j, n, 16);                                                       \
  }

CATEGORICAL_GRADIENT(categorical_gradient_f32, float, )
CATEGORICAL_GRADIENT(categorical_gradient_bf16, uint16_t, sl_narrow)
