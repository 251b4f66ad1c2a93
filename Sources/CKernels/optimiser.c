#include "kernels.h"
#include "pool.h"

#pragma clang fp contract(fast)

typedef struct {
  sl_adamw_step step;
  float *weights;
  const float *gradient;
  float *first, *second, *average;
  sl_rows rows;
} job;

// One pass over five streams: the step is bound by memory.
SL_INLINE void adamw_run(const job *j, size_t begin, size_t end) {
  const sl_adamw_step s = j->step;
  const float inverse_first = 1.0f / s.first_correction;
  const float inverse_second = 1.0f / s.second_correction;
  float *weights = j->weights, *first = j->first, *second = j->second, *average = j->average;
  const float *gradient = j->gradient;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    float g = gradient[i] * s.gradient_scale;
    float m = s.beta1 * first[i] + (1.0f - s.beta1) * g;
    float v = s.beta2 * second[i] + (1.0f - s.beta2) * g * g;
    float direction = m * inverse_first / (__builtin_elementwise_sqrt(v * inverse_second) + s.epsilon);
    float w = weights[i] - s.learning_rate * (direction + s.weight_decay * weights[i]);
    first[i] = m;
    second[i] = v;
    weights[i] = w;
    average[i] = s.average_decay * average[i] + (1.0f - s.average_decay) * w;
  }
}

SL_CLONES static void adamw_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  for (sl_run run = sl_first_run(j->rows, begin, end); run.begin < run.end;
       run = sl_next_run(j->rows, run, end)) {
    adamw_run(j, run.begin, run.end);
  }
}

void sl_adamw(const sl_adamw_step *step, float *weights, const float *gradient, float *first,
              float *second, float *average, size_t rows, size_t columns, size_t stride) {
  job j = {*step, weights, gradient, first, second, average, {columns, stride}};
  sl_parallel(adamw_part, &j, rows * columns, 4096);
}
