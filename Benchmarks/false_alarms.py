"""How often fresh normal images are flagged, and whether their p-values are uniform.

    python3 Benchmarks/false_alarms.py scores.csv --calibrated-on 2000

SCORES is what `scanline score` wrote of normal images that the run has not seen. They are shuffled and
divided into splits; of each, the share of p-values at most as large as each rate is compared with the
binomial error of so many images, and of them all together also with the error of a calibration on so
many. The distance of Kolmogorov and Smirnov is that of all p-values from uniform.
"""

import argparse
import csv
import math
import random


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scores")
    parser.add_argument("--calibrated-on", type=int, required=True, metavar="IMAGES")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1, 0.05, 0.01, 0.002])
    options = parser.parse_args()
    with open(options.scores, newline="") as file:
        values = [float(row["p_value"]) for row in csv.DictReader(file)]
    random.Random(1).shuffle(values)
    size = len(values) // options.splits
    splits = [values[i * size : (i + 1) * size] for i in range(options.splits)]
    n = options.calibrated_on
    print(f"{options.splits} splits of {size} images; p-values among {n}")
    for rate in options.rates:
        realised = [sum(p <= rate for p in split) / size for split in splits]
        error = math.sqrt(rate * (1 - rate) / size)
        within = sum(abs(r - rate) <= 2.58 * error + 1 / (n + 1) for r in realised)
        whole = sum(p <= rate for p in values) / len(values)
        both = math.sqrt(rate * (1 - rate) * (1 / len(values) + 1 / n))
        print(
            f"{rate:6.1%} asked: {' '.join(f'{r:.2%}' for r in realised)}; within 99 % of the"
            f" binomial error {within} of {options.splits}; together {whole:.2%} ± {both:.2%}"
        )
    values.sort()
    distance = max(
        max(abs((i + 1) / len(values) - p), abs(i / len(values) - p)) for i, p in enumerate(values)
    )
    # Of two samples: the images, and those that they are ranked among.
    scale = math.sqrt(len(values) * n / (len(values) + n))
    chance = 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * distance * scale) ** 2) for k in range(1, 100))
    print(f"Kolmogorov-Smirnov distance from uniform {distance:.4f}, p = {min(1, max(0, chance)):.3f}")


if __name__ == "__main__":
    main()
