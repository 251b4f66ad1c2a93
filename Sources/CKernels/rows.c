#include "rows.h"

#include "lanes.h"

// Columns that are summed at once: the rows of a tile stay in the first cache.
enum { PART = 256, BLOCK = 64 };

// Tiles of sums for thirty-two registers of 64 bytes, and for sixteen of 32.
#define ROWS 4
#define COLUMNS 4
#define BYTES 64
#define NUMBER double
#define NAMED(x) wide_double_##x
#include "row_products.h"
#undef NUMBER
#undef NAMED

#define NUMBER float
#define NAMED(x) wide_float_##x
#include "row_products.h"
#undef NUMBER
#undef NAMED
#undef ROWS
#undef COLUMNS
#undef BYTES

#define ROWS 3
#define COLUMNS 2
#define BYTES 32
#define NUMBER double
#define NAMED(x) double_##x
#include "row_products.h"
#undef NUMBER
#undef NAMED

#define NUMBER float
#define NAMED(x) float_##x
#include "row_products.h"
#undef NUMBER
#undef NAMED

SL_WIDE static void wide(const double *a, size_t m, const double *b, size_t n, size_t k, double *c) {
  wide_double_products(a, m, b, n, k, c);
}

SL_NARROW static void narrow(const double *a, size_t m, const double *b, size_t n, size_t k, double *c) {
  double_products(a, m, b, n, k, c);
}

SL_WIDE static void wide_f32(const float *a, size_t m, const float *b, size_t n, size_t k, float *c) {
  wide_float_products(a, m, b, n, k, c);
}

SL_NARROW static void narrow_f32(const float *a, size_t m, const float *b, size_t n, size_t k, float *c) {
  float_products(a, m, b, n, k, c);
}

void sl_rows_by_rows(const double *a, size_t m, const double *b, size_t n, size_t k, double *c) {
  (sl_is_wide() ? wide : narrow)(a, m, b, n, k, c);
}

void sl_rows_by_rows_f32(const float *a, size_t m, const float *b, size_t n, size_t k, float *c) {
  (sl_is_wide() ? wide_f32 : narrow_f32)(a, m, b, n, k, c);
}

// What some rows of x have from one mean under one triangle.
SL_INLINE void lengths(const double *mean, const double *triangle, size_t d, const double *x, size_t rows,
                       double *to) {
  for (size_t r = 0; r < rows; r++) to[r] = 0;
  for (size_t block = 0; block < d; block += SL_TRIANGLE_ROWS) {
    const size_t columns = block + SL_TRIANGLE_ROWS < d ? block + SL_TRIANGLE_ROWS : d;
    wide_double_lanes sums[4] = {0};
    for (size_t j = 0; j < columns; j++, triangle += SL_TRIANGLE_ROWS) {
      const wide_double_lanes column = *(const wide_double_lanes *)triangle;
      for (size_t r = 0; r < rows; r++) sums[r] += column * (x[r * d + j] - mean[j]);
    }
    for (size_t r = 0; r < rows; r++) {
      sums[r] *= sums[r];
      to[r] += wide_double_total(&sums[r]);
    }
  }
}

SL_CLONES void sl_squared_lengths(const double *means, const double *triangles, size_t count, size_t d,
                                  const double *x, size_t n, double *to) {
  size_t size = 0;
  for (size_t block = 0; block < d; block += SL_TRIANGLE_ROWS) {
    size += SL_TRIANGLE_ROWS * (block + SL_TRIANGLE_ROWS < d ? block + SL_TRIANGLE_ROWS : d);
  }
  for (size_t k = 0; k < count; k++) {
    const double *mean = means + k * d, *triangle = triangles + k * size;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) lengths(mean, triangle, d, x + i * d, 4, to + k * n + i);
    for (; i < n; i++) lengths(mean, triangle, d, x + i * d, 1, to + k * n + i);
  }
}
