"""Scanline against PyTorch on the same architectures, taking turns in one run: `make bench-peers`.

A first round screens PyTorch's variants: those slower than 60 % of the best drop out, but for the
one that peers write. Then ours and the rest are measured in turn, round after round; the tables
show medians. A full run takes two hours and writes RESULTS.md and results.json beside this file; --quick
and --only write into .peers, for a part is no result. After a run that was cut short, or a part,
--continue measures what is not there yet, in the order of --only where some are named, and makes a
result of it once nothing is missing.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

import check_models
from competitors import Failure, Scanline, Torch
from machine import machine, multiplies_bfloat16, output
from report import report, workload_table
from workloads import F32, THREADS, WORKLOADS

FOLDER = Path(__file__).parent
PARTS = Path(".peers")  # of what is no result yet
SCANLINE = ".build/release/scanline"
SCREENED_OUT = 0.6  # of the best


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument(
        "--only", action="append", choices=[w.name for w in WORKLOADS] + ["threads"])
    parser.add_argument(
        "--quick", action="store_true", help="one short round, few variants: tries the machinery")
    parser.add_argument(
        "--continue", dest="goes_on", action="store_true",
        help="keep what .peers has of the same build, machine and options")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scanline", default=SCANLINE, help="the command")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 0.3
    if chosen.rounds < 1 or not chosen.seconds > 0 or chosen.threads < 1:
        parser.error("expected at least one round and thread, and more than 0 seconds")
    return chosen


def require_tools(scanline):
    """The command, and a compiler: without torch.compile PyTorch would not be at its best, and the
    ratios would flatter us."""
    if not shutil.which(scanline):
        raise Failure(f"{scanline}: expected Scanline's command, found none (make build)")
    compiler = os.environ.get("CXX", "g++")
    if not shutil.which(compiler):
        raise Failure(f"torch.compile: expected the C++ compiler {compiler}, found none (apt: g++)")
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.exists():
        raise Failure(f"torch.compile: expected {header}, found none (apt: python3-dev)")


def say(text):
    print(text, flush=True)


def start(workload, peer, expected, threads):
    worker = Torch(workload, peer, threads)
    if worker.parameters != expected:
        worker.close()
        raise SystemExit(
            f"bench-peers: {workload.name}, {peer}: expected the architecture of Scanline with "
            f"{expected} parameters, found {worker.parameters}"
        )
    return worker


def screen(workload, peers, expected, chosen):
    """The workers worth measuring, and what was dropped with its rate or its error."""
    kept, dropped = [], []

    def is_worth_it(worker, rate):
        singles = [r for w, r in kept if w.peer.precision == "float32"]
        return (
            worker.peer == workload.usual
            or rate >= SCREENED_OUT * max(r for _, r in kept)
            or worker.peer.precision == "float32" and rate == max(singles))

    for peer in peers:
        worker = None
        try:
            worker = start(workload, peer, expected, chosen.threads)
            # Twice, for a stray process may slow one down.
            rate = max(worker.measure(chosen.seconds / 2, kept=False) for _ in range(2))
        except Failure as failure:
            if worker:
                worker.close()
            dropped.append({"name": f"PyTorch, {peer}", "error": str(failure)})
            say(f"  failed: PyTorch, {peer}: {failure}")
            continue
        kept.append((worker, rate))
        slow = [pair for pair in kept if not is_worth_it(*pair)]
        kept = [pair for pair in kept if pair not in slow]
        for worker, rate in slow:
            worker.close()
            dropped.append({"name": worker.rows[0].name, "images_per_second": rate})
            say(f"  dropped at {rate:.4g} images/s: {worker.rows[0].name}")
    return [worker for worker, _ in kept], dropped


def take_turns(competitors, chosen):
    for _ in range(chosen.rounds):
        for competitor in competitors:
            competitor.measure(chosen.seconds)


def compare(workload, chosen):
    say(f"{workload.name}: screening")
    # Where the processor does not multiply bfloat16 Scanline refuses it, and PyTorch is slower by it.
    fast = [p for p in workload.precisions if p == F32 or multiplies_bfloat16()]
    ours = [Scanline(chosen.scanline, workload, p, chosen.threads) for p in fast]
    for competitor in ours:
        competitor.measure(chosen.seconds / 2)
        for row in competitor.rows:
            row.rates.clear()
    peers = [workload.usual, *workload.peers]
    peers = [p for p in peers if p.precision == F32 or multiplies_bfloat16()]
    workers, dropped = screen(
        workload, peers[:3] if chosen.quick else peers, ours[0].parameters, chosen)
    try:
        say(f"{workload.name}: {chosen.rounds} rounds of {len(ours) + len(workers)}")
        take_turns(ours + workers, chosen)
    finally:
        for worker in workers:
            worker.close()
    return {
        "name": workload.name,
        "work": workload.work,
        "batch": workload.batch,
        "parameters": ours[0].parameters,
        "gflop_per_image": ours[0].gflop_per_image,
        "peak_gflops": {o.precision: o.peak_gflops for o in ours if o.peak_gflops},
        "rows": [row.json() for c in ours + workers for row in c.rows],
        "dropped": dropped,
        "idle_cpu_seconds": max((w.idle_cpu_seconds for w in workers), default=0),
        "command": " ".join(ours[0].command),
    }


def scale_threads(chosen):
    """Scanline's training on two threads and on one, in turn."""
    by_name = {w.name: w for w in WORKLOADS}
    results = []
    for name, precision in THREADS:
        if precision != F32 and not multiplies_bfloat16():
            continue
        say(f"threads: {name}, {precision}")
        runs = [Scanline(chosen.scanline, by_name[name], precision, t) for t in (1, 2)]
        take_turns(runs, chosen)
        one, two = (run.rows[0].median for run in runs)
        results.append({"name": name, "precision": precision, "one": one, "two": two})
    return results


def environment(chosen):
    torch = output(
        sys.executable, "-c",
        "import torch; print(torch.__version__); print(torch.__config__.show())").splitlines()
    return machine() | {
        "build": hashlib.sha256(Path(shutil.which(chosen.scanline)).read_bytes()).hexdigest()[:12],
        "pytorch": torch[0],
        "pytorch_onednn": next(
            (line.split("MKL-DNN")[1].split("(")[0].strip() for line in torch if "MKL-DNN" in line),
            ""),
        "compiler": output(os.environ.get("CXX", "g++"), "--version").splitlines()[0],
        "python": platform.python_version(),
        "threads": chosen.threads,
        "rounds": chosen.rounds,
        "seconds": chosen.seconds,
    }


def earlier(environment):
    """What an earlier run has measured, with the same build, machine and options."""
    path = PARTS / "results.json"
    if not path.exists():
        raise Failure(f"{path}: expected an earlier run to continue, found none")
    results = json.loads(path.read_text())
    for key, value in environment.items():
        if key not in ("date", "load_average", "commit") and results["environment"].get(key) != value:
            raise Failure(
                f"{path}: expected to continue a run of {key} {value}, found "
                f"{results['environment'].get(key)}")
    return results


def main():
    chosen = options()
    require_tools(chosen.scanline)
    check_models.main()
    results = {"environment": environment(chosen), "workloads": [], "threads": []}
    if chosen.goes_on:
        results = earlier(results["environment"])
    names = [workload.name for workload in WORKLOADS]
    wanted = chosen.only or [*names, "threads"]

    def save(folder):
        folder.mkdir(exist_ok=True)
        (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        (folder / "RESULTS.md").write_text(report(results))

    for workload in sorted(WORKLOADS, key=lambda w: wanted.index(w.name) if w.name in wanted else 0):
        measured = {found["name"] for found in results["workloads"]}
        if workload.name in wanted and workload.name not in measured:
            results["workloads"].append(compare(workload, chosen))
            say(workload_table(results["workloads"][-1]))
            results["workloads"].sort(key=lambda found: names.index(found["name"]))
            save(PARTS)
    if "threads" in wanted and not results["threads"]:
        results["threads"] = scale_threads(chosen)
    is_full = not chosen.quick and results["threads"] and len(results["workloads"]) == len(names)
    folder = FOLDER if is_full else PARTS
    save(folder)
    say(report(results))
    say(f"written: {folder / 'RESULTS.md'}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        raise SystemExit(f"bench-peers: {failure}")
    except KeyboardInterrupt:
        raise SystemExit(130)
