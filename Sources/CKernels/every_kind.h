// Includes KERNEL_FILE once for each kind of number (lanes.h): floats, halves that are widened to be multiplied,
// and halves whose pairs the processor multiplies by itself, where it may be one that does.
#define INNER
#define OUTER SL_CLONES
#define KIND f32
#include KERNEL_FILE
#undef KIND
#define KIND bf16
#include KERNEL_FILE
#undef KIND
#undef INNER
#undef OUTER

#if defined(__x86_64__)
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
#define KIND_OF(NAME, HALF) (!(HALF) ? NAME##_f32 : sl_has_dot() ? NAME##_dot : NAME##_bf16)
#else
#define KIND_OF(NAME, HALF) ((HALF) ? NAME##_bf16 : NAME##_f32)
#endif
