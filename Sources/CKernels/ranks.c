#include "ranks.h"

// All values step by step together, so that none waits for its own memory, and without branches, whose ways
// no processor guesses.
void sl_below(const double *ascending, size_t count, const double *values, size_t n, ptrdiff_t *below) {
  for (size_t i = 0; i < n; i++) below[i] = 0;
  for (size_t left = count; left > 1;) {
    const size_t half = left / 2;
    for (size_t i = 0; i < n; i++) {
      const double *at = ascending + below[i] + half - 1;
      below[i] += __builtin_unpredictable(*at < values[i]) ? (ptrdiff_t)half : 0;
    }
    left -= half;
  }
  for (size_t i = 0; i < n; i++) below[i] += ascending[below[i]] < values[i];
}
