"""One PyTorch variant of one model in one process, for bench_peers.py.

    python Benchmarks/worker.py --model made --set hidden=8000 --formulation held --batch 64 \\
      --precision bfloat16 --compile default

Prints one line of JSON once the model stands, then answers each line of standard input with one:

    train SECONDS | score SECONDS | sample SECONDS    images/s, with what came before it warmed up
    quit

Between two lines it is blocked on standard input; `idle_cpu_seconds` proves that it burned nothing.
"""

import argparse
import json
import sys
import time

import torch

from models import MODELS, NADE
from peer import head_of, number

WARM_UP = 3  # steps, after the one that compiles
ONES, RUN = 0.13, 3.5  # share of ones and mean length of a run of them, as in Scanline's images


def random_images(count, dimension, levels):
    """Intensities 0…1, as Scanline measures with: binary ones in runs, others uniform."""
    if levels > 2:
        return torch.randint(0, levels, (count, dimension)).float() / (levels - 1)
    images = torch.empty(count, dimension)
    probability = torch.full((count,), ONES)
    for i in range(dimension):
        one = torch.rand(count) < probability
        images[:, i] = one
        probability = torch.where(one, 1 - 1 / RUN, ONES / (1 - ONES) / RUN)
    return images


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--formulation", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--size", default="28x28", metavar="WxH")
    parser.add_argument("--channels", choices=["gray", "rgb"], default="gray")
    parser.add_argument("--head", choices=["bernoulli", "logistic-mixture"], default="bernoulli")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--layout", choices=["nchw", "nhwc"], default="nchw")
    # bfloat16 is autocast over float32 weights; bfloat16-weights rounds them once, to score.
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16", "bfloat16-weights"], default="float32"
    )
    # freeze: torch.compile, and the weights are constants, to score.
    parser.add_argument(
        "--compile", choices=["off", "default", "max-autotune", "freeze"], default="off"
    )
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


class Variant:
    def __init__(self, options):
        self.batch = options.batch
        self.autocast = options.precision == "bfloat16"
        mode = {"max-autotune": "max-autotune-no-cudagraphs"}.get(options.compile, "default")
        torch._inductor.config.freezing = options.compile == "freeze"

        def compiler(function):
            return torch.compile(function, mode=mode, dynamic=False)

        settings = {name: number(value) for name, value in (s.split("=") for s in options.set)}
        width, height = map(int, options.size.split("x"))
        shape = (height, width, 3 if options.channels == "rgb" else 1)
        self.pixels, self.head = height * width, head_of(options.head, shape)
        model_class = MODELS[options.model]
        compiled = options.compile != "off"
        if compiled and model_class is NADE:
            # Its chunk alone: all sub-pixels unrolled would compile for hours.
            settings["compiler"] = compiler
        self.module = model_class(options.formulation, shape, self.head, **settings)
        if options.layout == "nhwc":
            self.module.to(memory_format=torch.channels_last)
            self.module.memory_format = torch.channels_last
        self.dtype = torch.float32
        if options.precision == "bfloat16-weights":
            self.dtype = torch.bfloat16
            self.module.to(self.dtype)
        self.model = self.module
        if compiled and model_class is not NADE:
            self.model = compiler(self.module)
        self.optimiser = torch.optim.AdamW(self.module.parameters(), lr=1e-3, fused=True)
        self.pool = random_images(
            max(2048, options.batch), height * width * shape[2], self.head.levels)
        self.taken = 0
        self.warm = set()

    def next_batch(self):
        if self.taken + self.batch > len(self.pool):
            self.taken = 0
        self.taken += self.batch
        return self.pool[self.taken - self.batch : self.taken]

    def outputs(self, x):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            return self.model(x.to(self.dtype)).float()

    def train(self):
        x = self.next_batch()
        nats = self.head.nats(self.outputs(x), x).mean()
        self.optimiser.zero_grad(set_to_none=True)
        nats.backward()
        self.module.mask_gradients()
        self.optimiser.step()

    @torch.no_grad()
    def score(self):
        x = self.next_batch()
        self.head.nats(self.outputs(x), x)

    @torch.no_grad()
    def sample(self):
        """One of the D full passes that a batch of binary images takes."""
        x = self.next_batch().clone()
        d = x.shape[1] // 2
        x[:, d] = torch.bernoulli(torch.sigmoid(self.outputs(x).flatten(1)[:, d]))

    def measure(self, work, seconds):
        """Images/s."""
        step = getattr(self, work)
        if work not in self.warm:
            for _ in range(1 + WARM_UP):
                step()
            self.warm.add(work)
        start, count = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - start) < seconds or count == 0:
            step()
            count += 1
        rate = count * self.batch / elapsed
        return rate / self.pixels if work == "sample" else rate


def peak_memory_bytes():
    with open("/proc/self/status") as status:
        kibibytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kibibytes) * 1024


def answer(**contents):
    print(json.dumps(contents), flush=True)


def main():
    chosen = options()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(1)
    variant = Variant(chosen)
    answer(parameters=variant.module.live_parameters())
    before = time.process_time()
    for line in sys.stdin:
        idle = time.process_time() - before
        work, *seconds = line.split()
        if work == "quit":
            break
        rate = variant.measure(work, float(seconds[0]))
        answer(
            images_per_second=rate,
            peak_memory_bytes=peak_memory_bytes(),
            idle_cpu_seconds=idle,
        )
        before = time.process_time()


if __name__ == "__main__":
    main()
