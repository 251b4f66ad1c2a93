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

// to [count, n]: the squared lengths of L (x - mean) for the rows of x [n, d] and as many means [count, d] and
// lower triangles L as `count`. A triangle is given in blocks of its rows, of each the columns up to its last
// row one after the other, zeros for rows from d on. A row of x has the same bits alone or among others.
enum { SL_TRIANGLE_ROWS = 8 };
void sl_squared_lengths(const double *means, const double *triangles, size_t count, size_t d,
                        const double *x, size_t n, double *to);

#ifdef __cplusplus
}
#endif
