#include "evidence.h"

#include "kernels.h"
#include "measuring.h"
#include "numerics.h"
#include "pool.h"

#pragma clang fp contract(fast)

// Below this, e^d cannot be told from nothing beside e^0.
static const float least = -87.3f;

// log(e^a + e^b)
SL_INLINE float log_of_sum(float a, float b) {
  float high = a > b ? a : b, low = a > b ? b : a;
  return high + sl_softplus(low - high);
}

// MARK: Bernoulli

SL_CLONES static void bernoulli_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const sl_evidence *e = data;
  const float *logits = e->logits[0];
  float *surprise = e->surprise, *entropy = e->entropy, *variance = e->variance;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    surprise[i] = log2e * sl_softplus(e->symbols[i] ? -logits[i] : logits[i]);
  }
  if (!entropy) return;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    // The surprises of the two symbols differ by the logit. Of the less likely one, so that nothing
    // cancels.
    float spread = logits[i] < 0 ? -logits[i] : logits[i], rare = sl_sigmoid(-spread);
    entropy[i] = log2e * (sl_softplus(-spread) + rare * spread);
    variance[i] = log2e * log2e * rare * (1.0f - rare) * spread * spread;
  }
}

SL_CLONES static void mean_of_bernoullis_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const sl_evidence *e = data;
  const float share = sl_log((float)e->members);
  for (size_t i = begin; i < end; i++) {
    float one = -sl_softplus(-e->logits[0][i]), zero = -sl_softplus(e->logits[0][i]);
    for (size_t m = 1; m < e->members; m++) {
      one = log_of_sum(one, -sl_softplus(-e->logits[m][i]));
      zero = log_of_sum(zero, -sl_softplus(e->logits[m][i]));
    }
    one = (one - share) * -log2e, zero = (zero - share) * -log2e;
    e->surprise[i] = e->symbols[i] ? one : zero;
    if (!e->entropy) continue;
    float spread = zero - one;
    float p = sl_sigmoid(spread / log2e), q = sl_sigmoid(-spread / log2e);
    e->entropy[i] = p * one + q * zero;
    e->variance[i] = p * q * spread * spread;
  }
}

// From the surprises: the symbol's own probability is all that there is to know.
SL_CLONES static void bernoulli_pit_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const sl_evidence *e = data;
  for (size_t i = begin; i < end; i++) {
    float p = sl_exp(-e->surprise[i] / log2e);
    float u = draw(e->keys[i / e->subpixels], i % e->subpixels);
    e->pit[i] = e->symbols[i] ? 1.0f - p + u * p : u * p;
  }
}

SL_CLONES static void bernoulli_level_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const sl_evidence *e = data;
#pragma clang loop vectorize(assume_safety)
  for (size_t i = begin; i < end; i++) {
    float p = sl_exp(-e->surprise[i] / log2e);
    e->error[i] = e->symbols[i] ? p - 1.0f : 1.0f - p;
    e->spread[i] = p * (1.0f - p);
  }
}

void sl_bernoulli_evidence(const sl_evidence *evidence) {
  sl_evidence e = *evidence;
  const size_t n = e.images * e.subpixels;
  sl_parallel(e.members == 1 ? bernoulli_part : mean_of_bernoullis_part, &e, n, 1024);
  if (e.pit) sl_parallel(bernoulli_pit_part, &e, n, 1024);
  if (e.error) sl_parallel(bernoulli_level_part, &e, n, 1024);
}

// MARK: Categorical

typedef struct {
  sl_evidence evidence;
  size_t levels;
} categorical;


// Sums over the levels of e = exp(d), d the distance from the largest logit; `below` over those less
// than the symbol; `error` and `square` of the levels' distances from the symbol, so that little cancels.
typedef struct {
  float all, first, second, below, error, square;
} sums;

SL_INLINE sums sums_of(const float *row, uint32_t levels, float top, uint32_t symbol,
                       const int of_levels) {
#pragma clang fp reassociate(on)
  float all = 0, first = 0, second = 0, below = 0, error = 0, square = 0;
  for (uint32_t l = 0; l < levels; l++) {
    float d = row[l] - top;
    d = d < least ? least : d;
    float e = sl_exp_within(d), ed = e * d;
    all += e;
    first += ed;
    second += ed * d;
    below += l < symbol ? e : 0.0f;
    if (of_levels) {
      float far = (float)(int32_t)(l - symbol), part = e * far;
      error += part;
      square += part * far;
    }
  }
  return (sums){all, first, second, below, error, square};
}

SL_CLONES static void categorical_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const categorical *c = data;
  const sl_evidence *e = &c->evidence;
  for (size_t i = begin; i < end; i++) {
    const float *row = e->logits[0] + i * c->levels;
    const float top = sl_largest(row, c->levels);
    const uint32_t levels = (uint32_t)c->levels, symbol = e->symbols[i];
    const sums s =
        e->error ? sums_of(row, levels, top, symbol, 1) : sums_of(row, levels, top, symbol, 0);
    const float total = sl_log(s.all), d = row[e->symbols[i]] - top;
    e->surprise[i] = log2e * (total - d);
    if (e->entropy) {
      const float mean = s.first / s.all, square = s.second / s.all - mean * mean;
      e->entropy[i] = log2e * (total - mean);
      e->variance[i] = log2e * log2e * (square < 0 ? 0.0f : square);
    }
    if (e->pit) {
      const float u = draw(e->keys[i / e->subpixels], i % e->subpixels);
      e->pit[i] = (s.below + u * sl_exp_negative(d)) / s.all;
    }
    if (e->error) {
      const float error = s.error / s.all, spread = s.square / s.all - error * error;
      e->error[i] = error;
      e->spread[i] = spread < 0 ? 0.0f : spread;
    }
  }
}

SL_CLONES static void mean_of_categoricals_part(void *data, size_t begin, size_t end, int thread) {
#pragma clang fp reassociate(on)
  (void)thread;
  const categorical *c = data;
  const sl_evidence *e = &c->evidence;
  const uint32_t levels = (uint32_t)c->levels;
  const float share = sl_log((float)e->members);
  float p[SL_MOST_LEVELS];
  for (size_t i = begin; i < end; i++) {
    const uint32_t symbol = e->symbols[i];
    float found = 0;
    for (uint32_t l = 0; l < levels; l++) p[l] = 0;
    for (size_t m = 0; m < e->members; m++) {
      const float *row = e->logits[m] + i * levels;
      const float top = sl_largest(row, levels);
      float all = 0;
      for (uint32_t l = 0; l < levels; l++) all += sl_exp_negative(row[l] - top);
      const float factor = 1.0f / (all * (float)e->members);
      for (uint32_t l = 0; l < levels; l++) p[l] += sl_exp_negative(row[l] - top) * factor;
      const float term = row[symbol] - top - sl_log(all);
      found = m ? log_of_sum(found, term) : term;
    }
    e->surprise[i] = log2e * (share - found);
    measure_levels(e, i, p, levels);
  }
}

void sl_categorical_evidence(const sl_evidence *evidence, size_t levels) {
  categorical c = {*evidence, levels};
  const size_t n = c.evidence.images * c.evidence.subpixels;
  sl_parallel(
      c.evidence.members == 1 ? categorical_part : mean_of_categoricals_part, &c, n, 16);
}

// MARK: What is computed from it

typedef struct {
  void *context;
  void (*body)(void *context, size_t index);
} each;

static void each_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const each *e = data;
  for (size_t i = begin; i < end; i++) e->body(e->context, i);
}

void sl_for_each(size_t count, void *context, void (*body)(void *context, size_t index)) {
  each e = {context, body};
  sl_parallel(each_part, &e, count, 1);
}
