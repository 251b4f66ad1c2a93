// Recurrent cells, front by front or one position after the other: the same products and the same cell, so
// the same bits.
#include "recurrent.h"

// What is kept is what is computed with.
SL_INLINE float rounded(float x, const int half) { return half ? sl_widen(sl_narrow(x)) : x; }
SL_INLINE void keep(void *kept, size_t i, float x, const int half) {
  if (half) {
    ((uint16_t *)kept)[i] = sl_narrow(x);
  } else {
    ((float *)kept)[i] = x;
  }
}

SL_INLINE void tanh_cell(const int half, const int keeps, size_t n, size_t stride, const float *q,
                         const float *in, float *h, void *kept) {
  (void)stride;
  EACH for (size_t i = 0; i < n; i++) {
    const float sum = rounded(q[i] + in[i], half);
    if (keeps) keep(kept, i, sum, half);
    h[i] = tanh_of(sum);
  }
}

SL_INLINE void gru_cell(const int half, const int keeps, size_t n, size_t stride, const float *q,
                        const float *in, const float *before, float *c, float *h, void *kept) {
  EACH for (size_t i = 0; i < n; i++) {
    const float reset = rounded(q[i] + in[i], half);
    const float update = rounded(q[i + stride] + in[i + stride], half);
    const float seen = rounded(q[i + 2 * stride], half), own = in[i + 2 * stride];
    if (keeps) {
      keep(kept, i, reset, half);
      keep(kept, i + stride, update, half);
      keep(kept, i + 2 * stride, own, half);
      keep(kept, i + 3 * stride, seen, half);
    }
    const float new = tanh_of(own + sl_sigmoid(reset) * seen);
    const float state = new + sl_sigmoid(update) * (before[i] - new);
    c[i] = state;
    h[i] = state;
  }
}

SL_INLINE void lstm_cell(const int half, const int keeps, size_t n, size_t stride, const float *q,
                         const float *in, const float *before, float *c, float *h, void *kept) {
  EACH for (size_t i = 0; i < n; i++) {
    const float input = rounded(q[i] + in[i], half);
    const float forget = rounded(q[i + stride] + in[i + stride], half);
    const float new = rounded(q[i + 2 * stride] + in[i + 2 * stride], half);
    const float output = rounded(q[i + 3 * stride] + in[i + 3 * stride], half);
    if (keeps) {
      keep(kept, i, input, half);
      keep(kept, i + stride, forget, half);
      keep(kept, i + 2 * stride, new, half);
      keep(kept, i + 3 * stride, output, half);
    }
    const float e = sl_exp(-2.0f * within_nine(new)), f = sl_exp(-input);
    const float state = sl_sigmoid(forget) * before[i] + (1.0f - e) / ((1.0f + e) * (1.0f + f));
    const float d = sl_exp(-2.0f * within_nine(state)), g = sl_exp(-output);
    c[i] = state;
    h[i] = (1.0f - d) / ((1.0f + d) * (1.0f + g));
  }
}

// A group's units are rows one after the other: as many numbers as they have lanes.
SL_INLINE void cells(const int half, const int keeps, const sl_recurrence *s, size_t first, size_t end,
                     size_t lanes, const float *q, const float *in, const float *before, float *c,
                     float *h, void *kept) {
  const size_t stride = s->units / s->groups * lanes;
  for (size_t group = first; group < end; group++) {
    const size_t rows = group * gates_of(s) * stride, own = group * stride;
    void *to = (char *)kept + (keeps ? group * kept_of(s) * stride * (half ? 2 : 4) : 0);
    switch (s->cell) {
      case SL_TANH: tanh_cell(half, keeps, stride, stride, q + rows, in + rows, h + own, to); break;
      case SL_GRU:
        gru_cell(half, keeps, stride, stride, q + rows, in + rows, before + own, c + own, h + own, to);
        break;
      default:
        lstm_cell(half, keeps, stride, stride, q + rows, in + rows, before + own, c + own, h + own, to);
    }
  }
}

SL_CLONES void sl_cell(const sl_recurrence *s, size_t first, size_t end, size_t lanes, const float *q,
                       const float *in, const float *before, float *c, float *h, void *kept) {
  // By name, so that no branch is left within a loop.
  if (s->half) {
    if (kept) {
      cells(1, 1, s, first, end, lanes, q, in, before, c, h, kept);
    } else {
      cells(1, 0, s, first, end, lanes, q, in, before, c, h, kept);
    }
  } else if (kept) {
    cells(0, 1, s, first, end, lanes, q, in, before, c, h, kept);
  } else {
    cells(0, 0, s, first, end, lanes, q, in, before, c, h, kept);
  }
}

// MARK: Weights

size_t sl_recurrence_stride(const sl_recurrence *s, int transposed) {
  const size_t columns = transposed ? gates_of(s) * s->units : columns_of(s);
  return s->half ? whole(columns, 2) : columns;
}

size_t sl_recurrence_packed_bytes(const sl_recurrence *s, int transposed) {
  const size_t rows = (transposed ? s->reach : gates_of(s)) * s->units;
  return rows * sl_recurrence_stride(s, transposed) * (s->half ? 2 : 4);
}

void sl_recurrence_pack(const sl_recurrence *s, int transposed, const float *u, void *packed) {
  const size_t H = s->units, outputs = gates_of(s) * H, inputs = s->reach * H;
  const size_t stride = sl_recurrence_stride(s, transposed), each = s->half ? 2 * words_of(s) : H;
  memset(packed, 0, sl_recurrence_packed_bytes(s, transposed));
  for (size_t o = 0; o < outputs; o++) {
    for (size_t i = 0; i < inputs; i++) {
      // A predecessor's elements fill whole words.
      const size_t to = transposed ? i * stride + o : o * stride + i / H * each + i % H;
      if (s->half) {
        ((uint16_t *)packed)[to] = sl_narrow(u[o * inputs + i]);
      } else {
        ((float *)packed)[to] = u[o * inputs + i];
      }
    }
  }
}

static sl_product product_of(const sl_recurrence *s, const void *packed, const float *bias) {
  return (sl_product){.rows = gates_of(s) * s->units, .columns = columns_of(s),
                      .stride = sl_recurrence_stride(s, 0), .weights = packed, .bias = bias, .half = s->half};
}

// MARK: All positions

// As many as keep a front's sums in the second-level cache, and all threads busy.
size_t sl_recurrence_at_once(const sl_recurrence *s, size_t images) {
  const size_t fitting = (1 << 16) / (gates_of(s) * s->units * widest(s));
  const size_t most = fitting < 4 ? 4 : fitting > 48 ? 48 : fitting, threads = (size_t)sl_threads();
  const size_t needed = (images + most - 1) / most, blocks = needed > threads ? needed : threads;
  return (images + blocks - 1) / blocks;
}

size_t sl_recurrence_kept_bytes(const sl_recurrence *s, size_t images, size_t at_once) {
  return (images + at_once - 1) / at_once * kept_block(s, at_once);
}

typedef struct {
  const sl_recurrence *shape;
  sl_product product;
  const char *a;
  char *y, *kept;
  size_t images, at_once;
} job;

SL_CLONES void sl_load_rows(const char *const *rows, size_t lanes, size_t width, int half, float *to) {
  if (half) {
    rows_to_lanes(rows, lanes, width, 1, to);
  } else {
    rows_to_lanes(rows, lanes, width, 0, to);
  }
}

SL_CLONES void sl_store_rows(const float *from, size_t lanes, size_t width, int half,
                             const char *const *rows) {
  if (half) {
    lanes_to_rows(from, lanes, width, 1, (char *const *)rows);
  } else {
    lanes_to_rows(from, lanes, width, 0, (char *const *)rows);
  }
}

// A part is a block of images.
static void forward_block(void *context, int part) {
  const job *j = context;
  const sl_recurrence *s = j->shape;
  const size_t H = s->units, G = gates_of(s), W = words_of(s), size = s->half ? 2 : 4;
  const size_t begin = (size_t)part * j->at_once, left = j->images - begin;
  const size_t end = begin + (left < j->at_once ? left : j->at_once);
  const size_t most = whole(widest(s) * j->at_once, LANES), segment = segment_of(s);
  float *space = numbers(most * (2 * G * H + 4 * H + (2 + s->reach) * W));
  float *q = space, *in = q + most * G * H, *before = in + most * G * H, *h = before + most * H;
  float *c[2] = {h + most * H, h + 2 * most * H};
  uint32_t *states[2] = {(uint32_t *)(c[1] + most * H), 0}, *seen;
  states[1] = states[0] + most * W;
  seen = states[1] + most * W;
  const char **rows = malloc(most * sizeof *rows);
  char *kept = j->kept ? j->kept + (size_t)part * kept_block(s, j->at_once) : 0;
  char *checkpoints = kept ? kept + kept_sums(s, j->at_once) : 0;
  for (size_t f = 0; f < s->fronts; f++) {
    const size_t L = lanes_of(s, f, j->at_once);
    float *own = c[f % 2];
    const float *last = c[(f + 1) % 2];
    if (checkpoints && f > 0 && f % segment == 0) {
      memcpy((float *)checkpoints + f / segment * H * most, last,
             H * lanes_of(s, f - 1, j->at_once) * sizeof(float));
    }
    for (size_t p = 0; p < s->reach; p++) {
      gather(s, f, p, j->at_once, W, states[(f + 1) % 2], seen + p * W * L);
    }
    sl_multiply(&j->product, 0, G * H, seen, 0, q, L);
    rows_of(s, f, begin, end, j->at_once, j->a, G * H * size, rows);
    sl_load_rows(rows, L, G * H, s->half, in);
    if (s->cell != SL_TANH) {
      gather(s, f, s->carried, j->at_once, H, (const uint32_t *)last, (uint32_t *)before);
    }
    sl_cell(s, 0, s->groups, L, q, in, before, own, h, kept);
    if (kept) kept += kept_of(s) * H * L * size;
    if (s->half) {
      sl_halves_of_lanes(h, H, 0, H, (uint16_t *)states[f % 2], L);
    } else {
      memcpy(states[f % 2], h, H * L * sizeof(float));
    }
    rows_of(s, f, begin, end, j->at_once, j->y, H * size, rows);
    sl_store_rows(h, L, H, s->half, rows);
  }
  free(rows);
  free(space);
}

void sl_recur(const sl_recurrence *s, const void *a, const void *packed, const float *bias,
              size_t images, size_t at_once, void *y, void *kept) {
  job j = {.shape = s, .product = product_of(s, packed, bias), .a = a, .y = y, .kept = kept,
           .images = images, .at_once = at_once};
  sl_run_workers(forward_block, &j, (int)((images + at_once - 1) / at_once));
}

// MARK: One position

size_t sl_recurrence_scratch_count(const sl_recurrence *s, size_t lanes) {
  return lanes * (2 * gates_of(s) * s->units + 2 * s->units + s->reach * words_of(s));
}

void sl_recur_next(const sl_recurrence *s, const sl_recurrence_step *step, const void *a,
                   const void *packed, const float *bias, void *h, float *c, void *y, float *scratch) {
  const size_t H = s->units, G = gates_of(s), W = words_of(s), L = step->lanes;
  const size_t size = s->half ? 2 : 4, each = H / s->groups;
  const size_t first = step->first * each, count = (step->end - step->first) * each;
  float *q = scratch, *in = q + L * G * H, *before = in + L * G * H, *new = before + L * H;
  uint32_t *seen = (uint32_t *)(new + L * H), *states = h;
  for (size_t p = 0; p < s->reach; p++) {
    if (step->before[p] < 0) {
      memset(seen + p * W * L, 0, W * L * sizeof *seen);
    } else {
      memcpy(seen + p * W * L, states + (size_t)step->before[p] * W * L, W * L * sizeof *seen);
    }
  }
  const ptrdiff_t carried = step->before[s->carried];
  if (carried < 0) {
    memset(before, 0, H * L * sizeof *before);
  } else {
    memcpy(before, c + (size_t)carried * H * L, H * L * sizeof *before);
  }
  const sl_product product = product_of(s, packed, bias);
  sl_multiply(&product, G * first, G * (first + count), seen, 0, q, L);
  const char *rows[L];
  memset(rows, 0, L * sizeof *rows);
  for (size_t n = 0; n < step->images; n++) {
    rows[n] = (const char *)a + (n * G * H + G * first) * size;
  }
  sl_load_rows(rows, L, G * count, s->half, in + G * first * L);
  sl_cell(s, step->first, step->end, L, q, in, before, c + step->place * H * L, new, 0);
  if (s->half) {
    sl_halves_of_lanes(new + first * L, count, first, H, (uint16_t *)(states + step->place * W * L), L);
  } else {
    memcpy(states + (step->place * W + first) * L, new + first * L, count * L * sizeof *new);
  }
  for (size_t n = 0; n < step->images; n++) rows[n] = (const char *)y + (n * H + first) * size;
  sl_store_rows(new + first * L, L, count, s->half, rows);
}
