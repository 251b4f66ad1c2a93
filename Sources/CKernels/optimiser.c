#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

typedef struct {
  sl_adamw_step step;
  float *weights;
  const float *gradient;
  float *first, *second, *average;
  uint16_t *copy;
  sl_blocks blocks;
} job;

// One pass over all streams: the step is bound by memory, and those that nobody wants stay out of it.
SL_INLINE void adamw_run(const job *j, size_t begin, size_t end, int averaging, int copying) {
  const sl_adamw_step s = j->step;
  const float inverse_first = 1.0f / s.first_correction;
  const float inverse_second = 1.0f / s.second_correction;
  float *weights = j->weights, *first = j->first, *second = j->second, *average = j->average;
  const float *gradient = j->gradient;
  uint16_t *copy = j->copy;
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
    if (averaging) average[i] = s.average_decay * average[i] + (1.0f - s.average_decay) * w;
    if (copying) copy[i] = sl_narrow(w);
  }
}

SL_CLONES static void adamw_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const int averaging = j->step.average_decay != 1.0f, copying = j->copy != NULL;
  for (sl_run run = sl_first_run(j->blocks, begin, end); run.begin < run.end;
       run = sl_next_run(j->blocks, run, end)) {
    if (averaging && copying) {
      adamw_run(j, run.begin, run.end, 1, 1);
    } else if (averaging) {
      adamw_run(j, run.begin, run.end, 1, 0);
    } else if (copying) {
      adamw_run(j, run.begin, run.end, 0, 1);
    } else {
      adamw_run(j, run.begin, run.end, 0, 0);
    }
  }
}

void sl_adamw(const sl_adamw_step *step, float *weights, const float *gradient, float *first,
              float *second, float *average, uint16_t *copy, sl_blocks blocks) {
  job j = {*step, weights, gradient, first, second, average, copy, blocks};
  sl_parallel(adamw_part, &j, sl_count(blocks), 4096);
}
