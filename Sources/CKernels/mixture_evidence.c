#include "measuring.h"
#include "mixture_block.h"
#include "pool.h"

#pragma clang fp contract(fast)

typedef struct {
  sl_evidence evidence;
  sl_mixture shape;
} job;

// A component whose share is less than this adds nothing that a float can tell.
static const float least_share = 1e-9f;

// Adds one component's share of each level's probability: p[l] += share (S(end above) - S(end below)).
SL_INLINE void add_component(const grid *g, size_t levels, float share, float mean, float raw,
                             float *p) {
  float above[SL_MOST_LEVELS], below[SL_MOST_LEVELS];  // S(-end), S(end) of the end above a level
  const float inverse = sl_exp_within(-log_scale(g, raw)), width = 2.0f * g->half * inverse;
  const float exponential = sl_exp(-width);
  const float inner = share * width * mean_of_exponential(width, exponential);
  const size_t ends = levels - 1;
#pragma clang loop vectorize(assume_safety)
  for (size_t l = 0; l < ends; l++) {
    const float x = (2.0f * (float)(int32_t)l + 1.0f) * g->half - 1.0f, end = (x - mean) * inverse;
    const float f = sl_exp(end < 0 ? end : -end), high = 1.0f / (1.0f + f), low = f * high;
    below[l] = end < 0 ? low : high;
    above[l] = end < 0 ? high : low;
  }
  p[0] += share * below[0];
#pragma clang loop vectorize(assume_safety)
  for (size_t l = 1; l < ends; l++) p[l] += inner * below[l] * above[l - 1];
  p[ends] += share * above[ends - 1];
}

SL_CLONES static void evidence_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const sl_evidence *e = &j->evidence;
  const grid g = grid_of(&j->shape);
  const places at = places_of(&j->shape);
  const size_t k = at.k, channels = at.channels, all = e->images * e->subpixels / channels;
  const int of_levels = e->entropy || e->pit || e->error;
  row x[MOST_OUTPUTS], levels[SL_MOST_CHANNELS], means[SL_MOST_COMPONENTS], sum;
  for (size_t first = begin * LANES; first < end * LANES && first < all; first += LANES) {
    const size_t pixels = all - first < LANES ? all - first : LANES;
    load_outputs(e->logits[0] + first * at.outputs, at.outputs, pixels, x);
    share_out(x, k, sum);
    for (size_t c = 0; c < channels; c++) {
      load_levels(e->symbols + first * channels + c, channels, pixels, &g, levels[c]);
      const row *scales = (const row *)x[at.scales + c * k];
      for (size_t m = 0; m < k; m++) mean_of(&at, x, levels, c, m, means[m], 0);
      for (size_t i = 0; of_levels && i < pixels; i++) {
        float p[SL_MOST_LEVELS] = {0};
        for (size_t m = 0; m < k; m++) {
          const float share = sl_exp_negative(x[m][i]);
          if (share < least_share) continue;
          add_component(&g, j->shape.levels, share, means[m][i], scales[m][i], p);
        }
        measure_levels(e, (first + i) * channels + c, p, (uint32_t)j->shape.levels);
      }
      for (size_t m = 0; m < k; m++) {
        EACH_PIXEL {
          float by_mean, by_scale;
          x[m][i] +=
              log_of_bin(&g, levels[c][i], means[m][i], scales[m][i], &by_mean, &by_scale);
        }
      }
      share_out(x, k, sum);
      for (size_t i = 0; i < pixels; i++) {
        e->surprise[(first + i) * channels + c] = -log2e * sum[i];
      }
    }
  }
}

void sl_mixture_evidence(const sl_evidence *evidence, const sl_mixture *shape) {
  job j = {*evidence, *shape};
  const size_t pixels = evidence->images * evidence->subpixels / shape->channels;
  sl_parallel(evidence_part, &j, (pixels + LANES - 1) / LANES, 1);
}
