"""What a drawn image costs in scoring passes, by `scanline benchmark`: medians of some rounds.

    python3 Benchmarks/sampling.py [--rounds 5] [--seconds 2] [--only gated]
        [--scanline .build/release/scanline]
"""

import argparse
import json
import statistics
import subprocess

from machine import multiplies_bfloat16

DIGITS = ["--head", "bernoulli"]
COLOUR = ["--size", "32x32", "--channels", "rgb", "--head", "categorical"]
MODELS = [
    ("FVSBN", ["--model", "fvsbn"] + DIGITS),
    ("NADE, 500 units", ["--model", "nade"] + DIGITS),
    ("MADE, 8000 units", ["--model", "made", "--set", "hidden=8000"] + DIGITS),
    (
        "PixelCNN, 15 blocks of h = 64",
        ["--model", "pixelcnn", "--set", "blocks=15", "--set", "channels=64"] + DIGITS,
    ),
    ("gated PixelCNN, defaults", ["--model", "gated-pixelcnn"] + DIGITS),
    ("transformer, defaults", ["--model", "transformer"] + DIGITS),
    ("PixelSNAIL, defaults", ["--model", "pixelsnail"] + DIGITS),
    ("PixelCNN++, defaults", ["--model", "pixelcnn++"] + DIGITS),
    ("RNN, defaults", ["--model", "rnn"] + DIGITS),
    ("PixelRNN, defaults", ["--model", "pixelrnn"] + DIGITS),
    ("PixelRNN, rows", ["--model", "pixelrnn", "--set", "kind=row"] + DIGITS),
    (
        "PixelCNN, defaults, 32×32 RGB, 256 levels",
        ["--model", "pixelcnn"] + COLOUR,
    ),
    ("gated PixelCNN, the same", ["--model", "gated-pixelcnn"] + COLOUR),
    ("transformer, the same", ["--model", "transformer"] + COLOUR),
    ("PixelSNAIL, the same", ["--model", "pixelsnail"] + COLOUR),
    ("PixelCNN++, the same", ["--model", "pixelcnn++"] + COLOUR),
    ("RNN, the same", ["--model", "rnn"] + COLOUR),
    ("PixelRNN, the same", ["--model", "pixelrnn"] + COLOUR),
]


def measure(chosen, arguments, precision):
    command = [chosen.scanline, "benchmark", "--only", "score,sample", "--json", "--quiet"]
    command += ["--seconds", str(chosen.seconds), "--score-precision", precision] + arguments
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return report["score_images_per_second"], report["sample_images_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", default="", help="part of a model's name")
    parser.add_argument("--scanline", default=".build/release/scanline")
    chosen = parser.parse_args()
    print("| model | precision | scoring, images/s | sampling, images/s | passes a sample |")
    print("|---|---|---|---|---|")
    for name, arguments in MODELS:
        if chosen.only not in name:
            continue
        for precision in ["float32"] + ["bfloat16"] * multiplies_bfloat16():
            rounds = [measure(chosen, arguments, precision) for _ in range(chosen.rounds)]
            score, sample = (statistics.median(column) for column in zip(*rounds))
            passes = statistics.median(score / sample for score, sample in rounds)
            print(f"| {name} | {precision} | {score:.0f} | {sample:.0f} | {passes:.2f} |", flush=True)


if __name__ == "__main__":
    main()
