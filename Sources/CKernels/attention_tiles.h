// Attention's sums for one kind of number (lanes.h).

// scores[m][j] = the sum over words d of a[m][d] b[d][j], for Z slabs of sixteen j from the first. One query
// alone waits for memory, and asks for what comes next; many find it in the cache.
INNER SL_INLINE void KERNEL(scores_at_once)(const int M, const int Z, const uint32_t *const *a,
                                            const uint32_t *slabs, size_t count,
                                            float *const *scores) {
  lanes c[TILE][4];
  UNROLL for (int m = 0; m < M; m++) {
    UNROLL for (int z = 0; z < Z; z++) c[m][z] = (lanes)0.0f;
  }
  const size_t stride = count * LANES;
  for (size_t d = 0; d < count; d++, slabs += LANES) {
    words right[4];
    UNROLL for (int z = 0; z < Z; z++) {
      right[z] = *(const loose_words *)(slabs + (size_t)z * stride);
      if (M == 1) __builtin_prefetch(slabs + (size_t)(z + 4) * stride, 0, 3);
    }
    UNROLL for (int m = 0; m < M; m++) {
      const uint32_t left = a[m][d];
      UNROLL for (int z = 0; z < Z; z++) c[m][z] = MULTIPLY_ADD(c[m][z], left, right[z]);
    }
  }
  UNROLL for (int m = 0; m < M; m++) {
    UNROLL for (int z = 0; z < Z; z++) *(loose_lanes *)(scores[m] + LANES * z) = c[m][z];
  }
}

// The same in parts whose sums registers hold.
INNER SL_INLINE void KERNEL(scores)(const int M, const int Z, const uint32_t *const *a,
                                    const uint32_t *slabs, size_t count, float *const *scores) {
  const int rows = M < ROOM ? M : 4, columns = ROOM / rows < Z ? ROOM / rows : Z;
  UNROLL for (int m = 0; m < M; m += rows) {
    UNROLL for (int z = 0; z < Z; z += columns) {
      float *to[TILE];
      UNROLL for (int i = 0; i < rows; i++) to[i] = scores[m + i] + LANES * z;
      KERNEL(scores_at_once)
      (rows, Z - z < columns ? Z - z : columns, a + m, slabs + (size_t)z * count * LANES, count, to);
    }
  }
}

// y[m] += the sum over words j of p[m][j] v[j], rows of `width`: four sums side by side, so that there is
// work for as long as an addition takes. `count` is a multiple of four.
INNER SL_INLINE void KERNEL(add_rows_at_once)(const int M, const int SUMS,
                                              const uint32_t *const *p, const uint32_t *v,
                                              size_t width, size_t count, float *const *y) {
  for (size_t z = 0; z < width; z += LANES) {
    lanes c[TILE][4];
    UNROLL for (int m = 0; m < M; m++) {
      UNROLL for (int r = 0; r < SUMS; r++) c[m][r] = (lanes)0.0f;
    }
    const uint32_t *from = v + z;
    for (size_t j = 0; j < count; j += (size_t)SUMS, from += (size_t)SUMS * width) {
      UNROLL for (int r = 0; r < SUMS; r++) {
        const words right = *(const loose_words *)(from + (size_t)r * width);
        if (M == 1) __builtin_prefetch(from + (size_t)(r + 32) * width, 0, 3);
        UNROLL for (int m = 0; m < M; m++) {
          c[m][r] = MULTIPLY_ADD(c[m][r], p[m][j + (size_t)r], right);
        }
      }
    }
    UNROLL for (int m = 0; m < M; m++) {
      lanes sum = c[m][0] + c[m][1];
      if (SUMS == 4) sum += c[m][2] + c[m][3];
      *(loose_lanes *)(y[m] + z) += sum;
    }
  }
}

// The same for as many rows at a time as registers hold sums of.
INNER SL_INLINE void KERNEL(add_rows)(const int M, const int SUMS, const uint32_t *const *p,
                                      const uint32_t *v, size_t width, size_t count,
                                      float *const *y) {
  const int rows = M * SUMS <= ROOM ? M : SUMS <= ROOM / 2 ? 2 : 1;
  UNROLL for (int m = 0; m < M; m += rows) {
    KERNEL(add_rows_at_once)(rows, SUMS, p + m, v, width, count, y + m);
  }
}

// Sixteen weights from place J on to words of `each`; and beside them those of the next query, a word of
// both.
#undef STORE_WEIGHTS
#undef STORE_BESIDE
#if IS_HALF
#define STORE_WEIGHTS(P, J, X) STORE_HALVES((uint16_t *)(P) + (J), X)
#define STORE_BESIDE(P, NEXT, X, Y)                                                               \
  *(loose_words *)(P) = (((words)(X) + 0x8000u) >> 16) | (((words)(Y) + 0x8000u) & 0xffff0000u)
#else
#define STORE_WEIGHTS(P, J, X) *(loose_words *)((P) + (J)) = (words)(X)
#define STORE_BESIDE(P, NEXT, X, Y)                                                               \
  {                                                                                               \
    *(loose_words *)(P) = (words)(X);                                                             \
    *(loose_words *)(NEXT) = (words)(Y);                                                          \
  }
#endif

// M queries of an image at the positions from `first` on, STEP apart (none: of as many heads that share keys
// and values): q [M][words], keys in slabs, values along positions; y [M][width] and log-sums where wanted.
INNER SL_INLINE void KERNEL(attend)(const int M, const size_t STEP, const sizes *s, const uint32_t *const *q,
                                    const uint32_t *keys, const uint32_t *values, size_t first,
                                    float *const *y, float *log_sums) {
  float scores[QUERIES][CHUNK];
  uint32_t weights[QUERIES][CHUNK];
  lanes sum[QUERIES];
  float top[QUERIES];
  UNROLL for (int m = 0; m < M; m++) {
    top[m] = -1e30f;
    sum[m] = (lanes)0.0f;
    memset(y[m], 0, s->width * sizeof(float));
  }
  const size_t last = first + (size_t)(M - 1) * STEP;
  for (size_t at = 0; at <= last; at += CHUNK) {
    const size_t seen = last + 1 - at < CHUNK ? whole(last + 1 - at, LANES) : CHUNK;
    for (size_t j = 0; j < seen; j += BLOCK) {
      const uint32_t *slabs = keys + (at + j) * s->key_words;
      float *to[QUERIES];
      UNROLL for (int m = 0; m < M; m++) to[m] = scores[m] + j;
      switch ((seen - j) / LANES) {
        case 1: KERNEL(scores)(M, 1, q, slabs, s->key_words, to); break;
        case 2: KERNEL(scores)(M, 2, q, slabs, s->key_words, to); break;
        case 3: KERNEL(scores)(M, 3, q, slabs, s->key_words, to); break;
        default: KERNEL(scores)(M, 4, q, slabs, s->key_words, to);
      }
    }
    const uint32_t *of[QUERIES];
    UNROLL for (int m = 0; m < M; m++) {
      // What is not seen weighs nothing at all.
      const size_t own = first + (size_t)m * STEP + 1 - at;
      lanes largest = (lanes)-1e30f;
      for (size_t j = 0; j < seen; j += LANES) {
        lanes x = *(const loose_lanes *)(scores[m] + j);
        if (own < j + LANES) keep_below(&x, own - j, -1e30f);
        largest = x > largest ? x : largest;
      }
      const float met = s->scale * __builtin_reduce_max(largest);
      const float highest = met > top[m] ? met : top[m];
      lanes keep = (lanes)(top[m] - highest);
      power_of_two(&keep, 0);
      sum[m] *= keep;
      for (size_t i = 0; at && i < s->width; i++) y[m][i] *= keep[0];
      top[m] = highest;
      for (size_t j = 0; j < seen; j += LANES) {
        lanes x = *(const loose_lanes *)(scores[m] + j);
        x = __builtin_elementwise_fma(x, (lanes)s->scale, (lanes)-highest);
        if (own < j + LANES) keep_below(&x, own - j, -126.0f);
        power_of_two(&x, IS_HALF);
        if (own < j + LANES) keep_below(&x, own - j, 0.0f);
        sum[m] += x;
        STORE_WEIGHTS(weights[m], j, x);
      }
      of[m] = weights[m];
    }
    KERNEL(add_rows)(M, 4, of, values + at / s->each * s->width, s->width, seen / s->each, y);
  }
  UNROLL for (int m = 0; m < M; m++) {
    const float total = total_of(&sum[m]);
    for (size_t i = 0; i < s->width; i++) y[m][i] = y[m][i] / total;
    if (log_sums) log_sums[m] = 0.693147181f * top[m] + sl_log(total);
  }
}

OUTER static void KERNEL(attend_all)(const sizes *s, const uint32_t *q, const uint32_t *keys,
                                     const uint32_t *values, const place *to, float *rows) {
  const size_t length = s->shape.length;
  for (size_t i = 0; i < length; i += QUERIES) {
    const uint32_t *from[QUERIES];
    float *y[QUERIES], logs[QUERIES];
    const size_t count = length - i < QUERIES ? length - i : QUERIES;
    for (size_t m = 0; m < QUERIES; m++) {
      from[m] = q + (i + m) * s->key_words;
      y[m] = rows + m * s->width;
    }
    KERNEL(attend)(QUERIES, 1, s, from, keys, values, i, y, logs);
    for (size_t m = 0; m < count && to->log_sums; m++) to->log_sums[i + m] = logs[m];
    unpack(rows, count, to->stride, i * to->stride + to->column, s->shape.values, s->width,
           s->shape.half, to->y);
  }
}

// One position, and `count` heads that share keys and values: of fewer than four the last stands for those
// that are not there.
OUTER static void KERNEL(attend_one)(const sizes *s, const uint32_t *q, size_t count,
                                     const uint32_t *keys, const uint32_t *values, size_t position,
                                     float *rows) {
  const uint32_t *from[QUERIES];
  float *y[QUERIES];
  for (size_t m = 0; m < QUERIES; m++) {
    const size_t of = m < count ? m : count - 1;
    from[m] = q + of * s->key_words;
    y[m] = rows + m * s->width;
  }
  if (count == 1) {
    KERNEL(attend)(1, 0, s, from, keys, values, position, y, 0);
  } else {
    KERNEL(attend)(QUERIES, 0, s, from, keys, values, position, y, 0);
  }
}

// The rows of x that a tile of queries adds to: x[j] += the sum over words m of p[m][j] a[m], for j < count.
INNER SL_INLINE void KERNEL(add_to_rows)(const uint32_t (*p)[BLOCK], const uint32_t *a, size_t width,
                                         size_t count, float *x) {
  enum { M = IS_HALF ? TILE / 2 : TILE };
  for (size_t z = 0; z < width; z += LANES) {
    words left[M];
    UNROLL for (int m = 0; m < M; m++) left[m] = *(const loose_words *)(a + (size_t)m * width + z);
    for (size_t j = 0; j < count; j++) {
      lanes c = *(const loose_lanes *)(x + j * width + z);
      UNROLL for (int m = 0; m < M; m++) c = MULTIPLY_ADD(c, p[m][j], left[m]);
      *(loose_lanes *)(x + j * width + z) = c;
    }
  }
}

// The weights of eight queries from the i-th on at the keys of a block, computed anew from the scores and
// their log-sums, and what is added through them.
INNER SL_INLINE void KERNEL(tile_gradient)(const sizes *s, const gradient_sums *g, size_t i, size_t at) {
  float p[TILE][BLOCK], ds[TILE][BLOCK];
  uint32_t along[TILE][BLOCK], weights[TILE][BLOCK], slopes[TILE][BLOCK];
  const uint32_t *q[TILE], *dy[TILE], *of[TILE];
  float *to[TILE];
  const size_t last = i + TILE - 1;
  const size_t seen = last + 1 - at < BLOCK ? whole(last + 1 - at, LANES) : BLOCK;
  UNROLL for (int m = 0; m < TILE; m++) {
    q[m] = g->q_rows + (i + (size_t)m) * s->key_words;
    dy[m] = g->dy_rows + (i + (size_t)m) * s->value_words;
    of[m] = along[m];
  }
  for (size_t j = 0; j < seen; j += 2 * LANES) {
    float *left[TILE], *right[TILE];
    UNROLL for (int m = 0; m < TILE; m++) {
      left[m] = p[m] + j;
      right[m] = ds[m] + j;
    }
    KERNEL(scores)(TILE, 2, q, g->keys + (at + j) * s->key_words, s->key_words, left);
    KERNEL(scores)(TILE, 2, dy, g->values + (at + j) * s->value_words, s->value_words, right);
  }
  for (size_t m = 0; m < TILE; m += 2) {
    for (size_t j = 0; j < seen; j += LANES) {
      lanes weight[2], slope[2];
      UNROLL for (size_t n = 0; n < 2; n++) {
        const size_t query = i + m + n;
        lanes x = *(const loose_lanes *)(p[m + n] + j);
        x = __builtin_elementwise_fma(x, (lanes)s->scale, (lanes)-g->log_sums[query]);
        power_of_two(&x, IS_HALF);
        if (query + 1 < at + j + LANES) keep_below(&x, query + 1 < at + j ? 0 : query + 1 - at - j, 0.0f);
        weight[n] = x;
        slope[n] = x * (*(const loose_lanes *)(ds[m + n] + j) - g->balance[query]);
        STORE_WEIGHTS(along[m + n], j, slope[n]);
      }
      const size_t row = IS_HALF ? m / 2 : m;
      STORE_BESIDE(weights[row] + j, weights[row + 1] + j, weight[0], weight[1]);
      STORE_BESIDE(slopes[row] + j, slopes[row + 1] + j, slope[0], slope[1]);
    }
  }
  UNROLL for (int m = 0; m < TILE; m++) to[m] = g->dq + (i + (size_t)m) * s->depth;
  KERNEL(add_rows)(TILE, 2, of, g->key_columns + at / s->each * s->depth, s->depth, seen / s->each, to);
  KERNEL(add_to_rows)
  (slopes, g->q_columns + i / s->each * s->depth, s->depth, seen, g->dk + at * s->depth);
  KERNEL(add_to_rows)
  (weights, g->dy_columns + i / s->each * s->width, s->width, seen, g->dv + at * s->width);
}

// Block after block of keys, so that what is added to them stays in the nearest cache.
OUTER static void KERNEL(gradient)(const sizes *s, const gradient_sums *g) {
  for (size_t at = 0; at < s->shape.length; at += BLOCK) {
    for (size_t i = at; i < s->shape.length; i += TILE) KERNEL(tile_gradient)(s, g, i, at);
  }
}
