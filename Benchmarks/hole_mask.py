#!/usr/bin/env python3
"""A mask for `scanline complete`: white where images are hidden, a PNG file.

usage: hole_mask.py WIDTH HEIGHT SHARE SEED OUT

Hides blocks of 4x4 pixels at random places until so large a share of the image is hidden.
"""

import random
import struct
import sys
import zlib


def png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def main() -> int:
    if len(sys.argv) != 6:
        print(__doc__.strip().splitlines()[2], file=sys.stderr)
        return 64
    width, height, seed = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4])
    share = float(sys.argv[3])
    draw = random.Random(seed)
    mask = bytearray(width * height)
    while mask.count(255) < share * width * height:
        top, left = draw.randrange(height - 3), draw.randrange(width - 3)
        for row in range(top, top + 4):
            mask[row * width + left : row * width + left + 4] = b"\xff" * 4
    with open(sys.argv[5], "wb") as file:
        file.write(png(width, height, bytes(mask)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
