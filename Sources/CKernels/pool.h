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

// A block of a matrix whose elements are counted row by row, and runs of them in memory: from places
// begin ..< end on, `next` being the first element counted after the run.
typedef struct {
  size_t columns, stride;
} sl_rows;
typedef struct {
  size_t begin, end, next;
} sl_run;

SL_INLINE sl_run sl_first_run(sl_rows rows, size_t begin, size_t end) {
  size_t row = begin / rows.columns, column = begin % rows.columns;
  size_t count = rows.columns - column < end - begin ? rows.columns - column : end - begin;
  size_t place = row * rows.stride + column;
  return (sl_run){place, place + count, begin + count};
}

SL_INLINE sl_run sl_next_run(sl_rows rows, sl_run run, size_t end) {
  return run.next < end ? sl_first_run(rows, run.next, end) : (sl_run){0, 0, end};
}

// How many parts `sl_parallel` makes of so many items.
int sl_parts(size_t count, size_t grain);
