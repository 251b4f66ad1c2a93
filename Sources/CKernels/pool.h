// One thread pool for the process: libgomp's, which oneDNN runs on.
#pragma once

#include <stddef.h>

#include "kernels.h"

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

// Elements of a matrix's blocks, counted block by block and row by row, and a run of them in memory:
// places begin ..< end, `next` being the first element counted after the run.
typedef struct {
  size_t begin, end, next;
} sl_run;

SL_INLINE size_t sl_count(sl_blocks all) {
  size_t count = 0;
  for (size_t i = 0; i < all.count; i++) count += all.blocks[i].rows * all.blocks[i].columns;
  return count;
}

SL_INLINE sl_run sl_first_run(sl_blocks all, size_t begin, size_t end) {
  const sl_block *block = all.blocks;
  size_t at = begin;
  for (; at >= block->rows * block->columns; block++) at -= block->rows * block->columns;
  const size_t row = at / block->columns, column = at % block->columns;
  const size_t left = block->columns - column, count = left < end - begin ? left : end - begin;
  const size_t place = block->first + row * all.stride + column;
  return (sl_run){place, place + count, begin + count};
}

SL_INLINE sl_run sl_next_run(sl_blocks all, sl_run run, size_t end) {
  return run.next < end ? sl_first_run(all, run.next, end) : (sl_run){0, 0, end};
}

// How many parts `sl_parallel` makes of so many items.
int sl_parts(size_t count, size_t grain);
