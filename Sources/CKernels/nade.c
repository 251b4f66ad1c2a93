// NADE (Larochelle and Murray 2011). The hidden state of an image changes only where a pixel is not
// zero, about one pixel in eight of a binarized digit. Between such places the forward pass is one
// dot product a pixel, and the backward pass can gather what the pixels want of the same state and
// send it through the sigmoid once. Both are exact for any x.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

// Images that share each row of weights while it is in the first-level cache.
enum { TILE = 4 };

typedef struct {
  const float *dlogits, *x, *w, *c, *v, *b;
  float *out;
  // Sums a thread: [threads][2 * D * H + H], for dw, dv and dc.
  float *sums;
  size_t images, dimension, hidden;
} job;

SL_INLINE float dot(const float *a, const float *b, size_t n) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

// a += x * w, h = sigmoid(a)
SL_INLINE void advance(float *a, const float *w, float x, float *h, size_t n) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) {
    float sum = a[i] + x * w[i];
    a[i] = sum;
    h[i] = sl_sigmoid(sum);
  }
}

SL_INLINE void sigmoids(const float *a, float *h, size_t n) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) h[i] = sl_sigmoid(a[i]);
}

SL_CLONES static void forward_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, H = j->hidden;
  float *scratch = malloc((2 * TILE + 1) * H * sizeof(float));
  float *a = scratch, *h = scratch + TILE * H, *first = h + TILE * H;
  sigmoids(j->c, first, H);
  for (size_t tile = begin; tile < end; tile += TILE) {
    size_t count = end - tile < TILE ? end - tile : TILE;
    for (size_t t = 0; t < count; t++) {
      memcpy(a + t * H, j->c, H * sizeof(float));
      memcpy(h + t * H, first, H * sizeof(float));
    }
    for (size_t d = 0; d < D; d++) {
      for (size_t t = 0; t < count; t++) {
        size_t place = (tile + t) * D + d;
        j->out[place] = j->b[d] + dot(h + t * H, j->v + d * H, H);
        if (j->x[place] != 0) advance(a + t * H, j->w + d * H, j->x[place], h + t * H, H);
      }
    }
  }
  free(scratch);
}

void sl_nade(const float *x, const float *w, const float *c, const float *v, const float *b,
             float *logits, size_t images, size_t dimension, size_t hidden) {
  job j = {0, x, w, c, v, b, logits, 0, images, dimension, hidden};
  sl_parallel(forward_part, &j, images, TILE);
}

// da += wanted * h * (1 - h), wanted = 0
SL_INLINE void through_sigmoid(float *da, float *wanted, const float *h, size_t n) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) {
    da[i] += wanted[i] * h[i] * (1.0f - h[i]);
    wanted[i] = 0;
  }
}

SL_INLINE void add_scaled(float *y, float scale, const float *x, size_t n) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) y[i] += scale * x[i];
}

// What one pixel of a tile adds: dv += sum g_t h_t, and wanted_t += g_t v.
SL_INLINE void gather(const float *g, const float *const *h, float *wanted, const float *v,
                      float *dv, size_t n) {
  const float g0 = g[0], g1 = g[1], g2 = g[2], g3 = g[3];
  const float *h0 = h[0], *h1 = h[1], *h2 = h[2], *h3 = h[3];
  float *w0 = wanted, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < n; i++) {
    float weight = v[i];
    dv[i] += g0 * h0[i] + g1 * h1[i] + g2 * h2[i] + g3 * h3[i];
    w0[i] += g0 * weight;
    w1[i] += g1 * weight;
    w2[i] += g2 * weight;
    w3[i] += g3 * weight;
  }
}

SL_CLONES static void backward_part(void *data, size_t begin, size_t end, int thread) {
  const job *j = data;
  const size_t D = j->dimension, H = j->hidden;
  float *dw = j->sums + (size_t)thread * (2 * D + 1) * H, *dv = dw + D * H, *dc = dv + D * H;
  // The hidden states of each image, one more than it has pixels that are not zero.
  float *states = malloc(TILE * (D + 1) * H * sizeof(float));
  float *scratch = calloc((2 * TILE + 1) * H, sizeof(float));
  float *a = scratch, *da = a + H, *wanted = da + TILE * H;
  for (size_t tile = begin; tile < end; tile += TILE) {
    size_t count = end - tile < TILE ? end - tile : TILE;
    const float *current[TILE];
    for (size_t t = 0; t < TILE; t++) {
      float *state = states + t * (D + 1) * H;
      memcpy(a, j->c, H * sizeof(float));
      sigmoids(a, state, H);
      for (size_t d = 0; t < count && d < D; d++) {
        float x = j->x[(tile + t) * D + d];
        if (x == 0) continue;
        state += H;
        advance(a, j->w + d * H, x, state, H);
      }
      current[t] = state;
    }
    memset(da, 0, TILE * H * sizeof(float));
    for (size_t d = D; d-- > 0;) {
      float g[TILE] = {0};
      for (size_t t = 0; t < count; t++) {
        size_t place = (tile + t) * D + d;
        g[t] = j->dlogits[place];
        if (j->x[place] == 0) continue;
        through_sigmoid(da + t * H, wanted + t * H, current[t], H);
        add_scaled(dw + d * H, j->x[place], da + t * H, H);
        current[t] -= H;
      }
      gather(g, current, wanted, j->v + d * H, dv + d * H, H);
    }
    for (size_t t = 0; t < count; t++) {
      through_sigmoid(da + t * H, wanted + t * H, current[t], H);
      add_scaled(dc, 1, da + t * H, H);
    }
  }
  free(states);
  free(scratch);
}

// Adds up the threads' sums in a fixed order.
typedef struct {
  const float *sums;
  float *dw, *dv, *dc;
  size_t stride, weights, hidden;
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
    } else if (i < r->stride - r->hidden) {
      r->dv[i - r->weights] = sum;
    } else {
      r->dc[i - (r->stride - r->hidden)] = sum;
    }
  }
}

void sl_nade_gradient(const float *dlogits, const float *x, const float *w, const float *c,
                      const float *v, float *dw, float *dc, float *dv, size_t images,
                      size_t dimension, size_t hidden) {
  size_t stride = (2 * dimension + 1) * hidden;
  int parts = sl_parts(images, TILE);
  float *sums = calloc((size_t)parts * stride, sizeof(float));
  job j = {dlogits, x, w, c, v, 0, 0, sums, images, dimension, hidden};
  sl_parallel(backward_part, &j, images, TILE);
  reduction r = {sums, dw, dv, dc, stride, dimension * hidden, hidden, parts};
  sl_parallel(reduce_part, &r, stride, 4096);
  free(sums);
}

SL_CLONES static void hidden_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, H = j->hidden;
  float *a = malloc(H * sizeof(float));
  for (size_t n = begin; n < end; n++) {
    memcpy(a, j->c, H * sizeof(float));
    for (size_t d = 0; d < D; d++) {
      sigmoids(a, j->out + (d * j->images + n) * H, H);
      add_scaled(a, j->x[n * D + d], j->w + d * H, H);
    }
  }
  free(a);
}

void sl_nade_hidden(const float *x, const float *w, const float *c, float *h, size_t images,
                    size_t dimension, size_t hidden) {
  job j = {0, x, w, c, 0, 0, h, 0, images, dimension, hidden};
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
      const float *dh = j->dlogits + (d * j->images + n) * H, *h = j->v + (d * j->images + n) * H;
      add_scaled(dw + d * H, j->x[n * D + d], da, H);
#pragma clang loop vectorize(assume_safety)
      for (size_t i = 0; i < H; i++) da[i] += dh[i] * h[i] * (1.0f - h[i]);
    }
    add_scaled(dc, 1, da, H);
  }
  free(da);
}

void sl_nade_hidden_gradient(const float *dh, const float *h, const float *x, float *dw, float *dc,
                             size_t images, size_t dimension, size_t hidden) {
  size_t stride = (dimension + 1) * hidden;
  int parts = sl_parts(images, 1);
  float *sums = calloc((size_t)parts * stride, sizeof(float));
  job j = {dh, x, 0, 0, h, 0, 0, sums, images, dimension, hidden};
  sl_parallel(hidden_gradient_part, &j, images, 1);
  reduction r = {sums, dw, 0, dc, stride, dimension * hidden, hidden, parts};
  sl_parallel(reduce_part, &r, stride, 4096);
  free(sums);
}
