// What conditionals say of the symbols that were found, a number a sub-pixel, in one pass over the logits;
// and a loop over images for whatever is computed from it, on the same threads.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  // One array a member, [images, subpixels, levels], for a Bernoulli [images, subpixels]; with several
  // the conditionals are the mean of theirs.
  const float *const *logits;
  size_t members;
  size_t images, subpixels;
  const uint8_t *symbols;  // [images, subpixels]
  const uint64_t *keys;    // [images], of the draws of `pit`
  // Results, [images, subpixels]; all but the first may be NULL, and of two that go together both.
  float *surprise;  // s = -log2 p(symbol), bits
  float *entropy;   // its mean under the conditional, bits
  float *variance;  // and its variance, bits squared
  float *pit;       // F(symbol - 1) + U p(symbol), uniform where the conditional is right
  float *error;     // the conditional's mean level less the symbol, levels
  float *spread;    // and its variance, levels squared
} sl_evidence;

void sl_bernoulli_evidence(const sl_evidence *evidence);
// levels 2 ... 256
void sl_categorical_evidence(const sl_evidence *evidence, size_t levels);

// Calls body for every index below count, contiguous runs of them a thread.
void sl_for_each(size_t count, void *context, void (*body)(void *context, size_t index));

#ifdef __cplusplus
}
#endif
