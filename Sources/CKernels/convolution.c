// Causal convolutions: the forward pass and the input gradient.
#include "convolution.h"

size_t sl_convolution_packed_bytes(const sl_convolution *shape) {
  return taps_of(shape, 1).count * shape->inputs * shape->outputs * (shape->half ? 2 : 4);
}

size_t sl_convolution_scratch_bytes(const sl_convolution *shape) {
  scratch_words words = scratch_of(shape);
  return (size_t)sl_threads() * (words.window + words.gradient + words.sums) * 4;
}

#if defined(__x86_64__)

// Weights [O, I, kh, kw] as words [tap][K][O]; transposed, [tap][K][I] with K counting O.
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
  const size_t inner = p->transposed ? s->outputs : s->inputs;
  const size_t outer = p->transposed ? s->inputs : s->outputs;
  for (size_t o = begin; o < end; o++) {
    for (size_t i = 0; i < s->inputs; i++) {
      const float *w = p->weights + (o * s->inputs + i) * area;
      const size_t k = p->transposed ? o : i, n = p->transposed ? i : o;
      for (size_t t = 0; t < p->taps.count; t++) {
        const float value = w[p->taps.place[t]];
        if (s->half) {
          ((uint16_t *)p->packed)[((t * inner / 2 + k / 2) * outer + n) * 2 + k % 2] =
              sl_narrow(value);
        } else {
          ((float *)p->packed)[(t * inner + k) * outer + n] = value;
        }
      }
    }
  }
}

// A forward pass, or backward to the input.
typedef struct {
  sl_convolution shape;
  sl_epilogue end;
  tap_list taps;
  const void *x;
  const uint32_t *packed;
  void *y;
  // Words of an input pixel, and channels of an output pixel.
  size_t words, outputs;
  size_t band, bands;
  // Pixels from those worked on to those asked for.
  size_t ahead;
  uint32_t *scratch;
  size_t scratch_stride;
} pass;

// What is to be added to 16 sums, and their way to element `place` of the result. The epilogue comes by
// value: a pointer to it would be read anew after each store.
#define FINISH(TYPE, TARGET)                                                                      \
  TARGET SL_INLINE void finish_##TYPE(const sl_epilogue end, void *y, __m512 c, size_t place) {   \
    if (end.mask) {                                                                               \
      __m512 mask = end.half ? LOAD_HALF((const uint16_t *)end.mask + place)                      \
                             : _mm512_loadu_ps((const float *)end.mask + place);                  \
      c = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(mask, _mm512_setzero_ps(), _CMP_GT_OQ), c);      \
    }                                                                                             \
    if (end.residual) {                                                                           \
      c = _mm512_add_ps(c, end.half ? LOAD_HALF((const uint16_t *)end.residual + place)           \
                                    : _mm512_loadu_ps((const float *)end.residual + place));      \
    }                                                                                             \
    STORE_##TYPE                                                                                  \
  }

#define STORE_f32 _mm512_storeu_ps((float *)y + place, c);
#define STORE_bf16                                                                                \
  if (end.half) {                                                                                 \
    _mm256_storeu_si256((__m256i *)((uint16_t *)y + place), (__m256i)_mm512_cvtneps_pbh(c));      \
  } else {                                                                                        \
    _mm512_storeu_ps((float *)y + place, c);                                                      \
  }

FINISH(f32, SL_AVX512)
FINISH(bf16, SL_BF16)

#define FORWARD(TYPE, TARGET)                                                                     \
  /* A tile of pixels and 16 Z channels from o on; the last of a band repeats its last pixel. */  \
  TARGET SL_INLINE void tile_##TYPE(const int Z, const pass *j, const uint32_t *const *a,         \
                                    const segment *segments, size_t first, size_t count,          \
                                    size_t o, wishes *soon) {                                     \
    __m512 c[PIXELS][4];                                                                          \
    const sl_epilogue end = j->end;                                                               \
    void *y = j->y;                                                                               \
    UNROLL for (int z = 0; z < Z; z++) {                                                          \
      const __m512 bias = end.bias ? _mm512_loadu_ps(end.bias + o + 16 * z) : _mm512_setzero_ps(); \
      UNROLL for (int m = 0; m < PIXELS; m++) c[m][z] = bias;                                     \
    }                                                                                             \
    sums_##TYPE(PIXELS, Z, c, a, 1, j->packed + o, j->outputs, segments, j->taps.count, soon);    \
    UNROLL for (int m = 0; m < PIXELS; m++) {                                                     \
      if ((size_t)m < count) {                                                                    \
        const size_t place = (first + (size_t)m) * j->outputs + o;                                \
        UNROLL for (int z = 0; z < Z; z++) finish_##TYPE(end, y, c[m][z], place + 16 * (size_t)z); \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
                                                                                                  \
  TARGET static void forward_part_##TYPE(void *data, size_t begin, size_t end, int thread) {      \
    const pass *j = data;                                                                         \
    const tap_list *taps = &j->taps;                                                              \
    const size_t H = j->shape.height, W = j->shape.width, K = j->words;                           \
    const int direct = !(taps->above | taps->below | taps->before | taps->after) && !j->shape.relu; \
    const size_t columns = direct ? W : W + taps->before + taps->after;                           \
    uint32_t *window = j->scratch + (size_t)thread * j->scratch_stride;                           \
    const size_t bytes = j->end.half ? 2 : 4;                                                     \
    const size_t times = taps->count * (K / STEPS) * ((j->outputs + 63) / 64);                    \
    const size_t share_of_x = share(PIXELS * K * 4, times);                                       \
    const size_t share_of_y = share(PIXELS * j->outputs * bytes, times);                          \
    segment segments[SL_MOST_TAPS];                                                               \
    for (size_t t = 0; t < taps->count; t++) {                                                    \
      segments[t].a = (taps->row[t] * (ptrdiff_t)columns + taps->column[t]) * (ptrdiff_t)K;       \
      segments[t].b = (ptrdiff_t)(t * K * j->outputs);                                            \
      segments[t].length = K;                                                                     \
    }                                                                                             \
    for (size_t item = begin; item < end; item++) {                                               \
      const size_t image = item / j->bands, top = item % j->bands * j->band;                      \
      const size_t rows = H - top < j->band ? H - top : j->band;                                  \
      const uint32_t *x = (const uint32_t *)j->x + image * H * W * K;                             \
      const uint32_t *origin = x + top * W * K;                                                   \
      if (!direct) {                                                                              \
        for (size_t r = 0; r < rows + taps->above + taps->below; r++) {                           \
          uint32_t *line = window + r * columns * K;                                              \
          if (top + r < taps->above || top + r - taps->above >= H) {                              \
            memset(line, 0, columns * K * 4);                                                     \
            continue;                                                                             \
          }                                                                                       \
          memset(line, 0, taps->before * K * 4);                                                  \
          copy_##TYPE(line + taps->before * K, x + (top + r - taps->above) * W * K, W * K,        \
                      j->shape.relu);                                                             \
          memset(line + (taps->before + W) * K, 0, taps->after * K * 4);                          \
        }                                                                                         \
        origin = window + (taps->above * columns + taps->before) * K;                             \
      }                                                                                           \
      const uint32_t *at = origin;                                                                \
      size_t column = 0;                                                                          \
      for (size_t p = 0; p < rows * W; p += PIXELS) {                                             \
        const size_t left = rows * W - p, count = left < PIXELS ? left : PIXELS;                  \
        const size_t first = (image * H + top) * W + p;                                           \
        const uint32_t *a[PIXELS];                                                                \
        for (size_t m = 0; m < PIXELS; m++) {                                                     \
          a[m] = at;                                                                              \
          if (m + 1 >= left) continue;                                                            \
          at += K;                                                                                \
          if (++column == W) {                                                                    \
            at += (columns - W) * K;                                                              \
            column = 0;                                                                           \
          }                                                                                       \
        }                                                                                         \
        const size_t next = (first + 4 * PIXELS) * j->outputs * bytes;                            \
        wishes soon = {.count = 0};                                                               \
        wish(&soon, (const uint32_t *)j->x + (first + j->ahead) * K, share_of_x);                 \
        wish(&soon, (const char *)j->y + next, share_of_y);                                       \
        if (j->end.mask) wish(&soon, (const char *)j->end.mask + next, share_of_y);               \
        if (j->end.residual) wish(&soon, (const char *)j->end.residual + next, share_of_y);       \
        size_t o = 0;                                                                             \
        for (; o + 64 <= j->outputs; o += 64) tile_##TYPE(4, j, a, segments, first, count, o, &soon);    \
        for (; o + 32 <= j->outputs; o += 32) tile_##TYPE(2, j, a, segments, first, count, o, &soon);    \
        for (; o < j->outputs; o += 16) tile_##TYPE(1, j, a, segments, first, count, o, &soon);          \
      }                                                                                           \
    }                                                                                             \
  }

FORWARD(f32, SL_AVX512)
FORWARD(bf16, SL_BF16)

void sl_convolve(const sl_convolution *shape, int transposed, const void *x, const float *weights,
                 const sl_epilogue *end, void *y, void *packed, void *scratch) {
  tap_list taps = taps_of(shape, transposed ? -1 : 1);
  packing p = {shape, taps, weights, packed, transposed};
  sl_parallel(pack_part, &p, shape->outputs, 16);
  const size_t inner = transposed ? shape->outputs : shape->inputs;
  scratch_words words = scratch_of(shape);
  pass j = {
      .shape = *shape,
      .end = *end,
      .taps = taps,
      .x = x,
      .packed = packed,
      .y = y,
      .words = shape->half ? inner / 2 : inner,
      .outputs = transposed ? shape->inputs : shape->outputs,
      .scratch = scratch,
      .scratch_stride = words.window,
  };
  j.band = band_of(shape, &taps);
  if (taps.count == 1 && !(taps.above | taps.below | taps.before | taps.after)) {
    // Without neighbours any run of pixels is a band: so many that no tile is cut short.
    const size_t pixels = shape->height * shape->width;
    j.shape.height = pixels;
    j.shape.width = 1;
    j.band = larger(j.band * shape->width / PIXELS, 1) * PIXELS;
  }
  j.ahead = j.band * j.shape.width;
  j.bands = (j.shape.height + j.band - 1) / j.band;
  sl_parallel(shape->half ? forward_part_bf16 : forward_part_f32, &j, shape->images * j.bands, 1);
}

#else

void sl_convolve(const sl_convolution *shape, int transposed, const void *x, const float *weights,
                 const sl_epilogue *end, void *y, void *packed, void *scratch) {
  __builtin_trap();
}

#endif
