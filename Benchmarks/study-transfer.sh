#!/bin/bash
# study-transfer.sh BASE DIGITS TEST SCANLINE OUT: nats of test images by models that have seen few images,
# from nothing, from a run of others, and by additions to that run. DIGITS has a folder a class. Writes
# OUT/transfer.csv.
set -eu
base=$1
digits=$(realpath "$2")
test=$3
scanline=$4
out=$5
mkdir -p "$out"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# Of each class these files by sorted name, as links.
choose() { # to, from, to
  for class in "$digits"/*/; do
    name=$(basename "$class")
    mkdir -p "$1/$name"
    find "$class" -name '*.png' | LC_ALL=C sort | sed -n "$2,$3p" \
      | while read -r file; do ln -s "$file" "$1/$name/"; done
  done
}
choose "$place/validation" 201 240
echo "images,from,nats_per_image,nats_standard_error,parameters,best_epoch,epochs" > "$out/transfer.csv"
for images in 20 50 100 200 500 1000; do
  choose "$place/$images" 1 $((images / 10))
  # As many steps for all, and a tenth of them without gain ends one early.
  epochs=$((40000 / images))
  for from in nothing whole adapters; do
    case $from in
      nothing) start=(--model gated-pixelcnn --set layers=4 --set channels=32 --binarize threshold) ;;
      whole) start=(--from "$base" --learning-rate 5e-4) ;;
      adapters) start=(--from "$base" --adapters 1 --learning-rate 2e-3) ;;
    esac
    run=$place/$from-$images
    trained=$("$scanline" train "$place/$images" --run "$run" "${start[@]}" \
      --validation "$place/validation" --hold-out 0 --epochs $epochs --batch 20 --follow-links \
      --seed 1 --json --quiet)
    scored=$("$scanline" evaluate "$run" "$test" --json --quiet)
    python3 - "$images" "$from" "$trained" "$scored" >> "$out/transfer.csv" <<'PYTHON'
import json, sys
images, start, trained, scored = sys.argv[1:]
trained, scored = json.loads(trained), json.loads(scored)
print(images, start, f"{scored['nats_per_image']:.3f}", f"{scored['nats_standard_error']:.3f}",
      trained["parameters"], trained["best_epoch"], trained["epochs"], sep=",")
PYTHON
    tail -n 1 "$out/transfer.csv"
    rm -rf "$run"
  done
done
