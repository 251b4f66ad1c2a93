// The processor's arithmetic peak: multiply-adds that never leave the registers.
#include "kernels.h"
#include "pool.h"

#if defined(__x86_64__)

enum { CHAINS = 16 };

typedef struct {
  size_t iterations;
} job;

// As many independent sums as hide a multiply-add's latency on two units.
#define CHAIN(INSTRUCTION, N) INSTRUCTION " %%zmm30, %%zmm31, %%zmm" #N "\n\t"
#define ALL_CHAINS(I)                                                                         \
  CHAIN(I, 0) CHAIN(I, 1) CHAIN(I, 2) CHAIN(I, 3) CHAIN(I, 4) CHAIN(I, 5) CHAIN(I, 6)         \
  CHAIN(I, 7) CHAIN(I, 8) CHAIN(I, 9) CHAIN(I, 10) CHAIN(I, 11) CHAIN(I, 12) CHAIN(I, 13)     \
  CHAIN(I, 14) CHAIN(I, 15)
#define CLOBBERED                                                                             \
  "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10",    \
      "zmm11", "zmm12", "zmm13", "zmm14", "zmm15", "zmm30", "zmm31"

#define PEAK(NAME, FEATURES, INSTRUCTION)                                                     \
  __attribute__((target(FEATURES))) static void NAME(void *data, size_t begin, size_t end,    \
                                                     int thread) {                            \
    (void)thread;                                                                             \
    const job *j = data;                                                                      \
    for (size_t part = begin; part < end; part++) {                                           \
      __asm__ volatile("vpxord %%zmm30, %%zmm30, %%zmm30\n\tvpxord %%zmm31, %%zmm31, %%zmm31" \
                       ::: "zmm30", "zmm31");                                                 \
      for (size_t i = 0; i < j->iterations; i++) {                                            \
        __asm__ volatile(ALL_CHAINS(INSTRUCTION)::: CLOBBERED);                               \
      }                                                                                       \
    }                                                                                         \
  }

PEAK(peak_f32, "avx512f", "vfmadd231ps")
PEAK(peak_bf16, "avx512f,avx512bf16", "vdpbf16ps")

size_t sl_peak(int half, size_t iterations) {
  job j = {iterations};
  size_t threads = (size_t)sl_threads();
  sl_parallel(half ? peak_bf16 : peak_f32, &j, threads, 1);
  return threads * iterations * CHAINS * (half ? 32 : 16);
}

#else

size_t sl_peak(int half, size_t iterations) {
  (void)half;
  (void)iterations;
  return 0;
}

#endif
