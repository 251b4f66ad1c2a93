// The products of rows by rows for numbers of one type: included with NUMBER, the type, NAMED(x), x with
// the type's name, and BYTES, of a register: a sum has 64 bytes of them side by side, whatever it is, and
// its bits are the same.

typedef NUMBER NAMED(lanes) __attribute__((vector_size(BYTES), aligned(sizeof(NUMBER))));

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
  enum { WIDTH = 64 / sizeof(NUMBER), PIECE = BYTES / sizeof(NUMBER), PIECES = 64 / BYTES };
  NAMED(lanes) sums[ROWS][COLUMNS][PIECES] = {0};
  size_t i = 0;
  for (; i + WIDTH <= part; i += WIDTH) {
    for (size_t piece = 0; piece < PIECES; piece++) {
      NAMED(lanes) x[ROWS];
      for (size_t r = 0; r < rows; r++) {
        x[r] = *(const NAMED(lanes) *)(a + r * stride + i + piece * PIECE);
      }
      for (size_t s = 0; s < columns; s++) {
        const NAMED(lanes) y = *(const NAMED(lanes) *)(b + s * stride + i + piece * PIECE);
        for (size_t r = 0; r < rows; r++) sums[r][s][piece] += x[r] * y;
      }
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t s = 0; s < columns; s++) {
      NUMBER rest = 0;
      for (size_t j = i; j < part; j++) rest += a[r * stride + j] * b[s * stride + j];
      c[r * n + s] += NAMED(total)(sums[r][s]) + rest;
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
      for (size_t r = 0; r < m; r += ROWS) {
        const NUMBER *x = a + r * k + from;
        for (size_t s = block; s < end; s += COLUMNS) {
          const NUMBER *y = b + s * k + from;
          NUMBER *to = c + r * n + s;
          if (m - r >= ROWS && end - s >= COLUMNS) {
            NAMED(tile)(x, y, k, part, ROWS, COLUMNS, to, n);
            continue;
          }
          for (size_t j = 0; j < COLUMNS && s + j < end; j++) {
            if (m - r >= ROWS) {
              NAMED(tile)(x, y + j * k, k, part, ROWS, 1, to + j, n);
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
