// Sixteen numbers at a time: a register of AVX-512, several of other processors.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "pool.h"

#define UNROLL _Pragma("clang loop unroll(full)")

enum { LANES = 16 };
typedef float lanes __attribute__((ext_vector_type(LANES)));
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef uint16_t halves __attribute__((ext_vector_type(LANES)));
// Those at any place.
typedef lanes loose_lanes __attribute__((aligned(4)));
typedef words loose_words __attribute__((aligned(4)));
typedef halves loose_halves __attribute__((aligned(2)));

// Vectors do not go by value: without registers for them that would depend on the processor.

// Kernels over words, each a float or two bfloat16, are written once and included for each kind (every_kind.h):
// f32 and bf16; the same for AVX-512, _wide; and dot, which is bf16 by the processor's own instructions. They
// say
//   OUTER, INNER     before functions that are called from elsewhere, and before those inlined there,
//   KERNEL(name)     for the name in this kind,
//   ROOM             for the vectors of sums that registers hold beside what is added to them,
//   MULTIPLY_ADD     for c + a b: a vector of sums, a word, a vector of words,
//   STORE_HALVES     for a vector of floats on its way to bfloat16.
#define PASTE(A, B) A##_##B
#define PASTE_EXPANDED(A, B) PASTE(A, B)
#define KERNEL(NAME) PASTE_EXPANDED(NAME, KIND)
#define ROOM PASTE_EXPANDED(ROOM, KIND)
#define MULTIPLY_ADD PASTE_EXPANDED(MULTIPLY_ADD, KIND)
#define STORE_HALVES PASTE_EXPANDED(STORE_HALVES, KIND)

// Sixteen registers of eight floats: twelve for sums. Thirty-two of sixteen: twenty-four.
#define ROOM_f32 6
#define ROOM_bf16 6
#define ROOM_f32_wide 24
#define ROOM_bf16_wide 24
#define ROOM_dot 24

#define MULTIPLY_ADD_f32(C, A, B) __builtin_elementwise_fma((lanes)(words)(A), (lanes)(B), C)

#define LOW_HALVES(X) ((lanes)((X) << 16))
#define HIGH_HALVES(X) ((lanes)((X)&0xffff0000u))
#define MULTIPLY_ADD_bf16(C, A, B)                                                                \
  __builtin_elementwise_fma(                                                                      \
      LOW_HALVES((words)(A)), LOW_HALVES(B),                                                      \
      __builtin_elementwise_fma(HIGH_HALVES((words)(A)), HIGH_HALVES(B), C))

#define MULTIPLY_ADD_f32_wide MULTIPLY_ADD_f32
#define MULTIPLY_ADD_bf16_wide MULTIPLY_ADD_bf16

#define STORE_HALVES_f32 STORE_HALVES_bf16
#define STORE_HALVES_f32_wide STORE_HALVES_bf16
#define STORE_HALVES_bf16_wide STORE_HALVES_bf16
#define STORE_HALVES_bf16(P, C)                                                                   \
  {                                                                                               \
    words narrow;                                                                                 \
    narrow_lanes(&(C), &narrow);                                                                  \
    *(loose_halves *)(P) = __builtin_convertvector(narrow, halves);                               \
  }

#if defined(__x86_64__)
#define SL_DOT __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#define MULTIPLY_ADD_dot(C, A, B)                                                                 \
  (lanes)_mm512_dpbf16_ps((__m512)(C), (__m512bh)_mm512_set1_epi32((int)(A)), (__m512bh)(B))
#define STORE_HALVES_dot(P, C)                                                                    \
  _mm256_storeu_si256((__m256i *)(P), (__m256i)_mm512_cvtneps_pbh((__m512)(C)));
SL_INLINE int sl_has_dot(void) { return __builtin_cpu_supports("avx512bf16"); }
// Not arch=x86-64-v4, with which Clang prefers half of a register.
#define SL_WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,bmi2")))
#define SL_NARROW __attribute__((target_clones("arch=x86-64-v3", "default")))
SL_INLINE int sl_is_wide(void) { return __builtin_cpu_supports("x86-64-v4"); }
#else
#define SL_WIDE
#define SL_NARROW
SL_INLINE int sl_is_wide(void) { return 0; }
#endif

// Rounded to the nearest bfloat16, in the low half of a word; ties to even, NaN stays NaN.
SL_INLINE void narrow_lanes(const lanes *x, words *y) {
  const words bits = (words)*x, rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  *y = (bits & 0x7fffffffu) > 0x7f800000u ? (words)0x7fc0u : rounded;
}

// x[i][j] = x[j][i] for sixteen vectors: at each step those 8, 4, 2, 1 apart exchange halves, quarters, ...
SL_INLINE void transpose(lanes *x) {
#define EXCHANGE(APART, LOW, HIGH)                                                                \
  UNROLL for (int i = 0; i < LANES; i++) {                                                        \
    if (i & APART) continue;                                                                      \
    const lanes a = x[i], b = x[i + APART];                                                       \
    x[i] = __builtin_shufflevector(a, b, LOW);                                                    \
    x[i + APART] = __builtin_shufflevector(a, b, HIGH);                                           \
  }
#define LIST(...) __VA_ARGS__
  EXCHANGE(8, LIST(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
           LIST(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
  EXCHANGE(4, LIST(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
           LIST(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
  EXCHANGE(2, LIST(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
           LIST(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
  EXCHANGE(1, LIST(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
           LIST(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
#undef EXCHANGE
#undef LIST
}
