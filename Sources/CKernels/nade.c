// NADE (Larochelle and Murray 2011). The hidden state of an image changes only where a pixel is not
// zero, about one pixel in eight of a binarized digit. Between such places the forward pass is one
// dot product a pixel, and the backward pass can gather what the pixels want of the same state and
// send it through the sigmoid once. Both are exact for any x.
//
// Hidden units know nothing of one another. A block of them goes through all images before the next
// one does, so that its weights and their gradients stay in the second-level cache; read anew for each
// image they would come from the third. On the way back threads share out the blocks.
#include "nade_pass.h"

typedef struct {
  const float *w, *c, *v;
  float *packed;
  size_t dimension, hidden;
} packing;

// Items are rows of all blocks; zeros stand where hidden units do not fill the last.
SL_CLONES static void pack_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const packing *p = data;
  const size_t D = p->dimension, H = p->hidden;
  for (size_t row = begin; row < end; row++) {
    const float *from = row < D ? p->w + row * H : row == D ? p->c : p->v + (row - D - 1) * H;
    const float factor = row <= D ? FOLDED : 1.0f;
    for (size_t at = 0; at < H; at += BLOCK) {
      const size_t count = H - at < BLOCK ? H - at : BLOCK;
      float *to = p->packed + at / BLOCK * block_size(D) + row * BLOCK;
#pragma clang loop vectorize(assume_safety)
      for (size_t i = 0; i < count; i++) to[i] = factor * from[at + i];
      memset(to + count, 0, (BLOCK - count) * sizeof(float));
    }
  }
}

size_t sl_nade_packed_count(size_t dimension, size_t hidden) {
  return packed_size(dimension, hidden);
}

void sl_nade_pack(const float *w, const float *c, const float *v, size_t dimension, size_t hidden,
                  float *packed) {
  packing p = {w, c, v, packed, dimension, hidden};
  sl_parallel(pack_part, &p, rows_of(dimension), 64);
}

// Finds the pixels that are not zero. Items are tiles.
SL_CLONES static void find_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension;
  // A byte for each pixel of an image, whole words of them.
  enum { WORD = sizeof(uint64_t) };
  uint8_t *live = calloc(D + WORD, 1);
  for (size_t tile = begin; tile < end; tile++) {
    uint8_t *marks = j->marks + tile * D;
    memset(marks, 0, D);
    for (size_t n = tile * TILE; n < (tile + 1) * TILE && n < j->images; n++) {
      const float *x = j->x + n * D;
      for (size_t d = 0; d < D; d++) {
        live[d] = x[d] != 0;
        marks[d] |= (uint8_t)(live[d] << n % TILE);
      }
      pixel *pixels = j->pixels + n * (D + 1);
      uint32_t count = 0;
      for (size_t from = 0; from < D; from += WORD) {
        uint64_t word;
        memcpy(&word, live + from, WORD);
        for (; word; word &= word - 1) {
          const size_t d = from + (size_t)__builtin_ctzll(word) / 8;
          pixels[count++] = (pixel){(uint32_t)d, x[d]};
        }
      }
      pixels[count] = (pixel){0, 0};
      j->counts[n] = count;
    }
  }
  free(live);
}

void sl_nade_find(job *j) { sl_parallel(find_part, j, tiles_of(j->images), 1); }

SL_CLONES static void forward_part(void *data, size_t begin, size_t end, int thread) {
  (void)thread;
  const job *j = data;
  const size_t D = j->dimension, space = room(j, begin, end);
  lanes *states = numbers(GROUP * space * LANES);
  for (size_t n = begin; n < end; n++) memcpy(j->out + n * D, j->b, D * sizeof(float));
  for (size_t index = 0; index < blocks_of(j->hidden); index++) {
    const float *w = j->packed + index * block_size(D), *v = w + (D + 1) * BLOCK;
    for (size_t group = begin; group < end; group += GROUP) {
      const lanes *h[GROUP];
      for (size_t t = 0; t < GROUP; t++) {
        h[t] = states + t * space;
        hidden_states(j, w, group + t, states + t * space);
      }
      for (size_t from = 0; from < D; from += LANES) {
        const size_t length = D - from < LANES ? D - from : LANES;
        for (size_t tile = 0; tile < GROUP && group + tile < end; tile += TILE) {
          const uint8_t *marks = j->marks + (group + tile) / TILE * D + from;
          lanes products[TILE][LANES];
          for (size_t i = 0; i < length; i++) {
            const lanes *row = (const lanes *)(v + (from + i) * BLOCK);
            UNROLL for (int t = 0; t < TILE; t++) {
              const lanes *state = h[tile + t];
              // By name, so that the compiler rounds alike for every place in a batch.
              lanes product = state[0] * row[0];
              UNROLL for (int z = 1; z < VECTORS; z++) {
                product = __builtin_elementwise_fma(state[z], row[z], product);
              }
              products[t][i] = product;
              h[tile + t] = state + VECTORS * (marks[i] >> t & 1);
            }
          }
          for (size_t t = 0; t < TILE && group + tile + t < end; t++) {
            sum_each(products[t]);
            float *logits = j->out + (group + tile + t) * D + from;
            if (length == LANES) {
              *(loose_lanes *)logits += products[t][0];
            } else {
              for (size_t i = 0; i < length; i++) logits[i] += products[t][0][i];
            }
          }
        }
      }
    }
  }
  free(states);
}

size_t sl_nade_packed_scratch_count(size_t images, size_t dimension) {
  return marks_size(images, dimension);
}

void sl_nade_packed(const float *x, const float *packed, const float *b, float *logits,
                    size_t images, size_t dimension, size_t hidden, float *scratch) {
  job j = {.x = x, .packed = packed, .b = b, .out = logits,
           .images = images, .dimension = dimension, .hidden = hidden};
  place_marks(&j, scratch);
  sl_nade_find(&j);
  sl_parallel(forward_part, &j, images, GROUP);
}
