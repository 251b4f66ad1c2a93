// One thread pool for the process: libgomp's, which oneDNN runs on.
#pragma once

#include <stddef.h>

#if defined(__x86_64__)
#define SL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SL_CLONES
#endif

#define SL_INLINE static inline __attribute__((always_inline))

// Work on [begin, end) of the items; `thread` numbers the part.
typedef void (*sl_body)(void *job, size_t begin, size_t end, int thread);

// Splits `count` items into one contiguous part a thread, in multiples of `grain`.
void sl_parallel(sl_body body, void *job, size_t count, size_t grain);

// How many parts `sl_parallel` makes of so many items.
int sl_parts(size_t count, size_t grain);
