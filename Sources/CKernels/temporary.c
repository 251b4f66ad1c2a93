#include "kernels.h"
#include "numerics.h"
void sl_convolution_pack(const sl_convolution *shape, int transposed, const float *weights, void *packed) {}
void sl_convolve_packed(const sl_convolution *shape, int transposed, const void *x, const void *packed,
                 const sl_epilogue *end, void *y, void *scratch) {}
size_t sl_convolution_memory_bytes(const sl_convolution *shape) { return 4; }
void sl_convolve_pixel(const sl_convolution *shape, const void *x, void *memory, size_t row, size_t column, const void *packed, const sl_epilogue *end, size_t first, size_t end_channel, void *y) {}
void sl_patch_pixel(const sl_patches *shape, const void *x, int half, size_t row, size_t column, void *y) {}
size_t sl_draw_bernoulli(const float *logits, const double *uniforms, uint8_t *symbols, size_t n) {
  size_t bad = 0;
  for (size_t i = 0; i < n; i++) { bad += logits[i] != logits[i]; symbols[i] = uniforms[i] < (double)sl_sigmoid(logits[i]); }
  return bad; }
size_t sl_draw_categorical(const float *logits, const double *uniforms, uint8_t *symbols, size_t n, size_t k) { return 0; }
