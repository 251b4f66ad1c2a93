"""Makes classifiers/resnet.json: what PyTorch computes for a small residual classifier, in float64.

    pip install torch==2.15.0 numpy
    python Tests/Golden/make_classifier.py

Written anew from the header of the model: the 2×2 convolution of stride 2 is one here, and a 1×1 one over
folded pixels there. The file holds the specification, images and labels; every parameter with its
gradient of the mean −log p(label); logits; and the gradient of Σ logits · (1, 2, …) in the intensities.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

HEIGHT, WIDTH, CHANNELS, LEVELS, CLASSES = 5, 6, 3, 7, 4
STAGES, BLOCKS, WIDTH_OF_FIRST = 3, 1, 3


def main():
    torch.manual_seed(3)
    parameters = {}

    def parameter(name, *shape):
        value = torch.randn(*shape, dtype=torch.float64) / max(1, shape[0]) ** 0.5
        parameters[name] = value.requires_grad_()
        return value

    def convolution(name, inputs, outputs, size):
        return parameter(f"{name}/weight", outputs, inputs, size, size), parameter(f"{name}/bias", outputs)

    first = convolution("first", CHANNELS, WIDTH_OF_FIRST, 3)
    stages = []
    for level in range(STAGES):
        width = WIDTH_OF_FIRST << level
        blocks = [
            (convolution(f"level{level}/block{b}/inner", width, width, 3),
             convolution(f"level{level}/block{b}/outer", width, width, 3)) for b in range(BLOCKS)]
        halving = None
        if level < STAGES - 1:
            halving = convolution(f"level{level}/halving", 4 * width, 2 * width, 1)
        stages.append((blocks, halving))
    top = WIDTH_OF_FIRST << (STAGES - 1)
    output = parameter("output/weight", CLASSES, top), parameter("output/bias", CLASSES)

    symbols = torch.randint(LEVELS, (3, HEIGHT, WIDTH, CHANNELS))
    labels = torch.tensor([1, 3, 0])
    intensities = (symbols.double() / (LEVELS - 1)).requires_grad_()

    x = F.conv2d(2 * intensities.permute(0, 3, 1, 2) - 1, *first, padding=1)
    for blocks, halving in stages:
        for inner, outer in blocks:
            x = x + F.conv2d(F.relu(F.conv2d(F.relu(x), *inner, padding=1)), *outer, padding=1)
        if halving:
            weight, bias = halving
            n, _, h, w = x.shape
            x = F.pad(x, (0, w % 2, 0, h % 2))
            # Folded channels are quarter by quarter: row, column, channel.
            kernel = weight.view(weight.shape[0], 2, 2, -1).permute(0, 3, 1, 2)
            x = F.conv2d(x, kernel, bias, stride=2)
    logits = F.linear(F.relu(x).mean((2, 3)), *output)

    ramp = torch.arange(1, logits.numel() + 1, dtype=torch.float64).view_as(logits)
    pixel_gradient, = torch.autograd.grad((logits * ramp).sum(), intensities, retain_graph=True)
    loss = F.cross_entropy(logits, labels)
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    golden = {
        "specification": {
            "name": "resnet", "head": {"kind": "categorical", "levels": LEVELS}, "seed": 7,
            "image": {"height": HEIGHT, "width": WIDTH, "channels": CHANNELS}, "classes": CLASSES,
            "settings": {"levels": str(STAGES), "blocks": str(BLOCKS),
                         "channels": str(WIDTH_OF_FIRST), "dropout": "0"},
        },
        "symbols": symbols.flatten().tolist(),
        "labels": labels.tolist(),
        "parameters": [
            {"name": name, "shape": list(value.shape), "value": value.flatten().tolist(),
             "gradient": gradient.flatten().tolist()}
            for (name, value), gradient in zip(parameters.items(), gradients)],
        "logits": logits.flatten().tolist(),
        "pixelGradient": pixel_gradient.flatten().tolist(),
        "loss": loss.item(),
    }
    folder = Path(__file__).parent / "classifiers"
    folder.mkdir(exist_ok=True)
    (folder / "resnet.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
