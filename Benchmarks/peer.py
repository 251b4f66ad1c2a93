"""What all models of the peers' side share, and their heads.

A model maps intensities 0…1 in memory order, [N, H W C], to outputs, [N, H W, K]: a logit of each pixel,
or what a mixture of logistics is made of. All formulations of one model compute the same function with
the same live weights: `python Benchmarks/check_models.py`.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    # What a convolution is given: torch.channels_last for the other layout.
    memory_format = torch.contiguous_format

    def theirs(self, name, values):
        """What Scanline's tensors, by name, hold for our parameter `name`, in its shape."""
        value = values[name.replace(".", "/")]
        own = self.get_parameter(name)
        if own.dim() == 4:
            # A full kernel has rows and columns that Scanline crops away.
            return F.pad(value, (0, own.shape[3] - value.shape[3], 0, own.shape[2] - value.shape[2]))
        return value.reshape(own.shape)

    def masked_layers(self):
        return [layer for layer in self.modules() if hasattr(layer, "mask")]

    def live_parameters(self):
        """Weights that a mask does not hold at zero, and biases."""
        dead = sum(
            int((layer.mask.expand_as(layer.weight) == 0).sum()) for layer in self.masked_layers()
        )
        return sum(p.numel() for p in self.parameters()) - dead

    def mask_gradients(self):
        """To be called after every backward pass: what is held at zero then stays there under
        AdamW, and no forward pass needs to multiply by a mask."""
        held = [layer for layer in self.masked_layers() if layer.held]
        if held:
            torch._foreach_mul_([h.weight.grad for h in held], [h.mask for h in held])


class Bernoulli:
    """Binary images: one output a pixel, a logit."""

    levels, outputs = 2, 1

    def nats(self, outputs, x):
        """−log p of each image, [N], of outputs and intensities, [N, D]."""
        return F.binary_cross_entropy_with_logits(outputs.flatten(1), x, reduction="none").sum(1)


class LogisticMixture:
    """Mixtures of logistics (Salimans et al. 2017, equations 1 to 3), as peers write them: differences of
    sigmoids, kept from zero. Outputs of a pixel: logits [K], means [C, K], log scales [C, K], couplings
    [C (C − 1) / 2, K]."""

    def __init__(self, channels, levels=256, components=10):
        self.channels, self.levels, self.components = channels, levels, components
        self.outputs = components * (1 + 2 * channels + channels * (channels - 1) // 2)

    def nats(self, outputs, x):
        c = self.channels
        part = outputs.reshape(len(x), -1, self.outputs // self.components, self.components)
        x = 2 * x.reshape(len(x), -1, c, 1) - 1  # [N, H W, C, 1]
        means, scales, couplings = part[:, :, 1:].split([c, c, c * (c - 1) // 2], dim=2)
        couplings = torch.tanh(couplings)
        shifts = []
        for channel in range(c):
            first = channel * (channel - 1) // 2
            own = couplings[:, :, first : first + channel] * x[:, :, :channel]
            shifts.append(own.sum(2))
        centred = x - (means + torch.stack(shifts, dim=2))  # [N, H W, C, K]
        scales = scales.clamp(min=-7 + math.log(255 / (self.levels - 1)))
        inverse, half = torch.exp(-scales), 1 / (self.levels - 1)
        above = torch.sigmoid((centred + half) * inverse).masked_fill(x > 1 - half, 1)
        below = torch.sigmoid((centred - half) * inverse).masked_fill(x < half - 1, 0)
        logs = torch.log((above - below).clamp(min=1e-12)).sum(2)  # [N, H W, K]
        weights = torch.log_softmax(part[:, :, 0], dim=2)
        return -torch.logsumexp(weights + logs, dim=2).sum(1)


def head_of(kind, shape, levels=256, components=None):
    if kind == "bernoulli":
        return Bernoulli()
    return LogisticMixture(shape[2], levels, components or 10)


def number(text):
    """The value of a setting: a whole number, on or off, or a word."""
    if text in ("on", "off"):
        return text == "on"
    return int(text) if text.isdigit() else text
