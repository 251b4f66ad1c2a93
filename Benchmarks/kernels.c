// The kernels one by one, in turn, as shares of the peak: `make bench-kernels`.
//
//     .peers/kernels [THREADS] [IMAGES] [COPIES]
//
// Convolutions are those of the yardstick's residual block (NOTES.md) on 28x28 images, 16 of them
// unless told otherwise; with several copies of the activations each pass finds them out of its cache,
// as in a deep network. NADE has 784 dimensions, 13 % of them live in runs of 3.5, and
// 500 hidden units. Products are MADE's, 784 inputs and 8000 hidden units with their staircase of live
// weights. Steps (one row of a product, one pixel through fifteen residual blocks, one dimension of
// NADE) run on one thread, as in a worker, and are shares of one thread's peak. The best of thirty turns
// counts.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels.h"

enum { TURNS = 30, SIDE = 28, PIXELS = SIDE * SIDE };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// -1 ... 1, or their bfloat16.
static void *numbers(size_t count, int half) {
  float *x = aligned_alloc(4096, (count * sizeof(float) + 4095) & ~(size_t)4095);
  for (size_t i = 0; i < count; i++) {
    union {
      float number;
      uint32_t bits;
    } drawn = {(float)(rand() % 2001 - 1000) / 1000};
    if (half) {
      ((uint16_t *)x)[i] = (uint16_t)(drawn.bits >> 16);
    } else {
      x[i] = drawn.number;
    }
  }
  return x;
}

static double peak(int half) {
  double best = 0;
  for (int turn = 0; turn < TURNS; turn++) {
    double start = now();
    size_t multiply_adds = sl_peak(half, 200000);
    double rate = 2e-9 * (double)multiply_adds / (now() - start);
    best = rate > best ? rate : best;
  }
  return best;
}

static void time_convolution(size_t inputs, size_t outputs, size_t size, int half, size_t images,
                             size_t copies, double peak) {
  const size_t reach = size / 2, width = size, taps = reach * width + reach + 1;
  const sl_convolution shape = {
      images, SIDE, SIDE, inputs, outputs, reach + 1, width, reach, reach, reach + 1, half, 1};
  sl_convolution backwards = shape;
  backwards.relu = 0;
  const size_t bytes = half ? 2 : 4, pixels = images * PIXELS;
  char *x = numbers(pixels * inputs * copies, half), *y = numbers(pixels * outputs * copies, half);
  float *weights = numbers(inputs * outputs * (reach + 1) * width, 0), *bias = numbers(outputs, 0);
  float *dw = numbers(inputs * outputs * (reach + 1) * width, 0), *dbias = numbers(outputs, 0);
  void *packed = malloc(sl_convolution_packed_bytes(&shape));
  void *scratch = malloc(sl_convolution_scratch_bytes(&shape));
  double best[3] = {1e9, 1e9, 1e9};
  for (int turn = 0; turn < TURNS; turn++) {
    for (int pass = 0; pass < 3; pass++) {
      double start = now();
      for (size_t copy = 0; copy < copies; copy++) {
        char *from = x + copy * pixels * inputs * bytes, *to = y + copy * pixels * outputs * bytes;
        const sl_epilogue forward = {bias, NULL, NULL, half}, back = {NULL, from, NULL, half};
        if (pass == 0) sl_convolve(&shape, 0, from, weights, &forward, to, packed, scratch);
        if (pass == 1) sl_convolve(&backwards, 1, to, weights, &back, from, packed, scratch);
        if (pass == 2) sl_convolution_weight_gradient(&shape, from, to, dw, dbias, scratch);
      }
      double seconds = (now() - start) / (double)copies;
      best[pass] = seconds < best[pass] ? seconds : best[pass];
    }
  }
  const double gflop = 2e-9 * (double)(pixels * inputs * outputs * taps);
  printf("%zux%zu %3zu to %3zu, %s:", size, size, inputs, outputs, half ? "bfloat16" : "float32 ");
  const char *names[] = {"forward", "input gradient", "weight gradient"};
  for (int pass = 0; pass < 3; pass++) {
    const double rate = gflop / best[pass];
    printf("  %s %.2f ms %.0f GFLOP/s %.0f %%", names[pass], 1e3 * best[pass], rate,
           100 * rate / peak);
  }
  printf("\n");
  free(x), free(y), free(weights), free(bias), free(dw), free(dbias), free(packed), free(scratch);
}

// Seconds of the quickest of some turns.
#define BEST(SECONDS, ...)                                                                        \
  double SECONDS = 1e9;                                                                           \
  for (int turn = 0; turn < TURNS; turn++) {                                                      \
    const double start = now();                                                                   \
    __VA_ARGS__;                                                                                  \
    const double taken = now() - start;                                                           \
    SECONDS = taken < SECONDS ? taken : SECONDS;                                                  \
  }

// Rows of weights of which row r has columns (r + 1) / rows live.
static sl_product staircase(size_t rows, size_t columns, int half) {
  uint16_t *halves = numbers(rows * columns, half);
  float *floats = (float *)halves;
  uint32_t *lengths = malloc(rows * sizeof(uint32_t));
  for (size_t r = 0; r < rows; r++) {
    lengths[r] = (uint32_t)(columns * (r + 1) / rows);
    for (size_t c = lengths[r]; c < columns; c++) {
      if (half) {
        halves[r * columns + c] = 0;
      } else {
        floats[r * columns + c] = 0;
      }
    }
  }
  return (sl_product){rows, columns, columns, halves, numbers(rows, 0), lengths, half, 1, half};
}

static void time_product(size_t columns, size_t rows, size_t images, int half, double peak) {
  const sl_product shape = staircase(rows, columns, half);
  void *x = numbers(columns * images, half), *y = numbers(rows * images, half);
  double live = 0;
  for (size_t r = 0; r < rows; r++) live += shape.lengths[r];
  BEST(seconds, sl_multiply(&shape, 0, rows, x, 0, y, images))
  const double rate = 2e-9 * live * (double)images / seconds;
  printf("product %zu to %zu, %zu images, %s: %.2f ms %.0f GFLOP/s %.0f %%\n", columns, rows, images,
         half ? "bfloat16" : "float32", 1e3 * seconds, rate, 100 * rate / peak);
  free((void *)shape.weights), free((void *)shape.bias), free((void *)shape.lengths), free(x), free(y);
}

// The last rows of a product, which are the longest.
static void time_rows(size_t columns, size_t rows, size_t images, int half, double peak) {
  const sl_product shape = staircase(1024, columns, half);
  void *x = numbers(columns * images, half), *y = numbers(1024 * images, half);
  enum { CALLS = 50 };
  BEST(seconds, for (int i = 0; i < CALLS; i++) {
    sl_multiply(&shape, 1024 - rows, 1024, x, 0, y, images);
  })
  double live = 0;
  for (size_t r = 1024 - rows; r < 1024; r++) live += shape.lengths[r];
  const double rate = 2e-9 * CALLS * live * (double)images / seconds;
  printf("%zu rows of %zu, %zu images, %s: %.2f us %.0f %% of one thread's peak\n", rows, columns,
         images, half ? "bfloat16" : "float32", 1e6 * seconds / CALLS, 100 * rate / peak);
  free((void *)shape.weights), free((void *)shape.bias), free((void *)shape.lengths), free(x), free(y);
}

// A pixel of each image through fifteen residual blocks.
static void time_pixel(size_t images, int half, double peak) {
  enum { BLOCKS = 15 };
  const size_t inputs[] = {128, 64, 64}, outputs[] = {64, 64, 128};
  sl_convolution shapes[3];
  void *packed[3 * BLOCKS], *memory[3 * BLOCKS], *steps[4];
  steps[0] = numbers(images * 128, half);
  for (size_t layer = 0; layer < 3; layer++) {
    const size_t reach = layer == 1;
    shapes[layer] = (sl_convolution){images, SIDE, SIDE, inputs[layer], outputs[layer], reach + 1,
                                     2 * reach + 1, reach, reach, reach + 1, half, 1};
    steps[layer + 1] = numbers(images * 128, half);
    float *weights = numbers(128 * 64 * 6, 0);
    for (size_t block = 0; block < BLOCKS; block++) {
      packed[3 * block + layer] = malloc(sl_convolution_packed_bytes(&shapes[layer]));
      memory[3 * block + layer] = calloc(images, sl_convolution_memory_bytes(&shapes[layer]));
      sl_convolution_pack(&shapes[layer], 0, weights, packed[3 * block + layer]);
    }
    free(weights);
  }
  float *bias = numbers(128, 0);
  BEST(seconds, for (size_t column = 0; column < SIDE; column++) {
    for (size_t i = 0; i < 3 * BLOCKS; i++) {
      const size_t layer = i % 3;
      const sl_epilogue end = {bias, NULL, layer == 2 ? steps[0] : NULL, half};
      sl_convolve_pixel(&shapes[layer], steps[layer], memory[i], 14, column, packed[i], &end, 0,
                        outputs[layer], steps[layer + 1]);
    }
  })
  const double rate =
      2e-9 * SIDE * BLOCKS * (double)images * (128 * 64 + 5 * 64 * 64 + 64 * 128) / seconds;
  printf("a pixel through %d blocks, %zu images, %s: %.1f us %.0f %% of one thread's peak\n", BLOCKS,
         images, half ? "bfloat16" : "float32", 1e6 * seconds / SIDE, 100 * rate / peak);
  for (size_t i = 0; i < 3 * BLOCKS; i++) free(packed[i]), free(memory[i]);
  for (size_t i = 0; i < 4; i++) free(steps[i]);
  free(bias);
}

static void time_nade(size_t images) {
  const size_t d = PIXELS, h = 500;
  float *x = numbers(images * d, 0), *w = numbers(d * h, 0), *c = numbers(h, 0);
  float *v = numbers(d * h, 0), *b = numbers(d, 0), *logits = numbers(images * d, 0);
  float *dw = numbers(d * h, 0), *dv = numbers(d * h, 0), *dc = numbers(h, 0);
  for (size_t i = 0; i < images * d; i++) {
    const double likely = i > 0 && x[i - 1] > 0 ? 1 - 1 / 3.5 : 0.13 / 0.87 / 3.5;
    x[i] = rand() < likely * RAND_MAX;
  }
  float *packed = numbers(sl_nade_packed_count(d, h), 0);
  float *scratch = numbers(sl_nade_scratch_count(images, d, h), 0);
  double forward = 1e9, back = 1e9;
  for (int turn = 0; turn < TURNS; turn++) {
    const double start = now();
    sl_nade_pack(w, c, v, d, h, packed);
    sl_nade_packed(x, packed, b, logits, images, d, h, scratch);
    const double middle = now();
    sl_nade_gradient(logits, x, w, c, v, dw, dc, dv, images, d, h, scratch);
    const double end = now();
    forward = middle - start < forward ? middle - start : forward;
    back = end - middle < back ? end - middle : back;
  }
  printf("NADE, %zu images:  forward %.2f ms  gradient %.2f ms\n", images, 1e3 * forward, 1e3 * back);
  free(x), free(w), free(c), free(v), free(b), free(logits), free(dw), free(dv), free(dc);
  free(packed), free(scratch);
}

// Steps of a group of images beside the whole pass on one thread.
static void time_nade_steps(size_t images) {
  const size_t d = PIXELS, h = 500;
  float *x = numbers(images * d, 0), *w = numbers(d * h, 0), *c = numbers(h, 0);
  float *v = numbers(d * h, 0), *b = numbers(d, 0), *logits = numbers(images * d, 0);
  for (size_t i = 0; i < images * d; i++) {
    const double likely = i > 0 && x[i - 1] > 0 ? 1 - 1 / 3.5 : 0.13 / 0.87 / 3.5;
    x[i] = rand() < likely * RAND_MAX;
  }
  float *scratch = numbers(sl_nade_packed_scratch_count(images, d), 0);
  float *packed = numbers(sl_nade_packed_count(d, h), 0), *next = numbers(images, 0);
  float *state = numbers(sl_nade_state_count(images, h), 0);
  sl_nade_pack(w, c, v, d, h, packed);
  BEST(whole, sl_nade_packed(x, packed, b, logits, images, d, h, scratch))
  BEST(steps, sl_nade_start(packed, d, h, images, state); for (size_t i = 0; i < d; i++) {
    sl_nade_next(packed, b, d, h, i, images, state, next);
    for (size_t n = 0; n < images; n++) next[n] = x[n * d + i];
    sl_nade_observe(packed, d, h, i, images, next, state);
  })
  printf("NADE, %zu images on one thread:  whole %.1f ns an image and dimension  steps %.1f ns\n",
         images, 1e9 * whole / (double)(images * d), 1e9 * steps / (double)(images * d));
  free(x), free(w), free(c), free(v), free(b), free(logits), free(scratch), free(packed);
  free(next), free(state);
}

// A mixture of ten logistics of 256 levels in three channels.
static void time_mixture(size_t pixels) {
  const sl_mixture shape = {10, 3, 256};
  const size_t outputs = sl_mixture_outputs(&shape), subpixels = 3 * pixels;
  float *x = numbers(pixels * outputs, 0), *dy = numbers(subpixels, 0);
  float *y = numbers(subpixels, 0), *dx = numbers(pixels * outputs, 0);
  float *surprise = numbers(subpixels, 0), *entropy = numbers(subpixels, 0);
  float *variance = numbers(subpixels, 0);
  uint8_t *symbols = malloc(subpixels), *drawn = malloc(pixels);
  double *uniforms = malloc(pixels * sizeof(double));
  for (size_t i = 0; i < subpixels; i++) symbols[i] = (uint8_t)(rand() % 256);
  for (size_t i = 0; i < pixels; i++) uniforms[i] = (double)(rand() % 1000) / 1000;
  const float *member[1] = {x};
  const sl_evidence evidence = {.logits = member,
                                .members = 1,
                                .images = 1,
                                .subpixels = subpixels,
                                .symbols = symbols,
                                .surprise = surprise,
                                .entropy = entropy,
                                .variance = variance};
  BEST(value, sl_mixture_log_probability(&shape, x, symbols, y, pixels))
  BEST(gradient, sl_mixture_gradient_f32(&shape, dy, x, symbols, dx, pixels))
  BEST(draw, sl_draw_mixture(&shape, x, symbols, 2, uniforms, drawn, pixels))
  BEST(measures, sl_mixture_evidence(&evidence, &shape))
  printf("mixture, %zu pixels on one thread:  log p %.0f ns a pixel  gradient %.0f  draw of B %.0f"
         "  measures %.0f\n",
         pixels, 1e9 * value / (double)pixels, 1e9 * gradient / (double)pixels,
         1e9 * draw / (double)pixels, 1e9 * measures / (double)pixels);
  free(x), free(dy), free(y), free(dx), free(surprise), free(entropy), free(variance);
  free(symbols), free(drawn), free(uniforms);
}

// An LSTM over 28 x 28 positions on one thread: one after the other, or diagonal by diagonal.
static void time_recurrence(int diagonals, size_t images, size_t units, int half, double peak) {
  enum { SIDE = 28 };
  uint32_t order[SIDE * SIDE], first[SIDE * SIDE + 1] = {0};
  int32_t before[2 * SIDE * SIDE];
  size_t fronts = diagonals ? 2 * SIDE - 1 : SIDE * SIDE, position = 0;
  for (size_t f = 0; f < fronts; f++) {
    const size_t top = diagonals && f >= SIDE ? f - SIDE + 1 : 0;
    const size_t above = f > SIDE ? f - SIDE : 0;  // first row of the diagonal before
    for (size_t r = top; r < SIDE && r <= f && (diagonals || r == 0); r++) {
      order[position] = (uint32_t)(diagonals ? r * SIDE + f - r : f);
      if (diagonals) {
        before[2 * position] = f > r ? (int32_t)(r - above) : -1;
        before[2 * position + 1] = r > 0 ? (int32_t)(r - 1 - above) : -1;
      } else {
        before[position] = f > 0 ? 0 : -1;
      }
      position++;
    }
    first[f + 1] = (uint32_t)position;
  }
  const size_t reach = diagonals ? 2 : 1, places = images * SIDE * SIDE, bytes = half ? 2 : 4;
  const sl_recurrence shape = {.cell = SL_LSTM, .units = units, .groups = 1, .positions = SIDE * SIDE,
                               .fronts = fronts, .order = order, .first = first, .before = before,
                               .reach = reach, .half = half};
  char *a = numbers(places * 4 * units, half), *y = numbers(places * units, half);
  char *dy = numbers(places * units, half), *da = numbers(places * 4 * units, half);
  float *u = numbers(4 * units * reach * units, 0);
  void *packed = malloc(sl_recurrence_packed_bytes(&shape, 0));
  void *back = malloc(sl_recurrence_packed_bytes(&shape, 1));
  sl_recurrence_pack(&shape, 0, u, packed);
  sl_recurrence_pack(&shape, 1, u, back);
  const size_t at_once = sl_recurrence_at_once(&shape, images);
  void *kept = aligned_alloc(64, sl_recurrence_kept_bytes(&shape, images, at_once));
  BEST(forward, sl_recur(&shape, a, packed, 0, images, at_once, y, kept))
  BEST(gradient, sl_recur_gradient(&shape, dy, kept, back, images, at_once, da, 0))
  const double gflop = 2e-9 * (double)(places * 4 * units * reach * units);
  printf("LSTM of %zu over %s, %zu images on one thread, %s:  forward %.1f ms %.0f GFLOP/s %.0f %%"
         "  gradient %.1f ms %.0f GFLOP/s %.0f %%\n",
         units, diagonals ? "diagonals" : "a sequence", images, half ? "bfloat16" : "float32",
         1e3 * forward, gflop / forward, 100 * gflop / forward / peak, 1e3 * gradient,
         gflop / gradient, 100 * gflop / gradient / peak);
  free(a), free(y), free(dy), free(da), free(u), free(packed), free(back), free(kept);
}

int main(int count, char **arguments) {
  const int threads = count > 1 ? atoi(arguments[1]) : 2;
  const int images = count > 2 ? atoi(arguments[2]) : 16, copies = count > 3 ? atoi(arguments[3]) : 6;
  if (threads < 1 || images < 1 || copies < 1) {
    fprintf(stderr, "kernels: expected counts of threads, images and copies, each at least 1\n");
    return 64;
  }
  sl_set_threads(threads);
  for (int half = 0; half < 2; half++) {
    if (half && !__builtin_cpu_supports("avx512bf16")) break;
    const double most = peak(half);
    printf("peak %.0f GFLOP/s\n", most);
    time_convolution(128, 64, 1, half, (size_t)images, (size_t)copies, most);
    time_convolution(64, 64, 3, half, (size_t)images, (size_t)copies, most);
    time_convolution(64, 128, 1, half, (size_t)images, (size_t)copies, most);
    time_product(PIXELS, 8000, 256, half, most);
    time_product(8000, PIXELS, 256, half, most);
    sl_set_threads(1);
    const double one = peak(half);
    for (size_t lanes = 16; lanes <= 64; lanes *= 2) {
      time_rows(8000, 1, lanes, half, one);
      time_rows(PIXELS, 10, lanes, half, one);
    }
    time_pixel(48, half, one);
    time_pixel(1, half, one);
    time_recurrence(0, 32, 256, half, one);
    time_recurrence(1, 16, 48, half, one);
    time_recurrence(1, 16, 16, half, one);
    sl_set_threads(threads);
  }
  time_nade(512);
  sl_set_threads(1);
  time_nade_steps(64);
  time_mixture(4096);
}
