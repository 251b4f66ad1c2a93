// Vectorised kernels on the threads of libgomp, the pool that oneDNN uses too.
//
// Every function partitions its work by thread count alone, so results repeat bit for bit on as many
// threads. bfloat16 is passed as uint16_t.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "evidence.h"

#ifdef __cplusplus
extern "C" {
#endif

// Threads that the calling thread's kernels run on; OpenMP keeps the number by calling thread.
enum { SL_MOST_THREADS = 1024 };
int sl_threads(void);
void sl_set_threads(int count);

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

// These need AVX-512 (and AVX-512 BF16 for bfloat16), 16 channels or a multiple on both sides, and at
// most SL_MOST_TAPS taps. Weights are packed anew in each call.
size_t sl_convolution_packed_bytes(const sl_convolution *shape);
size_t sl_convolution_scratch_bytes(const sl_convolution *shape);
// y = x * w; transposed, the gradient of the input from that of the output.
void sl_convolve(const sl_convolution *shape, int transposed, const void *x, const float *weights,
                 const sl_epilogue *end, void *y, void *packed, void *scratch);
// dw and dbias are overwritten.
void sl_convolution_weight_gradient(const sl_convolution *shape, const void *x, const void *dy,
                                    float *dw, float *dbias, void *scratch);

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

// One AdamW step on blocks of a matrix; the corrections are 1 - beta^t. The average is left alone where
// its decay is 1. `copy`, which may be null, receives the new weights in bfloat16.
typedef struct {
  float learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  float first_correction, second_correction, average_decay;
} sl_adamw_step;
void sl_adamw(const sl_adamw_step *step, float *weights, const float *gradient, float *first,
              float *second, float *average, uint16_t *copy, sl_blocks blocks);

// NADE with one output a dimension: x [N, D], w [D, H], c [H], v [D, H], b [D], logits [N, D].
// The hidden units of an image change only where x is not zero, so between such places nothing but
// the dot product with v is computed. Scratch is aligned to 64 bytes.
size_t sl_nade_scratch_count(size_t images, size_t dimension, size_t hidden, int gradient);
void sl_nade(const float *x, const float *w, const float *c, const float *v, const float *b,
             float *logits, size_t images, size_t dimension, size_t hidden, float *scratch);
// dw, dc, dv are overwritten.
void sl_nade_gradient(const float *dlogits, const float *x, const float *w, const float *c,
                      const float *v, float *dw, float *dc, float *dv, size_t images,
                      size_t dimension, size_t hidden, float *scratch);
// All hidden states h [D, N, H] of NADE, and back: from dh [D, N, H] to dw and dc.
void sl_nade_hidden(const float *x, const float *w, const float *c, float *h, size_t images,
                    size_t dimension, size_t hidden);
void sl_nade_hidden_gradient(const float *dh, const float *h, const float *x, float *dw, float *dc,
                             size_t images, size_t dimension, size_t hidden);

#ifdef __cplusplus
}
#endif
