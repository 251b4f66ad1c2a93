#include "rows.h"

#include "pool.h"

// Columns that are summed at once: four rows of each side stay in the first cache.
enum { PART = 256, LANES = 8, TILE = 4, BLOCK = 64 };

typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8)));

SL_INLINE double total(const lanes *at) {
  const double *x = (const double *)at;
  return ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7]));
}

// Adds the products of `rows` by `columns` rows over `k` columns to c, whose rows are n apart.
SL_INLINE void tile(const double *a, const double *b, size_t stride, size_t k, size_t rows,
                    size_t columns, double *c, size_t n) {
  lanes sums[TILE][TILE] = {0};
  size_t i = 0;
  for (; i + LANES <= k; i += LANES) {
    for (size_t r = 0; r < rows; r++) {
      const lanes x = *(const lanes *)(a + r * stride + i);
      for (size_t s = 0; s < columns; s++) sums[r][s] += x * *(const lanes *)(b + s * stride + i);
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t s = 0; s < columns; s++) {
      double rest = 0;
      for (size_t j = i; j < k; j++) rest += a[r * stride + j] * b[s * stride + j];
      c[r * n + s] += total(&sums[r][s]) + rest;
    }
  }
}

SL_CLONES void sl_rows_by_rows(const double *a, size_t m, const double *b, size_t n, size_t k,
                               double *c) {
  for (size_t i = 0; i < m * n; i++) c[i] = 0;
  for (size_t from = 0; from < k; from += PART) {
    const size_t part = k - from < PART ? k - from : PART;
    for (size_t block = 0; block < n; block += BLOCK) {
      const size_t end = block + BLOCK < n ? block + BLOCK : n;
      for (size_t r = 0; r < m; r += TILE) {
        const double *x = a + r * k + from;
        for (size_t s = block; s < end; s += TILE) {
          const double *y = b + s * k + from;
          double *to = c + r * n + s;
          if (m - r >= TILE && end - s >= TILE) {
            tile(x, y, k, part, TILE, TILE, to, n);
          } else {
            for (size_t i = 0; i < TILE && r + i < m; i++) {
              for (size_t j = 0; j < TILE && s + j < end; j++) {
                tile(x + i * k, y + j * k, k, part, 1, 1, to + i * n + j, n);
              }
            }
          }
        }
      }
    }
  }
}
