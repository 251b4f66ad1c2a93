"""unpack_idx.py IDX FOLDER COUNT: images of an IDX file as PNG files, a thousand a folder; where there
are fewer they are taken again."""

import gzip
import pathlib
import struct
import sys
import zlib


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> None:
    source, folder, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    with (gzip.open if source.endswith(".gz") else open)(source, "rb") as file:
        data = file.read()
    images, height, width = struct.unpack(">III", data[4:16])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    for index in range(count):
        start = 16 + index % images * height * width
        rows = b"".join(
            b"\0" + data[start + y * width : start + (y + 1) * width] for y in range(height)
        )
        below = folder / f"{index // 1000:03}"
        if index % 1000 == 0:
            below.mkdir(parents=True)
        (below / f"{index:06}.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        )


main()
