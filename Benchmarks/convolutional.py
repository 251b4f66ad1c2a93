"""The peers' side of the convolutional models, as peers write them and at their best.

full      whole kernels times their masks
cropped   without the rows and columns that are never seen, and masked only where something of the
          rest is not; what the padding yields too much is cut off
"""

import torch
import torch.nn.functional as F
from torch import nn

from attention import attend, places
from peer import Model


class Convolution(nn.Conv2d):
    """A convolution that sees, of its own row,

    A      what is left of the centre (van den Oord et al. 2016)
    B      also the centre
    rows   all (the vertical stack of van den Oord et al. 2016b)
    above  nothing

    and the rows above. Channels that are the same for every image, the last `constants`, are seen as far
    as the cropped kernel reaches.
    """

    held = False

    def __init__(self, inputs, outputs, size, kind, formulation, constants=0, stride=1):
        rows, columns = size if isinstance(size, tuple) else (size, size)
        down, right = rows // 2, columns // 2
        mask = torch.zeros(1, inputs + constants, rows, columns)
        mask[:, :, :down] = 1
        if kind != "above":
            mask[:, :, down, : {"A": right, "B": right + 1, "rows": columns}[kind]] = 1
        # Of a single row nothing lies to the right.
        seen = (down + 1, columns if rows > 1 or kind == "rows" else right + 1)
        mask[:, inputs:, : seen[0], : seen[1]] = 1
        if formulation != "full":
            rows, columns = seen
            mask = mask[:, :, :rows, :columns].contiguous()
        super().__init__(inputs + constants, outputs, (rows, columns), stride, (down, right))
        self.is_masked = bool((mask == 0).any())
        if self.is_masked:
            self.register_buffer("mask", mask)

    def forward(self, x):
        weight = self.weight * self.mask if self.is_masked else self.weight
        y = F.conv2d(x, weight, self.bias, self.stride, self.padding)
        height, width = (-(-side // self.stride[0]) for side in x.shape[2:])
        if y.shape[2:] == (height, width):
            return y
        return y[:, :, :height, :width]


class Convolutional(Model):
    formulations = ["full", "cropped"]

    def __init__(self, formulation, shape, head, position=False):
        super().__init__()
        self.formulation = formulation
        self.shape, self.head = shape, head  # (H, W, C)
        self.constants = 2 if position else 0
        height, width, _ = shape
        rows = ((torch.arange(height).double() + 0.5) / height * 2 - 1)[:, None]
        columns = ((torch.arange(width).double() + 0.5) / width * 2 - 1)[None]
        # In double precision, whatever that of the weights.
        self.planes = torch.stack([rows.expand(height, width), columns.expand(height, width)])[None]

    def convolution(self, name, inputs, outputs, size=1, kind="B", **rest):
        scope, _, own = name.rpartition(".")
        module = self
        for part in scope.split(".") if scope else []:
            if not hasattr(module, part):
                module.add_module(part, nn.Module())
            module = module.get_submodule(part)
        module.add_module(
            own, Convolution(inputs, outputs, size, kind, self.formulation, **rest))

    def run(self, name, x):
        return self.get_submodule(name)(x)

    def rectified(self, name, x):
        return self.run(name, F.relu(x))

    def image(self, x, planes=False):
        """Intensities −1…1, [N, C, H, W], and where they are."""
        x = (2 * x - 1).reshape(-1, *self.shape).permute(0, 3, 1, 2)
        x = x.contiguous(memory_format=self.memory_format)
        if planes and self.constants:
            x = torch.cat([x, self.planes.to(x.dtype).expand(len(x), -1, -1, -1)], 1)
        return x

    def outputs(self, y):
        """[N, K, H, W] to [N, H W, K]."""
        return y.permute(0, 2, 3, 1).flatten(1, 2)


def gate(a):
    t, s = a.chunk(2, 1)
    return torch.tanh(t) * torch.sigmoid(s)


class PixelCNN(Convolutional):
    """Residual PixelCNN (van den Oord et al. 2016, section 3.5, figure 5)."""

    def __init__(self, formulation, shape, head, blocks, channels, position=False):
        super().__init__(formulation, shape, head, position)
        h = channels
        self.convolution("first", shape[2], 2 * h, 7, "A", constants=self.constants)
        self.blocks = [f"block{i}" for i in range(blocks)]
        for block in self.blocks:
            self.convolution(f"{block}.reduce", 2 * h, h)
            self.convolution(f"{block}.spread", h, h, 3)
            self.convolution(f"{block}.expand", h, 2 * h)
        self.convolution("gather", 2 * h, 2 * h)
        self.convolution("output", 2 * h, head.outputs)

    def forward(self, x):
        stream = self.run("first", self.image(x, planes=True))  # [N, 2h, H, W]
        for block in self.blocks:
            inside = self.rectified(f"{block}.reduce", stream)
            inside = self.rectified(f"{block}.spread", inside)
            stream = stream + self.rectified(f"{block}.expand", inside)
        return self.outputs(self.rectified("output", self.rectified("gather", stream)))


class LocalPixelCNN(Convolutional):
    """One masked convolution as wide as the reach, then 1×1 layers."""

    def __init__(self, formulation, shape, head, reach, channels, blocks):
        super().__init__(formulation, shape, head)
        h = channels
        self.convolution("first", shape[2], h, 2 * reach + 1, "A")
        self.blocks = [f"block{i}" for i in range(blocks)]
        for block in self.blocks:
            self.convolution(f"{block}.inner", h, h)
            self.convolution(f"{block}.outer", h, h)
        self.convolution("output", h, head.outputs)

    def forward(self, x):
        stream = self.run("first", self.image(x))
        for block in self.blocks:
            stream = stream + self.rectified(
                f"{block}.outer", self.rectified(f"{block}.inner", stream))
        return self.outputs(self.rectified("output", stream))


class GatedPixelCNN(Convolutional):
    """Gated PixelCNN (van den Oord et al. 2016b, figure 2)."""

    def __init__(
        self, formulation, shape, head, layers, channels, first=7, skip=True, position=True
    ):
        super().__init__(formulation, shape, head, position)
        h, self.count, self.skip = channels, layers, skip
        self.convolution("above", shape[2], 2 * h, first, "above", constants=self.constants)
        self.convolution("own", shape[2], 2 * h, (1, first), "A", constants=self.constants)
        for i in range(layers):
            if i > 0:
                self.convolution(f"layer{i}.vertical", h, 2 * h, 3, "rows")
                self.convolution(f"layer{i}.horizontal", h, 2 * h, (1, 3))
            self.convolution(f"layer{i}.link", 2 * h, 2 * h)
            self.convolution(f"layer{i}.out", h, h)
            if skip:
                self.convolution(f"layer{i}.skip", h, 2 * h)
        self.convolution("gather", h, 2 * h)
        self.convolution("output", 2 * h, head.outputs)

    def forward(self, x):
        x = self.image(x, planes=True)
        vertical, horizontal, skips = self.run("above", x), self.run("own", x), 0
        for i in range(self.count):
            layer = f"layer{i}"
            a = self.run(f"{layer}.vertical", vertical) if i > 0 else vertical
            b = self.run(f"{layer}.horizontal", horizontal) if i > 0 else horizontal
            gated = gate(b + self.run(f"{layer}.link", a))
            vertical = gate(a) if i + 1 < self.count else None
            out = self.run(f"{layer}.out", gated)
            horizontal = out + horizontal if i > 0 else out
            if self.skip:
                skips = skips + self.run(f"{layer}.skip", gated)
        features = self.rectified("gather", horizontal) + skips
        return self.outputs(self.rectified("output", features))


class OfWholePixels(Convolutional):
    """Ends of networks that know whole pixels alone."""

    def build_end(self, h):
        self.convolution("end.features", h, 2 * h)
        self.convolution("end.mix", 2 * h, 2 * h)
        self.convolution("end.output", 2 * h, self.head.outputs)

    def finish(self, stream):
        a = self.rectified("end.features", stream)
        return self.outputs(self.rectified("end.output", self.rectified("end.mix", a)))


class PixelCNNPlus(OfWholePixels):
    """PixelCNN++ (Salimans et al. 2017, figure 2) with gates of tanh and sigmoid: u knows the rows above,
    ul also what is left in its own row."""

    def __init__(self, formulation, shape, head, levels, units, channels):
        super().__init__(formulation, shape, head, position=True)
        h, self.scales, self.units = channels, levels, units
        self.convolution("above", shape[2], h, 7, "above", constants=2)
        self.convolution("own", shape[2], h, (1, 7), "A", constants=2)
        for level in range(levels):
            for unit in range(units):
                self.unit(f"level{level}.down{unit}", h, shortcut=False)
            if level + 1 == levels:
                continue
            self.convolution(f"level{level}.own-halved", h, h, (1, 3), stride=2)
            self.convolution(f"level{level}.halved", h, h, 3, "rows", stride=2)
            self.convolution(f"level{level}.doubled", h, 4 * h)
            self.convolution(f"level{level}.own-doubled", h, 4 * h)
            for unit in range(units):
                self.unit(f"level{level}.up{unit}", h, shortcut=True)
        self.build_end(h)

    def unit(self, name, h, shortcut):
        self.convolution(f"{name}.inner", h, h, 3, "rows")
        self.convolution(f"{name}.outer", h, 2 * h, 3, "rows")
        self.convolution(f"{name}.link", h, h)
        self.convolution(f"{name}.own-inner", h, h, (1, 3))
        self.convolution(f"{name}.own-outer", h, 2 * h, (1, 3))
        if shortcut:
            self.convolution(f"{name}.shortcut", h, h)
            self.convolution(f"{name}.own-shortcut", h, h)

    def run_unit(self, name, u, ul, shortcut=None):
        a, b = self.rectified(f"{name}.inner", u), self.rectified(f"{name}.own-inner", ul)
        if shortcut:
            a = a + self.rectified(f"{name}.shortcut", shortcut[0])
            b = b + self.rectified(f"{name}.own-shortcut", shortcut[1])
        u = u + gate(self.rectified(f"{name}.outer", a))
        b = b + self.rectified(f"{name}.link", u)
        return u, ul + gate(self.rectified(f"{name}.own-outer", b))

    def doubled(self, name, x, height, width):
        """Every pixel gives a quarter of its channels to each of the four that it stands for."""
        z = self.run(name, x)
        n, c, h, w = z.shape
        z = z.reshape(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2)
        z = z.reshape(n, c // 4, 2 * h, 2 * w)[:, :, :height, :width]
        return z.contiguous(memory_format=self.memory_format)

    def run_level(self, level, u, ul):
        shortcuts = []
        for unit in range(self.units):
            u, ul = self.run_unit(f"level{level}.down{unit}", u, ul)
            shortcuts.append((u, ul))
        if level + 1 < self.scales:
            height, width = u.shape[2:]
            half, own_half = self.run_level(
                level + 1, self.run(f"level{level}.halved", u),
                self.run(f"level{level}.own-halved", ul))
            u = self.doubled(f"level{level}.doubled", half, height, width)
            ul = self.doubled(f"level{level}.own-doubled", own_half, height, width)
            for unit in range(self.units):
                u, ul = self.run_unit(f"level{level}.up{unit}", u, ul, shortcuts.pop())
        return u, ul

    def forward(self, x):
        x = self.image(x, planes=True)
        return self.finish(self.run_level(0, self.run("above", x), self.run("own", x))[1])


class PixelSNAIL(OfWholePixels):
    """PixelSNAIL (Chen et al. 2018, figure 3) with gates of tanh and sigmoid.

    full      with attention by matrices, as peers write it
    cropped   with PyTorch's fused attention
    padded    the same, keys padded with zeros to the width of values, which its fast kernel asks for
    """

    formulations = ["full", "cropped", "padded"]

    def __init__(self, formulation, shape, head, blocks, units, channels, keys, values):
        super().__init__(formulation, shape, head)
        h, self.count, self.units, self.keys = channels, blocks, units, keys
        height, width, colours = shape
        self.convolution("first", colours, h, 7, "A")
        self.convolution("before", colours, h)
        for b in range(blocks):
            for u in range(units):
                self.convolution(f"block{b}.unit{u}.inner", h, h, 3)
                self.convolution(f"block{b}.unit{u}.outer", h, 2 * h, 3)
            vectors = nn.Module()
            vectors.weight = nn.Parameter(torch.rand(h, height + width + 2) / 10)
            self.get_submodule(f"block{b}").add_module("places", vectors)
            self.convolution(f"block{b}.query", h, keys)
            self.convolution(f"block{b}.keys-values", h, keys + values)
            self.convolution(f"block{b}.near", h, 2 * h)
            self.convolution(f"block{b}.far", values, 2 * h)
        self.build_end(h)

    def forward(self, x):
        x = self.image(x)
        n, c, height, width = x.shape
        before = F.pad(x.permute(0, 2, 3, 1).reshape(n, -1, c), (0, 0, 1, 0))[:, :-1]
        before = before.reshape(n, height, width, c).permute(0, 3, 1, 2)
        stream = self.run("first", x) + self.run("before", before)
        for b in range(self.count):
            block = f"block{b}"
            for u in range(self.units):
                inner = self.rectified(f"{block}.unit{u}.inner", stream)
                stream = stream + gate(self.rectified(f"{block}.unit{u}.outer", inner))
            vectors = places(self.get_parameter(f"{block}.places.weight"), height, width)
            placed = stream + vectors.T.reshape(1, -1, height, width)

            def rows(name):
                return self.run(f"{block}.{name}", placed).flatten(2).transpose(1, 2)

            k, v = rows("keys-values").tensor_split([self.keys], dim=2)
            far = attend(rows("query"), k, v, 1, self.formulation)
            far = far.transpose(1, 2).reshape(n, -1, height, width)
            far = far.contiguous(memory_format=self.memory_format)
            near = self.rectified(f"{block}.near", stream)
            stream = stream + gate(near + self.rectified(f"{block}.far", far))
        return self.finish(stream)
