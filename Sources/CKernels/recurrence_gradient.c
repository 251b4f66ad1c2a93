// The way back through recurrent cells: the fronts in reverse. Of the forward pass it has the sums before the
// activations, and c at the beginning of each segment of fronts, from which those within are computed anew.
#include "recurrent.h"

SL_INLINE float kept_at(const void *kept, size_t i, const int half) {
  return half ? sl_widen(((const uint16_t *)kept)[i]) : ((const float *)kept)[i];
}

// c of a front from what was kept: the arithmetic of the forward pass but for h.
SL_INLINE void states(const int half, const sl_recurrence *s, size_t n, const char *kept,
                      const float *before, float *c) {
  for (size_t group = 0; group < s->groups; group++) {
    const void *k = kept + group * 4 * n * (half ? 2 : 4);
    const float *from = before + group * n;
    float *to = c + group * n;
    if (s->cell == SL_GRU) {
      EACH for (size_t i = 0; i < n; i++) {
        const float reset = kept_at(k, i, half), update = kept_at(k, i + n, half);
        const float own = kept_at(k, i + 2 * n, half), seen = kept_at(k, i + 3 * n, half);
        const float new = tanh_of(own + sl_sigmoid(reset) * seen);
        to[i] = new + sl_sigmoid(update) * (from[i] - new);
      }
    } else {
      EACH for (size_t i = 0; i < n; i++) {
        const float input = kept_at(k, i, half), forget = kept_at(k, i + n, half);
        const float new = kept_at(k, i + 2 * n, half);
        const float e = sl_exp(-2.0f * within_nine(new)), f = sl_exp(-input);
        to[i] = sl_sigmoid(forget) * from[i] + (1.0f - e) / ((1.0f + e) * (1.0f + f));
      }
    }
  }
}

SL_CLONES static void recall(const sl_recurrence *s, size_t lanes, const char *kept,
                             const float *before, float *c) {
  const size_t n = s->units / s->groups * lanes;
  if (s->half) {
    states(1, s, n, kept, before, c);
  } else {
    states(0, s, n, kept, before, c);
  }
}

// From the gradients dh and dc of what a front gives: da, dq where it is not da, and in dc that of the c that
// came before.
SL_INLINE void slopes(const int half, const sl_recurrence *s, size_t n, const char *kept,
                      const float *before, const float *c, const float *dh, float *dc, float *da,
                      float *dq) {
  for (size_t group = 0; group < s->groups; group++) {
    const void *k = kept + group * kept_of(s) * n * (half ? 2 : 4);
    const float *from = before + group * n, *own_c = c + group * n, *g = dh + group * n;
    float *carried = dc + group * n, *to = da + group * gates_of(s) * n;
    if (s->cell == SL_TANH) {
      EACH for (size_t i = 0; i < n; i++) {
        const float h = tanh_of(kept_at(k, i, half));
        to[i] = g[i] * (1.0f - h * h);
        carried[i] = 0.0f;
      }
    } else if (s->cell == SL_GRU) {
      float *seen_to = dq + group * 3 * n;
      EACH for (size_t i = 0; i < n; i++) {
        const float reset = sl_sigmoid(kept_at(k, i, half)), seen = kept_at(k, i + 3 * n, half);
        const float update = sl_sigmoid(kept_at(k, i + n, half));
        const float new = tanh_of(kept_at(k, i + 2 * n, half) + reset * seen);
        const float d = g[i] + carried[i];
        const float dnew = d * (1.0f - update) * (1.0f - new * new);
        const float dreset = dnew * seen * reset * (1.0f - reset);
        const float dupdate = d * (from[i] - new) * update * (1.0f - update);
        to[i] = seen_to[i] = dreset;
        to[i + n] = seen_to[i + n] = dupdate;
        to[i + 2 * n] = dnew;
        seen_to[i + 2 * n] = dnew * reset;
        carried[i] = d * update;
      }
    } else {
      EACH for (size_t i = 0; i < n; i++) {
        const float input = sl_sigmoid(kept_at(k, i, half));
        const float forget = sl_sigmoid(kept_at(k, i + n, half));
        const float new = tanh_of(kept_at(k, i + 2 * n, half));
        const float output = sl_sigmoid(kept_at(k, i + 3 * n, half)), told = tanh_of(own_c[i]);
        const float d = carried[i] + g[i] * output * (1.0f - told * told);
        to[i] = d * new * input * (1.0f - input);
        to[i + n] = d * from[i] * forget * (1.0f - forget);
        to[i + 2 * n] = d * input * (1.0f - new * new);
        to[i + 3 * n] = g[i] * told * output * (1.0f - output);
        carried[i] = d * forget;
      }
    }
  }
}

SL_CLONES static void cell_gradient(const sl_recurrence *s, size_t lanes, const char *kept,
                                    const float *before, const float *c, const float *dh, float *dc,
                                    float *da, float *dq) {
  const size_t n = s->units / s->groups * lanes;
  if (s->half) {
    slopes(1, s, n, kept, before, c, dh, dc, da, dq);
  } else {
    slopes(0, s, n, kept, before, c, dh, dc, da, dq);
  }
}

// The reverse of `gather`: rows of a predecessor's x are added where they came from.
SL_CLONES static void scatter(const sl_recurrence *s, size_t front, size_t which, size_t at_once,
                              size_t rows, const float *x, float *to) {
  const size_t lanes = lanes_of(s, front, at_once), to_lanes = lanes_of(s, front - 1, at_once);
  for (size_t place = 0; place < front_of(s, front);) {
    const stretch run = stretch_at(s, front, which, place);
    for (size_t row = 0; run.before >= 0 && row < rows; row++) {
      const float *from = x + row * lanes + run.place * at_once;
      float *sum = to + row * to_lanes + (size_t)run.before * at_once;
#pragma clang loop vectorize(assume_safety)
      for (size_t i = 0; i < run.count * at_once; i++) sum[i] += from[i];
    }
    place += run.count;
  }
}

SL_CLONES static void add(const float *x, float *y, size_t n) {
  EACH for (size_t i = 0; i < n; i++) y[i] += x[i];
}

typedef struct {
  const sl_recurrence *shape;
  sl_product product;
  const char *dy, *kept;
  char *da, *dq;
  size_t images, at_once;
} job;

// A part is a block of images.
static void backward_block(void *context, int part) {
  const job *j = context;
  const sl_recurrence *s = j->shape;
  const size_t H = s->units, GH = gates_of(s) * H, m = j->at_once, size = s->half ? 2 : 4;
  const size_t begin = (size_t)part * m, left = j->images - begin;
  const size_t end = begin + (left < m ? left : m), most = whole(widest(s) * m, LANES);
  const size_t segment = segment_of(s);
  float *space = numbers(most * (3 * GH + (s->reach + 6 + segment) * H));
  float *da = space, *dq = da + most * GH, *before = dq + most * GH, *g = before + most * H;
  float *dx = g + most * H, *dh[2] = {dx + s->reach * most * H, 0}, *dc[2], *c;
  dh[1] = dh[0] + most * H;
  dc[0] = dh[1] + most * H;
  dc[1] = dc[0] + most * H;
  c = dc[1] + most * H;
  uint16_t *narrow = (uint16_t *)(c + segment * most * H);
  const char **rows = malloc(most * sizeof *rows);
  const char *kept = j->kept + (size_t)part * kept_block(s, m);
  const float *checkpoints = (const float *)(kept + kept_sums(s, m));
  memset(dh[(s->fronts - 1) % 2], 0, most * H * sizeof(float));
  memset(dc[(s->fronts - 1) % 2], 0, most * H * sizeof(float));
  // Where each front's sums begin.
  size_t *sums = malloc((s->fronts + 1) * sizeof *sums);
  sums[0] = 0;
  for (size_t f = 0; f < s->fronts; f++) {
    sums[f + 1] = sums[f] + kept_of(s) * H * lanes_of(s, f, m) * size;
  }
  for (size_t from = (s->fronts - 1) / segment * segment + segment; from > 0;) {
    const size_t to = from < s->fronts ? from : s->fronts;
    from -= segment;
    for (size_t f = from; f < to && s->cell != SL_TANH; f++) {
      const float *last = f > from ? c + (f - 1 - from) * most * H : checkpoints + f / segment * H * most;
      gather(s, f, s->carried, m, H, (const uint32_t *)last, (uint32_t *)before);
      recall(s, lanes_of(s, f, m), kept + sums[f], before, c + (f - from) * most * H);
    }
    for (size_t f = to; f-- > from;) {
      const size_t L = lanes_of(s, f, m);
      const float *last = f > from ? c + (f - 1 - from) * most * H : checkpoints + f / segment * H * most;
      if (s->cell != SL_TANH) gather(s, f, s->carried, m, H, (const uint32_t *)last, (uint32_t *)before);
      rows_of(s, f, begin, end, m, j->dy, H * size, rows);
      sl_load_rows(rows, L, H, s->half, g);
      add(dh[f % 2], g, H * L);
      cell_gradient(s, L, kept + sums[f], before, c + (f - from) * most * H, g, dc[f % 2], da, dq);
      rows_of(s, f, begin, end, m, j->da, GH * size, rows);
      sl_store_rows(da, L, GH, s->half, rows);
      if (s->cell == SL_GRU) {
        rows_of(s, f, begin, end, m, j->dq, GH * size, rows);
        sl_store_rows(dq, L, GH, s->half, rows);
      }
      if (f == 0) break;
      const float *state = s->cell == SL_GRU ? dq : da;
      if (s->half) sl_halves_of_lanes(state, GH, 0, GH, narrow, L);
      sl_multiply(&j->product, 0, s->reach * H, s->half ? (const void *)narrow : state, 0, dx, L);
      memset(dh[(f - 1) % 2], 0, H * lanes_of(s, f - 1, m) * sizeof(float));
      memset(dc[(f - 1) % 2], 0, H * lanes_of(s, f - 1, m) * sizeof(float));
      for (size_t p = 0; p < s->reach; p++) {
        scatter(s, f, p, m, H, dx + p * H * L, dh[(f - 1) % 2]);
      }
      scatter(s, f, s->carried, m, H, dc[f % 2], dc[(f - 1) % 2]);
    }
  }
  free(sums);
  free(rows);
  free(space);
}

void sl_recur_gradient(const sl_recurrence *s, const void *dy, const void *kept,
                       const void *packed, size_t images, size_t at_once, void *da, void *dq) {
  const sl_product product = {.rows = s->reach * s->units, .columns = gates_of(s) * s->units,
                              .stride = sl_recurrence_stride(s, 1), .weights = packed, .half = s->half};
  job j = {.shape = s, .product = product, .dy = dy, .kept = kept, .da = da, .dq = dq,
           .images = images, .at_once = at_once};
  sl_run_workers(backward_block, &j, (int)((images + at_once - 1) / at_once));
}
