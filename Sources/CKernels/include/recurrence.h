// Recurrent cells over the positions of an image, in an order that a caller gives.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Positions are met front by front: those of one need nothing but states of the front before, so all of
// them and of all images are one product with the recurrent matrix. A raster sequence has a position a
// front, an LSTM over rows a row, one over diagonals a diagonal; no map is ever skewed.
//
// With x the states before a position side by side (zeros where there is none), q = U x + bias, and a the
// position's inputs, t standing for tanh and s for the sigmoid:
//
//   SL_TANH  h = t(a + q)
//   SL_GRU   r, z = s(a + q) of the first two gates, n = t(a + r q) of the third, h = n + z (c - n), c = h
//   SL_LSTM  i, f, g, o = s, s, t, s of (a + q); c = f c + i g, h = o t(c)
//
// where the c on the right is that of the predecessor that is carried on.
enum { SL_TANH, SL_GRU, SL_LSTM };
enum { SL_MOST_BEFORE = 3 };
typedef struct {
  int cell;
  // In equal groups: a position's inputs are [groups, gates, units / groups].
  size_t units, groups;
  // Positions of an image; those of front f are order[first[f]] ..< order[first[f + 1]].
  size_t positions, fronts;
  const uint32_t *order, *first;
  // [positions, reach] in that order: a predecessor's place in the front before, or -1. `carried` is the
  // one whose c goes on.
  const int32_t *before;
  size_t reach, carried;
  // a, y, their gradients and factors are bfloat16; c and sums are float.
  int half;
} sl_recurrence;

// U [gates * units, reach * units] as the kernels read it, or for the way back.
size_t sl_recurrence_packed_bytes(const sl_recurrence *shape, int transposed);
void sl_recurrence_pack(const sl_recurrence *shape, int transposed, const float *u, void *packed);

// Images that a thread takes at once, of so many.
size_t sl_recurrence_at_once(const sl_recurrence *shape, size_t images);
// What the way back needs: sums before the activations, and c after every so many fronts, about the root
// of their number, from which the others are computed anew.
size_t sl_recurrence_kept_bytes(const sl_recurrence *shape, size_t images, size_t at_once);
// y [images, positions, units] of a [images, positions, gates * units]; bias [gates * units] and kept may be
// null.
void sl_recur(const sl_recurrence *shape, const void *a, const void *packed, const float *bias,
              size_t images, size_t at_once, void *y, void *kept);
// da of dy, and where the two differ (SL_GRU, else null) dq, the gradient of U x + bias.
void sl_recur_gradient(const sl_recurrence *shape, const void *dy, const void *kept,
                       const void *packed_transposed, size_t images, size_t at_once, void *da, void *dq);

// One position, of groups first ..< end alone, images side by side in `lanes`: the states of the places in
// `before` [reach], or -1, make that of `place`. h are slots of [units] elements as those of `sl_product`,
// c slots of floats [units, lanes]; a and y are rows of images. It works in so many floats of scratch.
typedef struct {
  size_t first, end, images, lanes, place;
  ptrdiff_t before[SL_MOST_BEFORE];
} sl_recurrence_step;
size_t sl_recurrence_scratch_count(const sl_recurrence *shape, size_t lanes);
void sl_recur_next(const sl_recurrence *shape, const sl_recurrence_step *step, const void *a,
                   const void *packed, const float *bias, void *h, float *c, void *y, float *scratch);

#ifdef __cplusplus
}
#endif
