// Products of matrices, both given by their rows.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// c [m, n] = a [m, k] times the transpose of b [n, k]. Sums are in one order whatever m and n are, so
// that rows can be shared out among threads.
void sl_rows_by_rows(const double *a, size_t m, const double *b, size_t n, size_t k, double *c);
void sl_rows_by_rows_f32(const float *a, size_t m, const float *b, size_t n, size_t k, float *c);

#ifdef __cplusplus
}
#endif
