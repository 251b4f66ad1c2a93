// Includes KERNEL_FILE once for each kind of number (lanes.h): floats, and halves that are widened to be
// multiplied, for processors with few registers and for those with many; and halves whose pairs the processor
// multiplies by itself, where it may be one that does.
#define INNER
#define OUTER SL_NARROW
#define KIND f32
#include KERNEL_FILE
#undef KIND
#define KIND bf16
#include KERNEL_FILE
#undef KIND
#undef INNER
#undef OUTER

#if defined(__x86_64__)
#define INNER SL_WIDE
#define OUTER SL_WIDE
#define KIND f32_wide
#include KERNEL_FILE
#undef KIND
#define KIND bf16_wide
#include KERNEL_FILE
#undef KIND
#undef INNER
#undef OUTER

#define INNER SL_DOT
#define OUTER SL_DOT
#define KIND dot
#include KERNEL_FILE
#undef KIND
#undef INNER
#undef OUTER
#endif

// A function's version for floats, or for halves on this processor.
#if defined(__x86_64__)
#define KIND_OF(NAME, HALF)                                                                       \
  (!sl_is_wide() ? ((HALF) ? NAME##_bf16 : NAME##_f32)                                            \
   : !(HALF)     ? NAME##_f32_wide                                                                \
   : sl_has_dot() ? NAME##_dot                                                                    \
                  : NAME##_bf16_wide)
#else
#define KIND_OF(NAME, HALF) ((HALF) ? NAME##_bf16 : NAME##_f32)
#endif
