// All hidden states of NADE, one after the other, for heads with several outputs a dimension: their dot
// products are matrix products.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

typedef struct {
  const float *x, *w, *c, *h, *dh;
  float *states, *dx;
  // Gradients of w and c, by thread.
  float *sums;
  size_t images, dimension, hidden;
  // Whether units are max(0, a) and not sigmoids.
  int rectified;
} job;

SL_INLINE void add_scaled(float *y, float scale, const float *x, size_t n) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) y[i] += scale * x[i];
}

SL_INLINE void units_of(const float *a, float *h, size_t n, int rectified) {
  if (rectified) {
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < n; i++) h[i] = a[i] < 0 ? 0 : a[i];
    return;
  }
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) h[i] = sl_sigmoid(a[i]);
}

// What hidden states want of the activation, added to what later ones do.
SL_INLINE void through_units(float *da, const float *dh, const float *h, size_t n, int rectified) {
  if (rectified) {
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < n; i++) da[i] += h[i] > 0 ? dh[i] : 0;
    return;
  }
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) da[i] += dh[i] * h[i] * (1.0f - h[i]);
}

// Adds up the threads' sums in a fixed order.
typedef struct {
  const float *sums;
  float *dw, *dc;
  size_t stride, weights;
  int parts;
} reduction;

SL_CLONES static void reduce_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const reduction *r = data;
  for (size_t i = begin; i < end; i++) {
    float sum = 0;
    for (int part = 0; part < r->parts; part++) sum += r->sums[(size_t)part * r->stride + i];
    if (i < r->weights) {
      r->dw[i] = sum;
    } else {
      r->dc[i - r->weights] = sum;
    }
  }
}

SL_CLONES static void hidden_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, H = j->hidden;
  float *a = malloc(H * sizeof(float));
  for (size_t n = begin; n < end; n++) {
    memcpy(a, j->c, H * sizeof(float));
    for (size_t d = 0; d < D; d++) {
      units_of(a, j->states + (d * j->images + n) * H, H, j->rectified);
      add_scaled(a, j->x[n * D + d], j->w + d * H, H);
    }
  }
  free(a);
}

void sl_nade_hidden(const float *x, const float *w, const float *c, float *h, size_t images,
                    size_t dimension, size_t hidden, int rectified) {
  job j = {.x = x, .w = w, .c = c, .states = h, .images = images, .dimension = dimension,
           .hidden = hidden, .rectified = rectified};
  sl_parallel(hidden_part, &j, images, 1);
}

SL_CLONES static void hidden_gradient_part(void *data, size_t begin, size_t end, int thread) {
  const job *j = data;
  const size_t D = j->dimension, H = j->hidden;
  float *dw = j->sums + (size_t)thread * (D + 1) * H, *dc = dw + D * H;
  float *da = malloc(H * sizeof(float));
  for (size_t n = begin; n < end; n++) {
    memset(da, 0, H * sizeof(float));
    for (size_t d = D; d-- > 0;) {
      const float *dh = j->dh + (d * j->images + n) * H, *h = j->h + (d * j->images + n) * H;
      add_scaled(dw + d * H, j->x[n * D + d], da, H);
      through_units(da, dh, h, H, j->rectified);
    }
    add_scaled(dc, 1, da, H);
  }
  free(da);
}

SL_CLONES static void input_gradient_part(void *data, size_t begin, size_t end, int thread) {
#pragma clang fp reassociate(on)
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, H = j->hidden;
  float *da = malloc(H * sizeof(float));
  for (size_t n = begin; n < end; n++) {
    memset(da, 0, H * sizeof(float));
    for (size_t d = D; d-- > 0;) {
      const float *w = j->w + d * H;
      const size_t at = (d * j->images + n) * H;
      float sum = 0;
      for (size_t i = 0; i < H; i++) sum += da[i] * w[i];
      j->dx[n * D + d] = sum;
      through_units(da, j->dh + at, j->h + at, H, j->rectified);
    }
  }
  free(da);
}

void sl_nade_input_gradient(const float *dh, const float *h, const float *w, float *dx,
                            size_t images, size_t dimension, size_t hidden, int rectified) {
  job j = {.dh = dh, .h = h, .w = w, .dx = dx, .images = images, .dimension = dimension,
           .hidden = hidden, .rectified = rectified};
  sl_parallel(input_gradient_part, &j, images, 1);
}

void sl_nade_hidden_gradient(const float *dh, const float *h, const float *x, float *dw, float *dc,
                             size_t images, size_t dimension, size_t hidden, int rectified) {
  size_t stride = (dimension + 1) * hidden;
  int parts = sl_parts(images, 1);
  float *sums = calloc((size_t)parts * stride, sizeof(float));
  job j = {.dh = dh, .x = x, .h = h, .sums = sums, .images = images, .dimension = dimension,
           .hidden = hidden, .rectified = rectified};
  sl_parallel(hidden_gradient_part, &j, images, 1);
  reduction r = {sums, dw, dc, stride, dimension * hidden, parts};
  sl_parallel(reduce_part, &r, stride, 4096);
  free(sums);
}
