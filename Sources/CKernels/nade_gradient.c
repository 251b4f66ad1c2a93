// NADE's gradients, a block of hidden units at a time.
#include "nade_pass.h"

// Parts of the images whose gradients are summed by themselves. One, where blocks of hidden units keep
// all threads busy for nine tenths of the time: then there is nothing to add up.
static size_t parts_of(size_t images, size_t hidden) {
  const size_t threads = (size_t)sl_threads(), turns = (blocks_of(hidden) + threads - 1) / threads;
  const int busy = 10 * blocks_of(hidden) >= 9 * turns * threads;
  return busy ? 1 : (size_t)sl_parts(images, GROUP);
}

// Where the images of a group stand on the way back.
typedef struct {
  lanes *h[GROUP];
  // What the pixels since the last change of an image's state want of it.
  lanes wanted[GROUP][VECTORS];
} returning;

// A hidden state makes way for its gradient before the sigmoid, h = wanted h (1 - h).
SL_INLINE void through_sigmoid(lanes *h, lanes *wanted) {
  UNROLL for (int z = 0; z < VECTORS; z++) {
    h[z] = wanted[z] * h[z] * (1.0f - h[z]);
    wanted[z] = (lanes)0.0f;
  }
}

// Pixels from begin + length - 1 down to begin, for the images of a tile.
SL_INLINE void go_back(returning *r, size_t tile, const float *const *dlogits, const uint8_t *marks,
                       const float *v, float *dv, size_t begin, size_t length) {
  const float *from[TILE];
  lanes *h[TILE];
  lanes wanted[TILE][VECTORS];
  UNROLL for (int t = 0; t < TILE; t++) {
    from[t] = dlogits[tile + t];
    h[t] = r->h[tile + t];
    UNROLL for (int z = 0; z < VECTORS; z++) wanted[t][z] = r->wanted[tile + t][z];
  }
  for (size_t d = begin + length; d-- > begin;) {
    UNROLL for (int t = 0; t < TILE; t++) {
      if (marks[d] >> t & 1) {
        through_sigmoid(h[t], wanted[t]);
        h[t] -= VECTORS;
      }
    }
    const lanes *weights = (const lanes *)(v + d * BLOCK);
    lanes *row = (lanes *)(dv + d * BLOCK);
    lanes g[TILE];
    UNROLL for (int t = 0; t < TILE; t++) g[t] = (lanes)from[t][d];
    UNROLL for (int z = 0; z < VECTORS; z++) {
      const lanes weight = weights[z];
      lanes sum = row[z];
      UNROLL for (int t = 0; t < TILE; t++) {
        sum += g[t] * h[t][z];
        wanted[t][z] += g[t] * weight;
      }
      row[z] = sum;
    }
  }
  UNROLL for (int t = 0; t < TILE; t++) {
    r->h[tile + t] = h[t];
    UNROLL for (int z = 0; z < VECTORS; z++) r->wanted[tile + t][z] = wanted[t][z];
  }
}

// From the gradients that stand in the place of an image's states to those of w and c.
SL_INLINE void learn(const lanes *gradient, const pixel *pixels, size_t count, float *dw,
                     lanes *dc) {
  lanes sum[VECTORS];
  UNROLL for (int z = 0; z < VECTORS; z++) sum[z] = (lanes)0.0f;
  for (size_t i = count; i-- > 0;) {
    lanes *row = (lanes *)(dw + pixels[i].place * BLOCK);
    const lanes value = (lanes)pixels[i].value;
    UNROLL for (int z = 0; z < VECTORS; z++) {
      sum[z] += gradient[(i + 1) * VECTORS + (size_t)z];
      row[z] += value * sum[z];
    }
  }
  UNROLL for (int z = 0; z < VECTORS; z++) dc[z] += sum[z] + gradient[z];
}

// Items are blocks of hidden units, those of the first part of the images first.
SL_CLONES static void backward_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, blocks = blocks_of(j->hidden);
  const size_t groups = (j->images + GROUP - 1) / GROUP, space = room(j, 0, j->images);
  lanes *states = numbers(GROUP * space * LANES);
  // The gradient of images that a last group lacks.
  float *nothing = calloc(D, sizeof(float));
  for (size_t item = begin; item < end; item++) {
    const size_t part = item / blocks, index = item % blocks;
    const size_t first = groups * part / j->parts * GROUP;
    const size_t next = groups * (part + 1) / j->parts * GROUP;
    const float *w = j->packed + index * block_size(D), *v = w + (D + 1) * BLOCK;
    float *dw = j->sums + part * packed_size(D, j->hidden) + index * block_size(D);
    float *dv = dw + (D + 1) * BLOCK;
    lanes *dc = (lanes *)(dw + D * BLOCK);
    memset(dw, 0, block_size(D) * sizeof(float));
    for (size_t group = first; group < next; group += GROUP) {
      returning r = {0};
      const float *dlogits[GROUP];
      for (size_t t = 0; t < GROUP; t++) {
        dlogits[t] = group + t < j->images ? j->dlogits + (group + t) * D : nothing;
        r.h[t] = hidden_states(j, w, group + t, states + t * space);
      }
      for (size_t after = D; after > 0;) {
        const size_t from = (after - 1) / LANES * LANES;
        for (size_t tile = 0; tile < GROUP && group + tile < j->images; tile += TILE) {
          go_back(&r, tile, dlogits, j->marks + (group + tile) / TILE * D, v, dv, from, after - from);
        }
        after = from;
      }
      for (size_t t = 0; t < GROUP && group + t < j->images; t++) {
        const size_t n = group + t;
        through_sigmoid(r.h[t], r.wanted[t]);
        learn(r.h[t], j->pixels + n * (D + 1), j->counts[n], dw, dc);
      }
    }
  }
  free(states);
  free(nothing);
}

// Adds up the parts' sums in a fixed order and lays blocks side by side. Items are rows.
typedef struct {
  const job *job;
  float *dw, *dc, *dv;
} unpacking;

SL_CLONES static void unpack_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const unpacking *u = data;
  const size_t D = u->job->dimension, H = u->job->hidden, stride = packed_size(D, H);
  for (size_t row = begin; row < end; row++) {
    float *to = row < D ? u->dw + row * H : row == D ? u->dc : u->dv + (row - D - 1) * H;
    for (size_t at = 0; at < H; at += BLOCK) {
      const size_t count = H - at < BLOCK ? H - at : BLOCK;
      const float *from = u->job->sums + at / BLOCK * block_size(D) + row * BLOCK;
      for (size_t i = 0; i < count; i++) {
        float sum = from[i];
        for (size_t part = 1; part < u->job->parts; part++) sum += from[part * stride + i];
        to[at + i] = sum;
      }
    }
  }
}

size_t sl_nade_scratch_count(size_t images, size_t dimension, size_t hidden) {
  return packed_size(dimension, hidden) * (1 + parts_of(images, hidden))
         + marks_size(images, dimension);
}

void sl_nade_gradient(const float *dlogits, const float *x, const float *w, const float *c,
                      const float *v, float *dw, float *dc, float *dv, size_t images,
                      size_t dimension, size_t hidden, float *scratch) {
  const size_t size = packed_size(dimension, hidden), parts = parts_of(images, hidden);
  sl_nade_pack(w, c, v, dimension, hidden, scratch);
  job j = {.dlogits = dlogits, .x = x, .packed = scratch, .sums = scratch + size, .parts = parts,
           .images = images, .dimension = dimension, .hidden = hidden};
  place_marks(&j, scratch + (1 + parts) * size);
  sl_nade_find(&j);
  sl_parallel(backward_part, &j, blocks_of(hidden) * parts, 1);
  unpacking u = {&j, dw, dc, dv};
  sl_parallel(unpack_part, &u, rows_of(dimension), 64);
}
