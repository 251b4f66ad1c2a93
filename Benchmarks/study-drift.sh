#!/bin/bash
# study-drift.sh RUN NORMAL OTHER SCANLINE: a stream of 9 525 images of one IDX file of 10 000, then of 500 of
# which every twentieth is of the other; when that is known.
set -euo pipefail
run=$(realpath "$1") normal=$(realpath "$2") other=$(realpath "$3") scanline=$(realpath "$4")
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
python3 "$here/unpack_idx.py" "$normal" normal 10000
python3 "$here/unpack_idx.py" "$other" other 1000
find normal -name '*.png' | sort > normal.txt
find other -name '*.png' | sort > other.txt
# 9 525 normal ones, then 19 others of them and one of the other file in turn.
{
  head -n 9525 normal.txt
  awk 'FNR == NR { other[FNR] = $0; next } { print } FNR % 19 == 0 { print other[FNR / 19] }' \
    other.txt <(tail -n +9526 normal.txt)
} > stream.txt
"$scanline" drift "$run" --follow --quiet < stream.txt > lines.jsonl || [ $? = 3 ]
python3 - <<'PYTHON'
import json
lines = [json.loads(line) for line in open("lines.jsonl")]
at = lines[-1].get("changed_at")
most = max(line["log10_martingale"] for line in lines[:9525])
print(f"9 525 normal images: bets made at most {10 ** most:.2f} of 1, with a bound of 20")
print(f"5 % others from then on: known after {at - 9525 if at else 'never'} images")
PYTHON
