// Causal convolutions: the gradient of weights and bias.
#include "convolution_avx512.h"

#if defined(__x86_64__)

typedef struct {
  sl_convolution shape;
  tap_list taps;
  const void *x, *dy;
  size_t band;
  uint32_t *scratch;
  scratch_words words;
  int parts;
  float *dw, *dbias;
} weight_pass;

// Rows of pixels [W, C] as pairs [ceil(W / 2), C] of words, so many from one to the next: pixels
// first + 2 j and first + 2 j + 1, zero outside 0 ..< W. C counts channels, a multiple of 16.
SL_AVX512 static void pair_row(uint32_t *y, size_t stride, const uint16_t *x, ptrdiff_t first,
                               size_t count, size_t width, size_t channels, int relu) {
  for (size_t j = 0; j < count; j++) {
    const ptrdiff_t p = first + 2 * (ptrdiff_t)j;
    const int low = p >= 0 && p < (ptrdiff_t)width, high = p + 1 >= 0 && p + 1 < (ptrdiff_t)width;
    for (size_t c = 0; c < channels; c += 16) {
      const uint16_t *at = x + p * (ptrdiff_t)channels + c;
      __m512i a = low ? _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)at))
                      : _mm512_setzero_si512();
      __m512i b = high ? _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(at + channels)))
                       : _mm512_setzero_si512();
      __m512i words = _mm512_or_si512(a, _mm512_slli_epi32(b, 16));
      _mm512_storeu_si512(y + j * stride + c, relu ? RELU_bf16(words) : words);
    }
  }
}

// sums[o] += the rows of dy
#define ADD_ROWS(TYPE, ELEMENT, WIDEN)                                                            \
  SL_AVX512 static void add_rows_##TYPE(float *sums, const ELEMENT *dy, size_t rows, size_t n) {  \
    size_t o = 0;                                                                                 \
    /* Four chains: one would wait for itself. */                                                 \
    for (; o + 64 <= n; o += 64) {                                                                \
      __m512 sum[4];                                                                              \
      UNROLL for (size_t z = 0; z < 4; z++) sum[z] = _mm512_loadu_ps(sums + o + 16 * z);          \
      for (size_t r = 0; r < rows; r++) {                                                         \
        UNROLL for (size_t z = 0; z < 4; z++) {                                                   \
          sum[z] = _mm512_add_ps(sum[z], WIDEN(dy + r * n + o + 16 * z));                         \
        }                                                                                         \
      }                                                                                           \
      UNROLL for (size_t z = 0; z < 4; z++) _mm512_storeu_ps(sums + o + 16 * z, sum[z]);          \
    }                                                                                             \
    for (; o < n; o += 16) {                                                                      \
      __m512 sum = _mm512_loadu_ps(sums + o);                                                     \
      for (size_t r = 0; r < rows; r++) sum = _mm512_add_ps(sum, WIDEN(dy + r * n + o));          \
      _mm512_storeu_ps(sums + o, sum);                                                            \
    }                                                                                             \
  }

ADD_ROWS(f32, float, _mm512_loadu_ps)
ADD_ROWS(bf16, uint16_t, LOAD_HALF)

#define WEIGHTS(TYPE, TARGET)                                                                     \
  /* M inputs from i on by 16 Z outputs from o on; x has so many words a pixel. */                \
  TARGET SL_INLINE void block_##TYPE(const int M, const int Z, float *sums, const uint32_t *x,    \
                                     const uint32_t *dy, const segment *segments, size_t count,   \
                                     size_t stride, size_t inputs, size_t outputs, size_t i,      \
                                     size_t o, wishes *soon) {                                    \
    const size_t from = i + (size_t)M <= inputs ? i : inputs - (size_t)M;                         \
    __m512 c[12][4];                                                                              \
    const uint32_t *a[12];                                                                        \
    UNROLL for (int m = 0; m < M; m++) {                                                          \
      a[m] = x + from + (size_t)m;                                                                \
      UNROLL for (int z = 0; z < Z; z++) c[m][z] = _mm512_setzero_ps();                           \
    }                                                                                             \
    sums_##TYPE(M, Z, c, a, stride, dy + o, outputs, segments, count, soon);                      \
    UNROLL for (int m = 0; m < M; m++) {                                                          \
      if (from + (size_t)m < i) continue;                                                         \
      UNROLL for (int z = 0; z < Z; z++) {                                                        \
        float *sum = sums + (from + (size_t)m) * outputs + o + 16 * (size_t)z;                    \
        _mm512_storeu_ps(sum, _mm512_add_ps(_mm512_loadu_ps(sum), c[m][z]));                      \
      }                                                                                           \
    }                                                                                             \
  }

WEIGHTS(f32, SL_AVX512)
WEIGHTS(bf16, SL_BF16)

#define BLOCKS(TYPE, M, Z)                                                                        \
  for (; o + 16 * Z <= O; o += 16 * Z) {                                                          \
    for (size_t i = 0; i < I; i += M) {                                                           \
      block_##TYPE(M, Z, sums + t * I * O, x, dy, segments, count, X, I, O, i, o, &soon);         \
    }                                                                                             \
  }

#define WEIGHT_PART(TYPE, TARGET)                                                                 \
  TARGET static void weight_part_##TYPE(void *data, size_t begin, size_t end, int thread) {       \
    const weight_pass *j = data;                                                                  \
    const sl_convolution *s = &j->shape;                                                          \
    const tap_list *taps = &j->taps;                                                              \
    const size_t H = s->height, W = s->width, I = s->inputs, O = s->outputs;                      \
    const size_t steps = pairs(W, s->half), X = window_words(I);                                  \
    /* Pixels, or pairs of them, of a row with its margins. */                                    \
    const size_t columns = s->half ? steps + (taps->before + taps->after + 1) / 2                 \
                                   : W + taps->before + taps->after;                              \
    uint32_t *window = j->scratch +                                                               \
                       (size_t)thread * (j->words.window + j->words.gradient + j->words.sums);    \
    uint32_t *gradient = window + j->words.window;                                                \
    float *sums = (float *)(gradient + j->words.gradient);                                        \
    memset(sums, 0, j->words.sums * 4);                                                           \
    for (size_t image = begin; image < end; image++) {                                            \
      for (size_t top = 0; top < H; top += j->band) {                                             \
        const size_t rows = H - top < j->band ? H - top : j->band;                                \
        const size_t lines = rows + taps->above + taps->below;                                    \
        const size_t place = (image * H + top) * W;                                               \
        const uint32_t *dy = gradient;                                                            \
        PACK_##TYPE(j);                                                                           \
        /* The next band is asked for while this one is worked on, a share with each block. */    \
        const size_t bytes = s->half ? 2 : 4, pixels = rows * W;                                  \
        const size_t blocks = taps->count * ((I + 5) / 6) * ((O + 63) / 64);                      \
        const size_t times = blocks * (columns == steps ? (rows * steps + STEPS - 1) / STEPS      \
                                                        : rows * ((steps + STEPS - 1) / STEPS));  \
        wishes soon = {.count = 0};                                                               \
        wish(&soon, (const char *)j->x + (place + pixels) * I * bytes,                            \
             share(pixels * I * bytes, times));                                                   \
        wish(&soon, (const char *)j->dy + (place + pixels) * O * bytes,                           \
             share(pixels * O * bytes, times));                                                   \
        segment segments[SL_MOST_BAND];                                                           \
        for (size_t t = 0; t < taps->count; t++) {                                                \
          const size_t column = (size_t)((ptrdiff_t)taps->before + taps->column[t]);              \
          const uint32_t *x = window + COLUMN_##TYPE(column);                                     \
          size_t count = 0;                                                                       \
          for (size_t r = 0; r < rows; r++) {                                                     \
            const size_t line = (size_t)((ptrdiff_t)(taps->above + r) + taps->row[t]);            \
            segment next = {(ptrdiff_t)(line * columns * X), (ptrdiff_t)(r * steps * O), steps};  \
            if (columns == steps && count) {                                                      \
              segments[0].length += steps;                                                        \
            } else {                                                                              \
              segments[count++] = next;                                                           \
            }                                                                                     \
          }                                                                                       \
          size_t o = 0;                                                                           \
          BLOCKS(TYPE, 6, 4)                                                                      \
          BLOCKS(TYPE, 12, 2)                                                                     \
          BLOCKS(TYPE, 12, 1)                                                                     \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

// The window of a band: floats as they are, with margins.
#define PACK_f32(J)                                                                               \
  const float *rows_of_x = (const float *)j->x + image * H * W * I;                               \
  for (size_t r = 0; r < lines; r++) {                                                            \
    uint32_t *line = window + r * columns * X;                                                    \
    if (top + r < taps->above || top + r - taps->above >= H) {                                    \
      memset(line, 0, columns * X * 4);                                                           \
      continue;                                                                                   \
    }                                                                                             \
    memset(line, 0, taps->before * X * 4);                                                        \
    line += taps->before * X;                                                                     \
    for (size_t c = 0; c < W; c++) {                                                              \
      const float *pixel = rows_of_x + ((top + r - taps->above) * W + c) * I;                     \
      copy_f32(line + c * X, (const uint32_t *)pixel, I, s->relu);                                \
    }                                                                                             \
    memset(line + W * X, 0, taps->after * X * 4);                                                 \
  }                                                                                               \
  dy = (const uint32_t *)j->dy + place * O;                                                       \
  add_rows_f32(sums + taps->count * I * O, (const float *)dy, rows * W, O);
#define COLUMN_f32(COLUMN) ((COLUMN)*X)

// Pairs of pixels: those that start in an even column of the window, then those in an odd one.
#define PACK_bf16(J)                                                                              \
  const uint16_t *rows_of_x = (const uint16_t *)j->x + image * H * W * I;                         \
  const uint16_t *rows_of_dy = (const uint16_t *)j->dy + place * O;                               \
  for (size_t r = 0; r < lines; r++) {                                                            \
    const int outside = top + r < taps->above || top + r - taps->above >= H;                      \
    for (size_t odd = 0; odd < (columns == steps ? 1 : 2); odd++) {                               \
      uint32_t *line = window + (odd * lines + r) * columns * X;                                  \
      if (outside) {                                                                              \
        memset(line, 0, columns * X * 4);                                                         \
      } else {                                                                                    \
        pair_row(line, X, rows_of_x + (top + r - taps->above) * W * I,                            \
                 (ptrdiff_t)odd - (ptrdiff_t)taps->before, columns, W, I, s->relu);               \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
  for (size_t r = 0; r < rows; r++) {                                                             \
    pair_row(gradient + r * steps * O, O, rows_of_dy + r * W * O, 0, steps, W, O, 0);             \
  }                                                                                               \
  add_rows_bf16(sums + taps->count * I * O, rows_of_dy, rows * W, O);
#define COLUMN_bf16(COLUMN) (((COLUMN) % 2 * lines * columns + (COLUMN) / 2) * X)

WEIGHT_PART(f32, SL_AVX512)
WEIGHT_PART(bf16, SL_BF16)

// Adds up the threads' sums in a fixed order and turns them to [O, I, kh, kw]. Items are the inputs,
// and after them the bias.
SL_AVX512 static void weight_reduction(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const weight_pass *j = data;
  const size_t I = j->shape.inputs, O = j->shape.outputs;
  const size_t area = j->shape.kernel_height * j->shape.kernel_width;
  const size_t stride = j->words.window + j->words.gradient + j->words.sums;
  const float *sums = (const float *)(j->scratch + j->words.window + j->words.gradient);
  for (size_t i = begin; i < end; i++) {
    for (size_t t = 0; t < (i < I ? j->taps.count : 1); t++) {
      const float *row = sums + (i < I ? t * I + i : j->taps.count * I) * O;
      float *to = i < I ? j->dw + i * area + j->taps.place[t] : j->dbias;
      const size_t step = i < I ? I * area : 1;
      for (size_t o = 0; o < O; o += 16) {
        __m512 sum = _mm512_loadu_ps(row + o);
        for (int part = 1; part < j->parts; part++) {
          sum = _mm512_add_ps(sum, _mm512_loadu_ps(row + (size_t)part * stride + o));
        }
        float lanes[16];
        _mm512_storeu_ps(lanes, sum);
        for (size_t lane = 0; lane < 16; lane++) to[(o + lane) * step] = lanes[lane];
      }
    }
    for (size_t place = 0, t = 0; i < I && place < area; place++) {
      if (t < j->taps.count && j->taps.place[t] == place) {
        t++;
      } else {
        for (size_t o = 0; o < O; o++) j->dw[(o * I + i) * area + place] = 0;
      }
    }
  }
}

void sl_convolution_weight_gradient(const sl_convolution *shape, const void *x, const void *dy,
                                    float *dw, float *dbias, void *scratch) {
  weight_pass j = {
      .shape = *shape,
      .taps = taps_of(shape, 1),
      .x = x,
      .dy = dy,
      .scratch = scratch,
      .words = scratch_of(shape),
      .parts = sl_parts(shape->images, 1),
      .dw = dw,
      .dbias = dbias,
  };
  j.band = band_of(shape, &j.taps);
  sl_parallel(shape->half ? weight_part_bf16 : weight_part_f32, &j, shape->images, 1);
  sl_parallel(weight_reduction, &j, shape->inputs + 1, 8);
}

#else

void sl_convolution_weight_gradient(const sl_convolution *shape, const void *x, const void *dy,
                                    float *dw, float *dbias, void *scratch) {
  __builtin_trap();
}

#endif
