// The processor's arithmetic peak: multiply-adds that never leave the registers.
#include "kernels.h"
#include "pool.h"

#if defined(__x86_64__)

enum { CHAINS = 14 };

typedef struct {
  size_t iterations;
} job;

// As many independent sums as hide a multiply-add's latency on two units, in registers 0 to 13; 14 and 15
// are multiplied.
#define CHAIN(INSTRUCTION, REGISTERS, N)                                                      \
  INSTRUCTION " %%" REGISTERS "14, %%" REGISTERS "15, %%" REGISTERS #N "\n\t"
#define ALL_CHAINS(I, R)                                                                      \
  CHAIN(I, R, 0) CHAIN(I, R, 1) CHAIN(I, R, 2) CHAIN(I, R, 3) CHAIN(I, R, 4) CHAIN(I, R, 5)   \
  CHAIN(I, R, 6) CHAIN(I, R, 7) CHAIN(I, R, 8) CHAIN(I, R, 9) CHAIN(I, R, 10)                 \
  CHAIN(I, R, 11) CHAIN(I, R, 12) CHAIN(I, R, 13)
#define CLOBBERED                                                                             \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",    \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

#define PEAK(NAME, FEATURES, INSTRUCTION, REGISTERS)                                          \
  __attribute__((target(FEATURES))) static void NAME(void *data, size_t begin, size_t end,    \
                                                     int thread) {                            \
    (void)thread;                                                                             \
    const job *j = data;                                                                      \
    for (size_t part = begin; part < end; part++) {                                           \
      __asm__ volatile("vxorps %%ymm14, %%ymm14, %%ymm14\n\tvxorps %%ymm15, %%ymm15, %%ymm15" \
                       ::: "xmm14", "xmm15");                                                 \
      for (size_t i = 0; i < j->iterations; i++) {                                            \
        __asm__ volatile(ALL_CHAINS(INSTRUCTION, REGISTERS)::: CLOBBERED);                    \
      }                                                                                       \
    }                                                                                         \
  }

PEAK(peak_f32, "avx2,fma", "vfmadd231ps", "ymm")
PEAK(peak_f32_wide, "avx512f", "vfmadd231ps", "zmm")
PEAK(peak_bf16, "avx512f,avx512bf16", "vdpbf16ps", "zmm")

size_t sl_peak(int half, size_t iterations) {
  job j = {iterations};
  const size_t threads = (size_t)sl_threads(), wide = half || __builtin_cpu_supports("avx512f");
  sl_parallel(half ? peak_bf16 : wide ? peak_f32_wide : peak_f32, &j, threads, 1);
  return threads * iterations * CHAINS * (half ? 32 : wide ? 16 : 8);
}

#else

size_t sl_peak(int half, size_t iterations) {
  (void)half;
  (void)iterations;
  return 0;
}

#endif
