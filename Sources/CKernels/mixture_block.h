// Sixteen pixels side by side: the arithmetic of a mixture of logistics that all its kernels share.
#pragma once

#include <math.h>

#include "lanes.h"
#include "mixture.h"
#include "numerics.h"

#define EACH_PIXEL _Pragma("clang loop vectorize(assume_safety)") for (int i = 0; i < LANES; i++)

// One number of each of sixteen pixels.
typedef float row[LANES];

enum {
  MOST_PAIRS = SL_MOST_CHANNELS * (SL_MOST_CHANNELS - 1) / 2,
  MOST_OUTPUTS = SL_MOST_COMPONENTS * (1 + 2 * SL_MOST_CHANNELS + MOST_PAIRS),
};

typedef struct {
  // Half a bin, the logarithm of a whole one, and the least log scale.
  float half, log_bin, floor;
} grid;

SL_INLINE grid grid_of(const sl_mixture *shape) {
  const double bins = (double)(shape->levels - 1);
  return (grid){(float)(1 / bins), (float)log(2 / bins), (float)(-7 + log(255 / bins))};
}

// Beyond this scale nothing is left but the two tails, and within it no arithmetic overflows.
static const float most_log_scale = 60.0f;

SL_INLINE float log_scale(const grid *g, float s) {
  s = s < g->floor ? g->floor : s;
  return s > most_log_scale ? most_log_scale : s;
}

SL_INLINE float hyperbolic_tangent(float x) { return 1.0f - 2.0f / (sl_exp(2.0f * x) + 1.0f); }

// (1 - e^-d) / d for d >= 0, given e^-d.
SL_INLINE float mean_of_exponential(float d, float exponential) {
  const float series =
      1.0f + d * (-1.0f / 2 + d * (1.0f / 6 + d * (-1.0f / 24 + d * (1.0f / 120 - d / 720))));
  return d < 0.35f ? series : (1.0f - exponential) / d;
}

// log(S(a) - S(b)) of a bin, S the logistic function and a, b its ends as seen from the mean in units of
// the scale, and its derivatives by mean and log scale. With d = a - b:
//
//     S(a) - S(b) = S(a) S(-b) (1 - e^-d)
//
// so that nothing cancels, however narrow the bin and however far out it lies, and bins sum to one.
SL_INLINE float log_of_bin(const grid *g, float x, float mean, float raw, float *by_mean,
                           float *by_scale) {
  const float open = 1e30f;  // an end that is not there
  const float s = log_scale(g, raw), inverse = sl_exp_within(-s);
  const int is_low = x < -1.0f + g->half, is_high = x > 1.0f - g->half, is_inner = !is_low & !is_high;
  const float centre = (x - mean) * inverse, reach = g->half * inverse, d = 2.0f * reach;
  const float a = is_high ? open : centre + reach, b = is_low ? -open : centre - reach;
  const float fa = sl_exp(a < 0 ? a : -a), fb = sl_exp(b < 0 ? b : -b), fd = sl_exp(-d);
  const float q = mean_of_exponential(d, fd);
  const float upper = (a < 0 ? 1.0f : fa) / (1.0f + fa);  // S(-a)
  const float lower = (b < 0 ? fb : 1.0f) / (1.0f + fb);  // S(b)
  *by_mean = inverse * (lower - upper);
  const float by_width = is_inner ? fd / q : 0.0f;
  *by_scale = raw < g->floor || raw > most_log_scale ? 0.0f : b * lower - a * upper - by_width;
  const float tails = (a < 0 ? a : 0.0f) - (b > 0 ? b : 0.0f);
  const float within = (is_inner ? q : 1.0f) / ((1.0f + fa) * (1.0f + fb));
  return tails + sl_log(within) + (is_inner ? g->log_bin - s : 0.0f);
}

// Where the parts of a row of outputs begin.
typedef struct {
  size_t k, channels, means, scales, couplings, outputs;
} places;

SL_INLINE places places_of(const sl_mixture *shape) {
  const size_t k = shape->components, c = shape->channels;
  return (places){k, c, k, k + c * k, k + 2 * c * k, k * (1 + 2 * c + c * (c - 1) / 2)};
}

// Outputs of sixteen pixels, each a row of pixels; of fewer, the last stands for those that lack.
SL_INLINE void load_outputs(const float *outputs, size_t count, size_t pixels, row *x) {
  for (size_t first = 0; first < count; first += LANES) {
    const size_t width = count - first < LANES ? count - first : LANES;
    lanes block[LANES];
    for (size_t i = 0; i < LANES; i++) {
      const float *from = outputs + (i < pixels ? i : pixels - 1) * count + first;
      float part[LANES] = {0};
      if (width == LANES) {
        block[i] = *(const loose_lanes *)from;
      } else {
        for (size_t j = 0; j < width; j++) part[j] = from[j];
        block[i] = *(const loose_lanes *)part;
      }
    }
    transpose(block);
    for (size_t j = 0; j < width; j++) *(loose_lanes *)x[first + j] = block[j];
  }
}

// Intensities of one channel's symbols, `stride` apart.
SL_INLINE void load_levels(const uint8_t *symbols, size_t stride, size_t pixels, const grid *g,
                           float *x) {
  for (size_t i = 0; i < LANES; i++) {
    x[i] = 2.0f * g->half * (float)symbols[(i < pixels ? i : pixels - 1) * stride] - 1.0f;
  }
}

// The mean of component k for channel c, which those before it, `levels`, move: u + sum of tanh(coupling)
// times intensity. The tanhs are left in `tangents` [pairs, components], if that is not null.
SL_INLINE void mean_of(const places *at, const row *x, const row *levels, size_t c, size_t k,
                       float *mean, row *tangents) {
  const float *own = x[at->means + c * at->k + k];
  EACH_PIXEL mean[i] = own[i];
  for (size_t e = 0; e < c; e++) {
    const size_t pair = (c * (c - 1) / 2 + e) * at->k + k;
    const float *coupling = x[at->couplings + pair], *level = levels[e];
    row tangent;
    EACH_PIXEL {
      tangent[i] = hyperbolic_tangent(coupling[i]);
      mean[i] += tangent[i] * level[i];
    }
    if (tangents) EACH_PIXEL tangents[pair][i] = tangent[i];
  }
}

// Makes weights e^w of components shares of their sum, and returns its logarithm. Not by that itself: it
// has not the digits for it where weights are small.
SL_INLINE void share_out(row *w, size_t k, float *sum) {
  row top, all = {0};
  EACH_PIXEL top[i] = w[0][i];
  for (size_t j = 1; j < k; j++) EACH_PIXEL top[i] = w[j][i] > top[i] ? w[j][i] : top[i];
  for (size_t j = 0; j < k; j++) EACH_PIXEL all[i] += sl_exp_negative(w[j][i] - top[i]);
  EACH_PIXEL all[i] = sl_log(all[i]);
  for (size_t j = 0; j < k; j++) EACH_PIXEL w[j][i] = w[j][i] - top[i] - all[i];
  EACH_PIXEL sum[i] = top[i] + all[i];
}
