// Layer normalisation and GELU, with their gradients.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#define EACH(I, N) \
  _Pragma("clang loop vectorize(assume_safety) interleave_count(1)") for (size_t I = 0; I < (N); I++)

typedef struct {
  const void *x, *dy;
  const float *gain, *bias;
  void *y;
  float *sums;
  size_t channels;
  float epsilon;
} norm_job;

// Sixteen sums side by side, then those in their order: vectors, and always the same bits.
#define SUM(TOTAL, I, N, TERM)                                             \
  {                                                                        \
    float parts[16] = {0};                                                 \
    size_t I = 0;                                                          \
    for (; I + 16 <= (N); I += 16) {                                       \
      const size_t first = I;                                              \
      EACH(lane, 16) {                                                     \
        const size_t I = first + lane;                                     \
        parts[lane] += TERM;                                               \
      }                                                                    \
    }                                                                      \
    for (; I < (N); I++) parts[I % 16] += TERM;                            \
    TOTAL = 0;                                                             \
    for (int lane = 0; lane < 16; lane++) TOTAL += parts[lane];            \
  }

#define SAME(X) (X)
#define NORM(NAME, TYPE, WIDEN, NARROW)                                                             \
  SL_CLONES static void norm_##NAME(void *data, size_t begin, size_t end, int thread) {             \
    (void)thread;                                                                                   \
    const norm_job *j = data;                                                                       \
    const size_t C = j->channels;                                                                   \
    for (size_t row = begin; row < end; row++) {                                                    \
      const TYPE *x = (const TYPE *)j->x + row * C;                                                 \
      TYPE *y = (TYPE *)j->y + row * C;                                                             \
      float sum, squares;                                                                           \
      SUM(sum, i, C, WIDEN(x[i]))                                                                   \
      const float mean = sum / (float)C;                                                            \
      SUM(squares, i, C, (WIDEN(x[i]) - mean) * (WIDEN(x[i]) - mean))                               \
      const float rate = 1.0f / __builtin_sqrtf(squares / (float)C + j->epsilon);                   \
      EACH(i, C) y[i] = NARROW((WIDEN(x[i]) - mean) * rate * j->gain[i] + j->bias[i]);              \
    }                                                                                               \
  }                                                                                                 \
  /* sums [2, C] of a thread: those of the gain's gradient, then the bias's. */                     \
  SL_CLONES static void norm_gradient_##NAME(void *data, size_t begin, size_t end, int thread) {    \
    const norm_job *j = data;                                                                       \
    const size_t C = j->channels;                                                                   \
    float *of_gain = j->sums + (size_t)thread * 2 * C, *of_bias = of_gain + C;                      \
    for (size_t row = begin; row < end; row++) {                                                    \
      const TYPE *x = (const TYPE *)j->x + row * C, *dy = (const TYPE *)j->dy + row * C;            \
      TYPE *dx = (TYPE *)j->y + row * C;                                                            \
      const float *gain = j->gain;                                                                  \
      float sum, squares, slope, tilt;                                                              \
      SUM(sum, i, C, WIDEN(x[i]))                                                                   \
      const float mean = sum / (float)C;                                                            \
      SUM(squares, i, C, (WIDEN(x[i]) - mean) * (WIDEN(x[i]) - mean))                               \
      const float rate = 1.0f / __builtin_sqrtf(squares / (float)C + j->epsilon);                   \
      SUM(slope, i, C, WIDEN(dy[i]) * gain[i])                                                      \
      SUM(tilt, i, C, WIDEN(dy[i]) * gain[i] * (WIDEN(x[i]) - mean) * rate)                         \
      const float level = slope / (float)C, along = tilt / (float)C;                                \
      EACH(i, C) {                                                                                  \
        const float normal = (WIDEN(x[i]) - mean) * rate, g = WIDEN(dy[i]);                         \
        of_gain[i] += g * normal;                                                                   \
        of_bias[i] += g;                                                                            \
        dx[i] = NARROW(rate * (g * gain[i] - level - normal * along));                              \
      }                                                                                             \
    }                                                                                               \
  }

NORM(f32, float, SAME, SAME)
NORM(bf16, uint16_t, sl_widen, sl_narrow)

static size_t grain(size_t channels) { return 4096 / channels + 1; }

void sl_norm(const void *x, const float *gain, const float *bias, float epsilon, void *y, size_t rows,
             size_t channels, int half) {
  norm_job j = {.x = x, .gain = gain, .bias = bias, .y = y, .channels = channels, .epsilon = epsilon};
  sl_parallel(half ? norm_bf16 : norm_f32, &j, rows, grain(channels));
}

size_t sl_norm_scratch_count(size_t rows, size_t channels) {
  return (size_t)sl_parts(rows, grain(channels)) * 2 * channels;
}

void sl_norm_gradient(const void *dy, const void *x, const float *gain, float epsilon, void *dx,
                      float *dgain, float *dbias, size_t rows, size_t channels, int half,
                      float *scratch) {
  norm_job j = {.x = x, .dy = dy, .gain = gain, .y = dx, .sums = scratch, .channels = channels,
                .epsilon = epsilon};
  const size_t count = sl_norm_scratch_count(rows, channels);
  memset(scratch, 0, count * sizeof(float));
  sl_parallel(half ? norm_gradient_bf16 : norm_gradient_f32, &j, rows, grain(channels));
  for (size_t i = 0; i < channels; i++) {
    dgain[i] = dbias[i] = 0;
    for (size_t part = 0; part < count; part += 2 * channels) {
      dgain[i] += scratch[part + i];
      dbias[i] += scratch[part + channels + i];
    }
  }
}

typedef struct {
  const void *x, *dy;
  void *y;
} gelu_job;

// 2 sqrt(2 / pi), and the cube's share.
#define RATE 1.5957691216f
#define CUBE 0.044715f

#define GELU(NAME, TYPE, WIDEN, NARROW)                                                             \
  SL_CLONES static void gelu_##NAME(void *data, size_t begin, size_t end, int thread) {             \
    (void)thread;                                                                                   \
    const gelu_job *j = data;                                                                       \
    const TYPE *from = j->x;                                                                        \
    TYPE *y = j->y;                                                                                 \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = begin; i < end; i++) {           \
      const float x = WIDEN(from[i]);                                                               \
      y[i] = NARROW(x * sl_sigmoid(RATE * (x + CUBE * x * x * x)));                                 \
    }                                                                                               \
  }                                                                                                 \
  SL_CLONES static void gelu_gradient_##NAME(void *data, size_t begin, size_t end, int thread) {    \
    (void)thread;                                                                                   \
    const gelu_job *j = data;                                                                       \
    const TYPE *from = j->x, *dy = j->dy;                                                           \
    TYPE *dx = j->y;                                                                                \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = begin; i < end; i++) {           \
      const float x = WIDEN(from[i]), s = sl_sigmoid(RATE * (x + CUBE * x * x * x));                \
      const float slope = s + x * s * (1.0f - s) * RATE * (1.0f + 3.0f * CUBE * x * x);             \
      dx[i] = NARROW(WIDEN(dy[i]) * slope);                                                         \
    }                                                                                               \
  }

GELU(f32, float, SAME, SAME)
GELU(bf16, uint16_t, sl_widen, sl_narrow)

void sl_gelu(const void *x, void *y, size_t n, int half) {
  gelu_job j = {.x = x, .y = y};
  sl_parallel(half ? gelu_bf16 : gelu_f32, &j, n, 4096);
}

void sl_gelu_gradient(const void *dy, const void *x, void *dx, size_t n, int half) {
  gelu_job j = {.x = x, .dy = dy, .y = dx};
  sl_parallel(half ? gelu_gradient_bf16 : gelu_gradient_f32, &j, n, 4096);
}
