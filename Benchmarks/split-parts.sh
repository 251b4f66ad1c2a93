#!/bin/sh
# split-parts.sh boards|cells DATA SEED TO
#
# Unpacks the boards or cells in DATA and lays out an honest split in TO, a new folder, as links: good
# images to learn from (train), others to compare (good), and those with defects (defect). Boards: 200
# good ones at random are held out. Cells: runs of 150 consecutive numbers are cells of the same modules;
# 7 runs of 18 are held out, and defects are taken from those runs alone.
set -eu
kind=$1 data=$2 seed=$3 to=$4
case $kind in
  boards) name=pcb ;;
  cells) name=elpv ;;
  *) echo "split-parts.sh: expected boards or cells, found $kind" >&2; exit 64 ;;
esac
mkdir -p "$to"
mkdir "$to/train" "$to/good" "$to/defect" "$to/lists"
tar -xf "$data/industrial-$name.tar" -C "$to"
images=$(cd "$to/$name" && pwd)
cd "$to/lists"

# Numbers 1 ... $1 in an order that the seed gives.
order() {
  awk -v n="$1" -v x="$seed" '
    function draw(below) { x = (x * 69069 + 1) % 4294967296; return int(x / 4294967296 * below) }
    BEGIN {
      for (i = 0; i < 10; i++) draw(1)
      for (i = 1; i <= n; i++) a[i] = i
      for (i = n; i > 1; i--) { j = 1 + draw(i); t = a[i]; a[i] = a[j]; a[j] = t }
      for (i = 1; i <= n; i++) print a[i]
    }'
}

ls "$images/good" | LC_ALL=C sort >good
ls "$images/defect" | LC_ALL=C sort >defect
if [ "$kind" = boards ]; then
  order "$(wc -l <good)" >order
  paste order good | sort -n | cut -f 2 >shuffled
  head -n 200 shuffled >test-good
  tail -n +201 shuffled >train
  cp defect test-defect
else
  order 18 | head -n 7 >runs
  for list in good defect; do
    awk 'NR == FNR { test[$1 - 1] = 1; next }
      { n = $1; gsub(/[^0-9]/, "", n); print ((int(n / 150) in test) ? "test" : "train"), $1 }' \
      runs $list >sides
    awk '$1 == "test" { print $2 }' sides >test-$list
    awk '$1 == "train" { print $2 }' sides >train-$list
  done
  mv train-good train
fi
link() { while read -r file; do ln -s "$images/$2/$file" "../$3/$file"; done <"$1"; }
link train good train
link test-good good good
link test-defect defect defect
echo "$(wc -l <train) good images to learn from; $(wc -l <test-good) good and" \
  "$(wc -l <test-defect) odd ones to compare" >&2
