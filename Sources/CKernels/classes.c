#include "classes.h"

#include <stdint.h>

#include "numerics.h"
#include "pool.h"

typedef struct {
  const float *bias;
  const void *x;
  void *y;
  size_t images, each, width;
} bias_job;

#define ADD_BIAS(NAME, TYPE, WIDEN, NARROW)                                                     \
  SL_CLONES static void NAME(void *data, size_t begin, size_t end, int thread) {                \
    (void)thread;                                                                               \
    const bias_job *j = data;                                                                   \
    const size_t width = j->width;                                                              \
    for (size_t row = begin; row < end; row++) {                                                \
      const float *b = j->bias + row / j->each % j->images * width;                             \
      const TYPE *x = (const TYPE *)j->x + row * width;                                         \
      TYPE *y = (TYPE *)j->y + row * width;                                                     \
      _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < width; i++) y[i] =  \
          NARROW(WIDEN(x[i]) + b[i]);                                                           \
    }                                                                                           \
  }

#define SAME(X) (X)
ADD_BIAS(add_bias_f32, float, SAME, SAME)
ADD_BIAS(add_bias_bf16, uint16_t, sl_widen, sl_narrow)

void sl_add_bias(const float *bias, size_t images, size_t each, const void *x, void *y, size_t rows,
                 size_t width, int half) {
  bias_job job = {.bias = bias, .x = x, .y = y, .images = images, .each = each, .width = width};
  const size_t grain = width < 4096 ? 4096 / (width ? width : 1) : 1;
  sl_parallel(half ? add_bias_bf16 : add_bias_f32, &job, rows, grain);
}
