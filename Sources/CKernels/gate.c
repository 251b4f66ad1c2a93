// Gated units: y = tanh(t) sigmoid(s), and back, with dropout on the way.
#include "kernels.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

typedef struct {
  const void *a, *dy;
  void *y;
  size_t width;
  sl_dropout mask;
} gate_job;

// Beyond 9 a tanh is 1 to the last bit, and products of the denominators stay finite.
SL_INLINE float within_nine(float x) { return x < -9.0f ? -9.0f : (x > 9.0f ? 9.0f : x); }

SL_INLINE float gate_of(float t, float s) {
  const float e = sl_exp(-2.0f * within_nine(t)), f = sl_exp(-s);
  return (1.0f - e) / ((1.0f + e) * (1.0f + f));
}

// What is multiplied with element i: 0 where it is dropped, 1 where nothing is.
SL_INLINE float kept(const sl_dropout *mask, size_t i) {
  const uint32_t low = (uint32_t)mask->key, high = (uint32_t)(mask->key >> 32);
  return sl_draw((uint32_t)i, low, high) >= mask->threshold ? mask->scale : 0.0f;
}

#define SAME(X) (X)
#define EACH _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")

// An item is `width` units: their t side by side in a, then their s.
#define GATE(NAME, TYPE, WIDEN, NARROW)                                                           \
  SL_CLONES static void gate_##NAME##_part(void *data, size_t begin, size_t end, int thread) {    \
    (void)thread;                                                                                 \
    const gate_job *j = data;                                                                     \
    const sl_dropout mask = j->mask;                                                              \
    const size_t width = j->width;                                                                \
    for (size_t item = begin; item < end; item++) {                                               \
      const TYPE *t = (const TYPE *)j->a + item * 2 * width, *s = t + width;                      \
      TYPE *y = (TYPE *)j->y + item * width;                                                      \
      if (mask.threshold) {                                                                       \
        EACH for (size_t i = 0; i < width; i++) {                                                 \
          y[i] = NARROW(kept(&mask, item * width + i) * gate_of(WIDEN(t[i]), WIDEN(s[i])));       \
        }                                                                                         \
      } else {                                                                                    \
        EACH for (size_t i = 0; i < width; i++) y[i] = NARROW(gate_of(WIDEN(t[i]), WIDEN(s[i]))); \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
  SL_CLONES static void gradient_##NAME##_part(void *data, size_t begin, size_t end,              \
                                               int thread) {                                      \
    (void)thread;                                                                                 \
    const gate_job *j = data;                                                                     \
    const sl_dropout mask = j->mask;                                                              \
    const size_t width = j->width;                                                                \
    for (size_t item = begin; item < end; item++) {                                               \
      const TYPE *t = (const TYPE *)j->a + item * 2 * width, *s = t + width;                      \
      const TYPE *dy = (const TYPE *)j->dy + item * width;                                        \
      TYPE *dt = (TYPE *)j->y + item * 2 * width, *ds = dt + width;                               \
      EACH for (size_t i = 0; i < width; i++) {                                                   \
        const float e = sl_exp(-2.0f * within_nine(WIDEN(t[i]))), f = sl_exp(-WIDEN(s[i]));       \
        const float tanh = (1.0f - e) / (1.0f + e), sigmoid = 1.0f / (1.0f + f);                  \
        const float share = mask.threshold ? kept(&mask, item * width + i) : 1.0f;                \
        const float g = share * WIDEN(dy[i]) * sigmoid;                                           \
        dt[i] = NARROW(g * (1.0f - tanh * tanh));                                                 \
        ds[i] = NARROW(g * tanh * (1.0f - sigmoid));                                              \
      }                                                                                           \
    }                                                                                             \
  }

GATE(f32, float, SAME, SAME)
GATE(bf16, uint16_t, sl_widen, sl_narrow)

// About as many numbers as are worth another thread.
static size_t grain(size_t width) { return 2048 / width + 1; }

void sl_gate(const void *a, void *y, size_t items, size_t width, const sl_dropout *mask, int half) {
  gate_job j = {.a = a, .y = y, .width = width};
  if (mask) j.mask = *mask;
  sl_parallel(half ? gate_bf16_part : gate_f32_part, &j, items, grain(width));
}

void sl_gate_gradient(const void *dy, const void *a, void *da, size_t items, size_t width,
                      const sl_dropout *mask, int half) {
  gate_job j = {.a = a, .dy = dy, .y = da, .width = width};
  if (mask) j.mask = *mask;
  sl_parallel(half ? gradient_bf16_part : gradient_f32_part, &j, items, grain(width));
}
