// What kernels that measure conditionals share.
#pragma once

#include "evidence.h"
#include "numerics.h"
#include "pool.h"

static const float log2e = 1.44269504f;

SL_INLINE uint32_t mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

// A number in 0 < u < 1 that depends on the image and the sub-pixel alone.
SL_INLINE float draw(uint64_t key, size_t subpixel) {
  uint32_t x = mixed(mixed((uint32_t)subpixel ^ (uint32_t)key) ^ (uint32_t)(key >> 32));
  return ((float)(x >> 9) + 0.5f) * 0x1p-23f;
}

// All but the surprise, of one sub-pixel's probabilities of its levels.
SL_INLINE void measure_levels(const sl_evidence *e, size_t i, const float *p, uint32_t levels) {
#pragma clang fp reassociate(on) contract(fast)
  const uint32_t symbol = e->symbols[i];
  float mean = 0, second = 0, below = 0, error = 0, apart = 0;
  for (uint32_t l = 0; l < levels; l++) {
    // The logarithm takes normal numbers only.
    float bits = -log2e * sl_log(p[l] < 1.2e-38f ? 1.2e-38f : p[l]), part = p[l] * bits;
    mean += part;
    second += part * bits;
    below += l < symbol ? p[l] : 0.0f;
    float far = (float)(int32_t)(l - symbol);
    error += p[l] * far;
    apart += p[l] * far * far;
  }
  if (e->error) {
    const float spread = apart - error * error;
    e->error[i] = error;
    e->spread[i] = spread < 0 ? 0.0f : spread;
  }
  if (e->entropy) {
    const float square = second - mean * mean;
    e->entropy[i] = mean;
    e->variance[i] = square < 0 ? 0.0f : square;
  }
  if (e->pit) {
    e->pit[i] = below + draw(e->keys[i / e->subpixels], i % e->subpixels) * p[symbol];
  }
}
