"""Makes the golden files: what PyTorch computes for small models of every family and head.

    pip install torch==2.15.0 numpy
    python Tests/Golden/make_golden.py [NAME ...]

Each model is written here anew from its paper's definition, in float64, and shares nothing with the
Swift sources but the names and shapes of the parameters. A golden file, one a model, holds

    specification     what Scanline builds the model from
    degrees           MADE only: the degrees of the hidden units by mask and layer
    count, symbols    the images, [N, H, W, C] in memory order
    parameters        name, shape, whether weight decay touches it, value, gradient
    logits            the outputs, in a training step: [N, D] (Bernoulli), [N, D, K] (categorical) or
                      [N, pixels, K] (mixture)
    logProbability    nats an image, at inference
    losses            mean nats an image before each of ten AdamW steps on those images, of a palette before the first

The gradients are those of the first loss. Everything is drawn from a seed, so that a second run
writes the same files.
"""

import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = Path(__file__).parent
IMAGES = 4
STEPS = 10
MODEL_SEED = 7
COMPONENTS = 3  # of a mixture

# MADE draws its degrees from Scanline's own random streams, so the drawn ones are given here, for
# MODEL_SEED, by image dimension and settings. The Swift test checks that the model still has them.
DEGREES = {
    (20, "13", 1): [[[1, 1, 7, 11, 12, 12, 12, 13, 15, 15, 16, 17, 17]]],
    (18, "13", 1): [[[1, 1, 7, 10, 11, 11, 11, 12, 13, 14, 15, 15, 15]]],
    (20, "11,9", 1): [
        [[1, 1, 7, 11, 12, 12, 13, 15, 15, 16, 17], [4, 4, 8, 9, 10, 12, 13, 16, 17]],
    ],
    (18, "11,9", 1): [
        [[1, 1, 7, 10, 11, 11, 12, 13, 14, 15, 15], [4, 4, 7, 8, 9, 11, 11, 15, 15]],
    ],
    (20, "11,9", 3): [
        [[15, 12, 1, 1, 12, 15, 17, 7, 11, 13, 16], [17, 12, 13, 9, 16, 4, 4, 10, 8]],
        [[12, 3, 19, 5, 3, 7, 19, 3, 7, 6, 18], [16, 15, 4, 19, 3, 9, 8, 3, 3]],
        [[8, 16, 12, 18, 4, 17, 1, 1, 7, 5, 1], [15, 4, 13, 3, 9, 13, 3, 10, 15]],
    ],
    (18, "11,9", 3): [
        [[14, 11, 1, 1, 11, 13, 15, 7, 10, 12, 15], [15, 11, 11, 8, 15, 4, 4, 9, 7]],
        [[11, 3, 17, 5, 3, 6, 17, 3, 6, 6, 16], [15, 13, 4, 17, 3, 8, 8, 3, 3]],
        [[7, 14, 11, 17, 4, 16, 1, 1, 6, 5, 1], [13, 4, 12, 3, 8, 12, 3, 9, 13]],
    ],
}


class Model:
    """Parameters by name, and what all families share."""

    degrees = None

    def __init__(self, case, image, levels, outputs, told, generator):
        self.height, self.width, self.colours = image
        self.dimension = math.prod(image)  # D
        self.levels = levels
        self.outputs = outputs  # K: outputs a step
        self.told = told  # sub-pixels that each step tells
        self.steps = self.dimension // told
        self.groups = self.colours // told  # steps a pixel: the channels that masks tell apart
        self.generator = generator
        self.parameters = {}
        self.crops = {}
        self.build(case)

    def draw(self, name, shape, live=None, crop=None, learns=True, part=1):
        """A parameter none of whose live elements is zero: a multiple of 1/256 below 1/2 in
        magnitude, so that it is the same number in float64, float32 and bfloat16. Biases are
        positive, so that few rectifiers are shut. `crop` is the part that Scanline keeps. All are
        multiplied by `part`, a power of two."""
        magnitude = torch.randint(1, 128, shape, generator=self.generator)
        sign = 2 * torch.randint(0, 2, shape, generator=self.generator) - 1
        value = (magnitude if name.endswith("bias") else magnitude * sign).double() / 256 * part
        if live is not None:
            value = value * live
        self.parameters[name] = value.requires_grad_(learns)
        self.crops[name] = crop or (lambda whole: whole)
        return self.parameters[name]

    def unit(self, symbols):
        """Intensities 0…1, [N, D]."""
        return symbols.reshape(len(symbols), -1).double() / (self.levels - 1)

    def weights(self, symbols, step):
        """Of each log-probability in a training step."""
        return 1

    def members(self, symbols):
        """Logits [N, D, K] of every member of the mixture that inference averages."""
        return [self.logits(symbols, step=0)]

    def stencil(self, layer, past):
        """What weights [steps K, D], of which `past` are live, have in common at all places."""
        outputs, across = self.groups * self.outputs, 2 * self.width - 1
        shape = (outputs * self.height, across * self.colours)
        places = torch.zeros(past.shape, dtype=torch.long)
        for row, e in past.nonzero().tolist():
            pixel, output = divmod(row, outputs)
            down = pixel // self.width - e // (self.width * self.colours)
            right = e // self.colours % self.width - pixel % self.width
            column = (right + self.width - 1) * self.colours + e % self.colours
            places[row, e] = (output * self.height + down) * shape[1] + column
        stencil = self.draw(f"{layer}/stencil", shape)
        return lambda: stencil.flatten()[places] * past

    def whitening(self):
        """What a fixed linear regression on the sub-pixels before leaves over, in deviations of its own:
        a function from x [N, D] to z and to outputs [N, D, 3 M] of x from those of z."""
        d, m = self.dimension, self.outputs // 3
        past = torch.arange(d)[None, :] < torch.arange(d)[:, None]
        weight = self.draw("whitening/weight", (d, d), live=past, learns=False)
        bias = self.draw("whitening/bias", (d,), learns=False)
        logs = self.draw("whitening/deviations", (d,), learns=False)

        def whitened(x):
            expected = F.linear(x, weight * past, bias)

            def of_pixels(outputs):
                shares, means, widths = outputs.split(m, dim=2)
                means = expected[:, :, None] + logs.exp()[:, None] * means
                return torch.cat([shares, means, widths + logs[:, None]], dim=2)

            return (x - expected) / logs.exp(), of_pixels

        return whitened


class FVSBN(Model):
    """logits_d = b_d + sum_{e<d} W_de x_e (Frey, Hinton and Dayan 1996). With a stencil W_de is a sum of
    one weight of the pair and one of all pairs that stand in the same way to each other."""

    def build(self, case):
        d, k = self.dimension, self.outputs
        rows = self.steps * k
        past = torch.arange(d)[None, :] < torch.arange(rows)[:, None] // k * self.told
        self.w = self.draw("regression/weight", (rows, d), live=past)
        self.b = self.draw("regression/bias", (rows,))
        self.shared = self.stencil("regression", past) if case.get("stencil") == "on" else lambda: 0

    def logits(self, symbols, step):
        x, k = self.unit(symbols), self.outputs
        w = self.w + self.shared()
        return torch.stack(
            [
                x[:, : s * self.told] @ w[s * k : (s + 1) * k, : s * self.told].T
                + self.b[s * k : (s + 1) * k]
                for s in range(self.steps)
            ],
            dim=1,
        )


class NADE(Model):
    """h_d = sigmoid(c + sum_{e<d} W_e x_e), logits_d = V_d h_d + b_d (Larochelle and Murray
    2011), and perhaps + sum_{e<d} A_de x_e. Units may be rectified, intensities whitened."""

    def build(self, case):
        d, k, h = self.dimension, self.outputs, int(case["hidden"])
        self.w = self.draw("w", (d, h))
        self.c = self.draw("c", (h,))
        self.v = self.draw("v", (d, k, h))
        self.b = self.draw("b", (d, k))
        past = torch.arange(d)[None, :] < torch.arange(d * k)[:, None] // k
        self.direct = lambda: 0 * past
        if case.get("direct") == "on":
            direct = self.draw("direct/weight", (d * k, d), live=past)
            self.direct = lambda: direct * past
        self.units = F.relu if case.get("units") == "rectified" else torch.sigmoid
        on = case.get("whiten") == "on"
        self.whitened = self.whitening() if on else lambda x: (x, lambda outputs: outputs)

    def logits(self, symbols, step):
        x, of_pixels = self.whitened(self.unit(symbols))
        logits = []
        for d in range(self.dimension):
            a = self.c.expand(len(x), -1)
            for e in range(d):
                a = a + x[:, e, None] * self.w[e]
            logits.append(self.units(a) @ self.v[d].T + self.b[d])
        logits = torch.stack(logits, dim=1)
        return of_pixels(logits + F.linear(x, self.direct().double()).reshape(logits.shape))


class RandomStream:
    """Scanline's random streams (Sources/Randomness/RandomStream.swift): xoshiro256** seeded by a hash of
    the key."""

    WORD = (1 << 64) - 1

    def __init__(self, seed, purpose, *indices):
        state = 0xCBF29CE484222325
        for word in [seed, *purpose.encode(), *((i + (1 << 32)) & self.WORD for i in indices)]:
            state = self.mixed(state ^ word)
        self.state = []
        for _ in range(4):
            state = (state + 0x9E3779B97F4A7C15) & self.WORD
            self.state.append(self.mixed(state))

    def mixed(self, word):
        z = (word + 0x9E3779B97F4A7C15) & self.WORD
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.WORD
        return z ^ (z >> 31)

    def next(self):
        def rotated(x, k):
            return ((x << k) | (x >> (64 - k))) & self.WORD

        s = self.state
        result = (rotated((s[1] * 5) & self.WORD, 7) * 9) & self.WORD
        t = (s[1] << 17) & self.WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotated(s[3], 45)
        return result

    def uniform(self):
        return (self.next() >> 11) / (1 << 53)

    def integer(self, bound):
        product = self.next() * bound
        least = (1 << 64) % bound
        while product & self.WORD < least:
            product = self.next() * bound
        return product >> 64

    def permutation(self, count):
        result = list(range(count))
        for i in range(count):
            j = i + self.integer(count - i)
            result[i], result[j] = result[j], result[i]
        return result


class DeepNADE(Model):
    """One network says every sub-pixel given any set of others (Uria, Murray and Larochelle 2014,
    section 3), rectified units. A training step tells k random sub-pixels of each image and weights the
    others by D / (D - k), k spread over a batch by the golden ratio; a share of the images is told the
    beginning of the raster's order and asked for the next row's length of it. Scanline's own streams draw
    all of it. The first layer is told x less its means, and the mask less most of what it has in common. Units
    that see what is known around a pixel, alike at all places, may add to the outputs that are asked for.
    """

    def build(self, case):
        d, k = self.dimension, self.outputs
        self.raster = float(case["raster"])
        self.row = self.width * self.colours
        sizes = [2 * d] + [int(size) for size in case["hidden"].split(",")] + [d * k]
        self.layers = []
        for i, (below, above) in enumerate(zip(sizes, sizes[1:])):
            name = f"hidden{i}" if i < len(sizes) - 2 else "output"
            weight = self.draw(f"{name}/weight", (above, below))
            self.layers.append((weight, self.draw(f"{name}/bias", (above,))))
        self.means = self.draw("hidden0/means", (d,))
        self.around = None
        if case.get("neighbourhood") != "off":
            self.reach = int(case["reach"])
            units = [int(size) for size in case["neighbour-units"].split(",")]
            sizes = [2 * self.colours * (2 * self.reach + 1) ** 2] + units
            shapes = list(zip(units, sizes)) + [(self.colours * k, sizes[-1])]
            self.around = []
            for i, shape in enumerate(shapes):
                name = f"neighbourhood/hidden{i}" if i < len(units) else "neighbourhood/output"
                weight = self.draw(f"{name}/weight", shape)
                self.around.append((weight, self.draw(f"{name}/bias", shape[:1])))

    def neighbourhood(self, x, mask):
        h = torch.stack([x * mask, mask - mask.mean(1, keepdim=True)], dim=1)
        h = h.reshape(len(x), 2, self.height, self.width, self.colours)
        h = h.permute(0, 1, 4, 2, 3).flatten(1, 2)
        h = F.unfold(h, 2 * self.reach + 1, padding=self.reach).transpose(1, 2)
        for i, (w, b) in enumerate(self.around):
            h = F.linear(h, w, b)
            if i < len(self.around) - 1:
                h = F.relu(h)
        return h.reshape(len(x), self.dimension, self.outputs)

    def network(self, x, mask, asked=None):
        common = (1 - 1 / math.sqrt(self.dimension)) * mask.mean(1, keepdim=True)
        h = torch.cat([(x - self.means) * mask, mask - common], dim=1)
        for i, (w, b) in enumerate(self.layers):
            h = F.linear(h, w, b)
            if i < len(self.layers) - 1:
                h = F.relu(h)
        h = h.reshape(len(x), self.dimension, self.outputs)
        if not self.around:
            return h
        around = self.neighbourhood(x, mask)
        return h + (around if asked is None else around * asked[:, :, None])

    def split(self, images, step):
        """Masks of what is told, [N, D], and the weights of the rest."""
        d = self.dimension
        stream = RandomStream(0, "split", step)
        start = stream.uniform()
        masks, weights = torch.zeros(2, images, d, dtype=torch.float64)
        for n in range(images):
            place = start + n * 0.6180339887498949
            k = min(d - 1, int((place - math.floor(place)) * d))
            raster = stream.uniform() < self.raster
            order = list(range(d)) if raster else stream.permutation(d)
            masks[n, order[:k]] = 1
            for i in order[k : k + self.row] if raster else order[k:]:
                weights[n, i] = d / (min(i + 1, self.row) if raster else d - k)
        return masks, weights

    def logits(self, symbols, step):
        masks, weights = self.split(len(symbols), step)
        return self.network(self.unit(symbols), masks, asked=weights != 0)

    def weights(self, symbols, step):
        """Of each log-probability in a training step, [N, D]."""
        return self.split(len(symbols), step)[1]

    def members(self, symbols):
        x = self.unit(symbols)
        rows = []
        for i in range(self.dimension):
            mask = (torch.arange(self.dimension) < i).double().expand(len(x), -1)
            rows.append(self.network(x, mask)[:, i])
        return [torch.stack(rows, dim=1)]


class MADE(Model):
    """Masked multi-layer perceptron (Germain et al. 2015, section 4)."""

    def build(self, case):
        d, k = self.dimension, self.outputs
        hidden = [int(size) for size in case["hidden"].split(",")]
        count = int(case.get("masks", 1))
        self.degrees = DEGREES[d, case["hidden"], count]
        self.masks = [self.masks_of(layers) for layers in self.degrees]
        self.layers = []
        sizes = [d] + hidden + [self.steps * k]
        for i, (below, above) in enumerate(zip(sizes, sizes[1:])):
            name = f"hidden{i}" if i < len(hidden) else "output"
            # With several masks every weight is live under one or the other.
            live = self.masks[0][i] if count == 1 else None
            weight = self.draw(f"{name}/weight", (above, below), live)
            self.layers.append((weight, self.draw(f"{name}/bias", (above,))))
        self.direct_mask = self.strictly_before(torch.arange(1, d + 1))
        self.direct = self.draw("direct/weight", (self.steps * k, d), self.direct_mask)
        on = case.get("stencil") == "on"
        self.shared = self.stencil("direct", self.direct_mask) if on else lambda: 0
        on = case.get("whiten") == "on"
        self.whitened = self.whitening() if on else lambda x: (x, lambda outputs: outputs)

    def strictly_before(self, degrees):
        """Outputs of the sub-pixels from d on, counted from 1, see the units of degree < d:
        [steps K, units]."""
        outputs = (self.told * torch.arange(self.steps) + 1).repeat_interleave(self.outputs)
        return (outputs[:, None] > degrees[None, :]).double()

    def masks_of(self, layers):
        below = torch.arange(1, self.dimension + 1)
        masks = []
        for degrees in map(torch.tensor, layers):
            masks.append((degrees[:, None] >= below[None, :]).double())
            below = degrees
        return masks + [self.strictly_before(below)]

    def member(self, symbols, masks):
        x, of_pixels = self.whitened(self.unit(symbols))
        h = x
        for i, ((w, b), mask) in enumerate(zip(self.layers, masks)):
            h = F.linear(h, w * mask, b)
            if i < len(self.layers) - 1:
                h = F.relu(h)
        logits = h + F.linear(x, (self.direct + self.shared()) * self.direct_mask)
        return of_pixels(logits.reshape(len(x), self.steps, self.outputs))

    def logits(self, symbols, step):
        return self.member(symbols, self.masks[step % len(self.masks)])

    def members(self, symbols):
        return [self.member(symbols, masks) for masks in self.masks]


def with_position(x):
    """Two further channels: row and column of the pixels' middles, -1 at the first edge of the image to
    1 at the last."""
    n, _, height, width = x.shape
    row = (torch.arange(height).double() + 0.5) / height * 2 - 1
    column = (torch.arange(width).double() + 0.5) / width * 2 - 1
    rows = row[:, None].expand(n, 1, height, width)
    columns = column[None, :].expand(n, 1, height, width)
    return torch.cat([x, rows, columns], dim=1)


class PixelCNN(Model):
    """Residual PixelCNN (van den Oord et al. 2016, section 3.5, figure 5, table 1): full kernels
    times their masks, in NCHW."""

    def build(self, case):
        h, colours = int(case["channels"]), self.colours
        self.convolutions = {}
        self.position = case["position"] == "on"
        self.convolution("first", colours, 2 * h, 7, "A", constants=2 if self.position else 0)
        self.blocks = [f"block{i}" for i in range(int(case["blocks"]))]
        for block in self.blocks:
            self.convolution(f"{block}/reduce", 2 * h, h, 1, "B")
            self.convolution(f"{block}/spread", h, h, 3, "B")
            self.convolution(f"{block}/expand", h, 2 * h, 1, "B")
        self.convolution("gather", 2 * h, 2 * h, 1, "B")
        self.convolution("output", 2 * h, self.groups * self.outputs, 1, "B")

    def convolution(self, name, inputs, outputs, size, kind, constants=0):
        centre = size // 2
        mask = torch.zeros(outputs, inputs + constants, size, size, dtype=torch.float64)
        mask[:, :, :centre, :] = 1
        mask[:, :, centre, :centre] = 1
        # At the centre: channel i of n carries colour floor(i C / n), R before G before B; A sees
        # the colours before its own, B also its own. A whole pixel at once counts as one colour.
        for o in range(outputs):
            for i in range(inputs):
                own, other = o * self.groups // outputs, i * self.groups // inputs
                mask[o, i, centre, centre] = other < own if kind == "A" else other <= own
        # Row and column are no image: open as far as our kernels reach.
        mask[:, inputs:, centre, :] = 1
        weight = self.draw(
            f"{name}/weight",
            tuple(mask.shape),
            live=mask,
            crop=lambda kernel: kernel[:, :, : centre + 1, :],
        )
        self.convolutions[name] = (weight, mask, self.draw(f"{name}/bias", (outputs,)))

    def run(self, name, x):
        weight, mask, bias = self.convolutions[name]
        return F.conv2d(x, weight * mask, bias, padding=weight.shape[-1] // 2)

    def logits(self, symbols, step):
        x = (2 * symbols.double() / (self.levels - 1) - 1).permute(0, 3, 1, 2)  # [N, C, H, W]
        if self.position:
            x = with_position(x)
        stream = self.run("first", x)
        for block in self.blocks:
            inside = F.relu(self.run(f"{block}/reduce", F.relu(stream)))
            inside = F.relu(self.run(f"{block}/spread", inside))
            stream = stream + self.run(f"{block}/expand", inside)
        features = F.relu(self.run("gather", F.relu(stream)))
        logits = self.run("output", features)  # [N, C K, H, W]
        return logits.permute(0, 2, 3, 1).reshape(len(x), self.steps, self.outputs)


class LocalPixelCNN(PixelCNN):
    """One masked convolution as wide as the reach, then 1x1 layers: full kernels times their masks."""

    def build(self, case):
        h, colours = int(case["channels"]), self.colours
        self.convolutions = {}
        self.convolution("first", colours, h, 2 * int(case["reach"]) + 1, "A")
        self.blocks = [f"block{i}" for i in range(int(case["blocks"]))]
        for block in self.blocks:
            self.convolution(f"{block}/inner", h, h, 1, "B")
            self.convolution(f"{block}/outer", h, h, 1, "B")
        self.convolution("output", h, self.groups * self.outputs, 1, "B")

    def logits(self, symbols, step):
        x = (2 * symbols.double() / (self.levels - 1) - 1).permute(0, 3, 1, 2)  # [N, C, H, W]
        stream = self.run("first", x)
        for block in self.blocks:
            inside = F.relu(self.run(f"{block}/inner", F.relu(stream)))
            stream = stream + self.run(f"{block}/outer", inside)
        logits = self.run("output", F.relu(stream))  # [N, C K, H, W]
        return logits.permute(0, 2, 3, 1).reshape(len(x), self.steps, self.outputs)


class GatedPixelCNN(Model):
    """Gated PixelCNN (van den Oord et al. 2016b, figure 2): full kernels times their masks, in NCHW. The
    vertical maps stand a row below what they have seen."""

    def build(self, case):
        h, colours = int(case["channels"]), self.colours
        self.h, self.convolutions = h, {}
        self.position, self.skip = case["position"] == "on", case["skip"] == "on"
        self.count, size = int(case["layers"]), int(case["first"])
        constants = 2 if self.position else 0
        self.convolution("above", colours, 2 * h, (size, size), "above", constants)
        self.convolution("own", colours, 2 * h, (1, size), "A", constants)
        for i in range(self.count):
            if i > 0:
                self.convolution(f"layer{i}/vertical", h, 2 * h, (3, 3), "rows")
                self.convolution(f"layer{i}/horizontal", h, 2 * h, (1, 3), "B")
            self.convolution(f"layer{i}/link", 2 * h, 2 * h, (1, 1), "rows")
            self.convolution(f"layer{i}/out", h, h, (1, 1), "B")
            if self.skip:
                self.convolution(f"layer{i}/skip", h, 2 * h, (1, 1), "B")
        self.convolution("gather", h, 2 * h, (1, 1), "B")
        self.convolution("output", 2 * h, self.groups * self.outputs, (1, 1), "B")

    def convolution(self, name, inputs, outputs, size, kind, constants=0):
        down, right = size[0] // 2, size[1] // 2
        mask = torch.zeros(outputs, inputs + constants, *size, dtype=torch.float64)
        mask[:, :, :down, :] = 1
        if kind == "rows":
            mask[:, :, down, :] = 1
        if kind in "AB":
            mask[:, :, down, :right] = 1
            for o in range(outputs):
                for i in range(inputs):
                    own, other = o * self.groups // outputs, i * self.groups // inputs
                    mask[o, i, down, right] = other < own if kind == "A" else other <= own
        # What our kernels are cropped to: no row below; of a single row nothing to the right.
        rows, columns = down + 1, size[1] if size[0] > 1 or kind == "rows" else right + 1
        mask[:, inputs:, :rows, :columns] = 1
        weight = self.draw(
            f"{name}/weight",
            tuple(mask.shape),
            live=mask,
            crop=lambda kernel: kernel[:, :, :rows, :columns],
        )
        self.convolutions[name] = (weight, mask, self.draw(f"{name}/bias", (outputs,)))

    def run(self, name, x):
        weight, mask, bias = self.convolutions[name]
        padding = (weight.shape[2] // 2, weight.shape[3] // 2)
        return F.conv2d(x, weight * mask, bias, padding=padding)

    def gate(self, a, groups):
        """Of each colour's channels the first half goes through tanh, the second through sigmoid."""
        n, _, height, width = a.shape
        t, s = a.reshape(n, groups, 2, -1, height, width).unbind(dim=2)
        return (torch.tanh(t) * torch.sigmoid(s)).reshape(n, -1, height, width)

    def logits(self, symbols, step):
        x = (2 * symbols.double() / (self.levels - 1) - 1).permute(0, 3, 1, 2)  # [N, C, H, W]
        if self.position:
            x = with_position(x)
        vertical, horizontal, skips = self.run("above", x), self.run("own", x), 0
        for i in range(self.count):
            a = self.run(f"layer{i}/vertical", vertical) if i > 0 else vertical
            b = self.run(f"layer{i}/horizontal", horizontal) if i > 0 else horizontal
            vertical = self.gate(a, 1)
            gated = self.gate(b + self.run(f"layer{i}/link", a), self.groups)
            out = self.run(f"layer{i}/out", gated)
            horizontal = out + horizontal if i > 0 else out
            if self.skip:
                skips = skips + self.run(f"layer{i}/skip", gated)
        features = self.run("gather", F.relu(horizontal)) + skips
        logits = self.run("output", F.relu(features))  # [N, C K, H, W]
        return logits.permute(0, 2, 3, 1).reshape(len(x), self.steps, self.outputs)


class Transformer(Model):
    """Pre-norm transformer over sub-pixels with learned positions (Vaswani et al. 2017)."""

    def build(self, case):
        self.d, self.heads, self.count = (int(case[k]) for k in ("channels", "heads", "layers"))
        d = self.d
        self.key_width = d // self.heads if case["multiquery"] == "on" else d
        self.linear("embed", self.told, d)
        self.positions = self.draw(
            "positions/weight", (d, self.height + self.width + self.groups + 1)
        )
        for i in range(self.count):
            self.norm(f"layer{i}/before-attention", d)
            self.linear(f"layer{i}/query", d, d)
            self.linear(f"layer{i}/keys-values", d, 2 * self.key_width)
            self.linear(f"layer{i}/merge", d, d)
            self.norm(f"layer{i}/before-units", d)
            self.linear(f"layer{i}/expand", d, 4 * d)
            self.linear(f"layer{i}/contract", 4 * d, d)
        self.norm("norm", d)
        self.linear("output", d, self.outputs)

    def linear(self, name, inputs, outputs):
        self.draw(f"{name}/weight", (outputs, inputs, 1, 1))
        self.draw(f"{name}/bias", (outputs,))

    def norm(self, name, channels):
        self.draw(f"{name}/gain", (channels,))
        self.draw(f"{name}/bias", (channels,))

    def run(self, name, x):
        w = self.parameters[f"{name}/weight"]
        return F.linear(x, w.reshape(w.shape[0], w.shape[1]), self.parameters[f"{name}/bias"])

    def normed(self, name, x):
        gain, bias = self.parameters[f"{name}/gain"], self.parameters[f"{name}/bias"]
        return F.layer_norm(x, (x.shape[-1],), gain, bias, eps=1e-5)

    def places(self, steps):
        """The sum of each place's vectors, [places, d], in raster order."""
        rows, columns, others, start = self.positions.split(
            [self.height, self.width, steps, 1], dim=1
        )
        vectors = []
        for row in range(self.height):
            for column in range(self.width):
                for step in range(steps):
                    vectors.append(rows[:, row] + columns[:, column] + others[:, step])
        vectors[0] = vectors[0] + start[:, 0]
        return torch.stack(vectors)

    def attend(self, q, k, v, heads):
        n, length, _ = q.shape
        q, k, v = (x.reshape(n, length, heads, -1).transpose(1, 2) for x in (q, k, v))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        later = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
        y = torch.softmax(scores.masked_fill(later, -math.inf), dim=3) @ v
        return y.transpose(1, 2).reshape(n, length, -1)

    def logits(self, symbols, step):
        x = (2 * symbols.double() / (self.levels - 1) - 1).reshape(len(symbols), -1, self.told)
        x = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
        stream = self.run("embed", x) + self.places(self.groups)
        for i in range(self.count):
            z = self.normed(f"layer{i}/before-attention", stream)
            k, v = self.run(f"layer{i}/keys-values", z).split(self.key_width, dim=2)
            if self.key_width < self.d:  # each head reads the one there is
                k, v = (x.repeat(1, 1, self.heads) for x in (k, v))
            attended = self.attend(self.run(f"layer{i}/query", z), k, v, self.heads)
            stream = stream + self.run(f"layer{i}/merge", attended)
            z = self.normed(f"layer{i}/before-units", stream)
            units = F.gelu(self.run(f"layer{i}/expand", z), approximate="tanh")
            stream = stream + self.run(f"layer{i}/contract", units)
        return self.run("output", self.normed("norm", stream))


class PixelSNAIL(GatedPixelCNN, Transformer):
    """PixelSNAIL (Chen et al. 2018, figure 3) on whole pixels, the pixel's own channels at the end."""

    def build(self, case):
        h, colours = int(case["channels"]), self.colours
        self.h, self.convolutions = h, {}
        self.blocks, self.units = int(case["blocks"]), int(case["units"])
        self.keys, self.values = int(case["keys"]), int(case["values"])
        self.groups = 1  # nothing is told apart by colour but at the end
        self.convolution("first", colours, h, (7, 7), "A")
        self.convolution("before", colours, h, (1, 1), "B")
        self.place = {}
        for b in range(self.blocks):
            for u in range(self.units):
                self.convolution(f"block{b}/unit{u}/inner", h, h, (3, 3), "B")
                self.convolution(f"block{b}/unit{u}/outer", h, 2 * h, (3, 3), "B")
            self.place[b] = self.draw(
                f"block{b}/places/weight", (h, self.height + self.width + 2)
            )
            self.convolution(f"block{b}/query", h, self.keys, (1, 1), "B")
            self.convolution(f"block{b}/keys-values", h, self.keys + self.values, (1, 1), "B")
            self.convolution(f"block{b}/near", h, 2 * h, (1, 1), "B")
            self.convolution(f"block{b}/far", self.values, 2 * h, (1, 1), "B")
        self.build_end(h)

    def build_end(self, h):
        self.convolution("end/features", h, 2 * h, (1, 1), "B")
        self.groups = self.colours // self.told
        if self.groups > 1:
            self.convolution("end/own", self.colours, 2 * h, (1, 1), "A")
        self.convolution("end/mix", 2 * h, 2 * h, (1, 1), "B")
        self.convolution("end/output", 2 * h, self.groups * self.outputs, (1, 1), "B")

    def end(self, x, stream):
        a = GatedPixelCNN.run(self, "end/features", F.relu(stream))
        if self.groups > 1:
            a = a + GatedPixelCNN.run(self, "end/own", x)
        a = GatedPixelCNN.run(self, "end/mix", F.relu(a))
        logits = GatedPixelCNN.run(self, "end/output", F.relu(a))  # [N, C K, H, W]
        return logits.permute(0, 2, 3, 1).reshape(len(x), self.steps, self.outputs)

    def logits(self, symbols, step):
        def run(name, x):
            return GatedPixelCNN.run(self, name, x)

        x = (2 * symbols.double() / (self.levels - 1) - 1).permute(0, 3, 1, 2)  # [N, C, H, W]
        n, _, height, width = x.shape
        before = F.pad(x.flatten(2), (1, 0))[:, :, :-1].reshape(x.shape)  # in raster order
        stream = run("first", x) + run("before", before)
        h = stream.shape[1]
        for b in range(self.blocks):
            for u in range(self.units):
                inner = run(f"block{b}/unit{u}/inner", F.relu(stream))
                stream = stream + self.gate(run(f"block{b}/unit{u}/outer", F.relu(inner)), 1)
            self.positions = self.place[b]
            placed = stream + self.places(1).T.reshape(1, h, height, width)
            kv = run(f"block{b}/keys-values", placed).flatten(2).transpose(1, 2)
            k, v = kv.split([self.keys, self.values], dim=2)
            q = run(f"block{b}/query", placed).flatten(2).transpose(1, 2)
            attended = self.attend(q, k, v, 1).transpose(1, 2).reshape(n, -1, height, width)
            near = run(f"block{b}/near", F.relu(stream))
            stream = stream + self.gate(near + run(f"block{b}/far", F.relu(attended)), 1)
        return self.end(x, stream)


class PixelCNNPlus(PixelSNAIL):
    """PixelCNN++ (Salimans et al. 2017, figure 2) with gates of tanh and sigmoid: u knows the rows above,
    ul also what is left in its own row."""

    def build(self, case):
        h, colours = int(case["channels"]), self.colours
        self.h, self.convolutions = h, {}
        self.scales, self.units = int(case["levels"]), int(case["units"])
        self.groups = 1  # nothing is told apart by colour but at the end
        self.convolution("above", colours, h, (7, 7), "above", constants=2)
        self.convolution("own", colours, h, (1, 7), "A", constants=2)
        for level in range(self.scales):
            for unit in range(self.units):
                self.unit(f"level{level}/down{unit}", shortcut=False)
            if level < self.scales - 1:
                self.convolution(f"level{level}/own-halved", h, h, (1, 3), "B")
                self.convolution(f"level{level}/halved", h, h, (3, 3), "rows")
                self.convolution(f"level{level}/doubled", h, 4 * h, (1, 1), "rows")
                self.convolution(f"level{level}/own-doubled", h, 4 * h, (1, 1), "B")
                for unit in range(self.units):
                    self.unit(f"level{level}/up{unit}", shortcut=True)
        self.build_end(h)
        self.has_palette = case.get("palette") == "on"
        if self.has_palette:
            shapes = {"weight": (8, 50), "bias": (8,), "variety": (8,), "output": (8,)}
            self.palette = {n: self.draw(f"palette/{n}", s, part=1 / 8) for n, s in shapes.items()}

    def unit(self, name, shortcut):
        h = self.h
        self.convolution(f"{name}/inner", h, h, (3, 3), "rows")
        self.convolution(f"{name}/outer", h, 2 * h, (3, 3), "rows")
        self.convolution(f"{name}/link", h, h, (1, 1), "rows")
        self.convolution(f"{name}/own-inner", h, h, (1, 3), "B")
        self.convolution(f"{name}/own-outer", h, 2 * h, (1, 3), "B")
        if shortcut:
            self.convolution(f"{name}/shortcut", h, h, (1, 1), "rows")
            self.convolution(f"{name}/own-shortcut", h, h, (1, 1), "B")

    def rectified(self, name, x):
        return GatedPixelCNN.run(self, name, F.relu(x))

    def run_unit(self, name, u, ul, shortcut=None):
        a, b = self.rectified(f"{name}/inner", u), self.rectified(f"{name}/own-inner", ul)
        if shortcut:
            a = a + self.rectified(f"{name}/shortcut", shortcut[0])
            b = b + self.rectified(f"{name}/own-shortcut", shortcut[1])
        u = u + self.gate(self.rectified(f"{name}/outer", a), 1)
        b = b + self.rectified(f"{name}/link", u)
        return u, ul + self.gate(self.rectified(f"{name}/own-outer", b), 1)

    def double(self, name, x, height, width):
        """Every pixel gives a quarter of its channels to each of the four that it stands for."""
        z = GatedPixelCNN.run(self, name, x)
        n, c, h, w = z.shape
        z = z.reshape(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2)
        return z.reshape(n, c // 4, 2 * h, 2 * w)[:, :, :height, :width]

    def run_level(self, level, u, ul):
        shortcuts = []
        for unit in range(self.units):
            u, ul = self.run_unit(f"level{level}/down{unit}", u, ul)
            shortcuts.append((u, ul))
        if level < self.scales - 1:
            _, _, height, width = u.shape
            half = GatedPixelCNN.run(self, f"level{level}/halved", u)[:, :, ::2, ::2]
            own_half = GatedPixelCNN.run(self, f"level{level}/own-halved", ul)[:, :, ::2, ::2]
            half, own_half = self.run_level(level + 1, half, own_half)
            u = self.double(f"level{level}/doubled", half, height, width)
            ul = self.double(f"level{level}/own-doubled", own_half, height, width)
            for unit in range(self.units):
                u, ul = self.run_unit(f"level{level}/up{unit}", u, ul, shortcuts.pop())
        return u, ul

    def logits(self, symbols, step):
        x = (2 * symbols.double() / (self.levels - 1) - 1).permute(0, 3, 1, 2)
        placed = with_position(x)
        u = GatedPixelCNN.run(self, "above", placed)
        ul = GatedPixelCNN.run(self, "own", placed)
        logits = self.end(x, self.run_level(0, u, ul)[1])
        return logits + self.levels_so_far(symbols) if self.has_palette else logits

    def levels_so_far(self, symbols):
        """What is added to the logits, [N, D, K], for how often each level has occurred before among the
        sub-pixels of the same channel. All numbers are kept at an eighth."""
        n, c, k = len(symbols), self.colours, self.levels
        once = F.one_hot(symbols.reshape(n, -1, c), k).double()
        counts = (once.cumsum(1) - once).reshape(-1, k)
        features = torch.stack([(counts > 0).double(), torch.log1p(counts)], dim=1)
        p = {name: 8 * value for name, value in self.palette.items()}
        sums = F.conv1d(features, p["weight"].reshape(8, 2, 25), p["bias"], padding=12)
        sums = sums + p["variety"][:, None] * torch.log1p((counts > 0).sum(1).double())[:, None, None]
        return torch.einsum("u,muk->mk", p["output"], F.relu(sums)).reshape(n, -1, k)


class RecurrentNetwork(Model):
    """PyTorch's own cells, a layer after the other, over the steps in raster order. What enters a layer's
    gates is made here, and goes in by the identity."""

    def build(self, case):
        self.h, self.cell = int(case["hidden"]), case["cell"]
        self.gates = {"tanh": 1, "gru": 3, "lstm": 4}[self.cell] * self.h
        self.above = case["context"] == "above"
        vectors = self.height + self.width + self.groups + 1
        self.places = self.draw("positions/weight", (self.gates, vectors))
        self.layers = []
        for i in range(int(case["layers"])):
            inputs = self.told * (2 if self.above else 1) if i == 0 else self.h
            self.layers.append(
                (
                    self.draw(f"layer{i}/inputs/weight", (self.gates, inputs, 1, 1)),
                    self.draw(f"layer{i}/inputs/bias", (self.gates,)),
                    self.draw(f"layer{i}/states/weight", (self.gates, self.h)),
                    self.draw(f"layer{i}/states/bias", (self.h,)) if self.cell == "gru" else None,
                )
            )
        self.w = self.draw("output/weight", (self.outputs, self.h, 1, 1))
        self.b = self.draw("output/bias", (self.outputs,))

    def run(self, a, states, bias):
        n = len(a)
        whole = torch.zeros(self.gates, dtype=a.dtype)
        if bias is not None:
            whole = torch.cat([whole[: 2 * self.h], bias])
        weights = [torch.eye(self.gates, dtype=a.dtype), states, torch.zeros_like(whole), whole]
        start = torch.zeros(1, n, self.h, dtype=a.dtype)
        rest = (weights, True, 1, 0.0, False, False, True)
        if self.cell == "lstm":
            return torch.lstm(a, [start, start], *rest)[0]
        return (torch.gru if self.cell == "gru" else torch.rnn_tanh)(a, start, *rest)[0]

    def logits(self, symbols, step):
        x = (2 * symbols.double() / (self.levels - 1) - 1).reshape(len(symbols), self.steps, self.told)
        row = self.width * self.groups
        told = [F.pad(x, (0, 0, 1, 0))[:, :-1]]
        if self.above:
            told.append(F.pad(x, (0, 0, row, 0))[:, :-row])
        z = torch.cat(told, dim=2)
        place = torch.arange(self.steps)
        vectors = self.places.T
        where = vectors[place // row] + vectors[self.height + place // self.groups % self.width]
        where = where + vectors[self.height + self.width + place % self.groups]
        where = where + (place == 0)[:, None] * vectors[-1]
        for i, (w, b, states, bias) in enumerate(self.layers):
            a = z @ w[:, :, 0, 0].T + b
            z = self.run(a + where if i == 0 else a, states, bias)
        return z @ self.w[:, :, 0, 0].T + self.b


class PixelRNN(GatedPixelCNN):
    """PixelRNN (van den Oord et al. 2016, sections 3.1 to 3.4): rows one after the other, or maps skewed as
    in figure 3, column after column. States beyond the image's edges are zero."""

    def build(self, case):
        self.h, self.kind = int(case["channels"]), case["kind"]
        self.convolutions = {}
        self.position = case["position"] == "on"
        constants = 2 if self.position else 0
        self.convolution("first", self.colours, 2 * self.h, (7, 7), "A", constants)
        self.count = int(case["layers"])
        self.states = {}
        for i in range(self.count):
            for way in ("down",) if self.kind == "row" else ("right", "left"):
                name, size = f"layer{i}/{way}", (1, 3 if self.kind == "row" else 1)
                self.convolution(f"{name}/inputs", 2 * self.h, 4 * self.h, size, "B")
                reach = 3 if self.kind == "row" else 2
                self.states[name] = self.draw(
                    f"{name}/states/weight", (4 * self.h, reach * self.h)
                )
            self.convolution(f"layer{i}/expand", self.h, 2 * self.h, (1, 1), "B")
        self.convolution("gather", 2 * self.h, 2 * self.h, (1, 1), "B")
        self.convolution("output", 2 * self.h, self.groups * self.outputs, (1, 1), "B")

    def cell(self, a, c):
        """Sums [N, 4h, places], of each colour i, f, g, o."""
        n, _, places = a.shape
        parts = a.reshape(n, self.groups, 4, self.h // self.groups, places)
        i, f, g, o = (parts[:, :, gate].reshape(n, self.h, places) for gate in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def rows(self, name, x):
        a = self.run(f"{name}/inputs", x)
        kernel = self.states[name].reshape(4 * self.h, 3, self.h).permute(0, 2, 1)
        h = c = torch.zeros(len(x), self.h, self.width, dtype=x.dtype)
        maps = []
        for row in range(self.height):
            h, c = self.cell(a[:, :, row] + F.conv1d(h, kernel, padding=1), c)
            maps.append(h)
        return torch.stack(maps, dim=2)

    def diagonals(self, name, x):
        a = self.run(f"{name}/inputs", x)
        kernel = self.states[name].reshape(4 * self.h, 2, self.h)
        height, width = self.height, self.width
        skewed = torch.stack(
            [F.pad(a[:, :, r], (r, height - 1 - r)) for r in range(height)], dim=2
        )
        inside = torch.stack(
            [F.pad(torch.ones(width), (r, height - 1 - r)) for r in range(height)]
        ).double()
        h = c = torch.zeros(len(x), self.h, height, dtype=x.dtype)
        columns = []
        for j in range(height + width - 1):
            above = F.pad(h, (1, 0))[:, :, :-1]
            sums = skewed[:, :, :, j] + kernel[:, 0] @ h + kernel[:, 1] @ above
            h, c = self.cell(sums, c)
            h, c = h * inside[:, j], c * inside[:, j]
            columns.append(h)
        maps = torch.stack(columns, dim=3)
        return torch.stack([maps[:, :, r, r : r + width] for r in range(height)], dim=2)

    def logits(self, symbols, step):
        x = (2 * symbols.double() / (self.levels - 1) - 1).permute(0, 3, 1, 2)
        stream = self.run("first", with_position(x) if self.position else x)
        for i in range(self.count):
            if self.kind == "row":
                h = self.rows(f"layer{i}/down", stream)
            else:
                h = self.diagonals(f"layer{i}/right", stream)
                left = self.diagonals(f"layer{i}/left", stream.flip(3)).flip(3)
                h = h + F.pad(left, (0, 0, 1, 0))[:, :, :-1]
            stream = stream + self.run(f"layer{i}/expand", h)
        features = F.relu(self.run("gather", F.relu(stream)))
        logits = self.run("output", features)
        return logits.permute(0, 2, 3, 1).reshape(len(x), self.steps, self.outputs)


FAMILIES = {
    "fvsbn": FVSBN,
    "nade": NADE,
    "deep-nade": DeepNADE,
    "made": MADE,
    "pixelcnn": PixelCNN,
    "local-pixelcnn": LocalPixelCNN,
    "gated-pixelcnn": GatedPixelCNN,
    "transformer": Transformer,
    "pixelsnail": PixelSNAIL,
    "pixelcnn++": PixelCNNPlus,
    "rnn": RecurrentNetwork,
    "pixelrnn": PixelRNN,
}


def mixture_log_probability(outputs, symbols, k, levels):
    """Nats of each sub-pixel, [N, D], under mixtures of K logistics, outputs [N, pixels, K (...)]
    (Salimans et al. 2017, equations 1 to 3, with both tails closed): the difference of sigmoids as it
    stands, channel by channel."""
    n, pixels = outputs.shape[:2]
    channels = symbols.shape[-1]
    part = outputs.reshape(n, pixels, -1, k)
    means, scales = part[:, :, 1 : 1 + channels], part[:, :, 1 + channels : 1 + 2 * channels]
    couplings = list(torch.tanh(part[:, :, 1 + 2 * channels :]).unbind(2))
    scales = scales.clamp(min=-7 + math.log(255 / (levels - 1)))
    symbols = symbols.reshape(n, pixels, channels, 1)
    x = 2 * symbols.double() / (levels - 1) - 1
    weights = torch.log_softmax(part[:, :, 0], dim=2)
    terms = []
    for c in range(channels):
        mean = means[:, :, c]
        for e in range(c):
            mean = mean + couplings.pop(0) * x[:, :, e]
        end = 1 / (levels - 1)
        above = torch.sigmoid((x[:, :, c] + end - mean) * torch.exp(-scales[:, :, c]))
        below = torch.sigmoid((x[:, :, c] - end - mean) * torch.exp(-scales[:, :, c]))
        above = torch.where(symbols[:, :, c] == levels - 1, torch.ones_like(above), above)
        below = torch.where(symbols[:, :, c] == 0, torch.zeros_like(below), below)
        known = torch.logsumexp(weights, dim=2)
        weights = weights + torch.log(above - below)
        terms.append(torch.logsumexp(weights, dim=2) - known)
    return torch.stack(terms, dim=2).reshape(n, -1)


def normals_log_probability(outputs, symbols, k, levels):
    """Nats of each sub-pixel, [N, D], under mixtures of K normal distributions of intensities 0…1, outputs
    [N, D, 3K]."""
    logits, means, logs = outputs.split(k, dim=2)
    deviations = torch.exp(logs.clamp(min=math.log(0.125 / (levels - 1))))
    symbols = symbols.reshape(outputs.shape[0], outputs.shape[1], 1)

    def end(level, outermost, far):
        place = ((level.double() + 0.5) / (levels - 1) - means) / deviations
        return torch.where(level == outermost, torch.full_like(place, far), place)

    lower, upper = end(symbols - 1, -1, -1e8), end(symbols, levels - 1, 1e8)
    # On the side where the tails are small.
    flip = lower + upper > 0
    low, high = torch.where(flip, -upper, lower), torch.where(flip, -lower, upper)
    whole, rest = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    # Narrow bins by Gauss and Legendre's rule: their ends' difference has few digits.
    nodes, weights = map(torch.tensor, np.polynomial.legendre.leggauss(12))
    width = (upper - lower)[..., None].clamp(max=1)
    places = lower[..., None].clamp(min=-1e3, max=1e3) + width * (nodes + 1) / 2
    log_density = -(places**2 + math.log(2 * math.pi)) / 2
    narrow = torch.logsumexp(torch.log(width * weights / 2) + log_density, dim=-1)
    is_narrow = (upper - lower) * (1 + lower.abs()) < 0.5
    shares = torch.where(is_narrow, narrow, whole + torch.log1p(-torch.exp(rest - whole)))
    return torch.logsumexp(torch.log_softmax(logits, dim=2) + shares, dim=2)


def log_probability(logits, symbols, head):
    """Nats of each sub-pixel, [N, D]."""
    if head["kind"] == "gaussian-mixture":
        return normals_log_probability(logits, symbols, head["components"], head["levels"])
    if head["kind"] == "logistic-mixture":
        return mixture_log_probability(logits, symbols, head["components"], head["levels"])
    symbols = symbols.reshape(logits.shape[0], logits.shape[1])
    if logits.shape[2] == 1:
        logit = logits[:, :, 0]
        return torch.where(symbols == 1, F.logsigmoid(logit), F.logsigmoid(-logit))
    return torch.log_softmax(logits, dim=2).gather(2, symbols[:, :, None])[:, :, 0]


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def golden(name, family, settings, kind, levels, image):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    head = {"kind": kind, "levels": levels}
    outputs, told = 1 if kind == "bernoulli" else levels, 1
    if kind == "logistic-mixture":
        told = image[2]
        head["components"] = COMPONENTS
        outputs = COMPONENTS * (1 + 2 * told + told * (told - 1) // 2)
    if kind == "gaussian-mixture":
        head["components"] = COMPONENTS
        outputs = 3 * COMPONENTS
    model = FAMILIES[family](settings, image, levels, outputs, told, generator)
    symbols = torch.randint(0, levels, (IMAGES, *image), generator=generator)

    # Weights decay; biases, gains, means, places, palettes and what all places share do not.
    plain = ("bias", "gain", "means", "positions/weight", "places/weight", "stencil")
    plain += ("palette/weight", "palette/variety", "palette/output")
    learned = {n: p for n, p in model.parameters.items() if p.requires_grad}
    fixed = set(model.parameters) - set(learned)
    biases = {n for n in model.parameters if n.endswith(plain) or n in ("b", "c")} | fixed
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for n, p in learned.items() if n not in biases]},
            {"params": [p for n, p in learned.items() if n in biases], "weight_decay": 0},
        ],
        lr=1e-2,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.01,
    )

    with torch.no_grad():
        terms = torch.stack([log_probability(m, symbols, head) for m in model.members(symbols)])
        inference = (torch.logsumexp(terms, dim=0) - math.log(len(terms))).sum(dim=1)
        logits = model.logits(symbols, step=0)

    # Where PyTorch's gradient of a palette is zero ours may be a difference of equal sums, so a rounding error,
    # of which AdamW makes a whole step.
    losses = []
    for step in range(1 if settings.get("palette") == "on" else STEPS):
        optimiser.zero_grad()
        terms = log_probability(model.logits(symbols, step), symbols, head)
        loss = -(terms * model.weights(symbols, step)).sum(dim=1).mean()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            parameters = [
                {
                    "name": n,
                    "shape": list(model.crops[n](p).shape),
                    "decays": n not in biases,
                    "value": flat(model.crops[n](p)),
                    "gradient": flat(model.crops[n](p.grad)) if n in learned else [],
                }
                for n, p in model.parameters.items()
            ]
        optimiser.step()

    height, width, channels = image
    return {
        "specification": {
            "name": family,
            "settings": settings,
            "head": head,
            "image": {"height": height, "width": width, "channels": channels},
            "seed": MODEL_SEED,
        },
        "degrees": model.degrees,
        "count": IMAGES,
        "symbols": symbols.reshape(-1).tolist(),
        "parameters": parameters,
        "logits": flat(logits),
        "logProbability": flat(inference),
        "losses": losses,
    }


def text(contents):
    """JSON with a line an entry and a line a parameter; Python prints a float so that it reads back
    as the same number."""
    lines = []
    for key, value in contents.items():
        if key == "parameters":
            value = "[\n    " + ",\n    ".join(json.dumps(p) for p in value) + "\n  ]"
        else:
            value = json.dumps(value)
        lines.append(f'  "{key}": {value}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    torch.set_num_threads(1)
    grey, colour, wide_colour = (4, 5, 1), (2, 3, 3), (3, 4, 3)
    bernoulli, categorical, mixture = ("bernoulli", 2), ("categorical", 5), ("logistic-mixture", 6)
    one, two = {"hidden": "13", "masks": "1"}, {"hidden": "11,9", "masks": "1"}
    stencil = {"stencil": "on"}
    three_masks = {"hidden": "11,9", "masks": "3"}
    network = {"blocks": "2", "channels": "4", "position": "on"}
    paper = {"blocks": "2", "channels": "4", "position": "off"}
    deep = {"hidden": "9,7", "raster": "0.5", "neighbourhood": "off"}
    around = {"neighbourhood": "on", "neighbour-units": "4,3", "reach": "1"}
    local = {"reach": "2", "channels": "6", "blocks": "2"}
    gated = {"layers": "3", "channels": "6", "first": "5", "skip": "on", "position": "on"}
    plain_gated = {"layers": "2", "channels": "3", "first": "3", "skip": "off", "position": "off"}
    small_gated = {"layers": "2", "channels": "4", "first": "3", "skip": "on", "position": "on"}
    attention = {"layers": "2", "channels": "6", "heads": "3", "multiquery": "on"}
    snail = {"blocks": "2", "units": "1", "channels": "5", "keys": "3", "values": "4"}
    plus = {"levels": "2", "units": "1", "channels": "4"}
    lstm = {"layers": "2", "hidden": "5", "cell": "lstm", "context": "above"}
    gru = {"layers": "2", "hidden": "5", "cell": "gru", "context": "above"}
    elman = {"layers": "1", "hidden": "6", "cell": "tanh", "context": "previous"}
    diagonal = {"kind": "diagonal", "layers": "2", "channels": "3", "position": "on"}
    rows = {"kind": "row", "layers": "1", "channels": "6", "position": "off"}
    cases = {
        "fvsbn-bernoulli": ("fvsbn", {}, *bernoulli, grey),
        "fvsbn-categorical": ("fvsbn", {}, *categorical, colour),
        "nade-bernoulli": ("nade", {"hidden": "7"}, *bernoulli, grey),
        "nade-categorical": ("nade", {"hidden": "7"}, *categorical, colour),
        "deep-nade-bernoulli": (
            "deep-nade", {"hidden": "9", "raster": "0", "neighbourhood": "off"}, *bernoulli, grey
        ),
        "deep-nade-around-bernoulli": ("deep-nade", deep | around, *bernoulli, grey),
        "deep-nade-around-categorical": ("deep-nade", deep | around, *categorical, colour),
        "deep-nade-categorical": ("deep-nade", deep, *categorical, colour),
        "deep-nade-mixture": ("deep-nade", deep, *mixture, grey),
        "made-1-bernoulli": ("made", one, *bernoulli, grey),
        "made-1-categorical": ("made", one, *categorical, colour),
        "made-2-bernoulli": ("made", two, *bernoulli, grey),
        "made-2-categorical": ("made", two, *categorical, colour),
        "made-3masks-bernoulli": ("made", three_masks, *bernoulli, grey),
        "made-3masks-categorical": ("made", three_masks, *categorical, colour),
        "pixelcnn-bernoulli": ("pixelcnn", network, *bernoulli, grey),
        "pixelcnn-categorical": ("pixelcnn", network, *categorical, grey),
        "pixelcnn-paper-bernoulli": ("pixelcnn", paper, *bernoulli, grey),
        "pixelcnn-paper-categorical": ("pixelcnn", paper, *categorical, wide_colour),
        "pixelcnn-colour-bernoulli": ("pixelcnn", network, *bernoulli, wide_colour),
        "pixelcnn-colour-categorical": ("pixelcnn", network, *categorical, wide_colour),
        "fvsbn-mixture": ("fvsbn", {}, *mixture, colour),
        "fvsbn-stencil-bernoulli": ("fvsbn", stencil, *bernoulli, grey),
        "fvsbn-stencil-categorical": ("fvsbn", stencil, *categorical, colour),
        "fvsbn-stencil-mixture": ("fvsbn", stencil, *mixture, colour),
        "nade-mixture": ("nade", {"hidden": "7"}, *mixture, grey),
        "nade-direct-bernoulli": ("nade", {"hidden": "7", "direct": "on"}, *bernoulli, grey),
        "nade-direct-mixture": ("nade", {"hidden": "7", "direct": "on"}, *mixture, grey),
        "made-stencil-bernoulli": ("made", one | stencil, *bernoulli, grey),
        "made-stencil-categorical": ("made", one | stencil, *categorical, colour),
        "made-1-mixture": ("made", one, *mixture, colour),
        "made-3masks-mixture": ("made", three_masks, *mixture, colour),
        "pixelcnn-mixture": ("pixelcnn", network, *mixture, grey),
        "pixelcnn-colour-mixture": ("pixelcnn", network, *mixture, wide_colour),
        "local-pixelcnn-mixture": ("local-pixelcnn", local, *mixture, wide_colour),
        "local-pixelcnn-bernoulli": ("local-pixelcnn", local, *bernoulli, wide_colour),
        "local-pixelcnn-categorical": ("local-pixelcnn", local, *categorical, grey),
        "gated-pixelcnn-bernoulli": ("gated-pixelcnn", gated, *bernoulli, wide_colour),
        "gated-pixelcnn-categorical": ("gated-pixelcnn", gated, *categorical, grey),
        "gated-pixelcnn-plain-categorical": (
            "gated-pixelcnn", plain_gated, *categorical, wide_colour,
        ),
        "transformer-bernoulli": ("transformer", attention, *bernoulli, grey),
        "transformer-heads-bernoulli": (
            "transformer", attention | {"multiquery": "off"}, *bernoulli, grey
        ),
        "transformer-categorical": ("transformer", attention, *categorical, colour),
        "pixelsnail-bernoulli": ("pixelsnail", snail, *bernoulli, grey),
        "pixelsnail-categorical": ("pixelsnail", snail, *categorical, wide_colour),
        "pixelcnn++-bernoulli": ("pixelcnn++", plus, *bernoulli, grey),
        "pixelcnn++-categorical": ("pixelcnn++", plus, *categorical, wide_colour),
        "gated-pixelcnn-mixture": ("gated-pixelcnn", small_gated, *mixture, colour),
        "transformer-mixture": ("transformer", attention, *mixture, colour),
        "pixelsnail-mixture": ("pixelsnail", snail, *mixture, colour),
        "pixelcnn++-mixture": ("pixelcnn++", plus, *mixture, colour),
        "rnn-bernoulli": ("rnn", lstm, *bernoulli, grey),
        "rnn-lstm-categorical": ("rnn", lstm, *categorical, colour),
        "rnn-gru-bernoulli": ("rnn", gru, *bernoulli, grey),
        "pixelcnn++-palette-categorical": (
            "pixelcnn++", plus | {"palette": "on"}, *categorical, wide_colour
        ),
        "rnn-categorical": ("rnn", gru, *categorical, colour),
        "rnn-mixture": ("rnn", elman, *mixture, colour),
        "pixelrnn-bernoulli": ("pixelrnn", diagonal, *bernoulli, grey),
        "pixelrnn-categorical": ("pixelrnn", diagonal, *categorical, wide_colour),
        "pixelrnn-row-bernoulli": ("pixelrnn", rows, *bernoulli, grey),
        "pixelrnn-row-categorical": ("pixelrnn", rows, *categorical, wide_colour),
        "pixelrnn-mixture": ("pixelrnn", diagonal, *mixture, colour),
    }
    for family, settings, image in [
        ("fvsbn", {}, colour), ("nade", {"hidden": "7"}, grey), ("made", one, grey),
        ("deep-nade", deep, colour), ("pixelcnn", network, grey),
        ("local-pixelcnn", local, wide_colour), ("gated-pixelcnn", small_gated, grey),
        ("transformer", attention, colour), ("pixelsnail", snail, grey), ("pixelcnn++", plus, grey),
        ("rnn", gru, grey), ("pixelrnn", diagonal, grey),
    ]:
        cases[f"{family}-normals"] = (family, settings, "gaussian-mixture", 6, image)
    rectified = {"hidden": "7", "units": "rectified"}
    cases["nade-rectified-bernoulli"] = ("nade", rectified, *bernoulli, grey)
    for name, family, settings, image in [
        ("rnade", "nade", rectified | {"direct": "on"}, grey), ("made-whitened", "made", two, grey),
    ]:
        settings = settings | {"whiten": "on"}
        cases[f"{name}-normals"] = (family, settings, "gaussian-mixture", 6, image)
    for name, case in cases.items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            (FOLDER / f"{name}.json").write_text(text(golden(name, *case)))


if __name__ == "__main__":
    main()
