"""Patches of photographs, and a mixture of Gaussians on them, beside which RNADE stands.

    pip install numpy pillow scikit-learn
    python Benchmarks/rnade.py patches PHOTOGRAPHS OUT
    python Benchmarks/rnade.py mixture OUT

`patches` cuts grey 8×8 patches at random out of a folder of class folders of images, and writes
train.npy, valid.npy and test.npy, uint8 [N, 8, 8]. The first image of each class by sorted name and every
tenth from there are for the test, those after them for validation; no image gives patches to two of them.

`mixture` fits scikit-learn's GaussianMixture, full covariances, to the training patches x + u, u uniform in
0 … 1, chooses the number of components on validation, and prints nats a patch on test. The density is over
x + u, in units of a level; so is what `scanline evaluate` prints, whose density is the same all over a
level's bin.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np

SIDE = 8
COUNTS = {"train": 100_000, "valid": 5_000, "test": 20_000}
COMPONENTS = [16, 32, 64, 128]


def patches(photographs, out):
    from PIL import Image

    files = {"train": [], "valid": [], "test": []}
    for folder in sorted(p for p in photographs.iterdir() if p.is_dir()):
        for i, file in enumerate(sorted(p for p in folder.iterdir() if p.is_file())):
            files[{0: "test", 1: "valid"}.get(i % 10, "train")].append(file)
    out.mkdir(parents=True, exist_ok=True)
    for part, count in COUNTS.items():
        random = np.random.default_rng(list(COUNTS).index(part))
        images = [np.asarray(Image.open(f).convert("L")) for f in files[part]]
        result = np.empty((count, SIDE, SIDE), np.uint8)
        for n in range(count):
            image = images[random.integers(len(images))]
            row = random.integers(image.shape[0] - SIDE + 1)
            column = random.integers(image.shape[1] - SIDE + 1)
            result[n] = image[row : row + SIDE, column : column + SIDE]
        np.save(out / f"{part}.npy", result)
        print(f"{part}: {count} patches of {len(images)} images")


def mixture(folder):
    from sklearn.mixture import GaussianMixture

    def rows(part):
        x = np.load(folder / f"{part}.npy").reshape(-1, SIDE * SIDE).astype(np.float64)
        return x + np.random.default_rng(7).random(x.shape)

    train, valid, test = rows("train"), rows("valid"), rows("test")
    best = None
    for components in COMPONENTS:
        model = GaussianMixture(
            components, covariance_type="full", reg_covar=1e-2, max_iter=200, random_state=1
        ).fit(train)
        nats = -model.score(valid)
        print(f"{components} components: {nats:.2f} nats on validation", flush=True)
        if best is None or nats < best[0]:
            best = (nats, components, model)
    terms = -best[2].score_samples(test)
    print(
        json.dumps(
            {
                "components": best[1],
                "nats_per_image": terms.mean(),
                "nats_standard_error": terms.std(ddof=1) / math.sqrt(len(terms)),
                "bits_per_dimension": terms.mean() / (SIDE * SIDE * math.log(2)),
            }
        )
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    cut = commands.add_parser("patches")
    cut.add_argument("photographs", type=Path)
    cut.add_argument("out", type=Path)
    fit = commands.add_parser("mixture")
    fit.add_argument("out", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "patches":
        patches(arguments.photographs, arguments.out)
    else:
        mixture(arguments.out)


if __name__ == "__main__":
    main()
