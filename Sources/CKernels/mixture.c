#include "mixture.h"

#include "mixture_block.h"
#include "pool.h"

#pragma clang fp contract(fast)

size_t sl_mixture_outputs(const sl_mixture *shape) { return places_of(shape).outputs; }

typedef struct {
  sl_mixture shape;
  const float *dy, *outputs;
  const uint8_t *symbols;
  void *result;
  int half;
} job;

// Pixels in blocks of sixteen: `begin` and `end` count blocks.
#define EACH_BLOCK(PIXELS)                                                                        \
  for (size_t first = begin * LANES, pixels; first < end * LANES && first < PIXELS;               \
       first += LANES)                                                                            \
    if ((pixels = PIXELS - first < LANES ? PIXELS - first : LANES))

typedef struct {
  job job;
  size_t pixels;
} all_pixels;

// MARK: Log-probability

SL_CLONES static void value_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const all_pixels *all = data;
  const job *j = &all->job;
  const grid g = grid_of(&j->shape);
  const places at = places_of(&j->shape);
  const size_t k = at.k, channels = at.channels;
  row x[MOST_OUTPUTS], levels[SL_MOST_CHANNELS];
  EACH_BLOCK(all->pixels) {
    load_outputs(j->outputs + first * at.outputs, at.outputs, pixels, x);
    float *y = (float *)j->result + first * channels;
    // The logits become the logarithm of each component's share given the channels so far.
    row sum;
    share_out(x, k, sum);
    for (size_t c = 0; c < channels; c++) {
      load_levels(j->symbols + first * channels + c, channels, pixels, &g, levels[c]);
      for (size_t m = 0; m < k; m++) {
        row mean;
        mean_of(&at, x, levels, c, m, mean, 0);
        const float *scale = x[at.scales + c * k + m];
        EACH_PIXEL {
          float by_mean, by_scale;
          x[m][i] += log_of_bin(&g, levels[c][i], mean[i], scale[i], &by_mean, &by_scale);
        }
      }
      share_out(x, k, sum);
      for (size_t i = 0; i < pixels; i++) y[i * channels + c] = sum[i];
    }
  }
}

void sl_mixture_log_probability(const sl_mixture *shape, const float *outputs,
                                const uint8_t *symbols, float *y, size_t pixels) {
  all_pixels all = {{*shape, 0, outputs, symbols, y, 0}, pixels};
  sl_parallel(value_part, &all, (pixels + LANES - 1) / LANES, 1);
}

// MARK: Gradient

// Rows of pixels to a row a pixel, in either precision.
SL_INLINE void store_gradient(const row *g, size_t count, size_t pixels, void *to, int half) {
  for (size_t first = 0; first < count; first += LANES) {
    const size_t width = count - first < LANES ? count - first : LANES;
    lanes block[LANES];
    for (size_t j = 0; j < LANES; j++) {
      block[j] = *(const loose_lanes *)g[first + (j < width ? j : width - 1)];
    }
    transpose(block);
    for (size_t i = 0; i < pixels; i++) {
      const float *from = (const float *)&block[i];
      if (half) {
        uint16_t *y = (uint16_t *)to + i * count + first;
        for (size_t j = 0; j < width; j++) y[j] = sl_narrow(from[j]);
      } else {
        memcpy((float *)to + i * count + first, from, width * sizeof(float));
      }
    }
  }
}

SL_CLONES static void gradient_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const all_pixels *all = data;
  const job *j = &all->job;
  const grid g = grid_of(&j->shape);
  const places at = places_of(&j->shape);
  const size_t k = at.k, channels = at.channels;
  row x[MOST_OUTPUTS], gradient[MOST_OUTPUTS], levels[SL_MOST_CHANNELS];
  // The logarithm of each component's share, given no channel, the first, ...
  row w[SL_MOST_CHANNELS + 1][SL_MOST_COMPONENTS], sum;
  row tangents[MOST_PAIRS * SL_MOST_COMPONENTS];
  EACH_BLOCK(all->pixels) {
    load_outputs(j->outputs + first * at.outputs, at.outputs, pixels, x);
    for (size_t m = 0; m < k; m++) EACH_PIXEL w[0][m][i] = x[m][i];
    share_out(w[0], k, sum);
    for (size_t c = 0; c < channels; c++) {
      load_levels(j->symbols + first * channels + c, channels, pixels, &g, levels[c]);
      for (size_t m = 0; m < k; m++) {
        row mean;
        mean_of(&at, x, levels, c, m, mean, tangents);
        const size_t own = at.means + c * k + m, scale = at.scales + c * k + m;
        EACH_PIXEL {
          // Derivatives wait where the gradient will be.
          w[c + 1][m][i] =
              w[c][m][i] + log_of_bin(&g, levels[c][i], mean[i], x[scale][i], &gradient[own][i],
                                      &gradient[scale][i]);
        }
      }
      share_out(w[c + 1], k, sum);
    }
    // With S[c] the log of the sum over components of the logit and log p of c channels, log p of channel
    // c is S[c + 1] - S[c], and each S's gradient the components' shares. `share` gathers the gradient of
    // each component's log p of a channel, the last first.
    row share[SL_MOST_COMPONENTS], later = {0}, own = {0};
    for (size_t m = 0; m < k; m++) EACH_PIXEL share[m][i] = 0;
    for (size_t c = channels; c-- > 0;) {
      const float *dy = j->dy + first * channels + c;
      int differs = 0;
      for (size_t i = 0; i < LANES; i++) {
        own[i] = dy[(i < pixels ? i : pixels - 1) * channels];
        differs |= own[i] != later[i];
      }
      for (size_t m = 0; m < k; m++) {
        if (differs) {
          EACH_PIXEL {
            share[m][i] +=
                (own[i] - later[i]) * sl_exp_negative(w[c + 1][m][i]);
          }
        }
        float *by_mean = gradient[at.means + c * k + m];
        float *by_scale = gradient[at.scales + c * k + m];
        EACH_PIXEL {
          by_mean[i] *= share[m][i];
          by_scale[i] *= share[m][i];
        }
        for (size_t e = 0; e < c; e++) {
          const size_t pair = (c * (c - 1) / 2 + e) * k + m;
          const float *tangent = tangents[pair], *level = levels[e];
          float *coupling = gradient[at.couplings + pair];
          EACH_PIXEL coupling[i] = by_mean[i] * level[i] * (1.0f - tangent[i] * tangent[i]);
        }
      }
      EACH_PIXEL later[i] = own[i];
    }
    for (size_t m = 0; m < k; m++) {
      EACH_PIXEL {
        gradient[m][i] = share[m][i] - later[i] * sl_exp_negative(w[0][m][i]);
      }
    }
    const size_t bytes = j->half ? sizeof(uint16_t) : sizeof(float);
    store_gradient(gradient, at.outputs, pixels, (char *)j->result + first * at.outputs * bytes,
                   j->half);
  }
}

static void all_gradients(const sl_mixture *shape, const float *dy, const float *outputs,
                          const uint8_t *symbols, void *result, int half, size_t pixels) {
  all_pixels all = {{*shape, dy, outputs, symbols, result, half}, pixels};
  sl_parallel(gradient_part, &all, (pixels + LANES - 1) / LANES, 1);
}

void sl_mixture_gradient_f32(const sl_mixture *shape, const float *dy, const float *outputs,
                             const uint8_t *symbols, float *doutputs, size_t pixels) {
  all_gradients(shape, dy, outputs, symbols, doutputs, 0, pixels);
}

void sl_mixture_gradient_bf16(const sl_mixture *shape, const float *dy, const float *outputs,
                              const uint8_t *symbols, uint16_t *doutputs, size_t pixels) {
  all_gradients(shape, dy, outputs, symbols, doutputs, 1, pixels);
}

// MARK: Draws

// The level in whose bin x lies.
static size_t level_of(double x, size_t levels) {
  const double place = ceil(((x + 1) * (double)(levels - 1) - 1) / 2);
  return place > 0 ? (place < (double)(levels - 1) ? (size_t)place : levels - 1) : 0;
}

SL_CLONES static size_t draw(const sl_mixture *shape, const float *outputs, const uint8_t *given,
                             size_t channel, const double *uniforms, uint8_t *symbols,
                             size_t count) {
  const grid g = grid_of(shape);
  const places at = places_of(shape);
  const size_t k = at.k;
  size_t refused = 0;
  row x[MOST_OUTPUTS], levels[SL_MOST_CHANNELS], means[SL_MOST_COMPONENTS];
  for (size_t first = 0; first < count; first += LANES) {
    const size_t pixels = count - first < LANES ? count - first : LANES;
    load_outputs(outputs + first * at.outputs, at.outputs, pixels, x);
    for (size_t c = 0; c <= channel; c++) {
      if (c < channel) {
        load_levels(given + first * channel + c, channel, pixels, &g, levels[c]);
      }
      for (size_t m = 0; m < k; m++) {
        mean_of(&at, x, levels, c, m, means[m], 0);
        if (c == channel) continue;
        const float *scale = x[at.scales + c * k + m];
        EACH_PIXEL {
          float by_mean, by_scale;
          x[m][i] += log_of_bin(&g, levels[c][i], means[m][i], scale[i], &by_mean, &by_scale);
        }
      }
    }
    row top;
    EACH_PIXEL top[i] = x[0][i];
    for (size_t m = 1; m < k; m++) EACH_PIXEL top[i] = x[m][i] > top[i] ? x[m][i] : top[i];
    for (size_t m = 0; m < k; m++) {
      // Not a number fails the comparison and comes through.
      EACH_PIXEL {
        const float w = x[m][i] - top[i];
        x[m][i] = w < -87.3f ? 0.0f : sl_exp_within(w);
      }
    }
    for (size_t i = 0; i < pixels; i++) {
      double all = 0;
      for (size_t m = 0; m < k; m++) all += (double)x[m][i];
      double left = all * uniforms[first + i];
      size_t m = 0;
      for (size_t last = 0; last + 1 < k; last++) {
        if (left < (double)x[m][i]) break;
        left -= (double)x[m][i];
        m++;
      }
      // Rounding may leave a crumb behind the last component that can be.
      while (m > 0 && x[m][i] == 0) left = (double)x[--m][i];
      const double within = left / (double)x[m][i];
      const double v = within < 1e-16 ? 1e-16 : (within > 1 - 1e-16 ? 1 - 1e-16 : within);
      const float raw = x[at.scales + channel * k + m][i];
      const double place =
          (double)means[m][i] + exp((double)log_scale(&g, raw)) * (log(v) - log1p(-v));
      symbols[first + i] = (uint8_t)level_of(place, shape->levels);
      refused += !(all >= 1) || raw != raw || place != place;
    }
  }
  return refused;
}

size_t sl_draw_mixture(const sl_mixture *shape, const float *outputs, const uint8_t *given,
                       size_t channel, const double *uniforms, uint8_t *symbols, size_t pixels) {
  return draw(shape, outputs, given, channel, uniforms, symbols, pixels);
}
