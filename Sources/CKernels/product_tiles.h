// The sums of products with images side by side, for one kind of number (lanes.h).

// A run of R rows and V vectors of images, added to the sums so far; the first starts at the bias.
INNER SL_INLINE void KERNEL(tile)(const int R, const int V, const block *b, size_t row,
                                  size_t vector, size_t from, size_t length, lanes *so_far,
                                  wish *soon) {
  const uint32_t *w = b->weights + row * b->stride + from;
  const uint32_t *x = b->x + from * b->lanes + vector * LANES;
  lanes c[8][WIDE];
  UNROLL for (int r = 0; r < R; r++) {
    const float start = from == 0 && b->bias ? b->bias[row + (size_t)r] : 0.0f;
    UNROLL for (int v = 0; v < V; v++) c[r][v] = (lanes)start;
  }
  for (size_t k = 0; k < length; k++) {
    if (k % STEPS == 0) ask(soon);
    words right[WIDE];
    UNROLL for (int v = 0; v < V; v++) right[v] = *(const loose_words *)(x + LANES * v);
    UNROLL for (int r = 0; r < R; r++) {
      const uint32_t left = w[(size_t)r * b->stride + k];
      UNROLL for (int v = 0; v < V; v++) c[r][v] = MULTIPLY_ADD(c[r][v], left, right[v]);
    }
    x += b->lanes;
  }
  UNROLL for (int r = 0; r < R; r++) {
    lanes *sum = so_far + (row - b->first + (size_t)r) * MOST_VECTORS + vector;
    UNROLL for (int v = 0; v < V; v++) sum[v] = from == 0 ? c[r][v] : sum[v] + c[r][v];
  }
}

// Several runs of one row at once, of which the last has `last` words: one sum after the other would
// wait for each multiply-add.
INNER SL_INLINE void KERNEL(thin)(const int RUNS, const int V, const block *b, size_t row,
                                  size_t vector, size_t from, size_t last, lanes *so_far) {
  const uint32_t *w = b->weights + row * b->stride + from;
  const uint32_t *x = b->x + from * b->lanes + vector * LANES;
  lanes c[4][2];
  UNROLL for (int i = 0; i < RUNS; i++) {
    const float start = i == 0 && from == 0 && b->bias ? b->bias[row] : 0.0f;
    UNROLL for (int v = 0; v < V; v++) c[i][v] = (lanes)start;
  }
  for (size_t k = 0; k < (RUNS > 1 ? (size_t)RUN : last); k++) {
    UNROLL for (int i = 0; i < RUNS; i++) {
      if (i + 1 == RUNS && k >= last) continue;
      const size_t at = (size_t)i * RUN + k;
      UNROLL for (int v = 0; v < V; v++) {
        const words right = *(const loose_words *)(x + at * b->lanes + (size_t)(LANES * v));
        c[i][v] = MULTIPLY_ADD(c[i][v], w[at], right);
      }
    }
  }
  lanes *sum = so_far + (row - b->first) * MOST_VECTORS + vector;
  UNROLL for (int v = 0; v < V; v++) {
    lanes total = from == 0 ? c[0][v] : sum[v] + c[0][v];
    UNROLL for (int i = 1; i < RUNS; i++) total += c[i][v];
    sum[v] = total;
  }
}

INNER SL_INLINE void KERNEL(thin_row)(const block *b, size_t row, lanes *so_far) {
  const size_t length = words_of(b, row, 1);
  for (size_t vector = 0; vector < b->vectors; vector += 2) {
    const int narrow = vector + 1 == b->vectors;
    size_t from = b->from;
    if (from >= length && from > 0) continue;
    do {
      const size_t left = (length - from + RUN - 1) / RUN, runs = left < 4 ? left : 4;
      const size_t end = from + runs * RUN < length ? from + runs * RUN : length;
      const size_t last = runs ? end - from - (runs - 1) * RUN : 0;
#define THIN(RUNS)                                                                                \
  if (narrow) {                                                                                   \
    KERNEL(thin)(RUNS, 1, b, row, vector, from, last, so_far);                                    \
  } else {                                                                                        \
    KERNEL(thin)(RUNS, 2, b, row, vector, from, last, so_far);                                    \
  }
      switch (runs) {
        case 2: THIN(2) break;
        case 3: THIN(3) break;
        case 4: THIN(4) break;
        default: THIN(1)
      }
#undef THIN
      from = end;
    } while (from < length);
  }
}

#define TILE(R, V) KERNEL(tile)(R, V, b, row, vector, from, length, so_far, &soon)
#define TILES(V)                                                                                  \
  switch (rows) {                                                                                 \
    case 2: TILE(2, V); break;                                                                    \
    case 4: TILE(4, V); break;                                                                    \
    case 6: TILE(6, V); break;                                                                    \
    default: TILE(V < WIDE ? 8 : 6, V);                                                           \
  }

// All sums of a block. A lone last row goes by itself.
OUTER static void KERNEL(sums)(const block *b, lanes *so_far) {
  // Narrow blocks have room for more rows.
  const size_t tallest = b->vectors < WIDE ? 8 : 6, even = b->end - (b->end - b->first) % 2;
  const size_t words = words_of(b, b->first, b->end - b->first);
  for (size_t from = b->from; from == 0 || from < words; from += RUN) {
    wish soon = next_run(b, from, words);
    for (size_t row = b->first; row < even;) {
      const size_t left = even - row, rows = left >= tallest ? tallest : left >= 4 ? 4 : 2;
      const size_t ends = words_of(b, row, rows);
      const size_t length = ends < from ? 0 : ends - from < RUN ? ends - from : RUN;
      for (size_t vector = 0; length + !from && vector < b->vectors;) {
        const size_t width = b->vectors - vector < WIDE ? b->vectors - vector : WIDE;
        ask_for_weights(b, row + rows, rows, from, vector);
        switch (width) {
          case 1: TILES(1) break;
          case 2: TILES(2) break;
          case 3: TILES(3) break;
          default: TILES(4)
        }
        vector += width;
      }
      row += rows;
    }
  }
  if (even < b->end) KERNEL(thin_row)(b, even, so_far);
}

#undef TILE
#undef TILES
