// A bias that every image has for itself.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// y = x + bias, x and y [rows, width] in float32 or, where half, bfloat16; row r gets row
// (r / each) % images of bias [images, width].
void sl_add_bias(const float *bias, size_t images, size_t each, const void *x, void *y, size_t rows,
                 size_t width, int half);

#ifdef __cplusplus
}
#endif
