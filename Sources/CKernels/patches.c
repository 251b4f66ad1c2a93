// The first layer of a network has one or three input channels, too few for a convolution kernel that
// vectorises over channels; as a matrix product over patches it is as fast as the others.
#include <string.h>

#include "kernels.h"
#include "pool.h"

typedef struct {
  const sl_patches *shape;
  const void *x;
  void *y;
} job;

// The row of one pixel.
#define PATCH(TYPE)                                                                            \
  SL_INLINE void patch_##TYPE(const sl_patches s, const TYPE *image, size_t row, size_t column, \
                              TYPE *y) {                                                       \
    const size_t area = s.kernel_height * s.kernel_width;                                      \
    memset(y, 0, s.stride * sizeof(TYPE));                                                     \
    for (size_t v = 0; v < s.kernel_height; v++) {                                             \
      const size_t above = row + v;                                                            \
      if (above < s.top || above - s.top >= s.height) continue;                                \
      const TYPE *source = image + (above - s.top) * s.width * s.channels;                     \
      for (size_t u = 0; u < s.kernel_width; u++) {                                            \
        const size_t before = column + u;                                                      \
        if (before < s.left || before - s.left >= s.width) continue;                           \
        for (size_t c = 0; c < s.channels; c++) {                                              \
          y[c * area + v * s.kernel_width + u] = source[(before - s.left) * s.channels + c];   \
        }                                                                                      \
      }                                                                                        \
    }                                                                                          \
  }

PATCH(float)
PATCH(uint16_t)

// Items are rows of images.
#define PATCHES(NAME, TYPE)                                                                    \
  static void NAME##_part(void *data, size_t begin, size_t end, int thread) {                  \
    (void)thread;                                                                              \
    const job *j = data;                                                                       \
    const sl_patches s = *j->shape;                                                            \
    for (size_t row = begin; row < end; row++) {                                               \
      const TYPE *image = (const TYPE *)j->x + row / s.height * s.height * s.width * s.channels; \
      TYPE *y = (TYPE *)j->y + row * s.width * s.stride;                                       \
      for (size_t column = 0; column < s.width; column++) {                                    \
        patch_##TYPE(s, image, row % s.height, column, y + column * s.stride);                 \
      }                                                                                        \
    }                                                                                          \
  }

PATCHES(patches_f32, float)
PATCHES(patches_bf16, uint16_t)

void sl_patches_f32(const sl_patches *shape, const float *x, float *y) {
  job j = {shape, x, y};
  sl_parallel(patches_f32_part, &j, shape->images * shape->height, 8);
}

void sl_patches_bf16(const sl_patches *shape, const uint16_t *x, uint16_t *y) {
  job j = {shape, x, y};
  sl_parallel(patches_bf16_part, &j, shape->images * shape->height, 8);
}

void sl_patch_pixel(const sl_patches *shape, const void *x, int half, size_t row, size_t column,
                    void *y) {
  const size_t image = shape->height * shape->width * shape->channels;
  for (size_t n = 0; n < shape->images; n++) {
    if (half) {
      patch_uint16_t(*shape, (const uint16_t *)x + n * image, row, column,
                     (uint16_t *)y + n * shape->stride);
    } else {
      patch_float(*shape, (const float *)x + n * image, row, column, (float *)y + n * shape->stride);
    }
  }
}
