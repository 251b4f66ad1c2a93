#!/usr/bin/env python3
"""Surfaces with and without faults, made by code: made_surfaces.py cracks|tiles A|B FOLDER

Cracks: colour images of 227x227, concrete of many grains, stains, pores and lights; odd ones have a dark
crack of 1 to 9 pixels. Tiles: brushed grey surfaces of many sizes, each under one to four exposures; odd ones
have holes, breaks, cracks, frays or an uneven shade. A and B differ in what textures there are: choose on one,
report on the other. Writes PNG files to FOLDER/train (normal), FOLDER/good (normal) and FOLDER/odd.
Needs numpy and scipy.
"""

import os
import struct
import sys
import zlib

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree


def write(path, pixels):
    pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
        file.write(chunk(b"IDAT", zlib.compress(rows, 3)) + chunk(b"IEND", b""))


def noise(random, height, width, power, stretch=1.0):
    """Of a spectrum f^-power, mean 0, deviation 1."""
    f = np.hypot(np.fft.fftfreq(height)[:, None] * stretch, np.fft.rfftfreq(width)[None])
    f[0, 0] = 1
    waves = (random.normal(size=f.shape) + 1j * random.normal(size=f.shape)) * f**-power
    found = np.fft.irfft2(waves, (height, width))
    return (found - found.mean()) / found.std()


def path(random, n, roughness):
    """A random walk from one side of an n x n square to another."""
    sides = random.integers(4)
    p, q = random.uniform(0.1, 0.9) * n, random.uniform(0.1, 0.9) * n
    a, b = [((p, 0), (q, n)), ((0, p), (n, q)), ((p, 0), (n, q)), ((0, p), (q, n))][sides]
    t = np.linspace(0, 1, int(n * 2))
    along = np.array([b[0] - a[0], b[1] - a[1]])
    across = np.array([-along[1], along[0]]) / np.hypot(*along)
    walk = np.cumsum(random.normal(size=len(t)))
    walk = gaussian_filter(walk - t * walk[-1], 1)
    walk *= roughness * n / (abs(walk).max() + 1e-9)
    return np.array(a)[None] + t[:, None] * along[None] + walk[:, None] * across[None]


def crack(random, height, width, thickness, roughness):
    """The share of each pixel that is crack."""
    marked = np.zeros((height * 2, width * 2), bool)
    widths = np.zeros(marked.shape)
    for branch in range(1 + int(random.random() < 0.35)):
        points = path(random, max(height, width), roughness * random.uniform(0.5, 1.3))
        if branch:
            points = points[int(len(points) * random.uniform(0, 0.4)):int(len(points) * random.uniform(0.6, 1))]
        elif random.random() < 0.2:
            points = points[:int(len(points) * random.uniform(0.5, 0.9))]
        varied = np.abs(noise(random, 2, len(points), 1.2)[0]) * 0.5 + 0.6
        y, x = np.rint(points[:, 0] * 2).astype(int), np.rint(points[:, 1] * 2).astype(int)
        inside = (y >= 0) & (y < 2 * height) & (x >= 0) & (x < 2 * width)
        marked[y[inside], x[inside]] = True
        widths[y[inside], x[inside]] = varied[inside] * (0.6 if branch else 1)
    if not marked.any():
        return np.zeros((height, width))
    distance, nearest = distance_transform_edt(~marked, return_indices=True)
    share = np.clip(widths[nearest[0], nearest[1]] * thickness - distance + 0.5, 0, 1)
    return share.reshape(height, 2, width, 2).mean((1, 3))


def concrete(random, n, other):
    kind = random.integers(4)
    grey = (random.uniform(105, 205) + noise(random, n, n, random.uniform(0.5, 1.5)) * random.uniform(2, 11)
            + gaussian_filter(random.normal(size=(n, n)), random.uniform(0.3, 0.9)) * random.uniform(3, 14))
    ys, xs = np.mgrid[:n, :n]
    if random.random() < 0.6:
        grey += noise(random, n, n, 2.2) * random.uniform(2, 12)
    if random.random() < 0.7:  # the light falls off
        gy, gx = random.normal(size=2)
        grey += (gy * (ys / n - 0.5) + gx * (xs / n - 0.5)) * random.uniform(5, 35)
    if kind == 1:  # pores
        for _ in range(random.integers(3, 40)):
            y, x = random.uniform(0, n, 2)
            grey -= np.clip(random.uniform(0.8, 2.8) - np.hypot(ys - y, xs - x) + 0.5, 0, 1) * random.uniform(15, 60)
    if other and kind == 2:  # pebbles
        count = random.integers(60, 300)
        near, which = cKDTree(random.uniform(0, n, (count, 2))).query(np.stack([ys.ravel(), xs.ravel()], 1), k=2)
        inner = np.clip((near[:, 1] - near[:, 0]) / 3, 0, 1).reshape(n, n)
        shades = random.normal(size=count) * random.uniform(3, 12)
        grey += shades[which[:, 0]].reshape(n, n) * inner - (1 - inner) * random.uniform(2, 12)
    if other and kind == 3:  # marks of boards
        y, lines = np.arange(n), np.zeros(n)
        for _ in range(random.integers(1, 4)):
            lines -= np.exp(-((y - random.uniform(0, n)) / random.uniform(1, 3))**2) * random.uniform(4, 16)
        grey += lines[:, None] if random.random() < 0.5 else lines[None]
    if random.random() < 0.4:  # stains
        stain = noise(random, n, n, 1.8)
        grey -= random.uniform(5, 28) / (1 + np.exp(-(stain - random.uniform(0.5, 1.5)) * random.uniform(4, 12)))
    colour = grey[..., None] * (1 + np.array([random.uniform(0, 0.05), 0, -random.uniform(0, 0.08)]))
    if random.random() < 0.3:  # rust
        rust = 1 / (1 + np.exp(-(noise(random, n, n, 1.8) - 1) * 6))
        colour = colour + rust[..., None] * np.array(
            [random.uniform(0, 10), random.uniform(-4, 4), -random.uniform(0, 14)])
    return colour


def cracks(random, other, folder):
    n = 227
    for part, count in (("train", 500), ("good", 250 if other else 200), ("odd", 250 if other else 200)):
        for index in range(count):
            image = concrete(random, n, other)
            if part == "odd":
                thickness = np.exp(random.uniform(np.log(1.2), np.log(9))) if other else random.uniform(1, 7)
                share = crack(random, n, n, thickness, random.uniform(0.03, 0.12))
                depth = random.uniform(0.25, 0.75)
                dark = image * (1 - depth) + noise(random, n, n, 1.0)[..., None] * 4
                share = gaussian_filter(share, random.uniform(0.3, 0.9))[..., None]
                image = image * (1 - share) + dark * share
            image = gaussian_filter(image, (0.5, 0.5, 0)) + random.normal(size=image.shape) * 1.2
            write(f"{folder}/{part}/{index:05d}.png", image)


def fault(random, surface):
    height, width = surface.shape
    ys, xs = np.mgrid[:height, :width]
    kind, surface = random.integers(5), surface.copy()
    if kind == 0:  # holes
        for _ in range(random.integers(1, 4)):
            y, x, radius = random.uniform(20, height - 20), random.uniform(20, width - 20), random.uniform(2, 6)
            distance = np.hypot(ys - y, (xs - x) * random.uniform(0.7, 1.4))
            surface -= np.clip(radius - distance + 0.5, 0, 1) * random.uniform(0.15, 0.5)
            surface += np.exp(-((distance - radius - 1.5) / 1.2)**2) * random.uniform(0, 0.12)
    elif kind == 1:  # a break at a side
        rough, side = noise(random, height, width, 1.6), random.integers(4)
        along, length = (xs, width) if side < 2 else (ys, height)
        distance = ([ys, height - ys, xs, width - xs][side] / random.uniform(8, 30)
                    + (abs(along - random.uniform(0.2, 0.8) * length) / random.uniform(20, 50))**2)
        share = 1 / (1 + np.exp((distance - 1 + rough * 0.2) * 6))
        broken = random.choice([-1, 1]) * random.uniform(0.2, 0.5) + noise(random, height, width, 1.0) * 0.1
        surface = surface * (1 - share) + share * broken
    elif kind == 2:  # a thin crack
        share = crack(random, height, width, random.uniform(1, 2.5), random.uniform(0.02, 0.08))
        surface -= gaussian_filter(share, 0.5) * random.uniform(0.12, 0.4)
    elif kind == 3:  # frayed
        rough = noise(random, height, width, 1.0)
        y, x = random.uniform(0.2, 0.8) * height, random.uniform(0.2, 0.8) * width
        distance = np.hypot((ys - y) / random.uniform(25, 60), (xs - x) / random.uniform(10, 30))
        surface += np.exp(-distance**2) * (rough * random.uniform(0.08, 0.2) + random.uniform(-0.1, 0.15))
    else:  # uneven
        y, x = random.uniform(0, 1) * height, random.uniform(0, 1) * width
        distance = np.hypot((ys - y) / random.uniform(50, 130), (xs - x) / random.uniform(40, 100))
        surface += np.exp(-distance**2) * random.choice([-1, 1]) * random.uniform(0.1, 0.25)
    return surface


def tiles(random, other, folder):
    number = 0
    for part, count in (("train", 140), ("good", 80 if other else 60), ("odd", 80 if other else 60)):
        for _ in range(count):
            height, width = int(random.integers(280, 400)), int(random.integers(180, 280))
            stretch = 1 / random.uniform(3, 12) if other else random.uniform(3, 12)
            surface = (noise(random, height, width, random.uniform(0.4, 0.9), stretch) * random.uniform(0.02, 0.06)
                       + noise(random, height, width, 2.0) * random.uniform(0.01, 0.05)
                       + random.normal(size=(height, width)) * random.uniform(0.01, 0.03))
            ys, xs = np.mgrid[:height, :width]
            y, x = ys / height - 0.5, xs / width - 0.5
            light = (y * random.normal() * 0.25 + x * random.normal() * 0.25
                     - (x**2 + y**2) * random.uniform(0, 0.5))
            if part == "odd":
                surface = fault(random, surface)
            for exposure in range(random.integers(1, 5)):
                image = random.uniform(60, 190) * np.exp(surface + light * random.uniform(0.6, 1.4))
                image = gaussian_filter(image, 0.5)
                image = image + random.normal(size=image.shape) * random.uniform(0.8, 2.5)
                write(f"{folder}/{part}/exp{exposure}_num_{number}.png", image)
            number += 1


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("cracks", "tiles") or sys.argv[2] not in ("A", "B"):
        print("made_surfaces.py: expected cracks or tiles, A or B, and a folder", file=sys.stderr)
        return 64
    kind, half, folder = sys.argv[1:]
    for part in ("train", "good", "odd"):
        os.makedirs(f"{folder}/{part}", exist_ok=True)
    seed = {("cracks", "A"): 1, ("cracks", "B"): 2, ("tiles", "A"): 3, ("tiles", "B"): 4}[kind, half]
    {"cracks": cracks, "tiles": tiles}[kind](np.random.default_rng(seed), half == "B", folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
