// Causal attention over all positions, or over the next.
#include "attention.h"

typedef struct {
  sl_attention shape;
  const void *q, *kv, *y, *dy;
  const float *log_sums;
  void *out, *dq, *dkv;
  float *logs, *scratch;
  size_t stride;
  // Of one head: whole blocks of positions, whole lanes of values and of keys.
  size_t positions, width, depth;
} attention_job;

static attention_job job_of(const sl_attention *s) {
  return (attention_job){
      .shape = *s,
      .positions = whole(s->length, BLOCK),
      .width = whole(s->values, LANES),
      .depth = whole(s->keys, LANES),
  };
}

// x [length, stride] from a column on, as slabs [positions / 16][columns][16]; zero beyond.
SL_INLINE void pack_slabs(const void *x, size_t length, size_t stride, size_t column, size_t columns,
                          size_t positions, int half, float *slabs) {
  memset(slabs, 0, positions * columns * sizeof(float));
  for (size_t i = 0; i < length; i++) {
    float *to = slabs + key_place(i, columns);
    for (size_t d = 0; d < columns; d++) to[d * LANES] = element(x, i * stride + column + d, half);
  }
}

// The same as rows [positions, width].
SL_INLINE void pack_rows(const void *x, size_t length, size_t stride, size_t column, size_t columns,
                         size_t positions, size_t width, float scale, int half, float *rows) {
  memset(rows, 0, positions * width * sizeof(float));
  for (size_t i = 0; i < length; i++) {
    EACH(d, columns) rows[i * width + d] = scale * element(x, i * stride + column + d, half);
  }
}

SL_INLINE void unpack_rows(const float *rows, size_t length, size_t stride, size_t column,
                           size_t columns, size_t width, int half, void *x) {
  for (size_t i = 0; i < length; i++) {
    if (half) {
      uint16_t *to = (uint16_t *)x + i * stride + column;
      EACH(d, columns) to[d] = sl_narrow(rows[i * width + d]);
    } else {
      memcpy((float *)x + i * stride + column, rows + i * width, columns * sizeof(float));
    }
  }
}

SL_INLINE float scale_of(const sl_attention *s) { return 1.0f / __builtin_sqrtf((float)s->keys); }

// An item is a head of an image.
SL_CLONES static void attention_part(void *data, size_t begin, size_t end, int thread) {
  const attention_job *j = data;
  const sl_attention s = j->shape;
  const size_t L = s.length, P = j->positions, size = s.half ? 2 : 4;
  const size_t kv_stride = s.heads * (s.keys + s.values);
  float *keys = j->scratch + (size_t)thread * j->stride;
  float *values = keys + P * s.keys, *q = values + P * j->width, *y = q + P * j->depth;
  for (size_t item = begin; item < end; item++) {
    const size_t image = item / s.heads, head = item % s.heads;
    const char *kv = (const char *)j->kv + image * L * kv_stride * size;
    pack_slabs(kv, L, kv_stride, head * s.keys, s.keys, P, s.half, keys);
    pack_rows(kv, L, kv_stride, s.heads * s.keys + head * s.values, s.values, P, j->width, 1, s.half,
              values);
    pack_rows((const char *)j->q + image * L * s.heads * s.keys * size, L, s.heads * s.keys,
              head * s.keys, s.keys, P, j->depth, scale_of(&s), s.half, q);
    for (size_t i = 0; i < L; i += QUERIES) {
      const float *from[QUERIES];
      float *to[QUERIES], logs[QUERIES];
      for (size_t m = 0; m < QUERIES; m++) {
        from[m] = q + (i + m) * j->depth;
        to[m] = y + (i + m) * j->width;
      }
      attend(QUERIES, from, keys, values, s.keys, j->width, i, 0, to, logs);
      for (size_t m = 0; j->logs && m < QUERIES && i + m < L; m++) j->logs[item * L + i + m] = logs[m];
    }
    unpack_rows(y, L, s.heads * s.values, head * s.values, s.values, j->width, s.half,
                (char *)j->out + image * L * s.heads * s.values * size);
  }
}

size_t sl_attention_scratch_count(const sl_attention *s, int gradient) {
  const attention_job j = job_of(s);
  const size_t one = gradient ? 4 * j.depth + 4 * j.width + s->keys + s->values + 2
                              : s->keys + j.depth + 2 * j.width;
  return (size_t)sl_threads() * whole(j.positions * one, LANES);
}

static void run(sl_body body, attention_job *j, float *scratch, int gradient) {
  j->scratch = scratch;
  j->stride = sl_attention_scratch_count(&j->shape, gradient) / (size_t)sl_threads();
  sl_parallel(body, j, j->shape.images * j->shape.heads, 1);
}

void sl_attend(const sl_attention *s, const void *q, const void *kv, void *y, float *log_sums,
               float *scratch) {
  attention_job j = job_of(s);
  j.q = q;
  j.kv = kv;
  j.out = y;
  j.logs = log_sums;
  run(attention_part, &j, scratch, 0);
}

// The rows of x that a tile of queries adds to: x[j] += the sum over m of p[m][j] a[m], for j < count.
SL_INLINE void add_to_rows(const float (*p)[BLOCK], const float *const *a, size_t width, size_t count,
                           float *x) {
  for (size_t z = 0; z < width; z += LANES) {
    lanes left[QUERIES];
    UNROLL for (int m = 0; m < QUERIES; m++) left[m] = *(const loose_lanes *)(a[m] + z);
    for (size_t j = 0; j < count; j++) {
      lanes c = *(const loose_lanes *)(x + j * width + z);
      UNROLL for (int m = 0; m < QUERIES; m++) {
        c = __builtin_elementwise_fma((lanes)p[m][j], left[m], c);
      }
      *(loose_lanes *)(x + j * width + z) = c;
    }
  }
}

// Weights are computed anew from the scores and their log-sums.
SL_CLONES static void gradient_part(void *data, size_t begin, size_t end, int thread) {
  const attention_job *j = data;
  const sl_attention s = j->shape;
  const size_t L = s.length, P = j->positions, size = s.half ? 2 : 4;
  const size_t kv_stride = s.heads * (s.keys + s.values), y_stride = s.heads * s.values;
  const float scale = scale_of(&s);
  float *keys = j->scratch + (size_t)thread * j->stride, *key_rows = keys + P * s.keys;
  float *values = key_rows + P * j->depth, *q = values + P * s.values, *dq = q + P * j->depth;
  float *dk = dq + P * j->depth, *dv = dk + P * j->depth, *dy = dv + P * j->width;
  float *y = dy + P * j->width, *balance = y + P * j->width;
  for (size_t item = begin; item < end; item++) {
    const size_t image = item / s.heads, head = item % s.heads;
    const char *kv = (const char *)j->kv + image * L * kv_stride * size;
    const size_t value_column = s.heads * s.keys + head * s.values;
    pack_slabs(kv, L, kv_stride, head * s.keys, s.keys, P, s.half, keys);
    pack_rows(kv, L, kv_stride, head * s.keys, s.keys, P, j->depth, 1, s.half, key_rows);
    pack_slabs(kv, L, kv_stride, value_column, s.values, P, s.half, values);
    pack_rows((const char *)j->q + image * L * s.heads * s.keys * size, L, s.heads * s.keys,
              head * s.keys, s.keys, P, j->depth, scale, s.half, q);
    pack_rows((const char *)j->dy + image * L * y_stride * size, L, y_stride, head * s.values, s.values,
              P, j->width, 1, s.half, dy);
    pack_rows((const char *)j->y + image * L * y_stride * size, L, y_stride, head * s.values, s.values,
              P, j->width, 1, s.half, y);
    memset(dq, 0, 3 * P * j->depth * sizeof(float));
    memset(dv, 0, P * j->width * sizeof(float));
    for (size_t i = 0; i < P; i++) {
      float sum = 0;
      for (size_t d = 0; d < s.values; d++) sum += dy[i * j->width + d] * y[i * j->width + d];
      balance[i] = sum;
    }
    for (size_t i = 0; i < L; i += QUERIES) {
      const float *of_q[QUERIES], *of_dy[QUERIES];
      float *of_dq[QUERIES], p[QUERIES][BLOCK], ds[QUERIES][BLOCK];
      for (size_t m = 0; m < QUERIES; m++) {
        of_q[m] = q + (i + m) * j->depth;
        of_dy[m] = dy + (i + m) * j->width;
        of_dq[m] = dq + (i + m) * j->depth;
      }
      const size_t last = i + QUERIES - 1;
      for (size_t at = 0; at <= last; at += BLOCK) {
        const size_t seen = last + 1 - at < BLOCK ? last + 1 - at : BLOCK;
        block_products(QUERIES, of_q, keys + at * s.keys, s.keys, 0, 0, p);
        block_products(QUERIES, of_dy, values + at * s.values, s.values, 0, 0, ds);
        for (size_t m = 0; m < QUERIES; m++) {
          const size_t own = i + m + 1 - at, count = i + m < L ? (own < seen ? own : seen) : 0;
          const float log_sum = i + m < L ? j->log_sums[item * L + i + m] : 0;
          float *weights = p[m], *slopes = ds[m];
          const float mean = balance[i + m];
          EACH(k, BLOCK) {
            const float weight = k < count ? sl_exp(weights[k] - log_sum) : 0.0f;
            weights[k] = weight;
            slopes[k] = k < count ? weight * (slopes[k] - mean) : 0.0f;
          }
        }
        add_rows(QUERIES, ds, key_rows + at * j->depth, j->depth, seen, 0, of_dq);
        add_to_rows(ds, of_q, j->depth, seen, dk + at * j->depth);
        add_to_rows(p, of_dy, j->width, seen, dv + at * j->width);
      }
    }
    for (size_t i = 0; i < L * j->depth; i++) dq[i] *= scale;
    char *dkv = (char *)j->dkv + image * L * kv_stride * size;
    unpack_rows(dq, L, s.heads * s.keys, head * s.keys, s.keys, j->depth, s.half,
                (char *)j->dq + image * L * s.heads * s.keys * size);
    unpack_rows(dk, L, kv_stride, head * s.keys, s.keys, j->depth, s.half, dkv);
    unpack_rows(dv, L, kv_stride, value_column, s.values, j->width, s.half, dkv);
  }
}

void sl_attend_gradient(const sl_attention *s, const void *dy, const void *q, const void *kv,
                        const void *y, const float *log_sums, void *dq, void *dkv, float *scratch) {
  attention_job j = job_of(s);
  j.q = q;
  j.kv = kv;
  j.y = y;
  j.dy = dy;
  j.log_sums = log_sums;
  j.dq = dq;
  j.dkv = dkv;
  run(gradient_part, &j, scratch, 1);
}

size_t sl_attention_memory_bytes(const sl_attention *s) {
  const attention_job j = job_of(s);
  const size_t numbers = s->heads * j.positions * (s->keys + j.width);
  return whole(numbers * (s->half ? 2 : 4), 64);
}

SL_CLONES void sl_attend_next(const sl_attention *s, size_t position, const void *q, const void *kv,
                              void *memory, void *y) {
  const attention_job j = job_of(s);
  const size_t size = s->half ? 2 : 4, bytes = sl_attention_memory_bytes(s);
  const float scale = scale_of(s);
  float query[j.depth], sum[j.width];
  const float *from[QUERIES] = {query};
  float *to[QUERIES] = {sum};
  for (size_t image = 0; image < s->images; image++) {
    char *own = (char *)memory + image * bytes;
    for (size_t head = 0; head < s->heads; head++) {
      char *keys = own + head * j.positions * (s->keys + j.width) * size;
      char *values = keys + j.positions * s->keys * size;
      const size_t key = image * s->heads * (s->keys + s->values) + head * s->keys;
      const size_t value = image * s->heads * (s->keys + s->values) + s->heads * s->keys + head * s->values;
      for (size_t d = 0; d < s->keys; d++) {
        put(keys, key_place(position, s->keys) + d * LANES, element(kv, key + d, s->half), s->half);
        query[d] = scale * element(q, (image * s->heads + head) * s->keys + d, s->half);
      }
      for (size_t d = 0; d < s->values; d++) {
        put(values, position * j.width + d, element(kv, value + d, s->half), s->half);
      }
      attend(1, from, keys, values, s->keys, j.width, position, s->half, to, 0);
      for (size_t d = 0; d < s->values; d++) {
        put(y, (image * s->heads + head) * s->values + d, sum[d], s->half);
      }
    }
  }
}
