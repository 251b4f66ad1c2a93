// The weight gradient's part of the micro-kernel, in intrinsics.
#pragma once

#include "convolution.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SL_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define SL_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

// x through a ReLU, in words; NaN stays NaN, for the maximum is the second operand then.
#define RELU_f32(X)                                                                               \
  _mm512_castps_si512(_mm512_max_ps(_mm512_setzero_ps(), _mm512_castsi512_ps(X)))
#define RELU_bf16(X)                                                                              \
  _mm512_maskz_mov_epi16(_mm512_cmpgt_epi16_mask(X, _mm512_set1_epi16(-128)), X)

#define MAC_f32(C, A, B)                                                                          \
  _mm512_fmadd_ps(_mm512_castsi512_ps(A), _mm512_castsi512_ps(B), C)
#define MAC_bf16(C, A, B) _mm512_dpbf16_ps(C, (__m512bh)(A), (__m512bh)(B))

// c[m][z] += sum over the segments; A's column m starts at a[m].
#define SUMS(TYPE, TARGET)                                                                        \
  TARGET SL_INLINE void sums_##TYPE(const int M, const int Z, __m512 (*c)[4],                     \
                                    const uint32_t *const *a, size_t a_stride, const uint32_t *b, \
                                    size_t b_stride, const segment *segments, size_t count,       \
                                    wishes *soon) {                                               \
    for (size_t s = 0; s < count; s++) {                                                          \
      const uint32_t *from[12];                                                                   \
      UNROLL for (int m = 0; m < M; m++) from[m] = a[m] + segments[s].a;                          \
      const uint32_t *row = b + segments[s].b;                                                    \
      const size_t length = segments[s].length;                                                   \
      /* Unrolled where A's steps are neighbours; else addresses would cost more than the loop. */  \
      for (size_t k = 0; k < length; k += STEPS) {                                                \
        ask_for_shares(soon);                                                                     \
        if (a_stride == 1 && k + STEPS <= length) {                                               \
          UNROLL for (size_t step = 0; step < STEPS; step++) {                                    \
            STEP_##TYPE(k + step)                                                                 \
          }                                                                                       \
        } else {                                                                                  \
          const size_t end = k + STEPS < length ? k + STEPS : length;                             \
          for (size_t step = k; step < end; step++) {                                             \
            STEP_##TYPE(step)                                                                     \
          }                                                                                       \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
  }

#define STEP(TYPE, K)                                                                             \
  __m512i right[4];                                                                               \
  UNROLL for (int z = 0; z < Z; z++) right[z] = _mm512_loadu_si512(row + 16 * z);                 \
  UNROLL for (int m = 0; m < M; m++) {                                                            \
    __m512i left = _mm512_set1_epi32((int)from[m][(K)*a_stride]);                                 \
    UNROLL for (int z = 0; z < Z; z++) c[m][z] = MAC_##TYPE(c[m][z], left, right[z]);             \
  }                                                                                               \
  row += b_stride;
#define STEP_f32(K) STEP(f32, K)
#define STEP_bf16(K) STEP(bf16, K)

SUMS(f32, SL_AVX512)
SUMS(bf16, SL_BF16)

// Sixteen bfloat16 as floats.
#define LOAD_HALF(P)                                                                              \
  _mm512_castsi512_ps(_mm512_slli_epi32(                                                          \
      _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(P))), 16))

// Copies words, a multiple of 8, through a ReLU if asked to.
#define COPY(TYPE)                                                                                \
  SL_AVX512 SL_INLINE void copy_##TYPE(uint32_t *y, const uint32_t *x, size_t n, int relu) {      \
    size_t i = 0;                                                                                 \
    for (; i + 16 <= n; i += 16) {                                                                \
      __m512i words = _mm512_loadu_si512(x + i);                                                  \
      _mm512_storeu_si512(y + i, relu ? RELU_##TYPE(words) : words);                              \
    }                                                                                             \
    if (i < n) {                                                                                  \
      __m512i words = _mm512_maskz_loadu_epi32(0xff, x + i);                                      \
      _mm512_mask_storeu_epi32(y + i, 0xff, relu ? RELU_##TYPE(words) : words);                   \
    }                                                                                             \
  }

COPY(f32)
COPY(bf16)

#endif
