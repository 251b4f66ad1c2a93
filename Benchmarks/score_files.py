"""`scanline score` over PNG files, the whole command, against PyTorch's passes over tensors.

    make bench-score-files [BENCH="--rounds 5"]

A PixelCNN of 15 blocks, h = 64, trained for a minute on MNIST at mid-grey, scores its 10 000 test
images as PNG files: start, reading the run, finding and decoding the files, the pass, the CSV. Each
turn is one such command in each precision, then each of PyTorch's best variants for some seconds on
tensors that lie ready. Medians; and how far bfloat16's nats are from float32's.
"""

import argparse
import csv
import gzip
import statistics
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

from competitors import Torch
from workloads import BF16, BF16_WEIGHTS, WORKLOADS, Peer

PEERS = [
    Peer("cropped", precision, "freeze", layout)
    for precision in (BF16, BF16_WEIGHTS)
    for layout in ("nchw", "nhwc")
]
YARDSTICK = ["--model", "pixelcnn", "--set", "blocks=15", "--set", "channels=64"]


def write_png(path, pixels, width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[row * width:(row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b""))


def unpack(idx, folder):
    """Writes the images of an IDX file as PNG files; answers how many there are."""
    data = (gzip.open if idx.suffix == ".gz" else open)(idx, "rb").read()
    count, height, width = struct.unpack(">iii", data[4:16])
    folder.mkdir()
    for i in range(count):
        first = 16 + i * height * width
        pixels = data[first:first + height * width]
        write_png(folder / f"{i:05}.png", pixels, width, height)
    return count


def find(data, name):
    for path in (data / "mnist" / name, data / "mnist" / f"{name}.gz"):
        if path.exists():
            return path
    raise SystemExit(f"{data}/mnist/{name}: expected MNIST, found none (make mnist)")


def nats(path):
    with open(path, newline="") as file:
        return [float(row["nats"]) for row in csv.DictReader(file)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each of PyTorch's turns")
    parser.add_argument("--data", type=Path, default="datasets/public")
    parser.add_argument("--run", type=Path, help="a run of this model (default: train one)")
    parser.add_argument("--scanline", default=".build/release/scanline")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    train, test = (find(chosen.data, f"{part}-images-idx3-ubyte") for part in ("train", "t10k"))
    workload = next(w for w in WORKLOADS if w.name == "pixelcnn-score")

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        count = unpack(test, folder / "digits")
        run = chosen.run or folder / "run"
        if not chosen.run:
            subprocess.run(
                [chosen.scanline, "train", train, "--run", run, *YARDSTICK, "--binarize",
                 "threshold", "--minutes", "1", "--hold-out", "0", "--seed", "1", "--quiet"],
                check=True)

        def score(precision):
            start = time.monotonic()
            subprocess.run(
                [chosen.scanline, "score", run, folder / "digits", "--out",
                 folder / f"{precision}.csv", "--overwrite", "--precision", precision,
                 "--threads", str(chosen.threads), "--quiet"], check=True)
            return count / (time.monotonic() - start)

        workers = [Torch(workload, peer, chosen.threads) for peer in PEERS]
        for worker in workers:
            worker.measure(1, kept=False)
        ours = {"bfloat16": [], "float32": []}
        for _ in range(chosen.rounds):
            for precision, rates in ours.items():
                rates.append(score(precision))
            for worker in workers:
                worker.measure(chosen.seconds)
        best = max(workers, key=lambda worker: worker.rows[0].median)

        print("| what | images/s | × PyTorch's best |\n|---|---|---|")
        for precision, rates in ours.items():
            rate = statistics.median(rates)
            print(
                f"| scanline score --precision {precision}, {count:,} PNG files, the whole command"
                f" | {rate:.0f} ({min(rates):.0f}–{max(rates):.0f})"
                f" | {rate / best.rows[0].median:.2f} |")
        for worker in workers:
            row = worker.rows[0]
            print(
                f"| {row.name}, tensors | {row.median:.0f} ({min(row.rates):.0f}–"
                f"{max(row.rates):.0f}) | {row.median / best.rows[0].median:.2f} |")
            worker.close()
        single, half = nats(folder / "float32.csv"), nats(folder / "bfloat16.csv")
        difference = statistics.fmean(half) / statistics.fmean(single) - 1
        print(
            f"\nnats an image, mean: float32 {statistics.fmean(single):.4f}, bfloat16"
            f" {statistics.fmean(half):.4f}, apart {100 * difference:+.4f} %")


if __name__ == "__main__":
    main()
