// Causal attention over all positions, or over the next.
#include "attention.h"

#define KERNEL_FILE "attention_tiles.h"
#include "every_kind.h"

typedef struct {
  sizes sizes;
  const void *q, *kv, *y, *dy;
  const float *log_sums;
  void *out, *dq, *dkv;
  float *logs, *scratch;
  size_t stride;
} attention_job;

SL_INLINE float element(const void *x, size_t i, int half) {
  return half ? sl_widen(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

// Takes the next so many words of scratch.
SL_INLINE void *take(float **scratch, size_t count) {
  float *taken = *scratch;
  *scratch += count;
  return taken;
}

// An item is a head of an image.
SL_CLONES static void attention_part(void *data, size_t begin, size_t end, int thread) {
  const attention_job *j = data;
  const sizes *z = &j->sizes;
  const sl_attention s = z->shape;
  const size_t L = s.length, P = z->positions, size = s.half ? 2 : 4;
  const size_t q_stride = s.heads * s.keys, kv_stride = s.groups * (s.keys + s.values);
  float *scratch = j->scratch + (size_t)thread * j->stride;
  uint32_t *keys = take(&scratch, P * z->key_words);
  uint32_t *q = take(&scratch, P * z->key_words);
  uint32_t *values = take(&scratch, P / z->each * z->width);
  float *rows = take(&scratch, QUERIES * z->width);
  for (size_t item = begin; item < end; item++) {
    const size_t image = item / s.heads, head = item % s.heads, group = head / (s.heads / s.groups);
    const char *kv = (const char *)j->kv + image * L * kv_stride * size;
    const size_t value = s.groups * s.keys + group * s.values;
    pack_slabs(z, kv, kv_stride, group * s.keys, s.keys, keys);
    pack_columns(z, kv, kv_stride, value, s.values, z->width, values);
    pack_rows(z, (const char *)j->q + image * L * q_stride * size, q_stride, head * s.keys, s.keys, q);
    const size_t y_stride = s.heads * s.values;
    const place to = {(char *)j->out + image * L * y_stride * size, y_stride, head * s.values,
                      j->logs ? j->logs + item * L : 0};
    KIND_OF(attend_all, s.half)(z, q, keys, values, &to, rows);
  }
}

size_t sl_attention_scratch_count(const sl_attention *s, int gradient) {
  const sizes z = sizes_of(s);
  const size_t along = (z.depth + z.width) / z.each + z.key_words + z.value_words;
  const size_t one = gradient ? 2 * along + 2 * z.depth + z.width + 2 : along + z.key_words;
  return (size_t)sl_threads() * whole(z.positions * one + QUERIES * z.width, LANES);
}

static void run(sl_body body, attention_job *j, float *scratch, int gradient) {
  const sl_attention *s = &j->sizes.shape;
  j->scratch = scratch;
  j->stride = sl_attention_scratch_count(s, gradient) / (size_t)sl_threads();
  sl_parallel(body, j, s->images * (gradient ? s->groups : s->heads), 1);
}

void sl_attend(const sl_attention *s, const void *q, const void *kv, void *y, float *log_sums,
               float *scratch) {
  attention_job j = {.sizes = sizes_of(s), .q = q, .kv = kv, .out = y, .logs = log_sums};
  run(attention_part, &j, scratch, 0);
}

// An item is a head of keys and values of an image, with all heads of queries that it serves.
SL_CLONES static void gradient_part(void *data, size_t begin, size_t end, int thread) {
  const attention_job *j = data;
  const sizes *z = &j->sizes;
  const sl_attention s = z->shape;
  const size_t L = s.length, P = z->positions, size = s.half ? 2 : 4;
  const size_t q_stride = s.heads * s.keys, y_stride = s.heads * s.values;
  const size_t kv_stride = s.groups * (s.keys + s.values), share = s.heads / s.groups;
  const float scale = 1.0f / __builtin_sqrtf((float)s.keys);
  float *scratch = j->scratch + (size_t)thread * j->stride;
  uint32_t *keys = take(&scratch, P * z->key_words), *q_rows = take(&scratch, P * z->key_words);
  uint32_t *values = take(&scratch, P * z->value_words);
  uint32_t *dy_rows = take(&scratch, P * z->value_words);
  uint32_t *key_columns = take(&scratch, P / z->each * z->depth);
  uint32_t *q_columns = take(&scratch, P / z->each * z->depth);
  uint32_t *dy_columns = take(&scratch, P / z->each * z->width);
  float *dq = take(&scratch, P * z->depth), *dk = take(&scratch, P * z->depth);
  float *dv = take(&scratch, P * z->width);
  float *log_sums = take(&scratch, P), *balance = take(&scratch, P);
  const gradient_sums g = {q_rows, q_columns, dy_rows, dy_columns, keys, key_columns, values,
                           log_sums, balance, dq, dk, dv};
  for (size_t item = begin; item < end; item++) {
    const size_t image = item / s.groups, group = item % s.groups;
    const char *kv = (const char *)j->kv + image * L * kv_stride * size;
    const char *q = (const char *)j->q + image * L * q_stride * size;
    const char *dy = (const char *)j->dy + image * L * y_stride * size;
    const char *y = (const char *)j->y + image * L * y_stride * size;
    const size_t key = group * s.keys, value = s.groups * s.keys + group * s.values;
    pack_slabs(z, kv, kv_stride, key, s.keys, keys);
    pack_columns(z, kv, kv_stride, key, s.keys, z->depth, key_columns);
    pack_slabs(z, kv, kv_stride, value, s.values, values);
    memset(dk, 0, P * z->depth * sizeof(float));
    memset(dv, 0, P * z->width * sizeof(float));
    for (size_t head = group * share; head < (group + 1) * share; head++) {
      const size_t query = head * s.keys, out = head * s.values;
      const float *logs = j->log_sums + (image * s.heads + head) * L;
      pack_rows(z, q, q_stride, query, s.keys, q_rows);
      pack_columns(z, q, q_stride, query, s.keys, z->depth, q_columns);
      pack_rows(z, dy, y_stride, out, s.values, dy_rows);
      pack_columns(z, dy, y_stride, out, s.values, z->width, dy_columns);
      memset(dq, 0, P * z->depth * sizeof(float));
      for (size_t i = 0; i < P; i++) {
        float sum = 0;
        for (size_t d = 0; i < L && d < s.values; d++) {
          const size_t at = i * y_stride + out + d;
          sum += element(dy, at, s.half) * element(y, at, s.half);
        }
        balance[i] = sum;
        log_sums[i] = i < L ? 1.44269504f * logs[i] : __builtin_inff();
      }
      KIND_OF(gradient, s.half)(z, &g);
      EACH(i, L * z->depth) dq[i] *= scale;
      unpack(dq, L, q_stride, query, s.keys, z->depth, s.half, (char *)j->dq + image * L * q_stride * size);
    }
    EACH(i, L * z->depth) dk[i] *= scale;
    char *dkv = (char *)j->dkv + image * L * kv_stride * size;
    unpack(dk, L, kv_stride, key, s.keys, z->depth, s.half, dkv);
    unpack(dv, L, kv_stride, value, s.values, z->width, s.half, dkv);
  }
}

void sl_attend_gradient(const sl_attention *s, const void *dy, const void *q, const void *kv,
                        const void *y, const float *log_sums, void *dq, void *dkv, float *scratch) {
  attention_job j = {.sizes = sizes_of(s), .q = q, .kv = kv, .y = y, .dy = dy, .log_sums = log_sums,
                     .dq = dq, .dkv = dkv};
  run(gradient_part, &j, scratch, 1);
}

// Words of one head's keys and values.
SL_INLINE size_t head_words(const sizes *z) {
  return z->positions * z->key_words + z->positions / z->each * z->width;
}

size_t sl_attention_memory_bytes(const sl_attention *s) {
  const sizes z = sizes_of(s);
  return whole(s->groups * head_words(&z) * sizeof(uint32_t), 64);
}

SL_INLINE void put(void *x, size_t i, const void *from, size_t j, int half) {
  if (half) {
    ((uint16_t *)x)[i] = ((const uint16_t *)from)[j];
  } else {
    ((uint32_t *)x)[i] = ((const uint32_t *)from)[j];
  }
}

void sl_attend_next(const sl_attention *s, size_t position, const void *q, const void *kv,
                    void *memory, void *y) {
  const sizes z = sizes_of(s);
  const size_t bytes = sl_attention_memory_bytes(s), each = z.each, share = s->heads / s->groups;
  uint32_t queries[QUERIES * z.key_words];
  float sums[QUERIES * z.width];
  for (size_t image = 0; image < s->images; image++) {
    const size_t row = image * s->groups * (s->keys + s->values);
    for (size_t group = 0; group < s->groups; group++) {
      uint32_t *keys = (uint32_t *)((char *)memory + image * bytes) + group * head_words(&z);
      uint32_t *values = keys + z.positions * z.key_words;
      const size_t key = row + group * s->keys, value = row + s->groups * s->keys + group * s->values;
      const size_t block = position / LANES * z.key_words, lane = position % LANES;
      for (size_t d = 0; d < s->keys; d++) {
        put(keys, ((block + d / each) * LANES + lane) * each + d % each, kv, key + d, s->half);
      }
      for (size_t d = 0; d < s->values; d++) {
        put(values, (position / each * z.width + d) * each + position % each, kv, value + d, s->half);
      }
      for (size_t served = 0, count; served < share; served += count) {
        const size_t head = image * s->heads + group * share + served;
        count = share - served < QUERIES ? share - served : QUERIES;
        for (size_t m = 0; m < count; m++) {
          pack_row(q, (head + m) * s->keys, s->keys, s->half, queries + m * z.key_words, 1);
        }
        KIND_OF(attend_one, s->half)(&z, queries, count, keys, values, position, sums);
        unpack(sums, count, s->values, head * s->values, s->values, z.width, s->half, y);
      }
    }
  }
}
