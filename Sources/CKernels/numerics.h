// Pointwise functions that the compiler can vectorise: no branches, no calls.
#pragma once

#include <stdint.h>
#include <string.h>

#include "pool.h"

SL_INLINE float sl_from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

SL_INLINE uint32_t sl_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

SL_INLINE float sl_widen(uint16_t x) { return sl_from_bits((uint32_t)x << 16); }

// Round to nearest even; NaN stays NaN.
SL_INLINE uint16_t sl_narrow(float x) {
  uint32_t bits = sl_bits(x);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (bits & 0x7fffffffu) > 0x7f800000u ? (uint16_t)0x7fc0 : (uint16_t)rounded;
}

// exp(x) for x in -87.3 ... 88, relative error below 2e-7; NaN stays NaN.
SL_INLINE float sl_exp_within(float x) {
  const float log2e = 1.44269504f, high = 0.693359375f, low = -2.12194440e-4f;
  // Adding 1.5 * 2^23 rounds to a whole number in the low bits of the mantissa.
  float shifted = x * log2e + 12582912.0f;
  int32_t n = (int32_t)sl_bits(shifted) - 0x4b400000;
  float whole = shifted - 12582912.0f;
  float r = x - whole * high;
  r = r - whole * low;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * sl_from_bits((uint32_t)(n + 127) << 23);
}

// exp(x), relative error below 2e-7; 0 below -87.3, saturates above 88.
SL_INLINE float sl_exp(float x) {
  float clamped = x < -87.3f ? -87.3f : (x > 88.0f ? 88.0f : x);
  float scaled = sl_exp_within(clamped);
  // NaN fails the comparison and comes through.
  return x < -87.3f ? 0.0f : (x != x ? x : scaled);
}

// exp(x) for x <= 0; the smallest normal number below -87.3, which no sum with exp(0) can tell from 0.
SL_INLINE float sl_exp_negative(float x) { return sl_exp_within(x < -87.3f ? -87.3f : x); }

// log(1 + m) + e log(2) for 1 + m in [sqrt(1/2), sqrt(2)), relative error about 1e-7 (Cephes'
// polynomial).
SL_INLINE float sl_log_of_parts(float m, float e) {
  float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  float y = p * m * z + -2.12194440e-4f * e - 0.5f * z;
  return m + y + 0.693359375f * e;
}

// log(x) for normal positive x; NaN stays NaN.
SL_INLINE float sl_log(float x) {
  uint32_t bits = sl_bits(x);
  // Mantissa in [sqrt(1/2), sqrt(2)).
  int32_t e = (int32_t)((bits - 0x3f3504f3u) >> 23);
  e = (int32_t)(e << 23) >> 23;
  float m = sl_from_bits(bits - ((uint32_t)e << 23)) - 1.0f;
  return x != x ? x : sl_log_of_parts(m, (float)e);
}

SL_INLINE float sl_sigmoid(float x) { return 1.0f / (1.0f + sl_exp(-x)); }

// log(1 + exp(x)).
SL_INLINE float sl_softplus(float x) {
  float magnitude = x < 0 ? -x : x;
  // At most 1. The sum 1 + tail is never formed: it would lose the low bits of the tail.
  float tail = sl_exp(-magnitude);
  int halve = tail > 0.41421356f;
  float log1p = sl_log_of_parts(halve ? 0.5f * tail - 0.5f : tail, halve ? 1.0f : 0.0f);
  return (x > 0 ? x : 0.0f) + log1p;
}

// The largest of k numbers. Sixteen at a time: a compiler may not turn one comparison after the other
// into that by itself.
SL_INLINE float sl_largest(const float *x, size_t k) {
  float tops[16];
  for (size_t lane = 0; lane < 16; lane++) tops[lane] = x[0];
  size_t i = 0;
  for (; i + 16 <= k; i += 16) {
    for (size_t lane = 0; lane < 16; lane++) {
      tops[lane] = x[i + lane] > tops[lane] ? x[i + lane] : tops[lane];
    }
  }
  float top = x[0];
  for (; i < k; i++) top = x[i] > top ? x[i] : top;
  for (size_t lane = 0; lane < 16; lane++) top = tops[lane] > top ? tops[lane] : top;
  return top;
}

// Chris Wellons' lowbias32.
SL_INLINE uint32_t sl_mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

// The 32 bits that dropout compares with its threshold, of an element and the halves of a key.
SL_INLINE uint32_t sl_draw(uint32_t element, uint32_t low, uint32_t high) {
  return sl_mixed(sl_mixed(element ^ low) ^ high);
}
