#!/bin/bash
# study-flag.sh IMAGES SCANLINE: seconds and memory of flag over folders of PNG files made from an IDX
# file of 28x28 images, in a folder of its own that is removed.
set -eu
images=$1
scanline=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$scanline" train "$images" --run "$place/run" --minutes 1 --seed 1 --quiet
python3 "$here/unpack_idx.py" "$images" "$place/10000" 10000
python3 "$here/unpack_idx.py" "$images" "$place/100000" 100000
cd "$place"

# What the shell's own clock and the system's accounts say.
measure() {
  python3 - "$@" <<'PYTHON'
import resource, subprocess, sys, time
start = time.time()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{time.time() - start:.1f} s, {usage.ru_utime + usage.ru_stime:.1f} s of processors,"
      f" {usage.ru_maxrss / 1024:.0f} MiB at most")
PYTHON
}

for count in 10000 100000; do
  echo "flag, $count files: $(measure "$scanline" flag run $count --out flagged-$count)"
done
for shard in $(seq 64); do
  "$scanline" flag run 10000 --out part-$shard --shard $shard/64 --quiet > /dev/null
done
echo "merge of 64 shards: $(measure "$scanline" merge part-* --out merged)"
diff -r -x '.*' flagged-10000 merged && echo "64 shards, merged, are one call, byte for byte"
