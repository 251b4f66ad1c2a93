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

enum { CHUNK = 64 };

// `count` elements, of which there are few: two copies of a fixed size that may overlap, as a loop over so few
// becomes a call of memcpy.
#define COPY(TYPE)                                                                               \
  SL_INLINE void copy_##TYPE(TYPE *to, const TYPE *from, size_t count) {                         \
    if (count >= 8) {                                                                            \
      size_t i = 0;                                                                              \
      for (; i + 8 < count; i += 8) __builtin_memcpy(to + i, from + i, 8 * sizeof(TYPE));        \
      __builtin_memcpy(to + count - 8, from + count - 8, 8 * sizeof(TYPE));                      \
    } else if (count >= 4) {                                                                     \
      __builtin_memcpy(to, from, 4 * sizeof(TYPE));                                              \
      __builtin_memcpy(to + count - 4, from + count - 4, 4 * sizeof(TYPE));                      \
    } else if (count >= 2) {                                                                     \
      __builtin_memcpy(to, from, 2 * sizeof(TYPE));                                              \
      __builtin_memcpy(to + count - 2, from + count - 2, 2 * sizeof(TYPE));                      \
    } else if (count == 1) {                                                                     \
      *to = *from;                                                                               \
    }                                                                                            \
  }

// The rows of some pixels side by side, at most CHUNK. Each row of a channel that they see is put in
// order once, with zeros beyond the edges, and copied from there.
#define PATCHES_OF(TYPE)                                                                         \
  COPY(TYPE)                                                                                     \
  static void patches_of_##TYPE(const sl_patches s, const TYPE *image, size_t row, size_t first, \
                                size_t count, TYPE *y) {                                         \
    const size_t span = count + s.kernel_width - 1, lines = s.channels * s.kernel_height;        \
    TYPE seen[lines * span];                                                                     \
    for (size_t line = 0; line < lines; line++) {                                                \
      const size_t c = line / s.kernel_height, above = row + line % s.kernel_height;             \
      TYPE *to = seen + line * span;                                                             \
      memset(to, 0, span * sizeof(TYPE));                                                        \
      if (above < s.top || above - s.top >= s.height) continue;                                  \
      const TYPE *from = image + (above - s.top) * s.width * s.channels + c;                     \
      const size_t begin = s.left > first ? s.left - first : 0;                                  \
      for (size_t i = begin; i < span && first + i - s.left < s.width; i++) {                    \
        to[i] = from[(first + i - s.left) * s.channels];                                         \
      }                                                                                          \
    }                                                                                            \
    const size_t used = lines * s.kernel_width;                                                  \
    for (size_t column = 0; column < count; column++, y += s.stride) {                           \
      for (size_t line = 0; line < lines; line++) {                                              \
        copy_##TYPE(y + line * s.kernel_width, seen + line * span + column, s.kernel_width);     \
      }                                                                                          \
      memset(y + used, 0, (s.stride - used) * sizeof(TYPE));                                     \
    }                                                                                            \
  }

PATCHES_OF(float)
PATCHES_OF(uint16_t)

// Items are rows of images.
#define PATCHES(NAME, TYPE)                                                                      \
  static void NAME##_part(void *data, size_t begin, size_t end, int thread) {                    \
    (void)thread;                                                                                \
    const job *j = data;                                                                         \
    const sl_patches s = *j->shape;                                                              \
    for (size_t row = begin; row < end; row++) {                                                 \
      const TYPE *image = (const TYPE *)j->x + row / s.height * s.height * s.width * s.channels; \
      TYPE *y = (TYPE *)j->y + row * s.width * s.stride;                                         \
      for (size_t first = 0; first < s.width; first += CHUNK) {                                  \
        const size_t count = s.width - first < CHUNK ? s.width - first : CHUNK;                  \
        patches_of_##TYPE(s, image, row % s.height, first, count, y + first * s.stride);         \
      }                                                                                          \
    }                                                                                            \
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

// The rows of one pixel of each image.
#define PATCH_PIXEL(TYPE)                                                                        \
  static void patch_pixel_##TYPE(const sl_patches s, const TYPE *x, size_t row, size_t column,   \
                                 TYPE *y) {                                                      \
    const size_t begin = s.left > column ? s.left - column : 0;                                  \
    const size_t beyond = column + s.kernel_width - s.left;                                      \
    const size_t end = beyond > s.width ? s.kernel_width - (beyond - s.width) : s.kernel_width;  \
    for (size_t n = 0; n < s.images; n++, x += s.height * s.width * s.channels, y += s.stride) { \
      memset(y, 0, s.stride * sizeof(TYPE));                                                     \
      for (size_t k = 0; k < s.kernel_height; k++) {                                             \
        const size_t above = row + k;                                                            \
        if (above < s.top || above - s.top >= s.height) continue;                                \
        const TYPE *from = x + (above - s.top) * s.width * s.channels;                           \
        TYPE *to = y + k * s.kernel_width;                                                       \
        for (size_t c = 0; c < s.channels; c++, to += s.kernel_height * s.kernel_width) {        \
          for (size_t i = begin; i < end; i++) {                                                 \
            to[i] = from[(column + i - s.left) * s.channels + c];                                \
          }                                                                                      \
        }                                                                                        \
      }                                                                                          \
    }                                                                                            \
  }

PATCH_PIXEL(float)
PATCH_PIXEL(uint16_t)

void sl_patch_pixel(const sl_patches *shape, const void *x, int half, size_t row, size_t column,
                    void *y) {
  if (half) {
    patch_pixel_uint16_t(*shape, x, row, column, y);
  } else {
    patch_pixel_float(*shape, x, row, column, y);
  }
}
