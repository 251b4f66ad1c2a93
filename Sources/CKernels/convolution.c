// Causal convolutions: the forward pass and the input gradient, over all pixels or over the next.
#include "convolution.h"

size_t sl_convolution_scratch_bytes(const sl_convolution *shape) {
  scratch_words words = scratch_of(shape);
  return (size_t)sl_threads() * (words.window + words.gradient + words.sums) * 4;
}

// A forward pass, or backward to the input.
typedef struct {
  sl_convolution shape;
  sl_epilogue end;
  tap_list taps;
  const void *x;
  const uint32_t *packed;
  void *y;
  // Channels of an input and of an output pixel, the former's bytes, and its words with padding.
  size_t inputs, outputs, pixel_bytes, words;
  // x can be read where it is.
  int direct;
  size_t band, bands;
  // Pixels from those worked on to those asked for.
  size_t ahead;
  uint32_t *scratch;
  size_t scratch_stride;
} pass;

// The next pixel of a pass: the memories of the images and the bytes of one, the pixel's place there in
// words, where its sums find their terms, and the channels to compute.
typedef struct {
  char *memory;
  size_t stride, place;
  const segment *segments;
  size_t count, first, end;
} moment;

// Copies pixels into whole vectors of channels, through a ReLU if asked to; NaN stays NaN.
#define COPY(NAME, TYPE, LEAST)                                                                   \
  SL_INLINE void NAME(void *to, const void *from, size_t pixels, size_t channels, int relu) {     \
    typedef TYPE vector __attribute__((ext_vector_type(2 * LANES), aligned(2)));                  \
    const size_t stride = padded(channels), runs = stride == channels ? 1 : pixels;               \
    const size_t count = stride == channels ? pixels * channels : channels;                       \
    for (size_t p = 0; p < runs; p++) {                                                           \
      const TYPE *x = (const TYPE *)from + p * channels;                                          \
      TYPE *y = (TYPE *)to + p * stride;                                                          \
      size_t i = 0;                                                                               \
      for (; i + 2 * LANES <= count; i += 2 * LANES) {                                            \
        const vector value = *(const vector *)(x + i);                                            \
        *(vector *)(y + i) = relu ? (value < LEAST ? (vector)0 : value) : value;                  \
      }                                                                                           \
      for (; i < count; i++) y[i] = relu && x[i] < LEAST ? 0 : x[i];                              \
      if (stride > channels) memset(y + channels, 0, (stride - channels) * sizeof(TYPE));         \
    }                                                                                             \
  }

COPY(copy_f32, float, 0.0f)
// From -0 to -infinity; what has a sign and is larger than that is not a number.
COPY(copy_bf16, int16_t, (int16_t)-127)

#define copy_f32_wide copy_f32
#define copy_bf16_wide copy_bf16
#define copy_dot copy_bf16
#define KERNEL_FILE "convolution_tiles.h"
#include "every_kind.h"

static pass pass_of(const sl_convolution *shape, int transposed, const void *x, const void *packed,
                    const sl_epilogue *end, void *y) {
  pass j = {
      .shape = *shape,
      .end = *end,
      .taps = taps_of(shape, transposed ? -1 : 1),
      .x = x,
      .packed = packed,
      .y = y,
      .inputs = transposed ? shape->outputs : shape->inputs,
      .outputs = transposed ? shape->inputs : shape->outputs,
  };
  j.pixel_bytes = j.inputs * (shape->half ? 2 : 4);
  j.words = padded(j.inputs) / (shape->half ? 2 : 1);
  j.direct = !(j.taps.above | j.taps.below | j.taps.before | j.taps.after) && !shape->relu &&
             j.inputs % LANES == 0;
  return j;
}

void sl_convolve_packed(const sl_convolution *shape, int transposed, const void *x,
                        const void *packed, const sl_epilogue *end, void *y, void *scratch) {
  pass j = pass_of(shape, transposed, x, packed, end, y);
  j.scratch = scratch;
  j.scratch_stride = scratch_of(shape).window;
  j.band = band_of(shape, &j.taps);
  if (j.taps.count == 1 && !(j.taps.above | j.taps.below | j.taps.before | j.taps.after)) {
    // Without neighbours any run of pixels is a band: so many that no tile is cut short.
    const size_t pixels = shape->height * shape->width;
    j.shape.height = pixels;
    j.shape.width = 1;
    j.band = larger(j.band * shape->width / PIXELS, 1) * PIXELS;
  }
  j.ahead = j.band * j.shape.width;
  j.bands = (j.shape.height + j.band - 1) / j.band;
  sl_parallel(KIND_OF(forward_part, shape->half), &j, shape->images * j.bands, 1);
}

void sl_convolve(const sl_convolution *shape, int transposed, const void *x, const float *weights,
                 const sl_epilogue *end, void *y, void *packed, void *scratch) {
  sl_convolution_pack(shape, transposed, weights, packed);
  sl_convolve_packed(shape, transposed, x, packed, end, y, scratch);
}

size_t sl_convolution_memory_bytes(const sl_convolution *shape) {
  if (shape->kernel_height * shape->kernel_width == 1) return 0;
  const size_t pixels = shape->kernel_height * (shape->width + shape->kernel_width - 1);
  const size_t lines = pixels * padded(shape->inputs) * (shape->half ? 2 : 4) / 64 + 1;
  // An odd number of cache lines, or the images of a tile would contend for the same places.
  return (lines | 1) * 64;
}

void sl_convolve_pixel(const sl_convolution *shape, const void *x, void *memory, size_t row,
                       size_t column, const void *packed, const sl_epilogue *end, size_t first,
                       size_t end_channel, void *y) {
  pass j = pass_of(shape, 0, x, packed, end, y);
  const tap_list *taps = &j.taps;
  const size_t columns = shape->width + shape->kernel_width - 1, K = j.words;
  const size_t height = shape->kernel_height, from = first / LANES * LANES;
  segment segments[SL_MOST_TAPS];
  moment now = {
      .memory = memory,
      .stride = sl_convolution_memory_bytes(shape),
      .place = (row % height * columns + shape->left + column) * K,
      .segments = segments,
      .first = from,
      .end = padded(end_channel) < j.outputs ? padded(end_channel) : j.outputs,
  };
  if (!now.stride) now.memory = 0;
  for (size_t t = 0; t < taps->count; t++) {
    const size_t line = (size_t)((ptrdiff_t)(row + height) + taps->row[t]) % height;
    const size_t place = (size_t)((ptrdiff_t)(shape->left + column) + taps->column[t]);
    const segment next = {now.stride ? (ptrdiff_t)((line * columns + place) * K) : 0,
                          (ptrdiff_t)(t * K * panel_of(j.outputs)), K};
    // Neighbours in memory make one long segment.
    segment *last = segments + now.count - 1;
    if (now.count && last->a + (ptrdiff_t)last->length == next.a) {
      last->length += K;
    } else {
      segments[now.count++] = next;
    }
  }
  KIND_OF(next_pixel, shape->half)(&j, &now);
}
