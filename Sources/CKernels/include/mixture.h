// Mixtures of logistic distributions over the levels of a pixel's channels (Salimans et al. 2017,
// arXiv:1701.05517, equations 1-3), from a network's outputs, a row a pixel:
//
//     logits [components], means [channels, components], log scales [channels, components],
//     couplings [channels (channels - 1) / 2, components], those of channel c to the channels before it
//     from c (c - 1) / 2 on
//
// A level's intensity is 2 level / (levels - 1) - 1; it has its bin, the lowest all that lies below it too,
// the highest all above. Log scales are kept within -7 + log(255 / (levels - 1)) ... 60.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "evidence.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SL_MOST_COMPONENTS = 64, SL_MOST_CHANNELS = 4 };
typedef struct {
  size_t components, channels, levels;
} sl_mixture;

// Outputs a pixel.
size_t sl_mixture_outputs(const sl_mixture *shape);
// y [pixels, channels] = log p of each symbol given the channels before it, nats.
void sl_mixture_log_probability(const sl_mixture *shape, const float *outputs,
                                const uint8_t *symbols, float *y, size_t pixels);
// The gradient of the sum of dy times those.
void sl_mixture_gradient_f32(const sl_mixture *shape, const float *dy, const float *outputs,
                             const uint8_t *symbols, float *doutputs, size_t pixels);
void sl_mixture_gradient_bf16(const sl_mixture *shape, const float *dy, const float *outputs,
                              const uint8_t *symbols, uint16_t *doutputs, size_t pixels);
// Draws channel `channel` of each pixel, whose channels before it are given [pixels, channel]: a
// component by its share given those, then a logistic number by what is left of the uniform. On the
// calling thread alone; bits of a draw depend on its own pixel and uniform. Returns of how many draws an
// output is not a number, which get no meaning.
size_t sl_draw_mixture(const sl_mixture *shape, const float *outputs, const uint8_t *given,
                       size_t channel, const double *uniforms, uint8_t *symbols, size_t pixels);
// `logits` has one member, its outputs; subpixels are a multiple of channels.
void sl_mixture_evidence(const sl_evidence *evidence, const sl_mixture *shape);

#ifdef __cplusplus
}
#endif
