#include "rows.h"

#include "pool.h"

// Columns that are summed at once: four rows of each side stay in the first cache.
enum { PART = 256, TILE = 4, BLOCK = 64 };

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

SL_CLONES void sl_rows_by_rows(const double *a, size_t m, const double *b, size_t n, size_t k,
                               double *c) {
  double_products(a, m, b, n, k, c);
}

SL_CLONES void sl_rows_by_rows_f32(const float *a, size_t m, const float *b, size_t n, size_t k,
                                   float *c) {
  float_products(a, m, b, n, k, c);
}
