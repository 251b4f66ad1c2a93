"""Scanline's attacks beside Foolbox's, on the same weights and images.

    pip install torch==2.15.0 foolbox==3.3.4 pillow
    python Benchmarks/attack_peers.py RUN DATA [--first 1000] [--only fgsm pgd] [--scanline PATH]

RUN is a classifier (train --model resnet), DATA a folder of a folder a class, of PNG files as `attack
--method none` writes them. Both sides judge what became of the images once it is rounded to eight bits:
by this network in PyTorch, which has to tell the clean images as Scanline does. Prints for each attack the
share of images that are told wrong, on both sides, and the median length of the moves that fool.
"""

import argparse
import csv
import json
import struct
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import foolbox
import numpy as np
import torch
import torch.nn.functional as F

from PIL import Image

BATCH = 100


class ResidualClassifier(torch.nn.Module):
    """The network of a run, from the header of Scanline's model; images `[N, C, H, W]` in 0…1."""

    def __init__(self, run):
        super().__init__()
        self.settings = json.loads(Path(run, "config.json").read_text())["model"]["settings"]
        self.weights = torch.nn.ParameterDict(
            {name.replace("/", "_"): torch.nn.Parameter(torch.from_numpy(value), False)
             for name, value in tensors(Path(run, "weights.safetensors")).items()})

    def layer(self, name):
        return self.weights[f"{name}_weight"], self.weights[f"{name}_bias"]

    def forward(self, images):
        x = F.conv2d(2 * images - 1, *self.layer("first"), padding=1)
        levels = int(self.settings["levels"])
        for level in range(levels):
            for block in range(int(self.settings["blocks"])):
                name = f"level{level}_block{block}"
                inner = F.conv2d(F.relu(x), *self.layer(f"{name}_inner"), padding=1)
                x = x + F.conv2d(F.relu(inner), *self.layer(f"{name}_outer"), padding=1)
            if level < levels - 1:
                weight, bias = self.layer(f"level{level}_halving")
                kernel = weight.view(weight.shape[0], 2, 2, -1).permute(0, 3, 1, 2)
                x = F.conv2d(F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2)), kernel, bias, stride=2)
        return F.linear(F.relu(x).mean((2, 3)), *self.layer("output"))


def tensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32)
        .reshape(entry["shape"]).copy() for name, entry in header.items()}


def read(folder, files):
    """Images `[N, C, H, W]` in 0…1."""
    images = np.stack([np.asarray(Image.open(Path(folder, file))) for file in files])
    images = images.reshape(*images.shape[:3], -1)
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def judged(model, images):
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in images.split(BATCH)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("data")
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--scanline", default=".build/release/scanline")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.manual_seed(1)
    torch.set_num_threads(2)
    model = ResidualClassifier(arguments.run).eval()
    peers = {
        "fgsm 4": foolbox.attacks.LinfFastGradientAttack(random_start=False),
        "fgsm 8": foolbox.attacks.LinfFastGradientAttack(random_start=False),
        "fgsm 25": foolbox.attacks.LinfFastGradientAttack(random_start=False),
        "bim 8": foolbox.attacks.LinfPGD(steps=40, rel_stepsize=2.5 / 40, random_start=False),
        "pgd 4": foolbox.attacks.LinfPGD(steps=40, rel_stepsize=2.5 / 40),
        "pgd 8": foolbox.attacks.LinfPGD(steps=40, rel_stepsize=2.5 / 40),
        "pgd-l2 128": foolbox.attacks.L2PGD(steps=40, rel_stepsize=2.5 / 40),
        "deepfool": foolbox.attacks.L2DeepFoolAttack(steps=50, overshoot=0.02, candidates=None),
        "cw": foolbox.attacks.L2CarliniWagnerAttack(
            binary_search_steps=6, steps=100, stepsize=0.05, initial_const=1),
    }
    print("| attack, ε | told wrong, Scanline | Foolbox | length, Scanline | Foolbox"
          " | seconds, Scanline | Foolbox |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        for name, peer in peers.items():
            method, *epsilon = name.split()
            if arguments.only and method not in arguments.only:
                continue
            out = Path(place, method + "".join(epsilon))
            command = [
                arguments.scanline, "attack", arguments.run, arguments.data, "--method", method,
                "--first", str(arguments.first), "--out", out, "--json", "--quiet", "--seed", "1"]
            command += ["--epsilon", epsilon[0]] if epsilon else []
            ours = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            with open(out / "attack.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            classes = json.loads(Path(arguments.run, "config.json").read_text())["classNames"]
            labels = torch.tensor([classes.index(row["class"]) for row in rows])
            clean = read(arguments.data, [row["path"] for row in rows])
            told = judged(model, clean)
            differ = sum(classes[t] != row["told"] for t, row in zip(told, rows))
            if differ:
                raise SystemExit(f"{differ} clean images are told differently in PyTorch")

            bounds = foolbox.PyTorchModel(model, bounds=(0, 1))
            radius = float(epsilon[0]) / 255 if epsilon else None
            start, moved = time.time(), []
            for images, truth in zip(clean.split(BATCH), labels.split(BATCH)):
                _, clipped, _ = peer(bounds, images, truth, epsilons=radius)
                moved.append(clipped)
            seconds = time.time() - start
            moved = (255 * torch.cat(moved)).round() / 255
            after = judged(model, moved)
            fooled = (told == labels) & (after != labels)
            lengths = (moved - clean).flatten(1).norm(dim=1)[fooled]
            print(f"| {name} | {1 - ours['accuracy_after']:.3f} | {(after != labels).double().mean():.3f}"
                  f" | {ours['length'] or float('nan'):.3f} | {lengths.median():.3f}"
                  f" | {ours['seconds']:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
