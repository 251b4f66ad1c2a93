// Images into lanes and back.
#include <string.h>

#include "kernels.h"
#include "lanes.h"
#include "numerics.h"

typedef struct {
  const uint8_t *symbols;
  size_t images, symbol_stride, from;
  float scale, offset;
  int half;
  void *x;
  size_t first, lanes;
} symbols_job;

SL_INLINE float intensity(const symbols_job *j, size_t n, size_t k) {
  return n < j->images
             ? __builtin_fmaf(j->scale, (float)j->symbols[n * j->symbol_stride + k], j->offset)
             : 0.0f;
}

// Items are pieces of LANES elements, so that neighbours in memory are read together.
SL_CLONES static void symbols_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const symbols_job *j = data;
  for (size_t at = begin; at < end; at += LANES) {
    const size_t next = at + LANES < end ? at + LANES : end;
    for (size_t n = 0; n < j->lanes; n++) {
      for (size_t i = at; i < next; i++) {
        const float value = intensity(j, n, j->from + i);
        const size_t k = j->first + i;
        if (j->half) {
          ((uint16_t *)j->x)[(k / 2 * j->lanes + n) * 2 + k % 2] = sl_narrow(value);
        } else {
          ((float *)j->x)[k * j->lanes + n] = value;
        }
      }
    }
  }
}

void sl_lanes_of_symbols(const uint8_t *symbols, size_t images, size_t symbol_stride, size_t from,
                         size_t count, float scale, float offset, int half, void *x, size_t first,
                         size_t lanes) {
  symbols_job j = {symbols, images, symbol_stride, from, scale, offset, half, x, first, lanes};
  sl_parallel(symbols_part, &j, count, 64);
}

typedef struct {
  const float *x;
  size_t rows, lanes, images, stride;
  float *y;
} rows_job;

// Items are rows of x.
SL_CLONES static void rows_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const rows_job *j = data;
  for (size_t n = 0; n < j->images; n += LANES) {
    const size_t images = j->images - n < LANES ? j->images - n : LANES;
    for (size_t row = begin; row < end; row += LANES) {
      const size_t rows = end - row < LANES ? end - row : LANES;
      const float *from = j->x + row * j->lanes + n;
      float *to = j->y + n * j->stride + row;
      if (rows == LANES && images == LANES) {
        lanes tile[LANES];
        UNROLL for (size_t i = 0; i < LANES; i++) tile[i] = *(const loose_lanes *)(from + i * j->lanes);
        transpose(tile);
        UNROLL for (size_t i = 0; i < LANES; i++) *(loose_lanes *)(to + i * j->stride) = tile[i];
        continue;
      }
      for (size_t i = 0; i < images; i++) {
        for (size_t r = 0; r < rows; r++) to[i * j->stride + r] = from[r * j->lanes + i];
      }
    }
  }
}

void sl_rows_of_lanes(const float *x, size_t rows, size_t lanes, size_t images, float *y,
                      size_t y_stride) {
  rows_job j = {x, rows, lanes, images, y_stride, y};
  // Whole cache lines of y to a thread, where they are worth a thread.
  sl_parallel(rows_part, &j, rows, rows * images < 65536 ? rows + 1 : 4 * LANES);
}

typedef struct {
  const float *x;
  uint16_t *y;
  size_t count, first, lanes;
} halves_job;

// Items are elements.
SL_CLONES static void halves_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const halves_job *j = data;
  for (size_t i = begin; i < end; i++) {
    const size_t k = j->first + i;
    const float *x = j->x + i * j->lanes;
    uint16_t *y = j->y + k / 2 * j->lanes * 2 + k % 2;
#pragma clang loop vectorize(assume_safety)
    for (size_t n = 0; n < j->lanes; n++) y[2 * n] = sl_narrow(x[n]);
  }
}

void sl_halves_of_lanes(const float *x, size_t count, size_t first, size_t elements, uint16_t *y,
                        size_t lanes) {
  halves_job j = {x, y, count, first, lanes};
  // Threads must not share a word: they take even numbers of elements from an even one on.
  sl_parallel(halves_part, &j, count, first % 2 ? count + 1 : 256);
  if (elements % 2 && first + count == elements) {
    uint16_t *last = y + elements / 2 * lanes * 2 + 1;
    for (size_t n = 0; n < lanes; n++) last[2 * n] = 0;
  }
}
