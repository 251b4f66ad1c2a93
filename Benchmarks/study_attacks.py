"""Attacks on a classifier, how a density detects them, and what purify takes back: one table.

    python3 Benchmarks/study_attacks.py CLASSIFIER DENSITY DATA OUT [--first 1000 | --every 50] [--keep]

CLASSIFIER is a run of train --model resnet, DENSITY a calibrated run of the same normal images, DATA their
test set with labels. The first images are attacked, or every so many of a file that is sorted by class; the
last 500, or as many between those, choose, once, how far purify may go: of
16, 24, 32, 40 and 48 the one under which FGSM of 8 is told best, with at most a point lost on clean images.
--keep takes attacks that know nothing of the purifier as an earlier call has left them.
Everything goes through PNG files of eight bits, and every figure is what a command printed:

    scanline attack, compare (AUROC, FPR80), score (shares of p-values), purify, evaluate

Writes OUT/table.md and OUT/table.json. OUT/NAME/ has the images, OUT/NAME/sheet.png shows them.
"""

import argparse
import csv
import json
import math
import shutil
import subprocess
import time
from pathlib import Path

ATTACKS = [
    ("none", None), ("uniform", 8), ("normal", 8), ("brighter", 8), ("jpeg", None),
    ("fgsm", 8), ("fgsm", 25), ("bim", 8), ("pgd", 8), ("pgd", 25), ("pgd-l2", 128),
    ("deepfool", None), ("cw", None),
]
PURIFIERS = [16, 24, 32, 40, 48]
CHOOSING = 500


class Study:
    def __init__(self, arguments):
        self.classifier, self.density = arguments.classifier, arguments.density
        self.scanline, self.out = arguments.scanline, Path(arguments.out)
        self.keeps = arguments.keep

    def run(self, *words):
        command = [self.scanline, *map(str, words), "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout else {}

    def attack(self, data, out, method, epsilon, *words):
        if self.keeps and method != "purifier" and (Path(out) / "attack.csv").exists():
            return attacked(Path(out))
        words = [*words, "--epsilon", epsilon] if epsilon else words
        # What an earlier call attacked may be other images.
        shutil.rmtree(out, ignore_errors=True)
        return self.run("attack", self.classifier, data, "--method", method, "--out", out, *words)

    def accuracy(self, images):
        return self.run("evaluate", self.classifier, images)["accuracy"]

    def purified(self, images, out, epsilon):
        shutil.rmtree(out, ignore_errors=True)
        self.run("purify", self.density, images, "--epsilon", epsilon, "--out", out)
        return self.accuracy(out / "images")

    def detected(self, clean, images):
        """AUROC and FPR80 of every score; shares of p-values of at most 1 and 5 %."""
        pairs = self.run("compare", self.density, "--in", clean, "--out-of", images)["pairs"]
        table = self.out / "scores.csv"
        self.run("score", self.density, images, "--out", table, "--overwrite")
        with open(table, newline="") as file:
            values = [float(row["p_value"]) for row in csv.DictReader(file)]
        found = {f"flagged{rate}": sum(p <= rate for p in values) / len(values)
                 for rate in (0.01, 0.05)}
        found["auroc"] = {pair["score"]: pair["auroc"] for pair in pairs}
        found["fpr80"] = {pair["score"]: pair["fpr80"] for pair in pairs}
        return found


def attacked(folder):
    """What attack printed of it, from the table that it wrote."""
    with open(folder / "attack.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    fooled = sorted(float(row["length"]) for row in rows
                    if row["told"] == row["class"] != row["told_after"])
    right = sum(row["told_after"] == row["class"] for row in rows)
    return {"accuracy_after": right / len(rows), "seconds": None,
            "length": fooled[len(fooled) // 2] if fooled else None}


def subset(source, rows, target):
    """Files of `attack --method none` in a folder of their own, by class."""
    shutil.rmtree(target, ignore_errors=True)
    for row in rows:
        file = Path(target, *Path(row["file"]).parts[1:])
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / row["file"], file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("classifier", "density", "data", "out"):
        parser.add_argument(name)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--every", type=int)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--scanline", default=".build/release/scanline")
    arguments = parser.parse_args()
    study, out, start = Study(arguments), Path(arguments.out), time.time()
    out.mkdir(parents=True, exist_ok=True)

    # The test set as files, by class.
    everything = out / "all"
    study.attack(arguments.data, everything, "none", None)
    with open(everything / "attack.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    clean, choosing = out / "clean", out / "choosing"
    every = arguments.every
    reported = rows[::every] if every else rows[: arguments.first]
    others = rows[1 :: len(rows) // CHOOSING][:CHOOSING] if every else rows[-CHOOSING:]
    subset(everything, reported, clean)
    subset(everything, others, choosing)

    # How far purify may go, on images that are not reported.
    study.attack(choosing, out / "chosen-by", "fgsm", 8)
    before = study.accuracy(choosing)
    choices = {}
    for epsilon in PURIFIERS:
        kept = study.purified(choosing, out / "purified-choosing", epsilon)
        taken = study.purified(out / "chosen-by/images", out / "purified-choosing", epsilon)
        choices[epsilon] = (kept, taken)
        print(f"purify {epsilon}: clean {before:.3f} -> {kept:.3f}, FGSM 8 -> {taken:.3f}", flush=True)
    reach = max((e for e in PURIFIERS if choices[e][0] >= before - 0.01),
                key=lambda e: (choices[e][1], e), default=PURIFIERS[0])
    print(f"purify --epsilon {reach}", flush=True)

    found = []

    def add(name, images, attacked, seconds):
        row = {"attack": name, "accuracy": attacked["accuracy_after"], "length": attacked["length"],
               "purified": study.purified(images, out / "purified" / name.replace(" ", "-"), reach),
               "seconds": seconds}
        row |= study.detected(clean, images)
        found.append(row)
        print(row["attack"], {k: v for k, v in row.items() if k not in ("auroc", "fpr80", "attack")},
              "AUROC", round(row["auroc"]["verdict"], 4), flush=True)

    for method, epsilon in ATTACKS:
        name = method + (f" {epsilon}" if epsilon else "")
        place = out / name.replace(" ", "-")
        attacked = study.attack(clean, place, method, epsilon)
        add(name, place / "images", attacked, attacked["seconds"])
    for method, epsilon, words in [
        ("detector", 8, []), ("detector", 25, []),
        ("purifier", 8, ["--purifier-epsilon", reach]), ("purifier", 25, ["--purifier-epsilon", reach]),
    ]:
        name = f"{method} {epsilon}"
        place = out / name.replace(" ", "-")
        attacked = study.attack(clean, place, method, epsilon, "--density", study.density, *words)
        add(name, place / "images", attacked, attacked["seconds"])

    scores = ["verdict", "nats", "typicality", "input_complexity", "normalised_surprise", "pit_distance"]
    scores = [score for score in scores if score in found[0]["auroc"]]
    count = len(reported)
    lines = [
        f"{count} images; a share of p has a standard error of √(p (1 − p) / {count}),"
        f" at most {0.5 / math.sqrt(count):.3f}. purify --epsilon {reach}.", "",
        "| attack, ε | accuracy | purified | flagged at 1 % | at 5 % | AUROC of the verdict | "
        + " | ".join(scores[1:]) + " |",
        "|" + "---|" * (5 + len(scores)),
    ]
    for row in found:
        auroc = " | ".join(f"{row['auroc'][score]:.3f}" for score in scores)
        lines.append(
            f"| {row['attack']} | {row['accuracy']:.3f} | {row['purified']:.3f}"
            f" | {row['flagged0.01']:.3f} | {row['flagged0.05']:.3f} | {auroc} |")
    (out / "table.md").write_text("\n".join(lines) + "\n")
    (out / "table.json").write_text(json.dumps(
        {"images": count, "purify": reach, "choices": choices, "rows": found,
         "seconds": time.time() - start}, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
