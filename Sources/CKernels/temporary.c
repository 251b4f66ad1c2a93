#include "kernels.h"
#include "numerics.h"
size_t sl_draw_bernoulli(const float *logits, const double *uniforms, uint8_t *symbols, size_t n) {
  size_t bad = 0;
  for (size_t i = 0; i < n; i++) { bad += logits[i] != logits[i]; symbols[i] = uniforms[i] < (double)sl_sigmoid(logits[i]); }
  return bad; }
SL_CLONES size_t sl_draw_categorical(const float *logits, const double *uniforms, uint8_t *symbols, size_t n, size_t k) {
  size_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    const float *row = logits + i * k;
    float top = row[0];
    for (size_t j = 0; j < k; j++) top = row[j] > top ? row[j] : top;
    float p[256];
    double total = 0;
    for (size_t j = 0; j < k; j++) p[j] = sl_exp_negative(row[j] - top);
    for (size_t j = 0; j < k; j++) total += p[j];
    bad += total != total;
    double left = uniforms[i] * total;
    size_t level = 0;
    for (; level + 1 < k; level++) { left -= p[level]; if (left < 0) break; }
    symbols[i] = (uint8_t)level;
  }
  return bad; }
