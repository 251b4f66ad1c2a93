// Places of numbers among others.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// below [n]: how many of `count` ascending numbers, at least one, lie below each value.
void sl_below(const double *ascending, size_t count, const double *values, size_t n, ptrdiff_t *below);

#ifdef __cplusplus
}
#endif
