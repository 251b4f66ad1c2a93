"""The tables of a run of bench_peers.py, from what results.json holds."""

COMMAND = "make bench-peers"


def rate(value):
    return f"{value:,.0f}" if value >= 999.5 else f"{value:.3g}"


def ratio(ours, theirs):
    return f"{ours['median_images_per_second'] / theirs['median_images_per_second']:.2f}"


def fastest(rows):
    return max(rows, key=lambda row: row["median_images_per_second"], default=None)


def fastest_single(workload):
    """PyTorch's best in float32; one that was dropped counts with the rate it was dropped for."""
    dropped = [
        {"median_images_per_second": d["images_per_second"]}
        for d in workload["dropped"] if "error" not in d and ", float32" in d["name"]
    ]
    return fastest([p for p in sides(workload)[1] if p["precision"] == "float32"] + dropped)


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def sides(workload):
    rows = workload["rows"]
    return [r for r in rows if r["is_ours"]], [r for r in rows if not r["is_ours"]]


def summary(workloads):
    """Ours against the best of PyTorch, the best in float32, and what peers write."""
    lines = []
    for workload in workloads:
        ours, peers = sides(workload)
        best, best_single = fastest(peers), fastest_single(workload)
        usual = next((p for p in peers if p["is_usual"]), None)
        for row in ours:
            is_single = row["precision"] == "float32"
            lines.append([
                workload["name"],
                row["name"].removeprefix("Scanline, "),
                rate(row["median_images_per_second"]),
                ratio(row, best) if best else "",
                ratio(row, best_single) if best_single and is_single else "",
                ratio(row, usual) if usual else "",
                best["name"].removeprefix("PyTorch, ") if best else "",
            ])
    header = ["workload", "Scanline", "images/s", "× PyTorch's best", "× its best in float32",
              "× what peers write", "PyTorch's best"]
    return table(header, lines)


def workload_table(workload):
    ours, peers = sides(workload)
    best = fastest(peers)
    usual = next((p for p in peers if p["is_usual"]), None)
    lines = []
    for row in sorted(workload["rows"], key=lambda r: -r["median_images_per_second"]):
        median, rates = row["median_images_per_second"], row["images_per_second"]
        gflops = workload["gflop_per_image"] and median * workload["gflop_per_image"]
        peak = workload["peak_gflops"].get(row["precision"].removesuffix("-weights"))
        lines.append([
            row["name"] + (" (as peers write it)" if row["is_usual"] else ""),
            f"{rate(median)} ({rate(min(rates))}–{rate(max(rates))})",
            ratio(row, best) if best else "",
            ratio(row, usual) if usual else "",
            rate(gflops) if gflops else "",
            f"{100 * gflops / peak:.0f} %" if gflops and peak else "",
            f"{row['peak_memory_bytes'] / 2**20:,.0f}",
        ])
    header = ["variant", "images/s", "× PyTorch's best", "× what peers write", "GFLOP/s",
              "of the peak", "memory, MiB"]
    text = f"### {workload['name']}\n\n"
    text += f"Batch {workload['batch']}, {workload['parameters']:,} parameters.\n\n"
    text += table(header, lines)
    dropped = [
        f"{d['name'].removeprefix('PyTorch, ')}: "
        + (f"{rate(d['images_per_second'])}" if "error" not in d else f"failed, {d['error']}")
        for d in workload["dropped"]
    ]
    if dropped:
        text += "\nDropped after the first round, images/s: " + "; ".join(dropped) + ".\n"
    return text


def threads_table(threads):
    lines = [
        [t["name"], t["precision"], rate(t["one"]), rate(t["two"]), f"{t['two'] / t['one']:.2f}"]
        for t in threads
    ]
    return table(["training", "precision", "one thread, images/s", "two", "ratio"], lines)


def report(results):
    e = results["environment"]
    workloads = results["workloads"]
    idle = max((w["idle_cpu_seconds"] for w in workloads), default=0)
    text = f"""# Scanline against PyTorch

`{COMMAND}`, {e["date"]}: {e["processor"]} ({e["family"]}; {", ".join(e["instructions"])}), \
{e["cores"]} cores, {e["threads"]} threads; load average {e["load_average"]:.2f} before the start. \
Scanline {e["commit"]} with oneDNN {e["onednn"]}; PyTorch {e["pytorch"]} with oneDNN \
{e["pytorch_onednn"]}, Python {e["python"]}, {e["compiler"]}.

Medians of {e["rounds"]} rounds in which all took turns, {e["seconds"]:g} s a turn, least and most \
in brackets. A ratio is of images/s. Architectures agree to the parameter, and \
`check_models.py` holds every PyTorch formulation to the golden files that the Swift tests hold \
Scanline to. Images are random, 28×28 but for `mixture`, with 13 % ones in runs of 3.5 \
pixels, as handwritten digits have them.

- A Scanline step also clips the gradient's norm and keeps a moving average of the weights; \
PyTorch's does neither and is charged for neither. PyTorch's batches lie ready as float32.
- PyTorch's optimiser is fused AdamW, its loss the fused one on logits. `bfloat16` is autocast, \
`bfloat16-weights` has rounded its weights once. `models.py` says what the formulations are.
- Waiting PyTorch processes burned at most {idle:.3f} s of processor time between two turns.
- GFLOP/s count the live multiply-adds of Scanline's model, twice, for all alike, and training as \
three forward passes; the peak is what Scanline measured of multiply-adds in registers in that \
precision. Memory is the most that was ever resident in the process.
- PyTorch's variants far behind its best are dropped after a first round, and stand below their \
table with its rate; the best in float32 may be one of them.
- Scanline's other verbs score in float32; bfloat16 is measured to compare like with like.
- Sampling is 784 full passes an image in PyTorch and in `plain`, measured over a few passes and \
scaled; Scanline's other row is what `scanline sample` does. PyTorch may score and sample in \
larger batches than Scanline does, where it says so.

"""
    if workloads:
        text += "## Ratios\n\n" + summary(workloads) + "\n## All variants\n\n"
        text += "\n".join(workload_table(w) for w in workloads)
    if results["threads"]:
        text += "\n## Two threads against one\n\n" + threads_table(results["threads"])
    if workloads:
        commands = "\n".join(w["command"] + f" --seconds {e['seconds']:g}" for w in workloads)
        text += f"\n## Scanline's commands\n\n```sh\n{commands}\n```\n"
    return text
