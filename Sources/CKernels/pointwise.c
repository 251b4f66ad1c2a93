#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

enum { GRAIN = 4096 };

typedef struct {
  const void *a, *b;
  void *y;
  float scale, offset;
  size_t rows, columns;
  double *sums;
  sl_blocks blocks;
} job;

// A kernel over n items: a vectorised body on [begin, end) and the function that spreads it.
#define POINTWISE(NAME, TYPE_A, TYPE_B, TYPE_Y, EXPRESSION)                              \
  SL_CLONES static void NAME##_part(void *data, size_t begin, size_t end, int thread) {  \
    (void)thread;                                                                        \
    const job *j = data;                                                                 \
    const TYPE_A *a = j->a;                                                              \
    const TYPE_B *b = j->b;                                                              \
    TYPE_Y *y = j->y;                                                                    \
    const float scale = j->scale, offset = j->offset;                                    \
    (void)b, (void)scale, (void)offset;                                                  \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = begin; i < end; i++) { \
      y[i] = EXPRESSION;                                                                 \
    }                                                                                    \
  }

POINTWISE(intensities_f32, uint8_t, float, float, scale *(float)a[i] + offset)
POINTWISE(intensities_bf16, uint8_t, float, uint16_t, sl_narrow(scale *(float)a[i] + offset))
POINTWISE(narrow, float, float, uint16_t, sl_narrow(a[i]))
POINTWISE(widen, uint16_t, float, float, sl_widen(a[i]))
POINTWISE(add_f32, float, float, float, y[i] + a[i])
POINTWISE(add_bf16, uint16_t, float, uint16_t, sl_narrow(sl_widen(y[i]) + sl_widen(a[i])))
POINTWISE(product_f32, float, float, float, a[i] * b[i])
POINTWISE(relu_f32, float, float, float, a[i] < 0 ? 0 : a[i])
// From -0 to -infinity; beyond lies NaN with a sign, which stays.
POINTWISE(relu_bf16, uint16_t, float, uint16_t,
          (a[i] >= 0x8000 && a[i] <= 0xff80) ? (uint16_t)0 : a[i])
POINTWISE(sigmoid_f32, float, float, float, sl_sigmoid(a[i]))
POINTWISE(relu_gradient_f32, float, float, float, a[i] > 0 ? b[i] : 0.0f)
POINTWISE(relu_gradient_add_f32, float, float, float, y[i] + (a[i] > 0 ? b[i] : 0.0f))
POINTWISE(relu_gradient_bf16, uint16_t, uint16_t, uint16_t,
          (int16_t)a[i] > 0 ? b[i] : (uint16_t)0)
POINTWISE(relu_gradient_add_bf16, uint16_t, uint16_t, uint16_t,
          sl_narrow(sl_widen(y[i]) + ((int16_t)a[i] > 0 ? sl_widen(b[i]) : 0.0f)))

static void spread(sl_body body, const void *a, const void *b, void *y, size_t n, float scale,
                   float offset) {
  job j = {.a = a, .b = b, .y = y, .scale = scale, .offset = offset};
  sl_parallel(body, &j, n, GRAIN);
}

void sl_intensities_f32(const uint8_t *symbols, float scale, float offset, float *y, size_t n) {
  spread(intensities_f32_part, symbols, 0, y, n, scale, offset);
}

void sl_intensities_bf16(const uint8_t *symbols, float scale, float offset, uint16_t *y, size_t n) {
  spread(intensities_bf16_part, symbols, 0, y, n, scale, offset);
}

void sl_f32_to_bf16(const float *x, uint16_t *y, size_t n) { spread(narrow_part, x, 0, y, n, 0, 0); }

void sl_bf16_to_f32(const uint16_t *x, float *y, size_t n) { spread(widen_part, x, 0, y, n, 0, 0); }

void sl_add_f32(const float *x, float *y, size_t n) { spread(add_f32_part, x, 0, y, n, 0, 0); }

void sl_add_bf16(const uint16_t *x, uint16_t *y, size_t n) {
  spread(add_bf16_part, x, 0, y, n, 0, 0);
}

void sl_product_f32(const float *a, const float *b, float *y, size_t n) {
  spread(product_f32_part, a, b, y, n, 0, 0);
}

void sl_relu_f32(const float *x, float *y, size_t n) { spread(relu_f32_part, x, 0, y, n, 0, 0); }

void sl_relu_bf16(const uint16_t *x, uint16_t *y, size_t n) {
  spread(relu_bf16_part, x, 0, y, n, 0, 0);
}

void sl_sigmoid_f32(const float *x, float *y, size_t n) {
  spread(sigmoid_f32_part, x, 0, y, n, 0, 0);
}

void sl_relu_gradient_f32(const float *y, const float *dy, float *dx, size_t n, int accumulate) {
  spread(accumulate ? relu_gradient_add_f32_part : relu_gradient_f32_part, y, dy, dx, n, 0, 0);
}

void sl_relu_gradient_bf16(
    const uint16_t *y, const uint16_t *dy, uint16_t *dx, size_t n, int accumulate) {
  spread(accumulate ? relu_gradient_add_bf16_part : relu_gradient_bf16_part, y, dy, dx, n, 0, 0);
}

SL_CLONES static void sum_of_squares_part(void *data, size_t begin, size_t end, int thread) {
#pragma clang fp reassociate(on)
  const job *j = data;
  const float *x = j->a;
  double total = 0;
  for (sl_run run = sl_first_run(j->blocks, begin, end); run.begin < run.end;
       run = sl_next_run(j->blocks, run, end)) {
    // Short float sums, added up in double.
    for (size_t block = run.begin; block < run.end; block += GRAIN) {
      size_t stop = block + GRAIN < run.end ? block + GRAIN : run.end;
      float sum = 0;
      for (size_t i = block; i < stop; i++) sum += x[i] * x[i];
      total += sum;
    }
  }
  j->sums[thread] = total;
}

double sl_sum_of_squares_f32(const float *x, sl_blocks blocks) {
  double sums[SL_MOST_THREADS] = {0};
  job j = {.a = x, .sums = sums, .blocks = blocks};
  sl_parallel(sum_of_squares_part, &j, sl_count(blocks), GRAIN);
  double total = 0;
  for (int part = 0; part < SL_MOST_THREADS; part++) total += sums[part];
  return total;
}

typedef struct {
  float *x;
  const ptrdiff_t *from, *to;
  size_t columns;
} clear_job;

static void clear_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const clear_job *j = data;
  for (size_t row = begin; row < end; row++) {
    const ptrdiff_t from = j->from[row];
    memset(j->x + row * j->columns + from, 0, (size_t)(j->to[row] - from) * sizeof(float));
  }
}

void sl_clear(float *x, const ptrdiff_t *from, const ptrdiff_t *to, size_t rows, size_t columns) {
  clear_job j = {x, from, to, columns};
  sl_parallel(clear_part, &j, rows, 16);
}

// Each thread sums some columns of all rows, a block of rows at a time in registers or cache.
#define SUM_OF_ROWS(NAME, TYPE, WIDEN)                                                     \
  SL_CLONES static void NAME##_part(void *data, size_t begin, size_t end, int thread) {    \
    (void)thread;                                                                          \
    const job *j = data;                                                                   \
    const TYPE *x = j->a;                                                                  \
    float *y = j->y;                                                                       \
    for (size_t c = begin; c < end; c++) y[c] = 0;                                         \
    for (size_t r = 0; r < j->rows; r++) {                                                 \
      const TYPE *row = x + r * j->columns;                                                \
      _Pragma("clang loop vectorize(assume_safety)") for (size_t c = begin; c < end; c++) { \
        y[c] += WIDEN(row[c]);                                                             \
      }                                                                                    \
    }                                                                                      \
  }

SUM_OF_ROWS(sum_of_rows_f32, float, )
SUM_OF_ROWS(sum_of_rows_bf16, uint16_t, sl_widen)

void sl_sum_of_rows_f32(const float *x, size_t rows, size_t columns, float *y) {
  job j = {.a = x, .y = y, .rows = rows, .columns = columns};
  sl_parallel(sum_of_rows_f32_part, &j, columns, 32);
}

void sl_sum_of_rows_bf16(const uint16_t *x, size_t rows, size_t columns, float *y) {
  job j = {.a = x, .y = y, .rows = rows, .columns = columns};
  sl_parallel(sum_of_rows_bf16_part, &j, columns, 32);
}

typedef struct {
  sl_dropout mask;
  const void *x;
  void *y;
} dropout_job;

#define DROPOUT(NAME, TYPE, SCALED)                                                           \
  SL_CLONES static void NAME##_part(void *data, size_t begin, size_t end, int thread) {       \
    (void)thread;                                                                             \
    const dropout_job *j = data;                                                              \
    const TYPE *x = j->x;                                                                     \
    TYPE *y = j->y;                                                                           \
    const uint32_t low = (uint32_t)j->mask.key, high = (uint32_t)(j->mask.key >> 32);         \
    const uint32_t threshold = j->mask.threshold;                                             \
    const float scale = j->mask.scale;                                                        \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = begin; i < end; i++) {     \
      y[i] = sl_draw((uint32_t)i, low, high) >= threshold ? (TYPE)(SCALED) : (TYPE)0;  \
    }                                                                                         \
  }                                                                                           \
  void sl_##NAME(const sl_dropout *mask, const TYPE *x, TYPE *y, size_t n) {                  \
    dropout_job j = {*mask, x, y};                                                            \
    sl_parallel(NAME##_part, &j, n, GRAIN);                                                   \
  }

DROPOUT(dropout_f32, float, scale *x[i])
DROPOUT(dropout_bf16, uint16_t, sl_narrow(scale *sl_widen(x[i])))

typedef struct {
  const void *x, *planes;
  void *y;
  size_t pixels, c, p;
} append_job;

#define APPEND_CHANNELS(NAME, TYPE)                                                           \
  static void NAME##_part(void *data, size_t begin, size_t end, int thread) {                 \
    (void)thread;                                                                             \
    const append_job *j = data;                                                               \
    for (size_t i = begin; i < end; i++) {                                                    \
      TYPE *y = (TYPE *)j->y + i * (j->c + j->p);                                             \
      const TYPE *x = (const TYPE *)j->x + i * j->c;                                          \
      const TYPE *planes = (const TYPE *)j->planes + i % j->pixels * j->p;                    \
      for (size_t k = 0; k < j->c; k++) y[k] = x[k];                                          \
      for (size_t k = 0; k < j->p; k++) y[j->c + k] = planes[k];                              \
    }                                                                                         \
  }                                                                                           \
  void sl_##NAME(const TYPE *x, const TYPE *planes, TYPE *y, size_t images, size_t pixels,    \
                 size_t c, size_t p) {                                                        \
    append_job j = {x, planes, y, pixels, c, p};                                              \
    sl_parallel(NAME##_part, &j, images * pixels, GRAIN);                                     \
  }

APPEND_CHANNELS(append_channels_f32, float)
APPEND_CHANNELS(append_channels_bf16, uint16_t)
