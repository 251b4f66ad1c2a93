"""The peers' side of the transformer, and attention."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from peer import Model


def attend(q, k, v, heads, formulation):
    """Causal attention of [N, L, heads · width] each, or of one head of keys and values: by matrices
    ("full"), or by PyTorch's fused kernel; "padded" brings keys to the width of values, as its fast one asks
    for."""
    n, length, _ = q.shape
    own = heads * k.shape[-1] // q.shape[-1]  # heads of keys and values
    q, k, v = (x.reshape(n, length, count, -1).transpose(1, 2)
               for x, count in ((q, heads), (k, own), (v, own)))
    k, v = (x.expand(-1, heads, -1, -1) for x in (k, v))
    scale = 1 / math.sqrt(q.shape[-1])
    if formulation == "full":
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        scores = (q @ k.transpose(2, 3) * scale).masked_fill(later, -math.inf)
        y = torch.softmax(scores, dim=3).to(v.dtype) @ v
    else:
        if formulation == "padded":
            wider = (0, v.shape[-1] - k.shape[-1])
            q, k = F.pad(q, wider), F.pad(k, wider)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
    return y.transpose(1, 2).reshape(n, length, -1)


def places(vectors, height, width):
    """The sum of each place's vectors, of those of rows, columns, the step and the start, [C, …], as
    [H W, C]."""
    rows, columns, step, start = vectors.T.split([height, width, 1, 1])
    y = (rows[:, None] + columns[None] + step).flatten(0, 1)
    return y + F.pad(start, (0, 0, 0, height * width - 1))


class Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.layer_norm(x, self.gain.shape, self.gain, self.bias, eps=1e-5)


class Layer(nn.Module):
    def __init__(self, d, heads, multiquery, formulation):
        super().__init__()
        self.heads, self.formulation = heads, formulation
        keys = d // heads if multiquery else d
        for name, inputs, outputs in [
            ("query", d, d), ("keys-values", d, 2 * keys), ("merge", d, d), ("expand", d, 4 * d),
            ("contract", 4 * d, d),
        ]:
            self.add_module(name, nn.Linear(inputs, outputs))
        self.add_module("before-attention", Norm(d))
        self.add_module("before-units", Norm(d))

    def forward(self, stream):
        run = self.get_submodule
        z = run("before-attention")(stream)
        k, v = run("keys-values")(z).chunk(2, 2)
        stream = stream + run("merge")(attend(run("query")(z), k, v, self.heads, self.formulation))
        units = F.gelu(run("expand")(run("before-units")(stream)), approximate="tanh")
        return stream + run("contract")(units)


class Transformer(Model):
    """Pre-norm transformer over pixels with learned places (Vaswani et al. 2017).

    full    with attention by matrices
    fused   with PyTorch's fused attention
    """

    formulations = ["full", "fused"]

    def __init__(self, formulation, shape, head, layers, channels, heads, multiquery=False):
        super().__init__()
        self.shape, self.head, d = shape, head, channels
        height, width, colours = shape
        self.embed = nn.Linear(colours, d)
        self.positions = nn.Module()
        self.positions.weight = nn.Parameter(torch.rand(d, height + width + 2) / 10)
        self.layers = [f"layer{i}" for i in range(layers)]
        for layer in self.layers:
            self.add_module(layer, Layer(d, heads, multiquery, formulation))
        self.norm = Norm(d)
        self.output = nn.Linear(d, head.outputs)

    def forward(self, x):
        height, width, colours = self.shape
        x = (2 * x - 1).reshape(len(x), -1, colours)
        x = F.pad(x, (0, 0, 1, 0))[:, :-1]  # the pixel before
        stream = self.embed(x) + places(self.positions.weight, height, width)
        for layer in self.layers:
            stream = self.get_submodule(layer)(stream)
        return self.output(self.norm(stream))
