"""Which share of a command's processor time is spent outside of the model's pass.

    make bench-outside-pass BENCH="--run RUN --images FOLDER"

Samples `evaluate`, `score`, `calibrate` and `flag` with Linux's `perf` and sorts the samples by the
symbol that they fell into: the pass is what the object files of the kernels define, but for the
products of the Gaussian density (rows.c), and what oneDNN does. Everything else is outside: start,
files, codecs, scores, verdicts, pictures, the operating system, and threads that wait for one another.
The run is copied, so that its calibration stays.
"""

import argparse
import collections
import glob
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path


def kernel_symbols(objects):
    """The functions that object files define, without what the compiler adds to copies of them."""
    files = [path for path in glob.glob(f"{objects}/*.o") if not path.endswith("rows.c.o")]
    if not files:
        raise SystemExit(f"{objects}: expected the object files of the kernels, found none")
    listing = subprocess.run(["nm", "--defined-only", *files], check=True, text=True,
                             capture_output=True).stdout
    fields = [line.split() for line in listing.splitlines()]
    return {field[2].split(".")[0] for field in fields if len(field) == 3 and field[1] in "tTwWi"}


def samples(data):
    """Samples by (library, symbol)."""
    report = subprocess.run(
        ["perf", "report", "-i", data, "--no-children", "-g", "none", "--stdio", "-F", "sample",
         "-s", "dso,sym", "-t", "|"], check=True, text=True, capture_output=True).stdout
    counts = collections.Counter()
    for line in report.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if line.startswith("#") or len(fields) != 3 or not fields[0].isdigit():
            continue
        counts[fields[1], fields[2][4:]] += int(fields[0])
    return counts


def part(library, symbol, kernels):
    if "dnnl" in library or symbol.split(".")[0] in kernels:
        return "pass"
    if library.startswith("scanline"):
        return "codec" if symbol.startswith("codec_") else "scanline"
    for name, words in {"codec": ("libz", "libpng", "libjpeg"), "waiting": ("libgomp",),
                        "Swift, C": ("libswift", "libFoundation", "libc.", "libm."),
                        "system": ("kernel",)}.items():
        if any(word in library for word in words):
            return name
    return "other"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="a calibrated run")
    parser.add_argument("--images", type=Path, required=True, help="a folder of images")
    parser.add_argument("--scanline", default=".build/release/scanline")
    parser.add_argument("--objects", default=".build/release/CKernels.build")
    parser.add_argument("--only", help="some of evaluate, score, calibrate, flag: names with commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--symbols", type=int, default=0, help="list so many symbols outside")
    chosen = parser.parse_args()
    kernels = kernel_symbols(chosen.objects)
    if not shutil.which("perf"):
        raise SystemExit("perf: expected Linux's profiler, found none (apt-get install linux-perf)")

    print("| verb | seconds | of processors | outside of the pass | of that |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        shutil.copytree(chosen.run, run)
        data = f"{folder}/perf.data"
        verbs = {"evaluate": [], "score": ["--out", f"{folder}/scores.csv"], "calibrate": [],
                 "flag": ["--out", f"{folder}/flagged"]}
        for verb, options in verbs.items():
            if chosen.only and verb not in chosen.only.split(","):
                continue
            command = [chosen.scanline, verb, run, chosen.images, *options, "--threads",
                       str(chosen.threads), "--precision", chosen.precision, "--quiet"]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.monotonic()
            subprocess.run(["perf", "record", "-q", "-F", "499", "-o", data, "--", *command],
                           check=True, stdout=subprocess.DEVNULL)
            seconds = time.monotonic() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
            counts = samples(data)
            parts = collections.Counter()
            for (library, symbol), count in counts.items():
                parts[part(library, symbol, kernels)] += count
            whole = sum(parts.values())
            shares = ", ".join(f"{name} {100 * count / whole:.1f}" for name, count in
                               parts.most_common() if name != "pass")
            print(f"| `{verb}` | {seconds:.1f} | {spent:.1f} |"
                  f" {100 * (1 - parts['pass'] / whole):.1f} % | {shares} |", flush=True)
            outside = [(count, key) for key, count in counts.items()
                       if part(*key, kernels) != "pass"]
            for count, (library, symbol) in sorted(outside, reverse=True)[:chosen.symbols]:
                print(f"    {100 * count / whole:5.2f} % {library} {symbol}")


if __name__ == "__main__":
    main()
