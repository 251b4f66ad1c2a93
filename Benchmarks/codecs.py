"""Photographs brought to one small size, and how long they are as lossless JPEG XL, WebP and PNG.

    python Benchmarks/codecs.py resize PHOTOGRAPHS OUT --side 64
    python Benchmarks/codecs.py lengths FOLDER

`resize` cuts the largest square out of the middle of each image of a folder of class folders, brings it to
side × side by the mean of boxes, and writes PNG files: the first image of each class by sorted name and
every tenth from there to OUT/test, the others to OUT/train. So a density and a codec are given the same
pixels.

`lengths` prints bits a sub-pixel of all images of a folder, headers included: cjxl -d 0 -e 9 (Debian's
libjxl-tools), cwebp -lossless -z 9 (webp), and Pillow's optimised PNG.
"""

import argparse
import io
import math
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageOps


def resize(photographs, out, side):
    counts = {"train": 0, "test": 0}
    for folder in sorted(path for path in photographs.iterdir() if path.is_dir()):
        files = sorted(path for path in folder.iterdir() if path.is_file())
        for place, file in enumerate(files):
            part = "train" if place % 10 else "test"
            image = ImageOps.fit(Image.open(file).convert("RGB"), (side, side), Image.Resampling.BOX)
            target = out / part / folder.name / (file.stem + ".png")
            target.parent.mkdir(parents=True, exist_ok=True)
            image.save(target)
            counts[part] += 1
    print(f"{counts['train']} images in {out / 'train'}, {counts['test']} in {out / 'test'}")


def encoded(file):
    """Sub-pixels, and the bytes of each codec."""
    with tempfile.TemporaryDirectory() as folder:
        lengths = []
        for name, command in [
            ("a.jxl", ["cjxl", str(file), "a.jxl", "-d", "0", "-e", "9", "--quiet"]),
            ("a.webp", ["cwebp", "-quiet", "-lossless", "-z", "9", str(file), "-o", "a.webp"]),
        ]:
            subprocess.run(command, check=True, cwd=folder, capture_output=True)
            lengths.append(Path(folder, name).stat().st_size)
    image = Image.open(file)
    png = io.BytesIO()
    image.save(png, "PNG", optimize=True)
    return math.prod(image.size) * len(image.getbands()), *lengths, len(png.getvalue())


def lengths(folder):
    files = sorted(path.resolve() for path in folder.rglob("*.png"))
    if not files:
        sys.exit(f"{folder}: expected PNG files, found none")
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(encoded, files))
    subpixels = sum(row[0] for row in found)
    print(f"{len(files)} images, bits a sub-pixel")
    for name, column in [("JPEG XL", 1), ("WebP", 2), ("PNG", 3)]:
        rates = [8 * row[column] / row[0] for row in found]
        mean = 8 * sum(row[column] for row in found) / subpixels
        spread = math.sqrt(sum((rate - mean) ** 2 for rate in rates) / max(1, len(rates) - 1))
        print(f"{name:8} {mean:.4f} ± {spread / math.sqrt(len(rates)):.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    cut = verbs.add_parser("resize")
    cut.add_argument("photographs", type=Path)
    cut.add_argument("out", type=Path)
    cut.add_argument("--side", type=int, default=64)
    measured = verbs.add_parser("lengths")
    measured.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "resize":
        resize(chosen.photographs, chosen.out, chosen.side)
    else:
        lengths(chosen.folder)


if __name__ == "__main__":
    main()
