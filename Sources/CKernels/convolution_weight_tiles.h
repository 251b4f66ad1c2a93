// The weight gradient of causal convolutions, for one kind of number (lanes.h).

// c[m][z] += the sum over the segments; A's column m starts at a[m], whose steps are `a_stride` apart.
INNER SL_INLINE void KERNEL(column_sums)(const int M, const int Z, lanes (*c)[4],
                                         const uint32_t *const *a, size_t a_stride,
                                         const uint32_t *b, size_t b_stride,
                                         const segment *segments, size_t count, wishes *soon) {
  for (size_t s = 0; s < count; s++) {
    const uint32_t *from[MOST_INPUTS];
    UNROLL for (int m = 0; m < M; m++) from[m] = a[m] + segments[s].a;
    const uint32_t *row = b + segments[s].b;
    const size_t length = segments[s].length;
    for (size_t k = 0; k < length; k += STEPS) {
      ask_for_shares(soon);
      const size_t end = k + STEPS < length ? k + STEPS : length;
      for (size_t step = k; step < end; step++) {
        words right[4];
        UNROLL for (int z = 0; z < Z; z++) right[z] = *(const loose_words *)(row + LANES * z);
        UNROLL for (int m = 0; m < M; m++) {
          const uint32_t left = from[m][step * a_stride];
          UNROLL for (int z = 0; z < Z; z++) c[m][z] = MULTIPLY_ADD(c[m][z], left, right[z]);
        }
        row += b_stride;
      }
    }
  }
}

// M inputs and 16 Z outputs from o on, of one tap.
INNER SL_INLINE void KERNEL(tile)(const int M, const int Z, const tap_sums *t, size_t o) {
  for (size_t i = 0; i < t->inputs; i += (size_t)M) {
    // The last of them begin early, but count once.
    const size_t from = i + (size_t)M <= t->inputs ? i : t->inputs - (size_t)M;
    lanes c[MOST_INPUTS][4];
    const uint32_t *a[MOST_INPUTS];
    UNROLL for (int m = 0; m < M; m++) {
      a[m] = t->x + from + (size_t)m;
      UNROLL for (int z = 0; z < Z; z++) c[m][z] = (lanes)0.0f;
    }
    KERNEL(column_sums)(M, Z, c, a, t->stride, t->dy + o, t->outputs, t->segments, t->count, t->soon);
    UNROLL for (int m = 0; m < M; m++) {
      if (from + (size_t)m < i) continue;
      loose_lanes *sum = (loose_lanes *)(t->sums + (from + (size_t)m) * t->outputs + o);
      UNROLL for (int z = 0; z < Z; z++) sum[z] += c[m][z];
    }
  }
}

OUTER static void KERNEL(weight_part)(void *data, size_t begin, size_t end, int thread) {
  const weight_pass *j = data;
  const size_t I = j->shape.inputs, O = j->shape.outputs;
  uint32_t *window =
      j->scratch + (size_t)thread * (j->words.window + j->words.gradient + j->words.sums);
  uint32_t *gradient = window + j->words.window;
  float *sums = (float *)(gradient + j->words.gradient);
  memset(sums, 0, j->words.sums * 4);
  for (size_t image = begin; image < end; image++) {
    for (size_t top = 0; top < j->shape.height; top += j->band) {
      const band b = band_at(j, image, top);
      const uint32_t *dy = KERNEL(pack)(j, &b, window, gradient);
      add_rows(sums + j->taps.count * I * O, j->dy, b.place * O, j->shape.half,
               b.rows * j->shape.width, O);
      wishes soon = wishes_of(j, &b);
      segment segments[SL_MOST_BAND];
      for (size_t tap = 0; tap < j->taps.count; tap++) {
        const tap_sums t = {
            .sums = sums + tap * I * O,
            .x = window + KERNEL(column)(&b, j->taps.before + (size_t)j->taps.column[tap]),
            .dy = dy,
            .inputs = I,
            .outputs = O,
            .stride = b.stride,
            .segments = segments,
            .count = segments_of(j, &b, tap, segments),
            .soon = &soon,
        };
        size_t o = 0;
        for (; ROOM >= 24 && o + 64 <= O; o += 64) KERNEL(tile)(6, 4, &t, o);
        for (; ROOM >= 24 && o + 32 <= O; o += 32) KERNEL(tile)(12, 2, &t, o);
        for (; o < O; o += 16) KERNEL(tile)(ROOM < 12 ? 6 : 12, 1, &t, o);
      }
    }
  }
}
