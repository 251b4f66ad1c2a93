// NADE with several outputs a dimension, images side by side: the products are those of product.c, and
// the whole pass is the steps, group of images by group, so that both have the same bits.
#include "nade.h"

// A group's state: the hidden units [units, lanes], then their activations. Units are padded
// to whole vectors of what `sigmoids` takes at a time.
SL_INLINE size_t units_of(size_t hidden) { return (hidden + VECTORS - 1) / VECTORS * VECTORS; }

size_t sl_nade_levels_state_count(size_t hidden, size_t lanes) {
  return 2 * units_of(hidden) * lanes;
}

// a + row x of the units from `at` on, for one vector of images, and what they are of it.
SL_INLINE void advance(float *h, float *a, const float *row, const lanes *x, size_t count,
                       size_t lanes_of_group, int rectified) {
  lanes state[VECTORS];
  UNROLL for (size_t z = 0; z < VECTORS; z++) {
    loose_lanes *sum = (loose_lanes *)(a + z * lanes_of_group);
    const lanes weight = (lanes)(z < count ? row[z] : 0.0f);
    *sum = __builtin_elementwise_fma(weight, *x, *sum);
    state[z] = rectified ? (*sum < 0.0f ? (lanes)0.0f : *sum) : *sum * FOLDED;
  }
  if (!rectified) sigmoids(state);
  UNROLL for (size_t z = 0; z < VECTORS; z++) *(loose_lanes *)(h + z * lanes_of_group) = state[z];
}

SL_CLONES static void advance_all(const float *row, size_t hidden, size_t width, const float *x,
                                  int rectified, float *state) {
  float *h = state, *a = state + units_of(hidden) * width;
  for (size_t unit = 0; unit < hidden; unit += VECTORS) {
    const size_t count = hidden - unit < VECTORS ? hidden - unit : VECTORS;
    for (size_t n = 0; n < width; n += LANES) {
      const lanes values = *(const loose_lanes *)(x + n);
      const size_t at = unit * width + n;
      advance(h + at, a + at, row + unit, &values, count, width, rectified);
    }
  }
}

void sl_nade_levels_start(const float *c, size_t hidden, size_t lanes, int rectified,
                          float *state) {
  // The activations are c times one, with the zeros of fresh memory before.
  memset(state, 0, sl_nade_levels_state_count(hidden, lanes) * sizeof(float));
  float one[lanes];
  for (size_t n = 0; n < lanes; n++) one[n] = 1;
  advance_all(c, hidden, lanes, one, rectified, state);
}

void sl_nade_levels_observe(const float *w, size_t hidden, size_t d, size_t lanes, const float *x,
                            int rectified, float *state) {
  advance_all(w + d * hidden, hidden, lanes, x, rectified, state);
}

void sl_nade_levels_next(const float *v, const float *b, size_t hidden, size_t levels, size_t d,
                         size_t lanes, const float *state, float *logits) {
  const sl_product shape = {.rows = levels, .columns = hidden, .stride = hidden,
                            .weights = v + d * levels * hidden, .bias = b + d * levels};
  sl_multiply(&shape, 0, levels, state, 0, logits, lanes);
}

typedef struct {
  const float *x, *w, *c, *v, *b;
  float *logits;
  size_t images, dimension, hidden, levels, width;
  int rectified;
} job;

static void group(void *context, int part) {
  const job *j = context;
  const size_t D = j->dimension, K = j->levels, first = (size_t)part * j->width;
  const size_t left = j->images - first, count = left < j->width ? left : j->width;
  const size_t width = (count + LANES - 1) / LANES * LANES;
  float *state = malloc(sl_nade_levels_state_count(j->hidden, width) * sizeof(float));
  float *logits = malloc(K * width * sizeof(float));
  float x[width];
  memset(x, 0, sizeof x);
  sl_nade_levels_start(j->c, j->hidden, width, j->rectified, state);
  for (size_t d = 0; d < D; d++) {
    sl_nade_levels_next(j->v, j->b, j->hidden, K, d, width, state, logits);
    sl_rows_of_lanes(logits, K, width, count, j->logits + (first * D + d) * K, D * K);
    if (d + 1 == D) break;
    for (size_t n = 0; n < count; n++) x[n] = j->x[(first + n) * D + d];
    sl_nade_levels_observe(j->w, j->hidden, d, width, x, j->rectified, state);
  }
  free(state);
  free(logits);
}

// Images of a group: enough that reading the weights costs little, and one group a thread if there are
// few.
enum { MOST_LANES = 64 };

void sl_nade_levels(const float *x, const float *w, const float *c, const float *v, const float *b,
                    float *logits, size_t images, size_t dimension, size_t hidden, size_t levels,
                    int rectified) {
  const size_t threads = (size_t)sl_threads(), each = (images + threads - 1) / threads;
  const size_t width = each < MOST_LANES ? (each + LANES - 1) / LANES * LANES : MOST_LANES;
  job j = {x, w, c, v, b, logits, images, dimension, hidden, levels, width, rectified};
  sl_run_workers(group, &j, (int)((images + width - 1) / width));
}
