"""Finds again every likelihood that the runs in runs/ were published with.

    python3 Benchmarks/results.py --data datasets/public [--only NAME ...]

Each folder in runs/ with a results.json (`scanline export` writes it) is evaluated anew on its test
images, looked for under --data and under datasets/. Prints a table in Markdown; data sets that are not
there are passed over with a message. Exit status 1 where a figure differs in a digit that is printed.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent


def find(data, roots):
    """The test images, also where they are compressed or not as they were."""
    names = [data, data + ".gz", data.removesuffix(".gz")]
    return next((path for root in roots for name in names if (path := root / name).exists()), None)


def printed(result):
    """The figures as a table has them."""
    def with_error(value, error, decimals):
        return f"{value:.{decimals}f}" + ("" if error is None else f" ± {error:.{decimals}f}")
    return (
        with_error(result["nats_per_image"], result.get("nats_standard_error"), 2),
        with_error(
            result["bits_per_dimension"], result.get("bits_per_dimension_standard_error"), 4))


def evaluated(scanline, run, images, published):
    """The run's figures, or those of the mean with the runs beside it that were published."""
    words = [scanline, "evaluate", run, images, "--json", "--quiet"]
    if published["orders"] > 1:
        words += ["--orders", str(published["orders"])]
    for other in published.get("also", []):
        words += ["--also", run.parent / other]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{run}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, default=HERE / "datasets/public")
    parser.add_argument("--runs", type=pathlib.Path, default=HERE / "runs")
    parser.add_argument("--scanline", default=HERE / ".build/release/scanline")
    parser.add_argument("--only", nargs="*", help="names of runs")
    options = parser.parse_args()

    files = sorted(options.runs.glob("*/results.json"))
    files = [file for file in files if not options.only or file.parent.name in options.only]
    if not files:
        sys.exit(f"{options.runs}: expected exported runs, found none")
    failures = []
    print("| run | test set | nats an image | bits/dim | |\n|---|---|---|---|---|", flush=True)
    for file in files:
        for published in json.loads(file.read_text()):
            name = published.get("name") or published["data"]
            images = find(published["data"], [options.data, HERE / "datasets"])
            nats, bits = printed(published)
            if images is None:
                state = f"not evaluated: {published['data']} is not in {options.data}"
            else:
                found = printed(
                    evaluated(options.scanline, file.parent, images, published))
                state = "as published" if found == (nats, bits) else f"FOUND {', '.join(found)}"
                if found != (nats, bits):
                    failures.append(file.parent.name)
            if published["orders"] > 1:
                name += f", {published['orders']} orders"
            if published.get("also"):
                name += f", with {', '.join(published['also'])}"
            print(f"| {file.parent.name} | {name} | {nats} | {bits} | {state} |", flush=True)
    if failures:
        sys.exit(f"other figures than were published: {', '.join(failures)}")


if __name__ == "__main__":
    main()
