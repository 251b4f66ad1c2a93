// Causal convolutions for processors with AVX-512: implicit matrix products over [N, H, W, C] that
// visit live taps only, take their input through a ReLU, and add bias, mask and residual while the
// sums are in registers.
//
// All three passes are one micro-kernel, C[M x 16 Z] += A^T B in 32-bit words. A word is a float, or
// two bfloat16 that follow one another in the sum: neighbouring channels in the forward pass and the
// input gradient, neighbouring pixels in the weight gradient.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "numerics.h"
#include "pool.h"

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// Where the taps of a convolution stand, in the direction of a pass.
typedef struct {
  // Row and column of the input from those of the output, by tap.
  ptrdiff_t row[SL_MOST_TAPS], column[SL_MOST_TAPS];
  // The tap's place in the kernel [kernel_height, kernel_width].
  size_t place[SL_MOST_TAPS];
  size_t count;
  // Rows and columns of zeros around the image.
  size_t above, below, before, after;
} tap_list;

static tap_list taps_of(const sl_convolution *shape, int sign) {
  tap_list taps = {.count = 0};
  for (size_t r = 0; r < shape->kernel_height; r++) {
    size_t columns = r + 1 < shape->kernel_height ? shape->kernel_width : shape->last_row;
    for (size_t c = 0; c < columns; c++) {
      ptrdiff_t row = sign * ((ptrdiff_t)r - (ptrdiff_t)shape->top);
      ptrdiff_t column = sign * ((ptrdiff_t)c - (ptrdiff_t)shape->left);
      taps.row[taps.count] = row;
      taps.column[taps.count] = column;
      taps.place[taps.count] = r * shape->kernel_width + c;
      taps.count++;
      taps.above = larger(taps.above, (size_t)(row < 0 ? -row : 0));
      taps.below = larger(taps.below, (size_t)(row > 0 ? row : 0));
      taps.before = larger(taps.before, (size_t)(column < 0 ? -column : 0));
      taps.after = larger(taps.after, (size_t)(column > 0 ? column : 0));
    }
  }
  return taps;
}

// Rows of an image that are worked on at a time, so that what they read stays in the first-level
// cache.
enum { BAND_BYTES = 24576 };
static size_t band_of(const sl_convolution *s, const tap_list *taps) {
  size_t columns = s->width + taps->before + taps->after;
  size_t rows = BAND_BYTES / (columns * larger(s->inputs, s->outputs) * (s->half ? 2 : 4));
  size_t most = s->height < SL_MOST_BAND ? s->height : SL_MOST_BAND;
  return rows < 1 ? 1 : rows > most ? most : rows;
}

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

size_t sl_convolution_packed_bytes(const sl_convolution *shape) {
  return taps_of(shape, 1).count * shape->inputs * shape->outputs * (shape->half ? 2 : 4);
}

// What each thread works in.
typedef struct {
  size_t window, gradient, sums;
} scratch_words;

static size_t pairs(size_t n, int half) { return half ? (n + 1) / 2 : n; }

static scratch_words scratch_of(const sl_convolution *s) {
  tap_list taps = taps_of(s, 1);
  size_t rows = band_of(s, &taps) + taps.above + taps.below;
  // Pairs of pixels are packed twice, from even and from odd columns.
  size_t columns = s->width + taps.before + taps.after + 2;
  size_t words = rows * columns * larger(s->inputs, s->outputs);
  return (scratch_words){words, words, (taps.count * s->inputs + 1) * s->outputs};
}

size_t sl_convolution_scratch_bytes(const sl_convolution *shape) {
  scratch_words words = scratch_of(shape);
  return (size_t)sl_threads() * (words.window + words.gradient + words.sums) * 4;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define SL_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define SL_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

#define UNROLL _Pragma("clang loop unroll(full)")

// x through a ReLU, in words; NaN stays NaN, for the maximum is the second operand then.
#define RELU_f32(X)                                                                               \
  _mm512_castps_si512(_mm512_max_ps(_mm512_setzero_ps(), _mm512_castsi512_ps(X)))
#define RELU_bf16(X)                                                                              \
  _mm512_maskz_mov_epi16(_mm512_cmpgt_epi16_mask(X, _mm512_set1_epi16(-128)), X)

#define MAC_f32(C, A, B)                                                                          \
  _mm512_fmadd_ps(_mm512_castsi512_ps(A), _mm512_castsi512_ps(B), C)
#define MAC_bf16(C, A, B) _mm512_dpbf16_ps(C, (__m512bh)(A), (__m512bh)(B))

// Asks for memory that is needed soon. The processor's own prefetching ends at each page, which is no
// more than sixteen pixels away.
SL_INLINE void ask(const void *from, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *)from + at, 0, 3);
}

// A run of the sum: `length` words of A and rows of B from these places on.
typedef struct {
  ptrdiff_t a, b;
  size_t length;
} segment;

// Memory that will be needed soon, and how much of each to ask for at a time. Asked for all at once it
// would fill the processor's queue of outstanding lines, and the multiply-adds would wait for a place.
typedef struct {
  const char *at[4];
  size_t share[4];
  size_t count;
} wishes;

// Lines of memory in a share, where there are so many.
SL_INLINE size_t share(size_t bytes, size_t shares) {
  return (bytes + 64 * shares - 1) / (64 * shares) * 64;
}

SL_INLINE void wish(wishes *soon, const void *from, size_t share) {
  soon->at[soon->count] = from;
  soon->share[soon->count++] = share;
}

SL_INLINE void ask_for_shares(wishes *soon) {
  for (size_t i = 0; i < soon->count; i++) {
    ask(soon->at[i], soon->share[i]);
    soon->at[i] += soon->share[i];
  }
}

// Steps of a sum from one share of the wishes to the next.
enum { STEPS = 8 };

// c[m][z] += sum over the segments; A's column m starts at a[m].
#define SUMS(TYPE, TARGET)                                                                        \
  TARGET SL_INLINE void sums_##TYPE(const int M, const int Z, __m512 (*c)[4],                     \
                                    const uint32_t *const *a, size_t a_stride, const uint32_t *b, \
                                    size_t b_stride, const segment *segments, size_t count,       \
                                    wishes *soon) {                                               \
    for (size_t s = 0; s < count; s++) {                                                          \
      const uint32_t *from[12];                                                                   \
      UNROLL for (int m = 0; m < M; m++) from[m] = a[m] + segments[s].a;                          \
      const uint32_t *row = b + segments[s].b;                                                    \
      const size_t length = segments[s].length;                                                   \
      /* Unrolled where A's steps are neighbours; else addresses would cost more than the loop. */  \
      for (size_t k = 0; k < length; k += STEPS) {                                                \
        ask_for_shares(soon);                                                                     \
        if (a_stride == 1 && k + STEPS <= length) {                                               \
          UNROLL for (size_t step = 0; step < STEPS; step++) {                                    \
            STEP_##TYPE(k + step)                                                                 \
          }                                                                                       \
        } else {                                                                                  \
          const size_t end = k + STEPS < length ? k + STEPS : length;                             \
          for (size_t step = k; step < end; step++) {                                             \
            STEP_##TYPE(step)                                                                     \
          }                                                                                       \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

#define STEP(TYPE, K)                                                                             \
  __m512i right[4];                                                                               \
  UNROLL for (int z = 0; z < Z; z++) right[z] = _mm512_loadu_si512(row + 16 * z);                 \
  UNROLL for (int m = 0; m < M; m++) {                                                            \
    __m512i left = _mm512_set1_epi32((int)from[m][(K)*a_stride]);                                 \
    UNROLL for (int z = 0; z < Z; z++) c[m][z] = MAC_##TYPE(c[m][z], left, right[z]);             \
  }                                                                                               \
  row += b_stride;
#define STEP_f32(K) STEP(f32, K)
#define STEP_bf16(K) STEP(bf16, K)

SUMS(f32, SL_AVX512)
SUMS(bf16, SL_BF16)

// Forward pass and input gradient -----------------------------------------------------------------

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

#define LOAD_HALF(P)                                                                              \
  _mm512_castsi512_ps(_mm512_slli_epi32(                                                          \
      _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(P))), 16))
#define STORE_f32 _mm512_storeu_ps((float *)y + place, c);
#define STORE_bf16                                                                                \
  if (end.half) {                                                                                 \
    _mm256_storeu_si256((__m256i *)((uint16_t *)y + place), (__m256i)_mm512_cvtneps_pbh(c));      \
  } else {                                                                                        \
    _mm512_storeu_ps((float *)y + place, c);                                                      \
  }

FINISH(f32, SL_AVX512)
FINISH(bf16, SL_BF16)

// Copies words, a multiple of 8, through a ReLU if asked to.
#define COPY(TYPE)                                                                                \
  SL_AVX512 SL_INLINE void copy_##TYPE(uint32_t *y, const uint32_t *x, size_t n, int relu) {      \
    size_t i = 0;                                                                                 \
    for (; i + 16 <= n; i += 16) {                                                                \
      __m512i words = _mm512_loadu_si512(x + i);                                                  \
      _mm512_storeu_si512(y + i, relu ? RELU_##TYPE(words) : words);                              \
    }                                                                                             \
    if (i < n) {                                                                                  \
      __m512i words = _mm512_maskz_loadu_epi32(0xff, x + i);                                      \
      _mm512_mask_storeu_epi32(y + i, 0xff, relu ? RELU_##TYPE(words) : words);                   \
    }                                                                                             \
  }

COPY(f32)
COPY(bf16)

enum { PIXELS = 6 };

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

// Weight gradient ---------------------------------------------------------------------------------

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

// Rows of pixels [W, C] as pairs [ceil(W / 2), C] of words: pixels first + 2 j and first + 2 j + 1,
// zero outside 0 ..< W. C counts channels, a multiple of 16.
SL_AVX512 static void pair_row(uint32_t *y, const uint16_t *x, ptrdiff_t first, size_t count,
                               size_t width, size_t channels, int relu) {
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
      _mm512_storeu_si512(y + j * channels + c, relu ? RELU_bf16(words) : words);
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
  /* M inputs from i on by 16 Z outputs from o on; the rows before `skip` are known. */           \
  TARGET SL_INLINE void block_##TYPE(const int M, const int Z, float *sums, const uint32_t *x,    \
                                     const uint32_t *dy, const segment *segments, size_t count,   \
                                     size_t inputs, size_t outputs, size_t i, size_t o,           \
                                     wishes *soon) {                                              \
    const size_t from = i + (size_t)M <= inputs ? i : inputs - (size_t)M;                         \
    __m512 c[12][4];                                                                              \
    const uint32_t *a[12];                                                                        \
    UNROLL for (int m = 0; m < M; m++) {                                                                 \
      a[m] = x + from + (size_t)m;                                                                \
      UNROLL for (int z = 0; z < Z; z++) c[m][z] = _mm512_setzero_ps();                           \
    }                                                                                             \
    sums_##TYPE(M, Z, c, a, inputs, dy + o, outputs, segments, count, soon);                      \
    UNROLL for (int m = 0; m < M; m++) {                                                                 \
      if (from + (size_t)m < i) continue;                                                         \
      UNROLL for (int z = 0; z < Z; z++) {                                                               \
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
      block_##TYPE(M, Z, sums + t * I * O, x, dy, segments, count, I, O, i, o, &soon);            \
    }                                                                                             \
  }

#define WEIGHT_PART(TYPE, TARGET)                                                                 \
  TARGET static void weight_part_##TYPE(void *data, size_t begin, size_t end, int thread) {       \
    const weight_pass *j = data;                                                                  \
    const sl_convolution *s = &j->shape;                                                          \
    const tap_list *taps = &j->taps;                                                              \
    const size_t H = s->height, W = s->width, I = s->inputs, O = s->outputs;                      \
    const size_t steps = pairs(W, s->half);                                                       \
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
        wish(&soon, (const char *)j->x + (place + pixels) * I * bytes,                    \
             share(pixels * I * bytes, times));                                                   \
        wish(&soon, (const char *)j->dy + (place + pixels) * O * bytes,                   \
             share(pixels * O * bytes, times));                                                   \
        segment segments[SL_MOST_BAND];                                                           \
        for (size_t t = 0; t < taps->count; t++) {                                                \
          const size_t column = (size_t)((ptrdiff_t)taps->before + taps->column[t]);              \
          const uint32_t *x = window + COLUMN_##TYPE(column);                                     \
          size_t count = 0;                                                                       \
          for (size_t r = 0; r < rows; r++) {                                                     \
            const size_t line = (size_t)((ptrdiff_t)(taps->above + r) + taps->row[t]);            \
            segment next = {(ptrdiff_t)(line * columns * I), (ptrdiff_t)(r * steps * O), steps};  \
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
    uint32_t *line = window + r * columns * I;                                                    \
    if (top + r < taps->above || top + r - taps->above >= H) {                                    \
      memset(line, 0, columns * I * 4);                                                           \
      continue;                                                                                   \
    }                                                                                             \
    memset(line, 0, taps->before * I * 4);                                                        \
    copy_f32(line + taps->before * I,                                                             \
             (const uint32_t *)rows_of_x + (top + r - taps->above) * W * I, W * I, s->relu);      \
    memset(line + (taps->before + W) * I, 0, taps->after * I * 4);                                \
  }                                                                                               \
  dy = (const uint32_t *)j->dy + place * O;                                                       \
  add_rows_f32(sums + taps->count * I * O, (const float *)dy, rows * W, O);
#define COLUMN_f32(COLUMN) ((COLUMN)*I)

// Pairs of pixels: those that start in an even column of the window, then those in an odd one.
#define PACK_bf16(J)                                                                              \
  const uint16_t *rows_of_x = (const uint16_t *)j->x + image * H * W * I;                         \
  const uint16_t *rows_of_dy = (const uint16_t *)j->dy + place * O;                               \
  for (size_t r = 0; r < lines; r++) {                                                            \
    const int outside = top + r < taps->above || top + r - taps->above >= H;                      \
    for (size_t odd = 0; odd < (columns == steps ? 1 : 2); odd++) {                               \
      uint32_t *line = window + (odd * lines + r) * columns * I;                                  \
      if (outside) {                                                                              \
        memset(line, 0, columns * I * 4);                                                         \
      } else {                                                                                    \
        pair_row(line, rows_of_x + (top + r - taps->above) * W * I,                               \
                 (ptrdiff_t)odd - (ptrdiff_t)taps->before, columns, W, I, s->relu);               \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
  for (size_t r = 0; r < rows; r++) {                                                             \
    pair_row(gradient + r * steps * O, rows_of_dy + r * W * O, 0, steps, W, O, 0);                \
  }                                                                                               \
  add_rows_bf16(sums + taps->count * I * O, rows_of_dy, rows * W, O);
#define COLUMN_bf16(COLUMN) (((COLUMN) % 2 * lines * columns + (COLUMN) / 2) * I)

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

void sl_convolve(const sl_convolution *shape, int transposed, const void *x, const float *weights,
                 const sl_epilogue *end, void *y, void *packed, void *scratch) {
  __builtin_trap();
}

void sl_convolution_weight_gradient(const sl_convolution *shape, const void *x, const void *dy,
                                    float *dw, float *dbias, void *scratch) {
  __builtin_trap();
}

#endif
