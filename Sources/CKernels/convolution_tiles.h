// The forward pass of causal convolutions, and their input gradient, for one kind of number (lanes.h).

// c[m][z] += the sum over the segments; A's row m starts at a[m], the columns of B are `apart`.
INNER SL_INLINE void KERNEL(sums)(const int M, const int Z, lanes (*c)[4], const uint32_t *const *a,
                                  const uint32_t *b, size_t b_stride, size_t apart,
                                  const segment *segments, size_t count, wishes *soon) {
  for (size_t s = 0; s < count; s++) {
    const uint32_t *from[PIXELS];
    UNROLL for (int m = 0; m < M; m++) from[m] = a[m] + segments[s].a;
    const uint32_t *row = b + segments[s].b;
    for (size_t k = 0; k < segments[s].length; k += STEPS) {
      ask_for_shares(soon);
      UNROLL for (size_t step = 0; step < STEPS; step++) {
        words right[4];
        UNROLL for (int z = 0; z < Z; z++) right[z] = *(const loose_words *)(row + apart * (size_t)z);
        UNROLL for (int m = 0; m < M; m++) {
          const uint32_t left = from[m][k + step];
          UNROLL for (int z = 0; z < Z; z++) c[m][z] = MULTIPLY_ADD(c[m][z], left, right[z]);
        }
        row += b_stride;
      }
    }
  }
}

// What is to be added to 16 sums, and their way to element `place` of the result. The epilogue comes by
// value: a pointer to it would be read anew after each store.
INNER SL_INLINE void KERNEL(finish)(const sl_epilogue end, void *y, const lanes *sum, size_t place) {
  lanes c = *sum;
  if (end.mask) {
    lanes mask;
    load(end.mask, place, end.half, &mask);
    c = mask > 0.0f ? c : (lanes)0.0f;
  }
  if (end.residual) {
    lanes residual;
    load(end.residual, place, end.half, &residual);
    c += residual;
  }
  if (end.half) {
    STORE_HALVES((uint16_t *)y + place, c)
  } else {
    *(loose_lanes *)((float *)y + place) = c;
  }
}

// The same where only `some` of them have a place: through memory with room for all.
INNER SL_INLINE void KERNEL(finish_some)(const sl_epilogue end, void *y, const lanes *sum,
                                         size_t place, size_t some) {
  float mask[LANES] = {0}, residual[LANES] = {0}, result[LANES];
  const size_t size = end.half ? 2 : 4;
  if (end.mask) memcpy(mask, (const char *)end.mask + place * size, some * size);
  if (end.residual) memcpy(residual, (const char *)end.residual + place * size, some * size);
  const sl_epilogue near = {0, end.mask ? mask : 0, end.residual ? residual : 0, end.half};
  KERNEL(finish)(near, result, sum, 0);
  memcpy((char *)y + place * size, result, some * size);
}

// M pixels and 16 Z channels from o on, of which the first `count` pixels are kept.
INNER SL_INLINE void KERNEL(tile)(const int M, const int Z, const pass *j, const uint32_t *const *a,
                                  const segment *segments, size_t segment_count, size_t first,
                                  size_t count, size_t o, wishes *soon) {
  lanes c[PIXELS][4];
  const sl_epilogue end = j->end;
  void *y = j->y;
  const size_t outputs = j->outputs, some = Z == 1 && outputs - o < LANES ? outputs - o : 0;
  UNROLL for (int z = 0; z < Z; z++) {
    lanes bias = (lanes)0.0f;
    if (end.bias && some) {
      memcpy(&bias, end.bias + o, some * sizeof(float));
    } else if (end.bias) {
      bias = *(const loose_lanes *)(end.bias + o + LANES * z);
    }
    UNROLL for (int m = 0; m < M; m++) c[m][z] = bias;
  }
  const size_t panel = panel_of(outputs), whole = j->taps.count * j->words * panel;
  const uint32_t *b = j->packed + o / panel * whole + o % panel;
  const size_t apart = panel > LANES ? LANES : whole;
  KERNEL(sums)(M, Z, c, a, b, panel, apart, segments, segment_count, soon);
  UNROLL for (int m = 0; m < M; m++) {
    if ((size_t)m >= count) continue;
    const size_t place = (first + (size_t)m) * outputs + o;
    UNROLL for (int z = 0; z < Z; z++) {
      if (some) {
        KERNEL(finish_some)(end, y, &c[m][z], place, some);
      } else {
        KERNEL(finish)(end, y, &c[m][z], place + LANES * (size_t)z);
      }
    }
  }
}

// M pixels, channels o ..< end, both multiples of 16 but for the last channel of all.
INNER SL_INLINE void KERNEL(channels)(const int M, const pass *j, const uint32_t *const *a,
                                      const segment *segments, size_t segment_count, size_t first,
                                      size_t count, size_t o, size_t end, wishes *soon) {
  for (; 4 * M <= ROOM && o + 64 <= end; o += 64) {
    KERNEL(tile)(M, 4, j, a, segments, segment_count, first, count, o, soon);
  }
  for (; 2 * M <= ROOM && o + 32 <= end; o += 32) {
    KERNEL(tile)(M, 2, j, a, segments, segment_count, first, count, o, soon);
  }
  for (; o < end; o += 16) {
    KERNEL(tile)(M, 1, j, a, segments, segment_count, first, count, o, soon);
  }
}

// A band of pixels, whose inputs and their neighbours start at `at`.
INNER SL_INLINE void KERNEL(band)(const pass *j, const uint32_t *at, size_t columns,
                                  const segment *segments, size_t first, size_t pixels, size_t o,
                                  size_t end) {
  const size_t W = j->shape.width, K = j->words, bytes = j->end.half ? 2 : 4;
  const size_t abreast = ROOM / PIXELS * LANES;
  const size_t times = j->taps.count * (K / STEPS) * ((end - o + abreast - 1) / abreast);
  const size_t share_of_x = share(PIXELS * j->pixel_bytes, times);
  const size_t share_of_y = share(PIXELS * j->outputs * bytes, times);
  size_t column = 0;
  for (size_t p = 0; p < pixels; p += PIXELS, first += PIXELS) {
    const size_t left = pixels - p, count = left < PIXELS ? left : PIXELS;
    // The last tile of a band repeats its last pixel.
    const uint32_t *a[PIXELS];
    for (size_t m = 0; m < PIXELS; m++) {
      a[m] = at;
      if (m + 1 >= left) continue;
      at += K;
      if (++column == W) {
        at += (columns - W) * K;
        column = 0;
      }
    }
    wishes soon = {.count = 0};
    if (o == 0) {
      const size_t next = (first + 4 * PIXELS) * j->outputs * bytes;
      wish(&soon, (const char *)j->x + (first + j->ahead) * j->pixel_bytes, share_of_x);
      wish(&soon, (const char *)j->y + next, share_of_y);
      if (j->end.mask) wish(&soon, (const char *)j->end.mask + next, share_of_y);
      if (j->end.residual) wish(&soon, (const char *)j->end.residual + next, share_of_y);
    }
    KERNEL(channels)(PIXELS, j, a, segments, j->taps.count, first, count, o, end, &soon);
  }
}

OUTER static void KERNEL(forward_part)(void *data, size_t begin, size_t end, int thread) {
  const pass *j = data;
  const tap_list *taps = &j->taps;
  const size_t H = j->shape.height, W = j->shape.width, K = j->words;
  const size_t columns = j->direct ? W : W + taps->before + taps->after;
  uint32_t *window = j->scratch + (size_t)thread * j->scratch_stride;
  const size_t panel = panel_of(j->outputs);
  segment segments[SL_MOST_TAPS];
  for (size_t t = 0; t < taps->count; t++) {
    segments[t].a = (taps->row[t] * (ptrdiff_t)columns + taps->column[t]) * (ptrdiff_t)K;
    segments[t].b = (ptrdiff_t)(t * K * panel);
    segments[t].length = K;
  }
  for (size_t item = begin; item < end; item++) {
    const size_t image = item / j->bands, top = item % j->bands * j->band;
    const size_t rows = H - top < j->band ? H - top : j->band;
    const char *x = (const char *)j->x + image * H * W * j->pixel_bytes;
    const uint32_t *at = (const uint32_t *)(x + top * W * j->pixel_bytes);
    if (!j->direct && columns == W && !(taps->above | taps->below)) {
      KERNEL(copy)(window, at, rows * W, j->inputs, j->shape.relu);
      at = window;
    } else if (!j->direct) {
      for (size_t r = 0; r < rows + taps->above + taps->below; r++) {
        uint32_t *line = window + r * columns * K;
        if (top + r < taps->above || top + r - taps->above >= H) {
          memset(line, 0, columns * K * 4);
          continue;
        }
        memset(line, 0, taps->before * K * 4);
        KERNEL(copy)(line + taps->before * K, x + (top + r - taps->above) * W * j->pixel_bytes, W,
                     j->inputs, j->shape.relu);
        memset(line + (taps->before + W) * K, 0, taps->after * K * 4);
      }
      at = window + (taps->above * columns + taps->before) * K;
    }
    for (size_t o = 0; o < j->outputs; o += panel) {
      const size_t last = j->outputs - o < panel ? j->outputs : o + panel;
      KERNEL(band)(j, at, columns, segments, (image * H + top) * W, rows * W, o, last);
    }
  }
}

// One pixel of each image, tiles of images at a time.
OUTER static void KERNEL(next_pixel)(const pass *j, const moment *now) {
  enum { MOST_WORDS = 16384, MOST_TILES = 8 };
  const size_t K = j->words, N = j->shape.images, tiles = MOST_WORDS / (PIXELS * K);
  const size_t abreast = PIXELS * (tiles < 1 ? 1 : tiles < MOST_TILES ? tiles : MOST_TILES);
  // Few images are one tile, of as many channels as there is room for.
  const size_t panel = 2 * N <= PIXELS ? padded(j->outputs) : panel_of(j->outputs);
  uint32_t copies[now->memory ? 1 : abreast * K];
  const uint32_t *a[MOST_TILES * PIXELS];
  wishes soon = {.count = 0};
  for (size_t first = 0; first < N; first += abreast) {
    const size_t images = N - first < abreast ? N - first : abreast;
    for (size_t m = 0; m < images; m++) {
      const char *x = (const char *)j->x + (first + m) * j->pixel_bytes;
      char *memory = now->memory + (first + m) * now->stride;
      a[m] = now->memory ? (const uint32_t *)memory
             : j->direct ? (const uint32_t *)x
                         : copies + m * K;
      if (j->direct) continue;
      uint32_t *place = now->memory ? (uint32_t *)memory + now->place : copies + m * K;
      KERNEL(copy)(place, x, 1, j->inputs, j->shape.relu);
    }
    for (size_t o = now->first; o < now->end;) {
      const size_t after = (o / panel + 1) * panel, end = now->end < after ? now->end : after;
      for (size_t m = 0; m < images; m += PIXELS) {
        const size_t count = images - m < PIXELS ? images - m : PIXELS;
#define TILE(M)                                                                                   \
  case M:                                                                                         \
    KERNEL(channels)(M, j, a + m, now->segments, now->count, first + m, M, o, end, &soon);        \
    break;
        switch (count) {
          TILE(1)
          TILE(2)
          TILE(3)
          TILE(4)
          TILE(5)
          TILE(6)
        }
#undef TILE
      }
      o = end;
    }
  }
}
