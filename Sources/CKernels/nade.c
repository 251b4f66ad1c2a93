// NADE (Larochelle and Murray 2011). The hidden state of an image changes only where a pixel is not
// zero, about one pixel in eight of a binarized digit. Between such places the forward pass is one
// dot product a pixel, and the backward pass can gather what the pixels want of the same state and
// send it through the sigmoid once. Both are exact for any x.
//
// Hidden units know nothing of one another. A block of them goes through all images before the next
// one does, so that its weights and their gradients stay in the second-level cache; read anew for each
// image they would come from the third. On the way back threads share out the blocks.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"

#pragma clang fp contract(fast)

#define UNROLL _Pragma("clang loop unroll(full)")

// Hidden units of a block, in vectors of LANES. What a pixel does to the images of a tile happens in
// registers; the tiles of a group share a run of LANES pixels' weights while those are in the
// first-level cache.
enum { LANES = 16, VECTORS = 4, BLOCK = LANES * VECTORS, TILE = 4, GROUP = 2 * TILE };
typedef float lanes __attribute__((ext_vector_type(LANES)));
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
// Those at any place.
typedef lanes loose_lanes __attribute__((aligned(4)));

// The sigmoid of an activation a is 1 / (1 + 2^(a times this)); the factor stands in the packed weights.
#define FOLDED -1.44269504f

// x = 1 / (1 + 2^x) for a state, absolute error below 2e-7. NaN stays NaN, and makes one of what it
// shares a division with, in the same image.
SL_INLINE void sigmoids(lanes *x) {
  lanes shifted[VECTORS], f[VECTORS], p[VECTORS];
#define EACH UNROLL for (int z = 0; z < VECTORS; z++)
  // x as n + f, n whole and f in -1/2 ... 1/2: 1.5 * 2^23 rounds to n in the low bits. The polynomial
  // is 2^f within 1e-7 of it.
  EACH {
    const lanes above = x[z] < -63.0f ? (lanes)-63.0f : x[z];
    const lanes power = above > 63.0f ? (lanes)63.0f : above;
    shifted[z] = power + 12582912.0f;
    f[z] = power - (shifted[z] - 12582912.0f);
  }
  EACH p[z] = f[z] * 1.326472684e-3f + 9.671512665e-3f;
  EACH p[z] = p[z] * f[z] + 5.550733744e-2f;
  EACH p[z] = p[z] * f[z] + 2.402224208e-1f;
  EACH p[z] = p[z] * f[z] + 6.931469776e-1f;
  EACH p[z] = p[z] * f[z] + 1.0f;
  EACH p[z] = (lanes)((words)p[z] + ((words)shifted[z] << 23)) + 1.0f;
#undef EACH
  // One division, the slowest of these instructions, for two.
  UNROLL for (int z = 0; z < VECTORS; z += 2) {
    const lanes inverse = 1.0f / (p[z] * p[z + 1]);
    x[z] = inverse * p[z + 1];
    x[z + 1] = inverse * p[z];
  }
}

static void *numbers(size_t count) { return aligned_alloc(64, (count * sizeof(float) + 63) & ~63ul); }

SL_INLINE size_t blocks_of(size_t hidden) { return (hidden + BLOCK - 1) / BLOCK; }

// Weights or their gradients by block of hidden units: rows of BLOCK numbers, of w [D], c and v [D].
SL_INLINE size_t rows_of(size_t dimension) { return 2 * dimension + 1; }

// A pixel that is not zero.
typedef struct {
  uint32_t place;
  float value;
} pixel;

typedef struct {
  const float *dlogits, *x, *w, *c, *v, *b;
  float *out, *packed;
  // Gradients, by part of the images.
  float *sums;
  size_t parts;
  // Where images are not zero: how many such pixels an image has; these in order, with one to spare, in
  // room for D + 1; and by tile and pixel, a bit an image.
  uint32_t *counts;
  pixel *pixels;
  uint8_t *marks;
  size_t images, dimension, hidden;
} job;

SL_INLINE size_t block_size(const job *j) { return rows_of(j->dimension) * BLOCK; }
SL_INLINE size_t packed_size(const job *j) { return blocks_of(j->hidden) * block_size(j); }
SL_INLINE size_t tiles_of(size_t images) { return (images + TILE - 1) / TILE; }

// Parts of the images whose gradients are summed by themselves. One, where blocks of hidden units keep
// all threads busy for nine tenths of the time: then there is nothing to add up.
static size_t parts_of(size_t images, size_t hidden) {
  const size_t threads = (size_t)sl_threads(), turns = (blocks_of(hidden) + threads - 1) / threads;
  const int busy = 10 * blocks_of(hidden) >= 9 * turns * threads;
  return busy ? 1 : (size_t)sl_parts(images, GROUP);
}

size_t sl_nade_scratch_count(size_t images, size_t dimension, size_t hidden, int gradient) {
  const job j = {.dimension = dimension, .hidden = hidden};
  const size_t bytes = tiles_of(images) * dimension;
  return packed_size(&j) * (gradient ? 1 + parts_of(images, hidden) : 1) +
         images * (2 * (dimension + 1) + 1) + (bytes + sizeof(float) - 1) / sizeof(float);
}

// Gives the arrays of a call their places in its scratch.
static void divide(job *j, float *scratch, int gradient) {
  j->packed = scratch;
  j->sums = scratch + packed_size(j);
  j->parts = gradient ? parts_of(j->images, j->hidden) : 0;
  j->pixels = (pixel *)(j->sums + j->parts * packed_size(j));
  j->counts = (uint32_t *)(j->pixels + j->images * (j->dimension + 1));
  j->marks = (uint8_t *)(j->counts + j->images);
}

// Items are rows of all blocks; zeros stand where hidden units do not fill the last.
SL_CLONES static void pack_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, H = j->hidden;
  for (size_t row = begin; row < end; row++) {
    const float *from = row < D ? j->w + row * H : row == D ? j->c : j->v + (row - D - 1) * H;
    const float factor = row <= D ? FOLDED : 1.0f;
    for (size_t at = 0; at < H; at += BLOCK) {
      const size_t count = H - at < BLOCK ? H - at : BLOCK;
      float *to = j->packed + at / BLOCK * block_size(j) + row * BLOCK;
#pragma clang loop vectorize(assume_safety)
      for (size_t i = 0; i < count; i++) to[i] = factor * from[at + i];
      memset(to + count, 0, (BLOCK - count) * sizeof(float));
    }
  }
}

// Finds the pixels that are not zero. Items are tiles.
SL_CLONES static void find_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension;
  // A byte for each pixel of an image, whole words of them.
  enum { WORD = sizeof(uint64_t) };
  uint8_t *live = calloc(D + WORD, 1);
  for (size_t tile = begin; tile < end; tile++) {
    uint8_t *marks = j->marks + tile * D;
    memset(marks, 0, D);
    for (size_t n = tile * TILE; n < (tile + 1) * TILE && n < j->images; n++) {
      const float *x = j->x + n * D;
      for (size_t d = 0; d < D; d++) {
        live[d] = x[d] != 0;
        marks[d] |= (uint8_t)(live[d] << n % TILE);
      }
      pixel *pixels = j->pixels + n * (D + 1);
      uint32_t count = 0;
      for (size_t from = 0; from < D; from += WORD) {
        uint64_t word;
        memcpy(&word, live + from, WORD);
        for (; word; word &= word - 1) {
          const size_t d = from + (size_t)__builtin_ctzll(word) / 8;
          pixels[count++] = (pixel){(uint32_t)d, x[d]};
        }
      }
      pixels[count] = (pixel){0, 0};
      j->counts[n] = count;
    }
  }
  free(live);
}

// v[0] = the sums of 16 vectors, in order.
SL_INLINE void sum_each(lanes *v) {
  UNROLL for (int i = 0; i < 8; i++) {
    const lanes a = v[2 * i], b = v[2 * i + 1];
    v[i] = __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
           __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    const lanes a = v[2 * i], b = v[2 * i + 1];
    v[i] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  }
  UNROLL for (int i = 0; i < 2; i++) {
    const lanes a = v[2 * i], b = v[2 * i + 1];
    v[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  }
  v[0] = __builtin_shufflevector(v[0], v[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
         __builtin_shufflevector(v[0], v[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29,
                                 30, 31);
}

// Room for the hidden states of any of the images, one more than it has pixels that are not zero.
SL_INLINE size_t room(const job *j, size_t begin, size_t end) {
  size_t most = 0;
  for (size_t n = begin; n < end; n++) most = j->counts[n] > most ? j->counts[n] : most;
  return (most + 1) * VECTORS;
}

// The hidden states of image n from h on; the last one. What images a last group lacks would have is
// computed, but from one state, and not kept.
SL_INLINE lanes *hidden_states(const job *j, const float *w, size_t n, lanes *h) {
  const int missing = n >= j->images;
  const size_t count = missing ? 0 : j->counts[n];
  const pixel *pixels = j->pixels + (missing ? 0 : n * (j->dimension + 1));
  const lanes *c = (const lanes *)(w + j->dimension * BLOCK);
  lanes a[VECTORS];
  UNROLL for (int z = 0; z < VECTORS; z++) a[z] = c[z];
  for (size_t i = 0; i <= count; i++) {
    const lanes *row = (const lanes *)(w + pixels[i].place * BLOCK);
    const lanes value = (lanes)pixels[i].value;
    lanes state[VECTORS];
    UNROLL for (int z = 0; z < VECTORS; z++) {
      state[z] = a[z];
      a[z] += value * row[z];
    }
    sigmoids(state);
    UNROLL for (size_t z = 0; z < VECTORS; z++) h[i * VECTORS + z] = state[z];
  }
  return h + count * VECTORS;
}

SL_CLONES static void forward_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, space = room(j, begin, end);
  lanes *states = numbers(GROUP * space * LANES);
  for (size_t n = begin; n < end; n++) memcpy(j->out + n * D, j->b, D * sizeof(float));
  for (size_t index = 0; index < blocks_of(j->hidden); index++) {
    const float *w = j->packed + index * block_size(j), *v = w + (D + 1) * BLOCK;
    for (size_t group = begin; group < end; group += GROUP) {
      const lanes *h[GROUP];
      for (size_t t = 0; t < GROUP; t++) {
        h[t] = states + t * space;
        hidden_states(j, w, group + t, states + t * space);
      }
      for (size_t from = 0; from < D; from += LANES) {
        const size_t length = D - from < LANES ? D - from : LANES;
        for (size_t tile = 0; tile < GROUP && group + tile < end; tile += TILE) {
          const uint8_t *marks = j->marks + (group + tile) / TILE * D + from;
          lanes products[TILE][LANES];
          for (size_t i = 0; i < length; i++) {
            const lanes *row = (const lanes *)(v + (from + i) * BLOCK);
            UNROLL for (int t = 0; t < TILE; t++) {
              const lanes *state = h[tile + t];
              // By name, so that the compiler rounds alike for every place in a batch.
              lanes product = state[0] * row[0];
              UNROLL for (int z = 1; z < VECTORS; z++) {
                product = __builtin_elementwise_fma(state[z], row[z], product);
              }
              products[t][i] = product;
              h[tile + t] = state + VECTORS * (marks[i] >> t & 1);
            }
          }
          for (size_t t = 0; t < TILE && group + tile + t < end; t++) {
            sum_each(products[t]);
            float *logits = j->out + (group + tile + t) * D + from;
            if (length == LANES) {
              *(loose_lanes *)logits += products[t][0];
            } else {
              for (size_t i = 0; i < length; i++) logits[i] += products[t][0][i];
            }
          }
        }
      }
    }
  }
  free(states);
}

void sl_nade(const float *x, const float *w, const float *c, const float *v, const float *b,
             float *logits, size_t images, size_t dimension, size_t hidden, float *scratch) {
  job j = {.x = x, .w = w, .c = c, .v = v, .b = b, .out = logits,
           .images = images, .dimension = dimension, .hidden = hidden};
  divide(&j, scratch, 0);
  sl_parallel(pack_part, &j, rows_of(dimension), 64);
  sl_parallel(find_part, &j, tiles_of(images), 1);
  sl_parallel(forward_part, &j, images, GROUP);
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
    const float *w = j->packed + index * block_size(j), *v = w + (D + 1) * BLOCK;
    float *dw = j->sums + part * packed_size(j) + index * block_size(j), *dv = dw + (D + 1) * BLOCK;
    lanes *dc = (lanes *)(dw + D * BLOCK);
    memset(dw, 0, block_size(j) * sizeof(float));
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
  const size_t D = u->job->dimension, H = u->job->hidden, stride = packed_size(u->job);
  for (size_t row = begin; row < end; row++) {
    float *to = row < D ? u->dw + row * H : row == D ? u->dc : u->dv + (row - D - 1) * H;
    for (size_t at = 0; at < H; at += BLOCK) {
      const size_t count = H - at < BLOCK ? H - at : BLOCK;
      const float *from = u->job->sums + at / BLOCK * block_size(u->job) + row * BLOCK;
      for (size_t i = 0; i < count; i++) {
        float sum = from[i];
        for (size_t part = 1; part < u->job->parts; part++) sum += from[part * stride + i];
        to[at + i] = sum;
      }
    }
  }
}

void sl_nade_gradient(const float *dlogits, const float *x, const float *w, const float *c,
                      const float *v, float *dw, float *dc, float *dv, size_t images,
                      size_t dimension, size_t hidden, float *scratch) {
  job j = {.dlogits = dlogits, .x = x, .w = w, .c = c, .v = v,
           .images = images, .dimension = dimension, .hidden = hidden};
  divide(&j, scratch, 1);
  sl_parallel(pack_part, &j, rows_of(dimension), 64);
  sl_parallel(find_part, &j, tiles_of(images), 1);
  sl_parallel(backward_part, &j, blocks_of(hidden) * j.parts, 1);
  unpacking u = {&j, dw, dc, dv};
  sl_parallel(unpack_part, &u, rows_of(dimension), 64);
}
