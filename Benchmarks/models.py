"""The peers' side: Scanline's models in PyTorch, each in several formulations: see peer.py."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from attention import Transformer
from convolutional import GatedPixelCNN, LocalPixelCNN, PixelCNN, PixelCNNPlus, PixelSNAIL
from peer import Model
from recurrent import PixelRNN, RecurrentNetwork

# MADE ---------------------------------------------------------------------------------------------


class MaskedLinear(nn.Linear):
    def __init__(self, mask, held, bias=True):
        super().__init__(mask.shape[1], mask.shape[0], bias)
        self.register_buffer("mask", mask)
        self.held = held
        if held:
            with torch.no_grad():
                self.weight *= mask

    def forward(self, x):
        return F.linear(x, self.weight if self.held else self.weight * self.mask, self.bias)


class MADE(Model):
    """Masked autoencoder with one hidden layer, sorted by degree, and one mask (Germain et al.
    2015); inputs also reach the outputs directly.

    masked    the weights times their masks in every forward pass, as peers write it
    held      the masks in the gradients, once a step
    blocks    as held, without most of what the masks leave empty: the hidden units in groups,
              each a product with the inputs that any of them sees and one with the outputs that
              see any of them
    """

    formulations = ["masked", "held", "blocks"]

    def __init__(self, formulation, shape, head, hidden, degrees=None, groups=8):
        super().__init__()
        self.head, d = head, math.prod(shape)
        if degrees is None:
            degrees = torch.randint(1, d, (hidden,)).sort().values
        groups = min(groups, hidden) if formulation == "blocks" else 1
        held = formulation != "masked"
        places = torch.arange(1, d + 1)
        self.spans = []
        for i, units in enumerate(torch.arange(hidden).chunk(groups)):
            m = degrees[units]
            seen, start = int(m[-1]), int(m[0])
            if formulation != "blocks":
                seen, start = d, 0
            self.spans.append((slice(int(units[0]), int(units[-1]) + 1), seen, start))
            ones = torch.ones(len(m), d)
            into = ones * (places <= m[:, None])
            out = ones.T * (places[:, None] > m)
            self.add_module(f"into{i}", MaskedLinear(into[:, :seen].contiguous(), held))
            self.add_module(f"out{i}", MaskedLinear(out[start:].contiguous(), held, bias=False))
        self.direct = MaskedLinear(torch.ones(d, d).tril(-1), held)

    def forward(self, x):
        logits = self.direct(x)
        for i, (_, seen, start) in enumerate(self.spans):
            h = F.relu(self.get_submodule(f"into{i}")(x[:, :seen]))  # [N, units]
            part = self.get_submodule(f"out{i}")(h)  # [N, D - start]
            logits = logits + F.pad(part, (start, 0))
        return logits

    def theirs(self, name, values):
        layer, kind = name.split(".")
        if layer == "direct":
            return values["direct/weight" if kind == "weight" else "output/bias"]
        units, seen, start = self.spans[int(layer.removeprefix("into").removeprefix("out"))]
        if layer.startswith("out"):
            return values["output/weight"][start:, units]
        return values["hidden0/bias"][units] if kind == "bias" else (
            values["hidden0/weight"][units, :seen]
        )


# NADE ---------------------------------------------------------------------------------------------


def steps(a, x, w, v):
    """One sub-pixel after the other, in matrix-vector products."""
    logits = []
    for x_d, w_d, v_d in zip(x.unbind(1), w.unbind(), v.unbind()):
        logits.append(torch.sigmoid(a) @ v_d)
        a = torch.addr(a, x_d, w_d)
    return torch.stack(logits, 1), a


def pointwise_steps(a, x, w, v):
    """The same without products, for a compiler to fuse into one pass over `a`."""
    logits = []
    for x_d, w_d, v_d in zip(x.unbind(1), w.unbind(), v.unbind()):
        logits.append((torch.sigmoid(a) * v_d).sum(1))
        a = a + x_d[:, None] * w_d
    return torch.stack(logits, 1), a


def cumulative(a, x, w, v):
    """All activations at once, [N, T, H], by a cumulative sum."""
    terms = x[:, :, None] * w
    h = torch.sigmoid(a[:, None] + terms.cumsum(1) - terms)
    return torch.einsum("nth,th->nt", h, v), a + x @ w


def products(a, x, w, v):
    """All activations at once, [N, T, H], by a product with the strictly lower triangle."""
    past = torch.ones(len(w), len(w), dtype=x.dtype).tril(-1)
    h = torch.sigmoid(a[:, None] + (x[:, None] * past) @ w)
    return (h * v).sum(2), a + x @ w


class Recomputed(torch.autograd.Function):
    """The loop over sub-pixels in one activation that stays in the cache. The backward pass runs it
    back, a -= x_d w_d, and keeps nothing."""

    @staticmethod
    def forward(context, x, w, c, v):
        a = c.repeat(len(x), 1)
        x_t = x.T.contiguous()
        h = torch.empty_like(a)
        logits = torch.empty_like(x_t)
        for d in range(len(w)):
            torch.sigmoid(a, out=h)
            torch.mv(h, v[d], out=logits[d])
            a.addr_(x_t[d], w[d])
        context.save_for_backward(x_t, w, v, a)
        return logits.T

    @staticmethod
    def backward(context, gradient):
        x_t, w, v, a = context.saved_tensors
        a = a.clone()
        g = gradient.T.contiguous()
        dw, dv, da = torch.empty_like(w), torch.empty_like(v), torch.zeros_like(a)
        h, dh = torch.empty_like(a), torch.empty_like(a)
        for d in reversed(range(len(w))):
            torch.mv(da.T, x_t[d], out=dw[d])
            a.addr_(x_t[d], w[d], alpha=-1)
            torch.sigmoid(a, out=h)
            torch.mv(h.T, g[d], out=dv[d])
            torch.outer(g[d], v[d], out=dh)
            da.addcmul_(dh, h.addcmul_(h, h, value=-1))  # dh h (1 - h)
        return None, dw, da.sum(0), dv


class NADE(Model):
    """Neural autoregressive distribution estimator (Larochelle and Murray 2011):
    h_d = sigmoid(c + sum_{e<d} w_e x_e), logits_d = v_d h_d + b_d.

    slices       the loop over sub-pixels, slicing its parameters in each step, as peers write it
    steps        the loop over parameters unbound once, whose gradients are then stacked once
    recomputed   the loop in place, with a backward pass by hand
    cumulative   a cumulative sum over all sub-pixels, or over a chunk at a time
    products     a product with the lower triangle of a chunk
    pointwise    a chunk of steps to be fused by a compiler
    """

    formulations = ["slices", "steps", "recomputed", "cumulative", "products", "pointwise"]
    bodies = {
        "steps": steps, "cumulative": cumulative, "products": products,
        "pointwise": pointwise_steps,
    }

    def __init__(self, formulation, shape, head, hidden, chunk=None, compiler=None):
        super().__init__()
        self.head, d = head, math.prod(shape)
        self.w = nn.Parameter(torch.randn(d, hidden) / hidden**0.5)
        self.c = nn.Parameter(torch.zeros(hidden))
        self.v = nn.Parameter(torch.randn(d, hidden) / hidden**0.5)
        self.b = nn.Parameter(torch.zeros(d))
        self.formulation = formulation
        self.chunk = chunk or d
        body = self.bodies.get(formulation)
        self.body = compiler(body) if compiler and body else body

    def forward(self, x):
        if self.formulation == "slices":
            return self.sliced(x)
        if self.formulation == "recomputed":
            return Recomputed.apply(x, self.w, self.c, self.v) + self.b
        a = self.c.expand(len(x), -1)
        parts = []
        for x, w, v in zip(
            x.split(self.chunk, 1), self.w.split(self.chunk), self.v.split(self.chunk)
        ):
            part, a = self.body(a, x, w, v)
            parts.append(part)
        return torch.cat(parts, 1) + self.b

    def sliced(self, x):
        a = self.c.expand(len(x), -1)
        logits = []
        for d in range(x.shape[1]):
            h = torch.sigmoid(a)
            logits.append(h @ self.v[d : d + 1].T + self.b[d : d + 1])
            a = a + x[:, d : d + 1] @ self.w[d : d + 1]
        return torch.cat(logits, 1)


MODELS = {
    "pixelcnn": PixelCNN,
    "made": MADE,
    "nade": NADE,
    "gated-pixelcnn": GatedPixelCNN,
    "pixelcnn++": PixelCNNPlus,
    "pixelsnail": PixelSNAIL,
    "transformer": Transformer,
    "local-pixelcnn": LocalPixelCNN,
    "rnn": RecurrentNetwork,
    "pixelrnn": PixelRNN,
}
