#!/usr/bin/env python3
"""Plots what study-transfer.sh wrote: nats against the number of images.

usage: plot_transfer.py TRANSFER.csv OUT.png
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 64
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    labels = {
        "nothing": "from nothing",
        "whole": "from MNIST, all weights",
        "adapters": "from MNIST, low-rank additions",
    }
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for start, label in labels.items():
        own = [row for row in rows if row["from"] == start]
        axes.errorbar(
            [int(row["images"]) for row in own],
            [float(row["nats_per_image"]) for row in own],
            yerr=[float(row["nats_standard_error"]) for row in own],
            marker="o",
            capsize=2,
            label=label,
        )
    axes.set_xscale("log")
    sizes = sorted({int(row["images"]) for row in rows})
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("images learned")
    axes.set_ylabel("nats an image, test")
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=120)
    return 0


if __name__ == "__main__":
    sys.exit(main())
