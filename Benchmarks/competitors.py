"""Those that take turns: Scanline's command, and PyTorch workers that stay loaded in between."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from workloads import DROPPING

FOLDER = Path(__file__).parent
CACHE = Path(".peers/cache")
LIMIT = 1800  # seconds that a worker may take to answer, compiling included


class Failure(Exception):
    """One line that says what went wrong."""


class Row:
    """What one line of the table was measured from."""

    def __init__(self, name, precision, is_ours):
        self.name, self.precision, self.is_ours = name, precision, is_ours
        self.rates, self.peak_memory_bytes, self.is_usual = [], 0, False

    def add(self, rate, peak_memory_bytes):
        self.rates.append(rate)
        self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes or 0)

    @property
    def median(self):
        return statistics.median(self.rates)

    def json(self):
        return {
            "name": self.name,
            "precision": self.precision,
            "is_ours": self.is_ours,
            "is_usual": self.is_usual,
            "median_images_per_second": self.median,
            "images_per_second": self.rates,
            "peak_memory_bytes": self.peak_memory_bytes,
        }


class Scanline:
    """Runs the command anew in every turn."""

    def __init__(self, command, workload, precision, threads):
        self.workload, self.precision = workload, precision
        name = f"Scanline, {precision}"
        self.rows = [Row(name, precision, True)]
        if workload.work == "sample":
            self.rows.append(Row(f"{name}, plain", precision, True))
        self.command = [
            command, "benchmark", "--model", workload.model,
            *(word for setting in workload.settings for word in ("--set", setting)),
            *(("--set", "dropout=0") if workload.model in DROPPING else ()),
            "--size", workload.size, "--channels", workload.channels, "--head", workload.head,
            "--batch", str(workload.batch),
            "--precision", precision, "--score-precision", precision,
            "--threads", str(threads), "--only", workload.work, "--json",
        ]
        self.last = None
        # The best of all turns: what a neighbour takes from one is no lower peak.
        self.peak_gflops = None

    def measure(self, seconds):
        command = self.command + ["--seconds", str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            why = last_line(done.stderr) or f"exit status {done.returncode}"
            raise Failure(f"{' '.join(command)}: {why}")
        self.last = json.loads(done.stdout)
        peak = {"train": "peak_gflops", "score": "score_peak_gflops"}.get(self.workload.work)
        if peak and self.last[peak]:
            self.peak_gflops = max(self.last[peak], self.peak_gflops or 0)
        keys = {
            "train": ["train_images_per_second"],
            "score": ["score_images_per_second"],
            "sample": ["sample_images_per_second", "plain_sample_images_per_second"],
        }[self.workload.work]
        for row, key in zip(self.rows, keys, strict=True):
            row.add(self.last[key], self.last["peak_memory_bytes"])

    @property
    def parameters(self):
        return self.last["parameters"]

    @property
    def gflop_per_image(self):
        """Live arithmetic, or None where none was reported."""
        work = self.workload.work
        gflops = self.last.get(f"{work}_gflops")
        return gflops and gflops / self.last[f"{work}_images_per_second"]

    def close(self):
        pass


class Torch:
    """A worker of worker.py, blocked on its standard input between its turns."""

    def __init__(self, workload, peer, threads):
        self.workload, self.peer = workload, peer
        self.rows = [Row(f"PyTorch, {peer}", peer.precision, False)]
        self.rows[0].is_usual = peer == workload.usual
        self.idle_cpu_seconds = 0.0
        command = [
            sys.executable, str(FOLDER / "worker.py"), "--model", workload.model,
            "--formulation", peer.formulation, "--precision", peer.precision,
            "--compile", peer.compile, "--layout", peer.layout, "--threads", str(threads),
            "--batch", str(peer.batch or workload.batch), "--size", workload.size,
            "--channels", workload.channels, "--head", workload.head,
        ]
        for setting in workload.settings + peer.settings:
            command += ["--set", setting]
        CACHE.mkdir(parents=True, exist_ok=True)
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(CACHE.resolve())},
        )
        try:
            self.parameters = self.answer()["parameters"]
        except BaseException:
            self.close()
            raise

    def measure(self, seconds, kept=True):
        found = self.answer(f"{self.workload.work} {seconds}\n")
        self.idle_cpu_seconds = max(self.idle_cpu_seconds, found["idle_cpu_seconds"])
        if kept:
            self.rows[0].add(found["images_per_second"], found["peak_memory_bytes"])
        return found["images_per_second"]

    def answer(self, question=""):
        timer = threading.Timer(LIMIT, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(question)
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise Failure(last_line(self.errors.read()) or f"ended with {self.process.returncode}")
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.errors.close()


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
