"""Which recipe of gated PixelCNN is best after equal times on a CPU: many trainings at once on one GPU.

    python Benchmarks/gated_recipes.py BINARIZED-MNIST-FOLDER SECONDS RECIPES.json

A recipe is {"name", "cpu_rate", "layers", "channels", "batch", "rate", "dropout", "decay", "seed"}, all
but the first two optional; cpu_rate is how many images a second `scanline benchmark` trains. All get as
many steps as the same time on the CPU would give them, as large as SECONDS allow. Network, first weights,
Muon, schedule and average are Scanline's; activations are bfloat16.
"""

import gzip
import json
import math
import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SIDE, DEVICE = 28, "cuda"
BEGIN = time.time()


def binarized(path):
    digits = np.frombuffer(gzip.open(path).read(), np.uint8)
    digits = digits[(digits == ord("0")) | (digits == ord("1"))] - ord("0")
    return torch.from_numpy(digits.reshape(-1, SIDE * SIDE).copy()).to(DEVICE)


class Convolution(nn.Conv2d):
    def __init__(self, inputs, outputs, size, gain, seen=None):
        super().__init__(inputs, outputs, size)
        fan_in = seen or inputs * size[0] * size[1]
        nn.init.normal_(self.weight, std=gain * math.sqrt(2 / fan_in))
        nn.init.zeros_(self.bias)


class Gated(nn.Module):
    """Sources/Models/GatedPixelCNN.swift, of one channel."""

    def __init__(self, layers, channels, dropout, first=7):
        super().__init__()
        h, two, share = channels, 2**0.5, layers**-0.5
        self.layers, self.dropout, self.reach = layers, dropout, first // 2
        reach = self.reach
        self.above = Convolution(3, 2 * h, (reach, first), two, reach * first)
        self.own = Convolution(3, 2 * h, (1, reach), two, reach)
        self.vertical = nn.ModuleList(
            Convolution(h, 2 * h, (2, 3), two) for _ in range(layers - 1))
        self.horizontal = nn.ModuleList(
            Convolution(h, 2 * h, (1, 2), two) for _ in range(layers - 1))
        self.link = nn.ModuleList(Convolution(2 * h, 2 * h, (1, 1), 1 / two) for _ in range(layers))
        self.out = nn.ModuleList(
            Convolution(h, h, (1, 1), share if i else 1) for i in range(layers))
        self.skip = nn.ModuleList(Convolution(h, 2 * h, (1, 1), share) for _ in range(layers))
        self.gather = Convolution(h, 2 * h, (1, 1), 1)
        self.output = Convolution(2 * h, 1, (1, 1), 0.1)
        middles = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
        planes = [middles[:, None].expand(SIDE, SIDE), middles[None].expand(SIDE, SIDE)]
        self.register_buffer("planes", torch.stack(planes)[None])

    def gate(self, a):
        t, s = a.chunk(2, 1)
        return F.dropout(torch.tanh(t) * torch.sigmoid(s), self.dropout, self.training)

    def forward(self, x):  # [N, 784] of 0 and 1, to logits
        r = self.reach
        x = (2 * x - 1).view(-1, 1, SIDE, SIDE)
        x = torch.cat([x, self.planes.to(x.dtype).expand(len(x), -1, -1, -1)], 1)
        x = x.contiguous(memory_format=torch.channels_last)
        a = self.above(F.pad(x, (r, r, r, 0)))[:, :, :-1]
        b = self.own(F.pad(x, (r, 0, 0, 0)))[:, :, :, :-1]
        stream, skips = 0, 0
        for i in range(self.layers):
            if i > 0:
                a = self.vertical[i - 1](F.pad(vertical, (1, 1, 1, 0)))
                b = self.horizontal[i - 1](F.pad(stream, (1, 0, 0, 0)))
            gated = self.gate(b + self.link[i](a))
            if i + 1 < self.layers:
                vertical = self.gate(a)
            stream = self.out[i](gated) + stream
            skips = self.skip[i](gated) + skips
        features = self.gather(F.relu(stream)) + skips
        return self.output(F.relu(features)).flatten(1)


class Training:
    def __init__(self, images, name, cpu_rate, layers=12, channels=32, batch=16, rate=2e-3,
                 dropout=0.1, decay=0.5, seed=1):
        self.images, self.name, self.cpu_rate = images, name, cpu_rate
        self.shape, self.batch, self.rate, self.decay = (layers, channels), batch, rate, decay
        torch.manual_seed(seed)
        self.model = Gated(layers, channels, dropout).to(DEVICE)
        share = float(images.float().mean())
        with torch.no_grad():
            self.model.output.bias.fill_(math.log(share / (1 - share)))
        names = [name for name, _ in self.model.named_parameters()]
        self.weights = [p.detach().clone() for p in self.model.parameters()]
        self.first = [w.clone() for w in self.weights]
        self.model.to(torch.bfloat16)
        self.copies = list(self.model.parameters())
        self.average = [w.clone() for w in self.weights]
        self.m = [torch.zeros_like(w) for w in self.weights]
        self.v = [torch.zeros_like(w) for w in self.weights]
        self.done, self.steps, self.loss = (
            torch.zeros((), dtype=torch.float64, device=DEVICE) for _ in range(3))
        self.order = torch.randperm(len(images), device=DEVICE)
        self.places = torch.arange(batch, device=DEVICE)
        self.longest = torch.tensor(0.9995, device=DEVICE)
        self.matrices, self.others = {}, []
        for i, (name, weight) in enumerate(zip(names, self.weights)):
            if weight.dim() == 4 and not name.startswith("output"):
                self.matrices.setdefault((len(weight), weight[0].numel()), []).append(i)
            else:
                self.others.append(i)
        self.stream = torch.cuda.Stream()

    def step(self):
        x = self.images[self.order[
            (self.done.long() * self.batch + self.places) % len(self.images)]].float()
        logits = self.model(x.to(torch.bfloat16)).float()
        loss = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
        gradients = [g.float() for g in torch.autograd.grad(loss, self.copies)]
        with torch.no_grad():
            self.loss.copy_(loss)
            count, progress = self.done + 1, self.done / self.steps
            rise = (progress.clamp(min=1e-3) / 0.02).clamp(max=1)
            fall = ((progress - 0.02) / 0.98).clamp(0, 1)
            fall = 0.01 + 0.99 * 0.5 * (1 + torch.cos(math.pi * fall))
            rate = (self.rate * torch.where(progress < 0.02, rise, fall)).float()
            keep = torch.minimum(self.longest, ((1 + count) / (10 + count)).float())
            self.muon(gradients, rate)
            self.adam(gradients, rate, count)
            for average, weight in zip(self.average, self.weights):
                average.lerp_(weight, 1 - keep)
            torch._foreach_copy_(self.copies, self.weights)
            self.done += 1

    def muon(self, gradients, rate):
        for (rows, columns), places in self.matrices.items():
            g = torch.stack([gradients[i].reshape(rows, columns) for i in places])
            m = torch.stack([self.m[i].reshape(rows, columns) for i in places])
            m = 0.95 * m + 0.05 * g
            ahead = 0.95 * m + 0.05 * g
            x = ahead.mT if rows > columns else ahead
            x = x / x.flatten(1).norm(dim=1).clamp(min=1e-20)[:, None, None]
            for _ in range(5):
                a = x @ x.mT
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
            x = x.mT if rows > columns else x
            for k, i in enumerate(places):
                weight = self.weights[i]
                self.m[i].copy_(m[k].view_as(weight))
                step = rate * max(rows, columns) ** 0.5 * x[k].reshape(weight.shape)
                weight.mul_(1 - rate * self.decay).sub_(step)

    def adam(self, gradients, rate, count):
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        scale = (SIDE * SIDE / norm).clamp(max=1)
        for i in self.others:
            g, weight = gradients[i] * scale, self.weights[i]
            self.m[i].lerp_(g, 0.1)
            self.v[i].lerp_(g * g, 0.001)
            m, v = self.m[i] / (1 - 0.9**count).float(), self.v[i] / (1 - 0.999**count).float()
            if weight.dim() == 4:
                weight.mul_(1 - rate * self.decay)
            weight.sub_(rate * m / (v.sqrt() + 1e-8))

    def record(self):
        """A step as a graph of kernels, begun anew."""
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                self.step()
            self.stream.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(
                self.graph, stream=self.stream, capture_error_mode="thread_local"
            ):
                self.step()
        self.restart(1)

    def restart(self, steps):
        for zero in self.m + self.v + [self.done]:
            zero.zero_()
        for values in (self.weights, self.average):
            torch._foreach_copy_(values, self.first)
        with torch.no_grad():
            torch._foreach_copy_(self.copies, self.first)
        self.steps.fill_(steps)
        torch.cuda.synchronize()

    def run(self, steps, until, report=lambda share: None):
        """Goes on for so many steps, or until a time; for how many it has."""
        marks, done, begin = [0.25, 0.5, 0.75, 1], 0, time.time()
        with torch.cuda.stream(self.stream):
            while done < steps and time.time() < until:
                count = min(25, steps - done)
                epoch = len(self.images) // self.batch
                if done // epoch != (done + count) // epoch:
                    self.order.copy_(torch.randperm(len(self.images), device=DEVICE))
                for _ in range(count):
                    self.graph.replay()
                done += count
                self.stream.synchronize()
                if marks and done >= marks[0] * steps:
                    report(marks.pop(0))
        self.speed = done * self.batch / (time.time() - begin)

    @torch.no_grad()
    def nats(self, images):
        model = Gated(*self.shape, 0).to(DEVICE).eval()
        for weight, average in zip(model.parameters(), self.average):
            weight.copy_(average)
        sums = [
            F.binary_cross_entropy_with_logits(model(x), x, reduction="sum").double()
            for x in images.float().split(1000)
        ]
        return float(sum(sums)) / len(images)


def together(trainings, steps, until, report=lambda training, share: None):
    def start(training, count):
        return threading.Thread(
            target=training.run, args=(count, until, lambda share: report(training, share)))

    threads = [start(training, count) for training, count in zip(trainings, steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    folder, seconds, recipes = Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    torch.backends.cudnn.benchmark = True
    train = binarized(folder / "binarized_mnist_train.amat.gz")
    valid = binarized(folder / "binarized_mnist_valid.amat.gz")
    trainings = [Training(train, **recipe) for recipe in json.loads(recipes.read_text())]
    for training in trainings:
        training.record()
    together(trainings, [10**9] * len(trainings), time.time() + 15)
    left = BEGIN + seconds - 15 - time.time()
    same = min(0.93 * left * training.speed / training.cpu_rate for training in trainings)
    print(f"as {same:.0f} seconds on the CPU")
    steps = [int(same * training.cpu_rate / training.batch) for training in trainings]
    for training, count in zip(trainings, steps):
        training.restart(count)

    def report(training, share):
        print(
            f"{training.name}: {share:.0%}, validation {training.nats(valid):.3f}, training "
            f"{training.nats(train[:10000]):.3f}, {time.time() - BEGIN:.0f} s", flush=True)

    together(trainings, steps, BEGIN + seconds - 10, report)


if __name__ == "__main__":
    main()
