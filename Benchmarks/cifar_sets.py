"""Odd images made of CIFAR-10's, in its binary format: noise, and the images mirrored and upside down.

    python3 Benchmarks/cifar_sets.py test.bin FOLDER
"""

import random
import sys

SIDE = 32
PLANE = SIDE * SIDE


def rearranged(record, row):
    label, planes = record[:1], record[1:]
    rows = [planes[i : i + SIDE] for i in range(0, 3 * PLANE, SIDE)]
    return label + b"".join(row(rows, plane, y) for plane in range(3) for y in range(SIDE))


def main():
    source, folder = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    size = 1 + 3 * PLANE
    records = [data[i : i + size] for i in range(0, len(data), size)]
    draws = random.Random(1)
    made = {
        "noise": lambda record: record[:1] + draws.randbytes(3 * PLANE),
        "mirrored": lambda record: rearranged(
            record, lambda rows, plane, y: rows[plane * SIDE + y][::-1]
        ),
        "upside-down": lambda record: rearranged(
            record, lambda rows, plane, y: rows[plane * SIDE + SIDE - 1 - y]
        ),
    }
    for name, make in made.items():
        with open(f"{folder}/cifar-{name}.bin", "wb") as file:
            file.write(b"".join(map(make, records)))


if __name__ == "__main__":
    main()
