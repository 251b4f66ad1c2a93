"""Where and on what a run was measured."""

import datetime
import os
import platform
import subprocess
from pathlib import Path


def output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def processor():
    # Of x86-64; elsewhere the machine's name has to do.
    return dict(
        (part.strip() for part in line.split(":", 1))
        for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines() if ":" in line)


def multiplies_bfloat16():
    return "avx512_bf16" in processor().get("flags", "").split()


def machine():
    cpu = processor()
    flags = cpu.get("flags", "").split()
    changed = output("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "date": datetime.date.today().isoformat(),
        "processor": cpu.get("model name", platform.machine()),
        "family": f"family {cpu.get('cpu family', '?')}, model {cpu.get('model', '?')}",
        "instructions": [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in flags],
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "commit": output("git", "rev-parse", "--short", "HEAD") + " with changes" * bool(changed),
        "onednn": output("dpkg-query", "-W", "-f", "${Version}", "libdnnl2"),
    }
