// Vectorised kernels on the threads of libgomp, the pool that oneDNN uses too.
//
// Every function partitions its work by thread count alone, so results repeat bit for bit on as many
// threads. bfloat16 is passed as uint16_t.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "evidence.h"
#include "mixture.h"
#include "recurrence.h"
#include "rows.h"

#ifdef __cplusplus
extern "C" {
#endif

// Threads that the calling thread's kernels run on; OpenMP keeps the number by calling thread.
enum { SL_MOST_THREADS = 1024 };
int sl_threads(void);
void sl_set_threads(int count);

// Runs body(context, part) for parts 0 ..< count on the pool, each as soon as a thread is free. A thread
// inside is a worker: `sl_threads` is 1 there, whatever is set, so that kernels start no threads.
void sl_run_workers(void (*body)(void *context, int part), void *context, int count);
int sl_is_worker(void);

// y = scale * symbol + offset
void sl_intensities_f32(const uint8_t *symbols, float scale, float offset, float *y, size_t n);
void sl_intensities_bf16(const uint8_t *symbols, float scale, float offset, uint16_t *y, size_t n);
// y [images, pixels, c + p] = the channels of x [images, pixels, c], then those of planes [pixels, p]
void sl_append_channels_f32(const float *x, const float *planes, float *y, size_t images,
                            size_t pixels, size_t c, size_t p);
void sl_append_channels_bf16(const uint16_t *x, const uint16_t *planes, uint16_t *y, size_t images,
                             size_t pixels, size_t c, size_t p);
void sl_f32_to_bf16(const float *x, uint16_t *y, size_t n);
void sl_bf16_to_f32(const uint16_t *x, float *y, size_t n);
// y += x
void sl_add_f32(const float *x, float *y, size_t n);
void sl_add_bf16(const uint16_t *x, uint16_t *y, size_t n);
// y = a * b
void sl_product_f32(const float *a, const float *b, float *y, size_t n);
// y = max(x, 0)
void sl_relu_f32(const float *x, float *y, size_t n);
void sl_relu_bf16(const uint16_t *x, uint16_t *y, size_t n);
// dx = y > 0 ? dy : 0, or dx += it; dx may be dy
void sl_relu_gradient_f32(const float *y, const float *dy, float *dx, size_t n, int accumulate);
void sl_relu_gradient_bf16(
    const uint16_t *y, const uint16_t *dy, uint16_t *dx, size_t n, int accumulate);
// Dropout: y = x * scale where the draw of element i is at least the threshold, 0 elsewhere. A draw is
// 32 bits that depend on the key and i alone.
typedef struct {
  uint64_t key;
  uint32_t threshold;
  float scale;
} sl_dropout;
void sl_dropout_f32(const sl_dropout *mask, const float *x, float *y, size_t n);
void sl_dropout_bf16(const sl_dropout *mask, const uint16_t *x, uint16_t *y, size_t n);
// Gated units, items of `width` of them: a [items, 2, width] holds their t, then their s; y [items, width] =
// tanh(t) / (1 + exp(-s)), under a dropout mask where there is one. All are bfloat16 or float alike.
void sl_gate(const void *a, void *y, size_t items, size_t width, const sl_dropout *mask, int half);
// da [items, 2, width] of dy [items, width].
void sl_gate_gradient(const void *dy, const void *a, void *da, size_t items, size_t width,
                      const sl_dropout *mask, int half);
// y = 1 / (1 + exp(-x))
void sl_sigmoid_f32(const float *x, float *y, size_t n);
// Parts of a matrix: rows of so many columns from a first element on, and the stride from one row to
// the next.
typedef struct {
  size_t first, rows, columns;
} sl_block;
typedef struct {
  const sl_block *blocks;
  size_t count, stride;
} sl_blocks;
double sl_sum_of_squares_f32(const float *x, sl_blocks blocks);
// x[row][column] = 0 for columns from[row] ..< to[row]
void sl_clear(float *x, const ptrdiff_t *from, const ptrdiff_t *to, size_t rows, size_t columns);
// y[j] = sum over rows of x[i][j]
void sl_sum_of_rows_f32(const float *x, size_t rows, size_t columns, float *y);

void sl_sum_of_rows_bf16(const uint16_t *x, size_t rows, size_t columns, float *y);

// The inputs under a convolution's kernel, a row for each output pixel: x [images, height, width,
// channels] to y [images * height * width, stride], y's columns in the order [channels, kh, kw] and
// zero from channels * kh * kw on.
typedef struct {
  size_t images, height, width, channels, kernel_height, kernel_width, top, left, stride;
} sl_patches;
void sl_patches_f32(const sl_patches *shape, const float *x, float *y);
void sl_patches_bf16(const sl_patches *shape, const uint16_t *x, uint16_t *y);
// The row of one pixel for each image: y [images, stride], from whole images x.
void sl_patch_pixel(const sl_patches *shape, const void *x, int half, size_t row, size_t column,
                    void *y);

// A causal convolution [images, height, width, inputs] to [..., outputs], weights [outputs, inputs,
// kernel_height, kernel_width] in float. The kernel's first `top` rows and `left` columns hang over
// the image's edge; of its last row only the first `last_row` taps exist.
enum { SL_MOST_TAPS = 64, SL_MOST_BAND = 64 };
typedef struct {
  size_t images, height, width, inputs, outputs;
  size_t kernel_height, kernel_width, top, left, last_row;
  // Operands are bfloat16, else float.
  int half;
  // x goes through max(x, 0) first.
  int relu;
} sl_convolution;

// What happens to a sum on its way to memory: (sum + bias, 0 where mask <= 0) + residual. Each may be
// null; mask, residual and result are bfloat16 or float alike.
typedef struct {
  const float *bias;
  const void *mask, *residual;
  int half;
} sl_epilogue;

// At most SL_MOST_TAPS taps. The weight gradient takes multiples of 16 channels on both sides, the others
// any number. Packed weights serve a direction and a precision, and any number of images of any size.
size_t sl_convolution_packed_bytes(const sl_convolution *shape);
void sl_convolution_pack(const sl_convolution *shape, int transposed, const float *weights,
                         void *packed);
size_t sl_convolution_scratch_bytes(const sl_convolution *shape);
// y = x * w; transposed, the gradient of the input from that of the output.
void sl_convolve_packed(const sl_convolution *shape, int transposed, const void *x,
                        const void *packed, const sl_epilogue *end, void *y, void *scratch);
// The same, packing the weights first.
void sl_convolve(const sl_convolution *shape, int transposed, const void *x, const float *weights,
                 const sl_epilogue *end, void *y, void *packed, void *scratch);
// Forward, one pixel after the other: same bits as all at once. An image remembers the rows of its input
// that are still needed, in so many bytes that are zeroed before its first pixel; none for 1x1.
size_t sl_convolution_memory_bytes(const sl_convolution *shape);
// Takes x [images, inputs] into the memory and computes at least the channels first ..< end_channel of
// y [images, outputs], whole sixteens of them; the epilogue's mask and residual are as y. Runs on the
// calling thread alone. `top` is kernel_height - 1.
void sl_convolve_pixel(const sl_convolution *shape, const void *x, void *memory, size_t row,
                       size_t column, const void *packed, const sl_epilogue *end, size_t first,
                       size_t end_channel, void *y);
// dw and dbias are overwritten.
void sl_convolution_weight_gradient(const sl_convolution *shape, const void *x, const void *dy,
                                    float *dw, float *dbias, void *scratch);

// Causal attention of several heads: position i attends to the positions up to its own.
//   q [images, length, heads, keys]; kv [images, length], of each position first the keys of all heads
//   [heads, keys], then their values [heads, values]; y [images, length, heads, values]
// are bfloat16 where half, else float. Softmax goes by blocks of positions: no memory grows with the
// square of the length.
typedef struct {
  // Heads of queries, and heads of keys and values, each for as many of those in a row.
  size_t images, length, heads, groups;
  // Numbers of a key and of a value.
  size_t keys, values;
  int half;
} sl_attention;
size_t sl_attention_scratch_count(const sl_attention *shape, int gradient);
// log_sums [images, heads, length], the logarithms of the softmax's sums, may be null.
void sl_attend(const sl_attention *shape, const void *q, const void *kv, void *y, float *log_sums,
               float *scratch);
void sl_attend_gradient(const sl_attention *shape, const void *dy, const void *q, const void *kv,
                        const void *y, const float *log_sums, void *dq, void *dkv, float *scratch);
// The same of one position of each image after the other, on the calling thread alone: same bits. An image
// remembers so many bytes, which start as zero; q, kv and y are those of the position.
size_t sl_attention_memory_bytes(const sl_attention *shape);
void sl_attend_next(const sl_attention *shape, size_t position, const void *q, const void *kv,
                    void *memory, void *y);

// Layer normalisation of rows: y = gain (x - mean) / sqrt(variance + epsilon) + bias.
void sl_norm(const void *x, const float *gain, const float *bias, float epsilon, void *y, size_t rows,
             size_t channels, int half);
size_t sl_norm_scratch_count(size_t rows, size_t channels);
void sl_norm_gradient(const void *dy, const void *x, const float *gain, float epsilon, void *dx,
                      float *dgain, float *dbias, size_t rows, size_t channels, int half,
                      float *scratch);
// y = x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)))
void sl_gelu(const void *x, void *y, size_t n, int half);
void sl_gelu_gradient(const void *dy, const void *x, void *dx, size_t n, int half);

// Does nothing but multiply-adds in registers, on all threads, and returns how many; needs AVX-512, and
// AVX-512 BF16 where half.
size_t sl_peak(int half, size_t iterations);

// log p of a symbol under a Bernoulli logit, nats, and dlogit = dy * (symbol - sigmoid(logit))
void sl_bernoulli_log_probability(const float *logits, const uint8_t *symbols, float *y, size_t n);
void sl_bernoulli_gradient(
    const float *dy, const float *logits, const uint8_t *symbols, float *dlogits, size_t n);
// The same for n categoricals of k logits each, at most as many as a symbol counts; dlogits = dy *
// (onehot - softmax)
enum { SL_MOST_LEVELS = 256 };
void sl_categorical_log_probability(
    const float *logits, const uint8_t *symbols, float *y, size_t n, size_t k);
void sl_categorical_gradient_f32(const float *dy, const float *logits, const uint8_t *symbols,
                                 float *dlogits, size_t n, size_t k);
void sl_categorical_gradient_bf16(const float *dy, const float *logits, const uint8_t *symbols,
                                  uint16_t *dlogits, size_t n, size_t k);

// Draws with uniforms in 0 ..< 1, on the calling thread alone; each returns of how many draws a logit is
// not a number or the largest is infinite, which get no meaning.
// symbol = uniform < sigmoid(logit); both symbols' probabilities are exact to 2e-7 of themselves.
size_t sl_draw_bernoulli(const float *logits, const double *uniforms, uint8_t *symbols, size_t n);
// The first of k levels up to which the sum of exp(logit - largest logit), in float, summed in double in
// the order of levels, exceeds the uniform's share of the whole. A logit of -infinity is never drawn.
size_t sl_draw_categorical(const float *logits, const double *uniforms, uint8_t *symbols, size_t n,
                           size_t k);

// One AdamW step on blocks of a matrix; the corrections are 1 - beta^t. The average is left alone where
// its decay is 1. `copy`, which may be null, receives the new weights in bfloat16.
typedef struct {
  float learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  float first_correction, second_correction, average_decay;
} sl_adamw_step;
void sl_adamw(const sl_adamw_step *step, float *weights, const float *gradient, float *first,
              float *second, float *average, uint16_t *copy, sl_blocks blocks);

// Muon: a step of a matrix along the nearest matrix of orthonormal rows (or columns) to its momentum,
// by five turns of a polynomial of fifth degree; its root mean square is about the learning rate.
typedef struct {
  float learning_rate, momentum, weight_decay, average_decay;
} sl_muon_step;
typedef struct {
  float *weights;
  const float *gradient;
  float *momentum, *average;
  const float *mask;  // ones and zeros, or NULL
  size_t rows, columns;
} sl_muon_matrix;
size_t sl_muon_scratch_count(const sl_muon_matrix *matrices, size_t count);
void sl_muon(const sl_muon_step *step, const sl_muon_matrix *matrices, size_t count,
             float *scratch);

// NADE with one output a dimension: x [N, D], w [D, H], c [H], v [D, H], b [D], logits [N, D].
// The hidden units of an image change only where x is not zero, so between such places nothing but
// the dot product with v is computed. Scratch is aligned to 64 bytes.
//
// Weights are packed once, on a cache line's border.
size_t sl_nade_packed_count(size_t dimension, size_t hidden);
void sl_nade_pack(const float *w, const float *c, const float *v, size_t dimension, size_t hidden,
                  float *packed);
size_t sl_nade_packed_scratch_count(size_t images, size_t dimension);
void sl_nade_packed(const float *x, const float *packed, const float *b, float *logits,
                    size_t images, size_t dimension, size_t hidden, float *scratch);
// The same one dimension after the other, on the calling thread alone. A state is aligned to 64 bytes;
// that of image n starts at n * sl_nade_state_count(1, hidden), and is the same wherever it stands.
size_t sl_nade_state_count(size_t images, size_t hidden);
void sl_nade_start(const float *packed, size_t dimension, size_t hidden, size_t images,
                   float *state);
// The logits [images] of dimension d, and what its x [images] does to the state.
void sl_nade_next(const float *packed, const float *b, size_t dimension, size_t hidden, size_t d,
                  size_t images, const float *state, float *logits);
void sl_nade_observe(const float *packed, size_t dimension, size_t hidden, size_t d, size_t images,
                     const float *x, float *state);
// dw, dc, dv are overwritten.
size_t sl_nade_scratch_count(size_t images, size_t dimension, size_t hidden);
void sl_nade_gradient(const float *dlogits, const float *x, const float *w, const float *c,
                      const float *v, float *dw, float *dc, float *dv, size_t images,
                      size_t dimension, size_t hidden, float *scratch);
// NADE with several outputs a dimension: v [D, K, H], b [D, K], logits [N, D, K]. Its units may be
// rectified, max(0, a), instead of sigmoids.
void sl_nade_levels(const float *x, const float *w, const float *c, const float *v, const float *b,
                    float *logits, size_t images, size_t dimension, size_t hidden, size_t levels,
                    int rectified);
// The same one dimension after the other, on the calling thread alone, for images side by side in
// `lanes`, a multiple of 16: logits [K, lanes] of dimension d, and what its x [lanes] does to the state;
// x is finite in lanes without an image too.
size_t sl_nade_levels_state_count(size_t hidden, size_t lanes);
void sl_nade_levels_start(const float *c, size_t hidden, size_t lanes, int rectified,
                          float *state);
void sl_nade_levels_next(const float *v, const float *b, size_t hidden, size_t levels, size_t d,
                         size_t lanes, const float *state, float *logits);
void sl_nade_levels_observe(const float *w, size_t hidden, size_t d, size_t lanes, const float *x,
                            int rectified, float *state);
// All hidden states h [D, N, H] of NADE, and back: from dh [D, N, H] to dw and dc, and to dx [N, D].
void sl_nade_hidden(const float *x, const float *w, const float *c, float *h, size_t images,
                    size_t dimension, size_t hidden, int rectified);
void sl_nade_hidden_gradient(const float *dh, const float *h, const float *x, float *dw, float *dc,
                             size_t images, size_t dimension, size_t hidden, int rectified);
void sl_nade_input_gradient(const float *dh, const float *h, const float *w, float *dx,
                            size_t images, size_t dimension, size_t hidden, int rectified);

// Products of weights with images side by side, in `lanes`, a multiple of 16. Element k of image n is
// x[k * lanes + n]. In bfloat16 two elements share a word: ((uint16_t *)x)[(k / 2 * lanes + n) * 2 +
// k % 2]; what stands beside an odd last element is zero.
//
// A sum is cut into runs of SL_PRODUCT_RUN words (a float, or two bfloat16), the first of which starts
// at the bias and the others at zero; within a run terms are added in the order of k, and the runs'
// sums one after the other. So a result has the same bits however many rows or images are computed at
// once, on however many threads.
enum { SL_PRODUCT_RUN = 128 };
typedef struct {
  // Weights [rows, columns] with so many elements from row to row, an even number in bfloat16.
  size_t rows, columns, stride;
  // float, or bfloat16 where half; then what stands beside an odd last column is finite.
  const void *weights;
  // [rows], or null for zero.
  const float *bias;
  // Leading columns of each row beyond which its weights are zero; null where no row ends early.
  const uint32_t *lengths;
  // Weights and x are bfloat16; sums are float.
  int half;
  // The result goes through max(x, 0).
  int relu;
  // y is bfloat16, in words as x is, a row an element; else float [rows, lanes].
  int half_result;
} sl_product;
// Rows first ..< end of y, at their places there: bias + w x, then + addend [rows, lanes], which may be
// null. A word of which only one row is asked for keeps the other one.
void sl_multiply(const sl_product *shape, size_t first, size_t end, const void *x,
                 const float *addend, void *y, size_t lanes);
// The same in two parts, bit for bit: the leading whole runs of SL_PRODUCT_RUN words up to `until`, bias
// included, as float y [rows, lanes]; and what is left, after those sums so far. A row whose sum grows
// by little from step to step is worth it.
void sl_multiply_leading(const sl_product *shape, size_t first, size_t end, const void *x, float *y,
                         size_t lanes, size_t until);
void sl_multiply_after(const sl_product *shape, size_t first, size_t end, const void *x,
                       const float *addend, void *y, size_t lanes, size_t until,
                       const float *so_far);
// Elements first ..< first + count of x: scale * symbol + offset, from the columns from, from + 1, ...
// of symbols [images, symbol_stride]; zero for images that lanes has room for. Other elements stay as
// they are, also where they share a word.
void sl_lanes_of_symbols(const uint8_t *symbols, size_t images, size_t symbol_stride, size_t from,
                         size_t count, float scale, float offset, int half, void *x, size_t first,
                         size_t lanes);
// Back to a row an image: y[n * y_stride + r] = x[r * lanes + n], for n < images.
void sl_rows_of_lanes(const float *x, size_t rows, size_t lanes, size_t images, float *y,
                      size_t y_stride);
// Floats [count, lanes] as elements first ..< first + count of bfloat16 y, which has so many elements;
// what stands beside an odd last one becomes zero.
void sl_halves_of_lanes(const float *x, size_t count, size_t first, size_t elements, uint16_t *y,
                        size_t lanes);

#ifdef __cplusplus
}
#endif
