// The sums of products with images side by side, for one kind of number (lanes.h).

// A run of R rows and V vectors of images, added to the sums so far; the first starts at the bias.
INNER SL_INLINE void KERNEL(tile)(const int R, const int V, const block *b, size_t row,
                                  size_t vector, size_t from, size_t length, const uint32_t *x,
                                  size_t x_stride, lanes *so_far, wish *soon) {
  const uint32_t *w = b->weights + row * b->stride + from;
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
    x += x_stride;
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

// Rows of a run for one vector of images or several, whose x follow one another at a stride.
#define TILE(R, V)                                                                                \
  if (R * V <= ROOM) KERNEL(tile)(R, V, b, row, vector, from, length, x, x_stride, so_far, soon)
#define TILES(V)                                                                                  \
  switch (rows) {                                                                                 \
    case 2: TILE(2, V); break;                                                                    \
    case 4: TILE(4, V); break;                                                                    \
    case 6: TILE(6, V); break;                                                                    \
    default: TILE(8, V);                                                                          \
  }
INNER SL_INLINE void KERNEL(tiles)(const block *b, size_t row, size_t rows, size_t vector,
                                   size_t width, size_t from, size_t length, const uint32_t *x,
                                   size_t x_stride, lanes *so_far, wish *soon) {
  switch (width) {
    case 1: TILES(1) break;
    case 2: TILES(2) break;
    case 3: TILES(3) break;
    default: TILES(4)
  }
}
#undef TILE
#undef TILES

// All sums of a block. A lone last row goes by itself.
OUTER static void KERNEL(sums)(const block *b, lanes *so_far) {
  // Narrow blocks have room for more rows.
  const size_t tallest = b->vectors < WIDE && ROOM > 8 ? 8 : 6, even = b->end - (b->end - b->first) % 2;
  const size_t words = words_of(b, b->first, b->end - b->first);
  // Where registers hold one vector of images, all rows meet one after the other, of which a copy is near.
  const size_t most = ROOM > 8 ? MOST_VECTORS : 1;
  uint32_t near[ROOM > 8 ? 1 : RUN * LANES];
  for (size_t from = b->from; from == 0 || from < words; from += RUN) {
    wish soon = next_run(b, from, words);
    for (size_t first = 0; first < b->vectors; first += most) {
      const size_t end = first + most < b->vectors ? first + most : b->vectors;
      const uint32_t *x = b->x + from * b->lanes;
      const int copied = ROOM <= 8 && b->lanes > LANES && even - b->first > 12 && from < words;
      if (copied) {
        const size_t length = words - from < RUN ? words - from : RUN;
        for (size_t k = 0; k < length; k++) {
          *(loose_words *)(near + k * LANES) = *(const loose_words *)(x + k * b->lanes + first * LANES);
        }
      }
      for (size_t row = b->first; row < even;) {
        const size_t left = even - row, rows = left >= tallest ? tallest : left >= 4 ? 4 : 2;
        const size_t ends = words_of(b, row, rows);
        const size_t length = ends < from ? 0 : ends - from < RUN ? ends - from : RUN;
        for (size_t vector = first; length + !from && vector < end;) {
          const size_t width = end - vector < WIDE ? end - vector : WIDE;
          // Vectors abreast ask for the rows after these; one after the other, for these in the next run.
          if (most > 1 || (vector == 0 && from == b->from)) {
            const size_t shares = most > 1 ? (b->vectors + WIDE - 1) / WIDE : 1;
            ask_for_weights(b, row + rows, rows, from, vector / WIDE, shares);
          }
          if (most == 1 && from + RUN < words) {
            ask_for_weights(b, row, rows, from + RUN, vector, b->vectors);
          }
          if (copied) {
            KERNEL(tiles)(b, row, rows, vector, 1, from, length, near, LANES, so_far, &soon);
          } else {
            KERNEL(tiles)
            (b, row, rows, vector, width, from, length, x + vector * LANES, b->lanes, so_far, &soon);
          }
          vector += width;
        }
        row += rows;
      }
    }
  }
  if (even < b->end) KERNEL(thin_row)(b, even, so_far);
}
