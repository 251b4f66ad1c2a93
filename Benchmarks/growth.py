"""How training's cost grows with batch, width, depth, image side and threads: `make bench-growth`.

One axis at a time around a base point. The points of an axis take turns, on two threads and on one,
round after round; tables and plot show medians. A full run writes GROWTH.md, growth.json and
growth.png beside this file; --only writes into .peers, for a part is no result. growth_notes.md, if
there is one, becomes the section on where the curves bend; --redraw puts it in without measuring.
"""

import argparse
import importlib.util
import json
import shutil
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from competitors import Failure, last_line
from machine import machine
from report import rate, table

FOLDER = Path(__file__).parent
SCANLINE = ".build/release/scanline"
THREADS = 2, 1
IMAGES = "random, black and white, 13 % ones in runs of 3.5 pixels"
NAMES = {"pixelcnn": "PixelCNN", "made": "MADE", "nade": "NADE"}
BASE = {
    "pixelcnn": {"blocks": 5, "channels": 32, "position": "off", "batch": 16, "side": 28},
    "made": {"hidden": 500, "batch": 128, "side": 28},
    "nade": {"hidden": 500, "batch": 128, "side": 28},
}


@dataclass(frozen=True)
class Axis:
    model: str
    name: str
    key: str  # what it varies
    label: str
    values: tuple
    rest: dict = field(default_factory=dict)  # where it leaves the base

    @property
    def title(self):
        return f"{NAMES[self.model]}, {self.name}"

    def command(self, scanline, value, threads):
        point = BASE[self.model] | self.rest | {self.key: value}
        side, batch, layers = point.pop("side"), point.pop("batch"), point.pop("layers", 1)
        if layers > 1:
            point["hidden"] = ",".join([str(point["hidden"])] * layers)
        return [
            scanline, "benchmark", "--model", self.model,
            *(word for pair in point.items() for word in ("--set", "{}={}".format(*pair))),
            "--size", f"{side}x{side}", "--head", "bernoulli", "--batch", str(batch),
            "--threads", str(threads), "--only", "train", "--json",
        ]


def doublings(first, last):
    return tuple(first << n for n in range((last // first).bit_length()))


SIDES = 28, 56, 112, 224, 256
AXES = [
    Axis("pixelcnn", "batch", "batch", "batch", doublings(1, 128)),
    Axis("pixelcnn", "width", "channels", "channels h", doublings(16, 256)),
    Axis("pixelcnn", "depth", "blocks", "residual blocks", (1, 2, 5, 10, 20)),
    Axis("pixelcnn", "side", "side", "image side", SIDES, {"batch": 4}),
    Axis("made", "batch", "batch", "batch", doublings(16, 1024)),
    Axis("made", "width", "hidden", "hidden units", (250, 500, 1000, 2000, 4000, 8000)),
    Axis("made", "depth", "layers", "layers of 500", (1, 2, 3)),
    Axis("made", "side", "side", "image side", SIDES[:2]),
    Axis("nade", "batch", "batch", "batch", doublings(8, 1024)),
    Axis("nade", "width", "hidden", "hidden units", (125, 250, 500, 1000, 2000)),
    Axis("nade", "side", "side", "image side", SIDES, {"batch": 32}),
]


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    parser.add_argument("--only", action="append", choices=list(NAMES), metavar="MODEL")
    parser.add_argument("--scanline", default=SCANLINE, help="the command")
    parser.add_argument(
        "--redraw", action="store_true", help="write table and plot anew from growth.json")
    chosen = parser.parse_args()
    if chosen.rounds < 1 or not chosen.seconds > 0:
        parser.error("expected at least one round and more than 0 seconds")
    return chosen


def require_tools(chosen):
    if not chosen.redraw and not shutil.which(chosen.scanline):
        raise Failure(f"{chosen.scanline}: expected Scanline's command, found none (make build)")
    if not importlib.util.find_spec("matplotlib"):
        raise Failure("expected matplotlib, found none (make bench-growth installs it)")


def say(text):
    print(text, flush=True)


# Measuring ---------------------------------------------------------------------------------------


def measure(run, seconds):
    """One turn; a run that failed has no more of them."""
    if "error" in run:
        return
    command = run["command"] + ["--seconds", f"{seconds:g}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        run["error"] = last_line(done.stderr) or f"exit status {done.returncode}"
        say(f"  failed: {' '.join(command)}: {run['error']}")
        return
    found = json.loads(done.stdout)
    for key in ("train_images_per_second", "peak_memory_bytes", "peak_gflops"):
        run.setdefault(key, []).append(found[key])
    for key in ("precision", "parameters", "multiply_adds"):
        run[key] = found[key]
    if found["train_gflops"]:
        run["gflop_per_image"] = found["train_gflops"] / found["train_images_per_second"]


def grow(axis, chosen):
    """All points of an axis."""
    points = [
        {
            "value": value,
            "runs": {str(t): {"command": axis.command(chosen.scanline, value, t)} for t in THREADS},
        }
        for value in axis.values
    ]
    for number in range(chosen.rounds):
        say(f"{axis.title}: round {number + 1} of {chosen.rounds}, {len(points)} points")
        for point in points:
            for run in point["runs"].values():
                measure(run, chosen.seconds)
    for point in points:
        for run in point["runs"].values():
            run["command"] = " ".join(run["command"])
    return {"model": axis.model, "name": axis.name, "label": axis.label, "rest": axis.rest,
            "points": points}


def median(run, key="train_images_per_second"):
    return statistics.median(run[key])


def is_good(run):
    return "error" not in run


def good_runs(axis, threads):
    """Values and runs of the points that did not fail."""
    pairs = [(point["value"], point["runs"][str(threads)]) for point in axis["points"]]
    return [(value, run) for value, run in pairs if is_good(run)]


def gflops(run):
    return median(run) * run["gflop_per_image"] if "gflop_per_image" in run else None


# Tables ------------------------------------------------------------------------------------------


def peak_gflops(axes):
    """By precision and threads, the median of what stood beside every point."""
    found = {}
    for axis in axes:
        for threads in THREADS:
            for _, run in good_runs(axis, threads):
                peaks = [peak for peak in run["peak_gflops"] if peak]
                found.setdefault((run["precision"], threads), []).extend(peaks)
    return {key: statistics.median(peaks) for key, peaks in found.items() if peaks}


def spread(run):
    if not is_good(run):
        return run["error"].replace("|", "\\|")
    rates = run["train_images_per_second"]
    text = rate(median(run))
    return text + (f" ({rate(min(rates))}–{rate(max(rates))})" if len(rates) > 1 else "")


def axis_table(axis, peaks):
    has_sides = axis["name"] == "side"
    lines = []
    for point in axis["points"]:
        two, one = (point["runs"][str(t)] for t in THREADS)
        line = [f"{point['value']:,}", spread(two), spread(one)]
        line.append(f"{median(two) / median(one):.2f}" if is_good(two) and is_good(one) else "")
        speed = gflops(two) if is_good(two) else None
        peak = peaks.get((two.get("precision"), THREADS[0]))
        line.append(rate(speed) if speed else "")
        line.append(f"{100 * speed / peak:.0f} %" if speed and peak else "")
        if has_sides:
            line.append(f"{median(two) * point['value']**2 / 1e6:.3g}" if is_good(two) else "")
        line.append(f"{max(two['peak_memory_bytes']) / 2**20:,.0f}" if is_good(two) else "")
        lines.append(line)
    header = [axis["label"], "images/s, two threads", "one thread", "two / one", "GFLOP/s",
              "of the peak"]
    header += ["10⁶ sub-pixels/s"] * has_sides + ["memory, MiB"]
    return f"### {NAMES[axis['model']]}: {axis['name']}\n\n{about(axis)}\n\n{table(header, lines)}"


def about(axis):
    """What is held while the axis varies."""
    model, name = axis["model"], axis["name"]
    point = BASE[model] | axis["rest"]
    side, batch = point["side"], point["batch"]
    parts = [f"{side}×{side}"] if name != "side" else []
    if model == "pixelcnn":
        parts += [f"{point['blocks']} blocks"] if name != "depth" else []
        parts += [f"h = {point['channels']}"] if name != "width" else []
    elif name not in ("width", "depth"):
        parts += [f"{point['hidden']} hidden units"]
    parts += [f"batches of {batch}"] if name != "batch" else []
    text = ", ".join(parts) + "."
    if name == "side" and "batch" in axis["rest"]:
        text += f" The batch is {batch} at all sides, to keep memory modest."
    if name == "side" and model == "made":
        text += (" A side of 112 is left out: its 12,544² direct weights would take 630 MB five "
                 "times.")
    return text


def report(results):
    e, axes = results["environment"], results["axes"]
    peaks = peak_gflops(axes)
    precisions = {a["model"]: run["precision"] for a in axes for _, run in good_runs(a, THREADS[0])}
    in_precision = ", ".join(f"{p} for {NAMES[m]}" for m, p in precisions.items())
    if len(set(precisions.values())) == 1:
        in_precision = next(iter(precisions.values()))
    peak_text = "; ".join(
        f"{peaks[p, 2]:.0f} in {p} on two threads, {peaks[p, 1]:.0f} on one"
        for p in dict.fromkeys(precisions.values()) if (p, 2) in peaks and (p, 1) in peaks)
    text = f"""# How cost grows

`make bench-growth`, {e["date"]}: {e["processor"]} ({e["family"]}; \
{", ".join(e["instructions"])}), {e["cores"]} cores; load average {e["load_average"]:.2f} before \
the start. Scanline {e["commit"]} with oneDNN {e["onednn"]}.

Training steps, one axis at a time around a base point. Medians of {e["rounds"]} \
round{"s" * (e["rounds"] > 1)} in which all points of an axis took turns, {e["seconds"]:g} s a \
turn, least and most in brackets. Images are {e["images"]}. Precision is the command's own choice on this machine: {in_precision}.

- GFLOP/s and memory are those on two threads. GFLOP/s count the live multiply-adds, twice, and \
training as three forward passes. The peak is multiply-adds that stay in registers, GFLOP/s, the \
median of those measured beside every point: {peak_text}.
- Memory is the most that was ever resident in the process: weights with all that training keeps \
beside them, activations, four batches of images and the program itself.
- In the plot the dotted line is cost in proportion to arithmetic: what a curve would be at the \
GFLOP/s of its best point. NADE has one hidden layer, and so no depth.

![images/s and memory against batch, width, depth and image side](growth.png)

"""
    notes = FOLDER / "growth_notes.md"
    if notes.exists():
        text += f"## Where the curves bend\n\n{notes.read_text().strip()}\n\n"
    text += "## Tables\n\n" + "\n".join(axis_table(axis, peaks) for axis in axes)
    commands = "\n".join(
        axis["points"][0]["runs"][str(THREADS[0])]["command"] + f" --seconds {e['seconds']:g}"
        for axis in axes)
    text += f"\n## The first command of each axis\n\n```sh\n{commands}\n```\n"
    return text


# Plot --------------------------------------------------------------------------------------------

BLUE, GREY = "#1f5fa8", "#9a9a9a"
COLUMNS = "batch", "width", "depth", "side"


def draw(axes, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({
        "font.size": 9, "xtick.labelsize": 8, "ytick.labelsize": 8, "lines.markersize": 3.5,
        "axes.spines.top": False, "axes.linewidth": 0.6, "legend.frameon": False,
        "figure.constrained_layout.h_pad": 0.08})
    models = list(dict.fromkeys(axis["model"] for axis in axes))
    figure, grid = pyplot.subplots(
        len(models), len(COLUMNS), figsize=(14, 0.6 + 2.7 * len(models)), squeeze=False,
        layout="constrained")
    handles = {}
    for row, model in zip(grid, models):
        for column, (panel, name) in enumerate(zip(row, COLUMNS)):
            axis = next((a for a in axes if (a["model"], a["name"]) == (model, name)), None)
            if not axis or not good_runs(axis, THREADS[0]):
                panel.axis("off")
                continue
            memory = draw_panel(panel, axis, handles)
            if column == 0:
                panel.set_ylabel(f"{NAMES[model]}\nimages/s", color=BLUE)
            if column == len(COLUMNS) - 1:
                memory.set_ylabel("memory, MiB", color="#707070")
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles))
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def draw_panel(panel, axis, handles):
    from matplotlib.ticker import FixedLocator, NullLocator

    memory = panel.twinx()
    panel.set_zorder(memory.get_zorder() + 1)
    panel.patch.set_visible(False)
    panel.spines["right"].set_visible(False)
    memory.spines["right"].set_color(GREY)

    def line(on, label, values, heights, style, **rest):
        if values:
            handles[label], = on.loglog(values, heights, style, **rest)

    for threads, label, style in (2, "two threads", "o-"), (1, "one thread", "o--"):
        runs = good_runs(axis, threads)
        line(panel, f"images/s, {label}", [v for v, _ in runs], [median(r) for _, r in runs],
             style, color=BLUE, linewidth=1.6 if threads == 2 else 1.1,
             markerfacecolor=BLUE if threads == 2 else "white")
    runs = good_runs(axis, 2)
    counted = [(v, r) for v, r in runs if gflops(r)]
    best = max((gflops(r) for _, r in counted), default=0)
    line(panel, "cost in proportion to arithmetic", [v for v, _ in counted],
         [best / r["gflop_per_image"] for _, r in counted], ":", color="#c08040", linewidth=1)
    line(memory, "memory, two threads", [v for v, _ in runs],
         [max(r["peak_memory_bytes"]) / 2**20 for _, r in runs], "-", color=GREY, linewidth=1)

    values = [point["value"] for point in axis["points"]]
    panel.set_xlabel(axis["label"])
    panel.set_xlim(values[0] / 1.15, values[-1] * 1.15)
    panel.xaxis.set_major_locator(FixedLocator(values))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xticks(values, [str(v) for v in values])
    # 224 stands too close to 256 to be written out.
    for before, after, label in zip(values, values[1:], panel.get_xticklabels()):
        label.set_visible(after > 1.2 * before)
    for each in panel, memory:
        scale(each)
    panel.tick_params(axis="y", colors=BLUE)
    memory.tick_params(axis="y", colors="#707070")
    panel.grid(axis="y", color="#eeeeee", linewidth=0.6)
    return memory


def scale(panel):
    """At least a decade, so that all panels show a bend alike, with ticks at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = panel.get_ylim()
    if high < 10 * low:
        middle = (low * high) ** 0.5
        low, high = middle / 10**0.5, middle * 10**0.5
    panel.set_ylim(low, high)
    subs = (1, 2, 5) if high < 300 * low else (1,)
    panel.yaxis.set_major_locator(LogLocator(subs=subs))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def save(results, folder):
    folder.mkdir(exist_ok=True)
    (folder / "growth.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "GROWTH.md").write_text(report(results))
    draw(results["axes"], folder / "growth.png")


def main():
    chosen = options()
    require_tools(chosen)
    folder = Path(".peers") if chosen.only else FOLDER
    if chosen.redraw:
        path = folder / "growth.json"
        if not path.exists():
            raise Failure(f"{path}: expected the results of a run, found none")
        save(json.loads(path.read_text()), folder)
        say(f"written: {folder / 'GROWTH.md'}")
        return
    environment = machine() | {
        "images": IMAGES, "rounds": chosen.rounds, "seconds": chosen.seconds}
    results = {"environment": environment, "axes": []}
    for axis in AXES:
        if not chosen.only or axis.model in chosen.only:
            results["axes"].append(grow(axis, chosen))
            say(axis_table(results["axes"][-1], peak_gflops(results["axes"])))
            save(results, Path(".peers"))
    save(results, folder)
    say(f"written: {folder / 'GROWTH.md'}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        raise SystemExit(f"bench-growth: {failure}")
    except KeyboardInterrupt:
        raise SystemExit(130)
