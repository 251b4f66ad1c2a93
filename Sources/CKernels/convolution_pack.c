// Causal convolutions: weights in the order in which the forward pass and the input gradient read them.
#include "convolution.h"

size_t sl_convolution_packed_bytes(const sl_convolution *shape) {
  return taps_of(shape, 1).count * padded(shape->inputs) * padded(shape->outputs) *
         (shape->half ? 2 : 4);
}

// Weights [O, I, kh, kw] as words [panel of O][tap][K][O in it]; transposed, of I with K counting O. What
// channels lack to whole vectors is zero.
typedef struct {
  const sl_convolution *shape;
  tap_list taps;
  const float *weights;
  void *packed;
  int transposed;
} packing;

static void pack_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const packing *p = data;
  const sl_convolution *s = p->shape;
  const size_t area = s->kernel_height * s->kernel_width;
  const size_t inner = padded(p->transposed ? s->outputs : s->inputs);
  const size_t panel = panel_of(p->transposed ? s->inputs : s->outputs);
  for (size_t o = begin; o < end; o++) {
    for (size_t i = 0; i < s->inputs; i++) {
      const float *w = p->weights + (o * s->inputs + i) * area;
      const size_t k = p->transposed ? o : i, n = p->transposed ? i : o;
      for (size_t t = 0; t < p->taps.count; t++) {
        const float value = w[p->taps.place[t]];
        const size_t row = (n / panel * p->taps.count + t) * inner + k;
        if (s->half) {
          ((uint16_t *)p->packed)[(row / 2 * panel + n % panel) * 2 + k % 2] = sl_narrow(value);
        } else {
          ((float *)p->packed)[row * panel + n % panel] = value;
        }
      }
    }
  }
}

void sl_convolution_pack(const sl_convolution *shape, int transposed, const float *weights,
                         void *packed) {
  packing p = {shape, taps_of(shape, transposed ? -1 : 1), weights, packed, transposed};
  if (shape->inputs % LANES || shape->outputs % LANES) {
    memset(packed, 0, sl_convolution_packed_bytes(shape));
  }
  sl_parallel(pack_part, &p, shape->outputs, LANES);
}
