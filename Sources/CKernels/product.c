// Products of weights with images side by side: the sums of one output are lanes of a register, so they
// are added in the same order however many images there are.
#include "kernels.h"
#include "lanes.h"

// Vectors of a tile, words of a run, and what a block has at most: its words of x, one run of them, stay
// in the second-level cache. Where registers hold one vector these are copied, for so many more rows.
enum { WIDE = 4, RUN = SL_PRODUCT_RUN, MOST_ROWS = 96, MOST_ROWS_WIDE = 48, MOST_VECTORS = 16 };

// Rows first ..< end by so many vectors of images.
typedef struct {
  const sl_product *shape;
  // Weights and their stride in words; x from the first of these images on.
  const uint32_t *weights, *x;
  const float *bias;
  size_t stride, first, end, lanes, vectors;
  // Words of the sums that are asked for.
  size_t from, until;
} block;

// Words of the longest of these rows.
SL_INLINE size_t words_of(const block *b, size_t row, size_t rows) {
  const sl_product *s = b->shape;
  size_t most = s->lengths ? 0 : s->columns;
  for (size_t r = row; s->lengths && r < row + rows; r++) {
    most = s->lengths[r] > most ? s->lengths[r] : most;
  }
  const size_t words = s->half ? (most + 1) / 2 : most;
  return words < b->until ? words : b->until;
}

// Memory that is needed soon, asked for line by line between multiply-adds.
typedef struct {
  const char *at;
  size_t share;
} wish;

// Steps of a sum from one share of it to the next.
enum { STEPS = 8 };

SL_INLINE void ask(wish *soon) {
  const char *end = soon->at + soon->share;
  for (; soon->at < end; soon->at += 64) __builtin_prefetch(soon->at, 0, 2);
}

// The x of the run after this one. A step finds it in the cache, or is over before it comes.
SL_INLINE wish next_run(const block *b, size_t from, size_t words) {
  wish soon = {(const char *)(b->x + (from + RUN) * b->lanes), 0};
  const size_t rows = b->end - b->first;
  if (from + RUN >= words || b->vectors * LANES != b->lanes || 2 * rows < MOST_ROWS_WIDE) return soon;
  const size_t length = words - from - RUN < RUN ? words - from - RUN : RUN;
  const size_t times = (rows + 7) / 8 * ((b->vectors + WIDE - 1) / WIDE) * RUN / STEPS;
  soon.share = (length * b->lanes * 4 / 64 + times - 1) / times * 64;
  return soon;
}

// One of so many shares of some rows' weights in the run that starts at `from`.
SL_INLINE void ask_for_weights(const block *b, size_t row, size_t rows, size_t from, size_t share,
                               size_t shares) {
  const size_t first = RUN * share / shares * 4 / 64, end = RUN * (share + 1) / shares * 4 / 64;
  for (size_t r = row; r < row + rows && r < b->end; r++) {
    const char *w = (const char *)(b->weights + r * b->stride + from);
    for (size_t line = first; line < end; line++) __builtin_prefetch(w + 64 * line, 0, 2);
  }
}

#define KERNEL_FILE "product_tiles.h"
#include "every_kind.h"

typedef struct {
  const sl_product *shape;
  const uint32_t *x;
  const float *addend, *so_far;
  void *y;
  size_t from, until, first, end, lanes, rows_at_once, lanes_at_once, row_blocks;
  // Rows grow longer: the last go first, so that what is left in the end is short.
  int descending;
} job;

// Sums on their way to rows of y.
SL_CLONES static void finish(const job *j, const block *b, size_t lane, const lanes *so_far) {
  const sl_product *s = j->shape;
  for (size_t v = 0; v < b->vectors; v++) {
    words waiting = 0;
    for (size_t r = b->first; r < b->end; r++) {
      const size_t place = lane + LANES * v;
      lanes sum = so_far[(r - b->first) * MOST_VECTORS + v];
      // Zero loses a sign that terms beyond a row's length might have changed.
      sum += j->addend ? *(const loose_lanes *)(j->addend + r * j->lanes + place) : (lanes)0.0f;
      if (s->relu) sum = sum < 0.0f ? (lanes)0.0f : sum;
      if (!s->half_result) {
        *(loose_lanes *)((float *)j->y + r * j->lanes + place) = sum;
        continue;
      }
      loose_words *to = (loose_words *)((uint32_t *)j->y + r / 2 * j->lanes + place);
      words narrow;
      narrow_lanes(&sum, &narrow);
      if (r % 2 == 0) {
        waiting = narrow;
        if (r + 1 == s->rows) {
          *to = waiting;
        } else if (r + 1 == b->end) {
          *to = waiting | (*to & 0xffff0000u);
        }
      } else {
        *to = narrow << 16 | (r > b->first ? waiting : *to & 0xffffu);
      }
    }
  }
}

static void multiply_block(void *context, int part) {
  const job *j = context;
  const size_t row_block = (size_t)part % j->row_blocks;
  const size_t lane = (size_t)part / j->row_blocks * j->lanes_at_once;
  const size_t index = j->descending ? j->row_blocks - 1 - row_block : row_block;
  // Blocks start at even rows, so that no two share a word of y.
  const size_t origin = j->first & ~(size_t)1, from = origin + index * j->rows_at_once;
  const size_t to = from + j->rows_at_once, left = j->lanes - lane;
  const sl_product *s = j->shape;
  const block b = {
      .shape = s,
      .weights = s->weights,
      .x = j->x + lane,
      .bias = s->bias,
      .stride = s->half ? s->stride / 2 : s->stride,
      .first = from < j->first ? j->first : from,
      .end = to < j->end ? to : j->end,
      .lanes = j->lanes,
      .vectors = (left < j->lanes_at_once ? left : j->lanes_at_once) / LANES,
      .from = j->from,
      .until = j->until,
  };
  lanes so_far[MOST_ROWS * MOST_VECTORS];
  if (j->from) {
    for (size_t r = b.first; r < b.end; r++) {
      for (size_t v = 0; v < b.vectors; v++) {
        so_far[(r - b.first) * MOST_VECTORS + v] =
            *(const loose_lanes *)(j->so_far + r * j->lanes + lane + LANES * v);
      }
    }
  }
  KIND_OF(sums, s->half)(&b, so_far);
  finish(j, &b, lane, so_far);
}

static void multiply(const sl_product *shape, size_t first, size_t end, const void *x,
                     const float *addend, void *y, size_t lanes, size_t from, size_t until,
                     const float *so_far) {
  if (first >= end) return;
  job j = {.shape = shape, .x = x, .addend = addend, .so_far = so_far, .y = y, .from = from,
           .until = until, .first = first, .end = end, .lanes = lanes,
           .rows_at_once = sl_is_wide() ? MOST_ROWS_WIDE : MOST_ROWS,
           .lanes_at_once = MOST_VECTORS * LANES};
  const size_t rows = end - (first & ~(size_t)1), threads = (size_t)sl_threads();
  j.row_blocks = (rows + j.rows_at_once - 1) / j.rows_at_once;
  // Enough blocks to keep all threads busy to the end.
  while (j.row_blocks * ((lanes + j.lanes_at_once - 1) / j.lanes_at_once) < 4 * threads &&
         threads > 1 && j.lanes_at_once > WIDE * LANES) {
    j.lanes_at_once /= 2;
  }
  const size_t count = j.row_blocks * ((lanes + j.lanes_at_once - 1) / j.lanes_at_once);
  j.descending = shape->lengths && shape->lengths[first] < shape->lengths[end - 1];
  if (threads > 1 && count > 1) {
    sl_run_workers(multiply_block, &j, (int)count);
  } else {
    for (int part = 0; part < (int)count; part++) multiply_block(&j, part);
  }
}

void sl_multiply(const sl_product *shape, size_t first, size_t end, const void *x,
                 const float *addend, void *y, size_t lanes) {
  multiply(shape, first, end, x, addend, y, lanes, 0, SIZE_MAX, 0);
}

void sl_multiply_leading(const sl_product *shape, size_t first, size_t end, const void *x, float *y,
                         size_t lanes, size_t until) {
  sl_product sums = *shape;
  sums.relu = sums.half_result = 0;
  multiply(&sums, first, end, x, 0, y, lanes, 0, until, 0);
}

void sl_multiply_after(const sl_product *shape, size_t first, size_t end, const void *x,
                       const float *addend, void *y, size_t lanes, size_t until,
                       const float *so_far) {
  multiply(shape, first, end, x, addend, y, lanes, until, SIZE_MAX, so_far);
}
