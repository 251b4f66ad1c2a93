#!/usr/bin/env python3
"""Images of an IDX file (also .gz) upside down or mirrored, as another IDX file.

usage: flip_idx.py upside-down|mirrored IMAGES OUT
"""

import gzip
import pathlib
import struct
import sys


def main() -> int:
    if len(sys.argv) != 4 or sys.argv[1] not in ("upside-down", "mirrored"):
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 64
    way, source, target = sys.argv[1:]
    data = pathlib.Path(source).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    magic, count, height, width = struct.unpack(">4I", data[:16])
    if magic != 0x803 or len(data) != 16 + count * height * width:
        print(f"{source}: expected grey images of 8 bits, found another file", file=sys.stderr)
        return 1
    rows = [data[at : at + width] for at in range(16, len(data), width)]
    if way == "mirrored":
        flipped = [row[::-1] for row in rows]
    else:
        flipped = [
            row
            for first in range(0, len(rows), height)
            for row in reversed(rows[first : first + height])
        ]
    pathlib.Path(target).write_bytes(data[:16] + b"".join(flipped))
    return 0


if __name__ == "__main__":
    sys.exit(main())
