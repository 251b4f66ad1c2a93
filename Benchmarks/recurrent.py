"""The peers' side of the recurrent models."""

import torch
import torch.nn.functional as F
from torch import nn

from attention import places
from convolutional import Convolutional
from peer import Model


def cell(sums, c):
    """An LSTM's state and memory of sums [N, 4h, …], gates i, f, g, o."""
    i, f, g, o = sums.chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class Gates(nn.Module):
    """What enters a recurrent layer, and what comes from its last state."""

    def __init__(self, inputs, h):
        super().__init__()
        self.inputs, self.states = nn.Linear(inputs, 4 * h), nn.Linear(h, 4 * h, bias=False)


class RecurrentNetwork(Model):
    """An LSTM over pixels in raster order, told the pixel before, the one above and its place.

    cells   a loop over cells, with the inputs' products made beforehand
    fused   PyTorch's own LSTM, whose inputs are wider by an indicator of the row and one of the column
    """

    formulations = ["cells", "fused"]

    def __init__(self, formulation, shape, head, layers, hidden, context=True, cell="lstm"):
        super().__init__()
        self.formulation, self.shape, self.head, self.h = formulation, shape, head, hidden
        height, width, colours = shape
        self.positions = nn.Module()
        self.positions.weight = nn.Parameter(torch.rand(4 * hidden, height + width + 2) / 10)
        self.layers = [f"layer{i}" for i in range(layers)]
        for i, layer in enumerate(self.layers):
            self.add_module(layer, Gates(2 * colours if i == 0 else hidden, hidden))
        self.output = nn.Linear(hidden, head.outputs)

    def loop(self, a, states):
        h = c = a.new_zeros(len(a), self.h)
        steps = []
        for sums in a.unbind(1):
            h, c = cell(sums + states(h), c)
            steps.append(h)
        return torch.stack(steps, 1)

    def fused(self, z, weight, gates):
        start = z.new_zeros(1, len(z), self.h)
        bias = gates.inputs.bias
        weights = [weight, gates.states.weight, bias, torch.zeros_like(bias)]
        return torch.lstm(z, [start, start], weights, True, 1, 0.0, self.training, False, True)[0]

    def forward(self, x):
        height, width, colours = self.shape
        x = (2 * x - 1).reshape(len(x), -1, colours)
        before, above = (F.pad(x, (0, 0, d, 0))[:, :-d] for d in (1, width))
        z = torch.cat([before, above], 2)
        where = self.positions.weight
        for layer in self.layers:
            gates = self.get_submodule(layer)
            if self.formulation == "cells":
                a = gates.inputs(z)
                if layer == "layer0":
                    a = a + places(where, height, width).to(a.dtype)
                z = self.loop(a, gates.states)
                continue
            weight = gates.inputs.weight
            if layer == "layer0":
                units = torch.eye(where.shape[1], dtype=z.dtype)
                indicators = places(units, height, width).expand(len(z), -1, -1)
                z, weight = torch.cat([z, indicators], 2), torch.cat([weight, where], 1)
            z = self.fused(z, weight, gates)
        return self.output(z)


class PixelRNN(Convolutional):
    """Diagonal BiLSTM (van den Oord et al. 2016, sections 3.1 to 3.4), its maps skewed as in figure 3.

    full      the first kernel times its mask, one direction after the other
    cropped   the first kernel without what is never seen, both directions in one product a column
    """

    def __init__(self, formulation, shape, head, layers, channels, position=True, kind="diagonal"):
        super().__init__(formulation, shape, head, position)
        h, self.h = channels, channels
        self.convolution("first", shape[2], 2 * h, 7, "A", constants=self.constants)
        self.layers = [f"layer{i}" for i in range(layers)]
        for layer in self.layers:
            for way in ("right", "left"):
                self.convolution(f"{layer}.{way}.inputs", 2 * h, 4 * h)
                self.get_submodule(f"{layer}.{way}").add_module(
                    "states", nn.Linear(2 * h, 4 * h, bias=False))
            self.convolution(f"{layer}.expand", h, 2 * h)
        self.convolution("gather", 2 * h, 2 * h)
        self.convolution("output", 2 * h, head.outputs)

    def skew(self, a):
        """[N, C, H, W] to the columns [H + W − 1] of [N, C, H]: row r begins r columns late."""
        n, c, height, width = a.shape
        a = F.pad(a, (0, height)).flatten(2)[:, :, : -height]
        return a.reshape(n, c, height, width + height - 1)

    def unskew(self, maps, width):
        n, c, height, columns = maps.shape
        maps = F.pad(maps.flatten(2), (0, height)).reshape(n, c, height, columns + 1)
        return maps[:, :, :, :width]

    def states(self, a, weight, width):
        """Columns one after the other, of one direction or of G at once: a [G, N, 4h, H, W], weights
        [G, 4h, 2h] of the state beside and of the one above."""
        g, n, gates, height, _ = a.shape
        columns = self.skew(a.flatten(0, 1)).reshape(g, n, gates, height, -1)
        inside = self.skew(torch.ones(1, 1, height, width, dtype=a.dtype))
        h = c = a.new_zeros(g * n * height, self.h)
        maps = []
        for j in range(columns.shape[4]):
            beside = h.reshape(g, n, height, self.h)
            above = F.pad(beside, (0, 0, 1, 0))[:, :, :-1]
            both = torch.cat([beside, above], 3).reshape(g, n * height, -1)
            sums = columns[..., j].transpose(2, 3).reshape(g, n * height, -1)
            sums = torch.baddbmm(sums, both, weight.transpose(1, 2))
            h, c = cell(sums.flatten(0, 1), c)
            real = inside[0, 0, :, j].repeat(g * n)[:, None]
            h, c = h * real, c * real
            maps.append(h)
        maps = torch.stack(maps, 1).reshape(g * n, height, -1, self.h).permute(0, 3, 1, 2)
        return self.unskew(maps, width).reshape(g, n, self.h, height, width)

    def forward(self, x):
        stream = self.run("first", self.image(x, planes=True))
        width = self.shape[1]
        for layer in self.layers:
            inputs = [self.run(f"{layer}.right.inputs", stream),
                      self.run(f"{layer}.left.inputs", stream.flip(3))]
            weights = [self.get_parameter(f"{layer}.{way}.states.weight")
                       for way in ("right", "left")]
            if self.formulation == "full":
                right, left = (self.states(a[None], w[None], width)[0]
                               for a, w in zip(inputs, weights))
            else:
                right, left = self.states(torch.stack(inputs), torch.stack(weights), width)
            h = right + F.pad(left.flip(3), (0, 0, 1, 0))[:, :, :-1]
            stream = stream + self.run(f"{layer}.expand", h)
        return self.outputs(self.rectified("output", self.rectified("gather", stream)))
