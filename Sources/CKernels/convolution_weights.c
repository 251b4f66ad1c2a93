// Causal convolutions: the gradient of weights and bias. Its sums run over pixels.
#include "convolution.h"

enum { MOST_INPUTS = 12 };

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

// Rows of an image from `top` on: they stand in a window of so many lines and columns, margins
// included, in words of pixels or of pairs of them, `stride` from one column to the next.
typedef struct {
  size_t image, top, rows, lines, columns, steps, stride;
  // The first pixel among those of all images.
  size_t place;
} band;

// The sums [inputs, outputs] of one tap and what they are made of.
typedef struct {
  float *sums;
  const uint32_t *x, *dy;
  size_t inputs, outputs, stride;
  const segment *segments;
  size_t count;
  wishes *soon;
} tap_sums;

SL_INLINE band band_at(const weight_pass *j, size_t image, size_t top) {
  const sl_convolution *s = &j->shape;
  const size_t left = s->height - top, rows = left < j->band ? left : j->band;
  const size_t margins = j->taps.before + j->taps.after, steps = pairs(s->width, s->half);
  return (band){
      .image = image,
      .top = top,
      .rows = rows,
      .lines = rows + j->taps.above + j->taps.below,
      .columns = steps + pairs(margins, s->half),
      .steps = steps,
      .stride = window_words(s->inputs),
      .place = (image * s->height + top) * s->width,
  };
}

// The row of x that stands in a line of the window, null for one outside the image.
SL_INLINE const char *row_of(const weight_pass *j, const band *b, size_t line) {
  const sl_convolution *s = &j->shape;
  const size_t row = b->top + line;
  if (row < j->taps.above || row - j->taps.above >= s->height) return 0;
  return (const char *)j->x + (b->image * s->height + row - j->taps.above) * s->width * s->inputs *
                                  (s->half ? 2 : 4);
}

// Floats as they are, with margins. Returns where the gradient of the output stands.
SL_INLINE const uint32_t *pack_f32(const weight_pass *j, const band *b, uint32_t *window,
                                   uint32_t *gradient) {
  (void)gradient;
  const size_t I = j->shape.inputs, W = j->shape.width, X = b->stride;
  for (size_t r = 0; r < b->lines; r++) {
    uint32_t *line = window + r * b->columns * X;
    const float *x = (const float *)row_of(j, b, r);
    if (!x) {
      memset(line, 0, b->columns * X * 4);
      continue;
    }
    memset(line, 0, j->taps.before * X * 4);
    line += j->taps.before * X;
    for (size_t c = 0; c < W; c++) {
      for (size_t i = 0; i < I; i += LANES) {
        const lanes value = *(const loose_lanes *)(x + c * I + i);
        *(loose_lanes *)(line + c * X + i) =
            j->shape.relu ? (value < 0.0f ? (lanes)0.0f : value) : value;
      }
    }
    memset(line + W * X, 0, j->taps.after * X * 4);
  }
  return (const uint32_t *)j->dy + b->place * j->shape.outputs;
}

// A pixel in the lower or upper halves of words; NaN stays NaN in the ReLU, -0 does not stay -0.
SL_INLINE void pixel_halves(const uint16_t *x, int relu, words *y) {
  halves h = *(const loose_halves *)x;
  if (relu) h = ((h >= 0x8000) & (h <= 0xff80)) ? (halves)0 : h;
  *y = __builtin_convertvector(h, words);
}

// Rows of pixels [W, C] as pairs [ceil(W / 2), C] of words, so many from one to the next: pixels
// first + 2 j and first + 2 j + 1, zero outside 0 ..< W. C counts channels, a multiple of 16.
SL_INLINE void pair_row(uint32_t *y, size_t stride, const uint16_t *x, ptrdiff_t first,
                        size_t count, size_t width, size_t channels, int relu) {
  for (size_t j = 0; j < count; j++) {
    const ptrdiff_t p = first + 2 * (ptrdiff_t)j;
    const int low = p >= 0 && p < (ptrdiff_t)width, high = p + 1 >= 0 && p + 1 < (ptrdiff_t)width;
    for (size_t c = 0; c < channels; c += LANES) {
      const uint16_t *at = x + p * (ptrdiff_t)channels + c;
      words a = (words)0, b = (words)0;
      if (low) pixel_halves(at, relu, &a);
      if (high) pixel_halves(at + channels, relu, &b);
      *(loose_words *)(y + j * stride + c) = a | b << 16;
    }
  }
}

// Pairs of pixels: those that start in an even column of the window, then those in an odd one.
SL_INLINE const uint32_t *pack_bf16(const weight_pass *j, const band *b, uint32_t *window,
                                    uint32_t *gradient) {
  const size_t I = j->shape.inputs, O = j->shape.outputs, W = j->shape.width, X = b->stride;
  for (size_t r = 0; r < b->lines; r++) {
    const uint16_t *x = (const uint16_t *)row_of(j, b, r);
    for (size_t odd = 0; odd < (b->columns == b->steps ? 1 : 2); odd++) {
      uint32_t *line = window + (odd * b->lines + r) * b->columns * X;
      if (x) {
        pair_row(line, X, x, (ptrdiff_t)odd - (ptrdiff_t)j->taps.before, b->columns, W, I,
                 j->shape.relu);
      } else {
        memset(line, 0, b->columns * X * 4);
      }
    }
  }
  const uint16_t *dy = (const uint16_t *)j->dy + b->place * O;
  for (size_t r = 0; r < b->rows; r++) {
    pair_row(gradient + r * b->steps * O, O, dy + r * W * O, 0, b->steps, W, O, 0);
  }
  return gradient;
}

// Where a column of the window starts.
SL_INLINE size_t column_f32(const band *b, size_t column) { return column * b->stride; }
SL_INLINE size_t column_bf16(const band *b, size_t column) {
  return (column % 2 * b->lines * b->columns + column / 2) * b->stride;
}

// sums[o] += the rows of dy
SL_INLINE void add_rows(float *sums, const void *dy, size_t from, int half, size_t rows, size_t n) {
  enum { CHAINS = 4 };
  // Four chains: one would wait for itself.
  for (size_t o = 0; o < n; o += CHAINS * LANES) {
    lanes sum[CHAINS];
    const size_t chains = n - o < CHAINS * LANES ? (n - o) / LANES : CHAINS;
    for (size_t z = 0; z < chains; z++) sum[z] = *(const loose_lanes *)(sums + o + LANES * z);
    for (size_t r = 0; r < rows; r++) {
      UNROLL for (size_t z = 0; z < CHAINS; z++) {
        if (z >= chains) continue;
        lanes value;
        load(dy, from + r * n + o + LANES * z, half, &value);
        sum[z] += value;
      }
    }
    for (size_t z = 0; z < chains; z++) *(loose_lanes *)(sums + o + LANES * z) = sum[z];
  }
}

// The next band is asked for while this one is worked on, a share with each block.
SL_INLINE wishes wishes_of(const weight_pass *j, const band *b) {
  const size_t I = j->shape.inputs, O = j->shape.outputs, size = j->shape.half ? 2 : 4;
  const size_t pixels = b->rows * j->shape.width;
  const size_t blocks = j->taps.count * ((I + 5) / 6) * ((O + 63) / 64);
  const size_t times = blocks * (b->columns == b->steps
                                     ? (b->rows * b->steps + STEPS - 1) / STEPS
                                     : b->rows * ((b->steps + STEPS - 1) / STEPS));
  wishes soon = {.count = 0};
  wish(&soon, (const char *)j->x + (b->place + pixels) * I * size, share(pixels * I * size, times));
  wish(&soon, (const char *)j->dy + (b->place + pixels) * O * size, share(pixels * O * size, times));
  return soon;
}

// A tap's runs of pixels: a row each, or one where no margins stand between them.
SL_INLINE size_t segments_of(const weight_pass *j, const band *b, size_t tap, segment *segments) {
  const size_t O = j->shape.outputs, first = (size_t)((ptrdiff_t)j->taps.above + j->taps.row[tap]);
  if (b->columns == b->steps) {
    segments[0] = (segment){(ptrdiff_t)(first * b->columns * b->stride), 0, b->rows * b->steps};
    return 1;
  }
  for (size_t r = 0; r < b->rows; r++) {
    segments[r] = (segment){(ptrdiff_t)((first + r) * b->columns * b->stride),
                            (ptrdiff_t)(r * b->steps * O), b->steps};
  }
  return b->rows;
}

#define pack_f32_wide pack_f32
#define column_f32_wide column_f32
#define pack_bf16_wide pack_bf16
#define column_bf16_wide column_bf16
#define pack_dot pack_bf16
#define column_dot column_bf16
#define KERNEL_FILE "convolution_weight_tiles.h"
#include "every_kind.h"

// Adds up the threads' sums in a fixed order and turns them to [O, I, kh, kw]. Items are the inputs,
// and after them the bias.
SL_CLONES static void weight_reduction(void *data, size_t begin, size_t end, int thread) {
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
      for (size_t o = 0; o < O; o += LANES) {
        lanes sum = *(const loose_lanes *)(row + o);
        for (int part = 1; part < j->parts; part++) {
          sum += *(const loose_lanes *)(row + (size_t)part * stride + o);
        }
        for (size_t lane = 0; lane < LANES; lane++) to[(o + lane) * step] = sum[lane];
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
  sl_parallel(KIND_OF(weight_part, shape->half), &j, shape->images, 1);
  sl_parallel(weight_reduction, &j, shape->inputs + 1, 8);
}
