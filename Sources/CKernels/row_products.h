// The products of rows by rows for numbers of one type: included with NUMBER, the type, and NAMED(x), x with
// the type's name.

typedef NUMBER NAMED(lanes) __attribute__((vector_size(64), aligned(sizeof(NUMBER))));

SL_INLINE NUMBER NAMED(total)(const NAMED(lanes) * at) {
  NUMBER x[64 / sizeof(NUMBER)];
  __builtin_memcpy(x, at, sizeof x);
  for (size_t half = 64 / sizeof(NUMBER) / 2; half >= 4; half /= 2) {
    for (size_t i = 0; i < half; i++) x[i] += x[half + i];
  }
  return (x[0] + x[1]) + (x[2] + x[3]);
}

// Adds the products of `rows` by `columns` rows over `part` columns to c, whose rows are n apart.
SL_INLINE void NAMED(tile)(const NUMBER *a, const NUMBER *b, size_t stride, size_t part, size_t rows,
                           size_t columns, NUMBER *c, size_t n) {
  const size_t width = 64 / sizeof(NUMBER);
  NAMED(lanes) sums[TILE][TILE] = {0};
  size_t i = 0;
  for (; i + width <= part; i += width) {
    for (size_t r = 0; r < rows; r++) {
      const NAMED(lanes) x = *(const NAMED(lanes) *)(a + r * stride + i);
      for (size_t s = 0; s < columns; s++) {
        sums[r][s] += x * *(const NAMED(lanes) *)(b + s * stride + i);
      }
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t s = 0; s < columns; s++) {
      NUMBER rest = 0;
      for (size_t j = i; j < part; j++) rest += a[r * stride + j] * b[s * stride + j];
      c[r * n + s] += NAMED(total)(&sums[r][s]) + rest;
    }
  }
}

SL_INLINE void NAMED(products)(const NUMBER *a, size_t m, const NUMBER *b, size_t n, size_t k,
                               NUMBER *c) {
  for (size_t i = 0; i < m * n; i++) c[i] = 0;
  for (size_t from = 0; from < k; from += PART) {
    const size_t part = k - from < PART ? k - from : PART;
    for (size_t block = 0; block < n; block += BLOCK) {
      const size_t end = block + BLOCK < n ? block + BLOCK : n;
      for (size_t r = 0; r < m; r += TILE) {
        const NUMBER *x = a + r * k + from;
        for (size_t s = block; s < end; s += TILE) {
          const NUMBER *y = b + s * k + from;
          NUMBER *to = c + r * n + s;
          if (m - r >= TILE && end - s >= TILE) {
            NAMED(tile)(x, y, k, part, TILE, TILE, to, n);
            continue;
          }
          for (size_t j = 0; j < TILE && s + j < end; j++) {
            if (m - r >= TILE) {
              NAMED(tile)(x, y + j * k, k, part, TILE, 1, to + j, n);
              continue;
            }
            for (size_t i = 0; r + i < m; i++) {
              NAMED(tile)(x + i * k, y + j * k, k, part, 1, 1, to + i * n + j, n);
            }
          }
        }
      }
    }
  }
}
