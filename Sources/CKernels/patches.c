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

#define PATCHES(NAME, TYPE)                                                                    \
  static void NAME##_part(void *data, size_t begin, size_t end, int thread) {                  \
    (void)thread;                                                                              \
    const job *j = data;                                                                       \
    const sl_patches s = *j->shape;                                                            \
    for (size_t row = begin; row < end; row++) {                                               \
      const TYPE *image = (const TYPE *)j->x + row / s.height * s.height * s.width * s.channels; \
      TYPE *y = (TYPE *)j->y + row * s.width * s.stride;                                       \
      memset(y, 0, s.width * s.stride * sizeof(TYPE));                                         \
      for (size_t v = 0; v < s.kernel_height; v++) {                                           \
        size_t above = row % s.height + v;                                                     \
        if (above < s.top || above - s.top >= s.height) continue;                              \
        const TYPE *source = image + (above - s.top) * s.width * s.channels;                   \
        for (size_t column = 0; column < s.width; column++) {                                  \
          TYPE *patch = y + column * s.stride + v * s.kernel_width;                            \
          for (size_t u = 0; u < s.kernel_width; u++) {                                        \
            size_t before = column + u;                                                        \
            if (before < s.left || before - s.left >= s.width) continue;                       \
            for (size_t c = 0; c < s.channels; c++) {                                          \
              patch[c * s.kernel_height * s.kernel_width + u] =                                \
                  source[(before - s.left) * s.channels + c];                                  \
            }                                                                                  \
          }                                                                                    \
        }                                                                                      \
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
