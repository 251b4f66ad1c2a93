// The kernels one by one, in turn, as shares of the peak: `make bench-kernels`.
//
//     .peers/kernels [THREADS] [IMAGES] [COPIES]
//
// Convolutions are those of the yardstick's residual block (NOTES.md) on 28x28 images, 16 of them
// unless told otherwise; with several copies of the activations each pass finds them out of its cache,
// as in a deep network. NADE has 784 dimensions, 13 % of them live in runs of 3.5, and
// 500 hidden units. The best of thirty turns counts.
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

static void time_nade(size_t images) {
  const size_t d = PIXELS, h = 500;
  float *x = numbers(images * d, 0), *w = numbers(d * h, 0), *c = numbers(h, 0);
  float *v = numbers(d * h, 0), *b = numbers(d, 0), *logits = numbers(images * d, 0);
  float *dw = numbers(d * h, 0), *dv = numbers(d * h, 0), *dc = numbers(h, 0);
  for (size_t i = 0; i < images * d; i++) {
    const double likely = i > 0 && x[i - 1] > 0 ? 1 - 1 / 3.5 : 0.13 / 0.87 / 3.5;
    x[i] = rand() < likely * RAND_MAX;
  }
  float *scratch = numbers(sl_nade_scratch_count(images, d, h, 1), 0);
  double forward = 1e9, back = 1e9;
  for (int turn = 0; turn < TURNS; turn++) {
    const double start = now();
    sl_nade(x, w, c, v, b, logits, images, d, h, scratch);
    const double middle = now();
    sl_nade_gradient(logits, x, w, c, v, dw, dc, dv, images, d, h, scratch);
    const double end = now();
    forward = middle - start < forward ? middle - start : forward;
    back = end - middle < back ? end - middle : back;
  }
  printf("NADE, %zu images:  forward %.2f ms  gradient %.2f ms\n", images, 1e3 * forward, 1e3 * back);
  free(x), free(w), free(c), free(v), free(b), free(logits), free(dw), free(dv), free(dc), free(scratch);
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
  }
  time_nade(512);
}
