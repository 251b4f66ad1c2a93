// NADE one dimension after the other, with the bits of the whole pass.
#include "nade.h"

// An image's state: the sigmoids of its hidden units, then their activations, whole blocks of each. A
// line more keeps the images of a group from contending for the same places of the cache.
SL_INLINE size_t units_of(size_t hidden) { return blocks_of(hidden) * BLOCK; }
SL_INLINE size_t stride_of(size_t hidden) { return 2 * units_of(hidden) + LANES; }

size_t sl_nade_state_count(size_t images, size_t hidden) { return images * stride_of(hidden); }

// A block's sigmoids anew from its activations.
SL_INLINE void refresh(lanes *h, const lanes *a) {
  lanes state[VECTORS];
  UNROLL for (int z = 0; z < VECTORS; z++) state[z] = a[z];
  sigmoids(state);
  UNROLL for (int z = 0; z < VECTORS; z++) h[z] = state[z];
}

SL_CLONES void sl_nade_start(const float *packed, size_t dimension, size_t hidden, size_t images,
                             float *state) {
  const size_t units = units_of(hidden), stride = stride_of(hidden);
  for (size_t at = 0; at < units; at += BLOCK) {
    const float *c = packed + at / BLOCK * block_size(dimension) + dimension * BLOCK;
    memcpy(state + units + at, c, BLOCK * sizeof(float));
    refresh((lanes *)(state + at), (const lanes *)(state + units + at));
  }
  for (size_t n = 1; n < images; n++) memcpy(state + n * stride, state, stride * sizeof(float));
}

// Blocks whose products wait for their sums at a time.
enum { MOST_BLOCKS = 8 };

SL_CLONES void sl_nade_next(const float *packed, const float *b, size_t dimension, size_t hidden,
                            size_t d, size_t images, const float *state, float *logits) {
  const size_t blocks = blocks_of(hidden), stride = stride_of(hidden);
  const float *v = packed + (dimension + 1 + d) * BLOCK;
  for (size_t first = 0; first < images; first += LANES) {
    const size_t count = images - first < LANES ? images - first : LANES;
    lanes sums = (lanes)b[d];
    for (size_t from = 0; from < blocks; from += MOST_BLOCKS) {
      const size_t length = blocks - from < MOST_BLOCKS ? blocks - from : MOST_BLOCKS;
      lanes products[MOST_BLOCKS][LANES];
      for (size_t n = 0; n < count; n++) {
        const lanes *h = (const lanes *)(state + (first + n) * stride) + from * VECTORS;
        for (size_t i = 0; i < length; i++) {
          const lanes *row = (const lanes *)(v + (from + i) * block_size(dimension));
          lanes product = h[i * VECTORS] * row[0];
          UNROLL for (int z = 1; z < VECTORS; z++) {
            product = __builtin_elementwise_fma(h[i * VECTORS + (size_t)z], row[z], product);
          }
          products[i][n] = product;
        }
      }
      for (size_t i = 0; i < length; i++) {
        for (size_t n = count; n < LANES; n++) products[i][n] = (lanes)0.0f;
        sum_each(products[i]);
        sums += products[i][0];
      }
    }
    memcpy(logits + first, &sums, count * sizeof(float));
  }
}

SL_CLONES void sl_nade_observe(const float *packed, size_t dimension, size_t hidden, size_t d,
                               size_t images, const float *x, float *state) {
  const size_t units = units_of(hidden), stride = stride_of(hidden);
  const float *w = packed + d * BLOCK;
  for (size_t n = 0; n < images; n++) {
    if (x[n] == 0) continue;
    const lanes value = (lanes)x[n];
    for (size_t at = 0; at < units; at += BLOCK) {
      const lanes *row = (const lanes *)(w + at / BLOCK * block_size(dimension));
      lanes *h = (lanes *)(state + n * stride + at), *a = (lanes *)(state + n * stride + units + at);
      UNROLL for (int z = 0; z < VECTORS; z++) {
        a[z] = __builtin_elementwise_fma(value, row[z], a[z]);
      }
      refresh(h, a);
    }
  }
}
