#include <math.h>
#include <string.h>

#include "kernels.h"
#include "lanes.h"

#pragma clang fp contract(fast)

// A matrix in scratch, its sides padded with zeros: rows to LANES, columns to BLOCK.
enum { BLOCK = 64, TURNS = 5 };

// The norm of a matrix, below which it moves ever less: that of a dead layer decays to nothing.
static const double VANISHING = 1e-7;

SL_INLINE size_t padded(size_t count, size_t grain) { return (count + grain - 1) / grain * grain; }

// The sides of the matrix as it lies in scratch: no more rows than columns.
SL_INLINE size_t short_side(const sl_muon_matrix *m) {
  return padded(m->rows < m->columns ? m->rows : m->columns, LANES);
}
SL_INLINE size_t long_side(const sl_muon_matrix *m) {
  return padded(m->rows < m->columns ? m->columns : m->rows, BLOCK);
}

// x and its successor, and the three square matrices of a turn.
static size_t scratch_of(const sl_muon_matrix *m) {
  const size_t rows = short_side(m);
  return 2 * rows * long_side(m) + 3 * rows * rows;
}

size_t sl_muon_scratch_count(const sl_muon_matrix *matrices, size_t count) {
  size_t most = 0;
  for (size_t i = 0; i < count; i++) {
    const size_t scratch = scratch_of(matrices + i);
    if (scratch > most) most = scratch;
  }
  return most * (size_t)sl_parts(count, 1);
}

// y [rows, rows] = x xᵀ of x [rows, depth], both sides multiples of LANES.
SL_INLINE void gram(const float *x, size_t rows, size_t depth, float *y) {
  for (size_t i = 0; i < rows; i += 4) {
    for (size_t j = 0; j <= i; j += 4) {
      lanes sums[4][4] = {{0}};
      for (size_t k = 0; k < depth; k += LANES) {
        lanes a[4], b[4];
        UNROLL for (int n = 0; n < 4; n++) {
          a[n] = *(const loose_lanes *)(x + (i + n) * depth + k);
          b[n] = *(const loose_lanes *)(x + (j + n) * depth + k);
        }
        UNROLL for (int n = 0; n < 4; n++) {
          UNROLL for (int m = 0; m < 4; m++) {
            sums[n][m] = __builtin_elementwise_fma(a[n], b[m], sums[n][m]);
          }
        }
      }
      for (int n = 0; n < 4; n++) {
        for (int m = 0; m < 4; m++) {
          float sum = 0;
          UNROLL for (int lane = 0; lane < LANES; lane++) sum += sums[n][m][lane];
          y[(i + n) * rows + j + m] = y[(j + m) * rows + i + n] = sum;
        }
      }
    }
  }
}

// y [rows, columns] = a x of a [rows, rows] and x [rows, columns].
SL_INLINE void multiply(const float *a, const float *x, size_t rows, size_t columns, float *y) {
  for (size_t j = 0; j < columns; j += BLOCK) {
    for (size_t i = 0; i < rows; i += 4) {
      lanes sums[4][4] = {{0}};
      for (size_t k = 0; k < rows; k++) {
        lanes b[4];
        UNROLL for (int m = 0; m < 4; m++) {
          b[m] = *(const loose_lanes *)(x + k * columns + j + (size_t)m * LANES);
        }
        UNROLL for (int n = 0; n < 4; n++) {
          const lanes factor = (lanes)a[(i + n) * rows + k];
          UNROLL for (int m = 0; m < 4; m++) {
            sums[n][m] = __builtin_elementwise_fma(factor, b[m], sums[n][m]);
          }
        }
      }
      UNROLL for (int n = 0; n < 4; n++) {
        UNROLL for (int m = 0; m < 4; m++) {
          *(loose_lanes *)(y + (i + n) * columns + j + (size_t)m * LANES) = sums[n][m];
        }
      }
    }
  }
}

// Where element (row, column) of the matrix lies in scratch.
SL_INLINE size_t place(const sl_muon_matrix *m, size_t row, size_t column, size_t stride) {
  return m->rows < m->columns ? row * stride + column : column * stride + row;
}

SL_INLINE void move(const sl_muon_step *step, const sl_muon_matrix *m, float *scratch) {
  const size_t rows = short_side(m), columns = long_side(m), count = m->rows * m->columns;
  float *x = scratch, *next = x + rows * columns;
  float *a = next + rows * columns, *b = a + rows * rows, *squared = b + rows * rows;
  memset(x, 0, rows * columns * sizeof(float));
  const float beta = step->momentum;
  double squares = 0;
  for (size_t i = 0; i < count; i++) {
    m->momentum[i] = beta * m->momentum[i] + (1 - beta) * m->gradient[i];
    const float ahead = beta * m->momentum[i] + (1 - beta) * m->gradient[i];
    squares += (double)ahead * ahead;
    x[place(m, i / m->columns, i % m->columns, columns)] = ahead;
  }
  const float inverse = (float)(1 / (sqrt(squares) + VANISHING));
  for (size_t i = 0; i < rows * columns; i++) x[i] *= inverse;
  for (int turn = 0; turn < TURNS; turn++) {
    gram(x, rows, columns, a);
    gram(a, rows, rows, squared);
    for (size_t i = 0; i < rows * rows; i++) b[i] = -4.7750f * a[i] + 2.0315f * squared[i];
    for (size_t i = 0; i < rows; i++) b[i * rows + i] += 3.4445f;
    multiply(b, x, rows, columns, next);
    float *swap = x;
    x = next;
    next = swap;
  }
  const size_t longer = m->rows < m->columns ? m->columns : m->rows;
  const float rate = step->learning_rate * sqrtf((float)longer);
  const float keep = 1 - step->learning_rate * step->weight_decay;
  const float old = step->average_decay, new = 1 - step->average_decay;
  for (size_t i = 0; i < count; i++) {
    float direction = x[place(m, i / m->columns, i % m->columns, columns)];
    if (m->mask) direction *= m->mask[i];
    m->weights[i] = keep * m->weights[i] - rate * direction;
    if (old != 1) m->average[i] = old * m->average[i] + new * m->weights[i];
  }
}

typedef struct {
  sl_muon_step step;
  const sl_muon_matrix *matrices;
  float *scratch;
  size_t scratch_of_part;
} job;

SL_CLONES static void muon_part(void *data, size_t begin, size_t end, int thread) {
  const job *j = data;
  float *scratch = j->scratch + (size_t)thread * j->scratch_of_part;
  for (size_t i = begin; i < end; i++) move(&j->step, j->matrices + i, scratch);
}

void sl_muon(const sl_muon_step *step, const sl_muon_matrix *matrices, size_t count,
             float *scratch) {
  job j = {*step, matrices, scratch,
           sl_muon_scratch_count(matrices, count) / (size_t)sl_parts(count, 1)};
  sl_parallel(muon_part, &j, count, 1);
}
