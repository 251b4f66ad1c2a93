// A pass of NADE over whole images: its job, and where those are not zero.
#pragma once

#include "nade.h"

// What a pixel does to the images of a tile happens in registers; the tiles of a group share a run of
// LANES pixels' weights while those are in the first-level cache.
enum { TILE = 4, GROUP = 2 * TILE };

SL_INLINE void *numbers(size_t count) {
  return aligned_alloc(64, (count * sizeof(float) + 63) & ~63ul);
}

// A pixel that is not zero.
typedef struct {
  uint32_t place;
  float value;
} pixel;

typedef struct {
  const float *dlogits, *x, *packed, *b;
  float *out;
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

SL_INLINE size_t tiles_of(size_t images) { return (images + TILE - 1) / TILE; }

// Floats that the marks of a job take, and their places.
SL_INLINE size_t marks_size(size_t images, size_t dimension) {
  const size_t bytes = tiles_of(images) * dimension;
  return images * (2 * (dimension + 1) + 1) + (bytes + sizeof(float) - 1) / sizeof(float);
}

SL_INLINE void place_marks(job *j, float *scratch) {
  j->pixels = (pixel *)scratch;
  j->counts = (uint32_t *)(j->pixels + j->images * (j->dimension + 1));
  j->marks = (uint8_t *)(j->counts + j->images);
}

// Finds the pixels that are not zero.
void sl_nade_find(job *j);

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
      a[z] = __builtin_elementwise_fma(value, row[z], a[z]);
    }
    sigmoids(state);
    UNROLL for (size_t z = 0; z < VECTORS; z++) h[i * VECTORS + z] = state[z];
  }
  return h + count * VECTORS;
}
