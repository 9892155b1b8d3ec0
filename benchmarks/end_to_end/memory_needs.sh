#!/bin/sh
# What is counted for the memory of a run, and what it takes:
#   benchmarks/end_to_end/memory_needs.sh FILE...
# For each image and way of use: what a node counts before it has run that, the most that three runs
# took, and what it counts after them. MiB; the last column is the next count over what was seen.
. "$(dirname "$0")/mesh.sh"
mesh_begin
mesh_of 1 --replicas 1 --write-quorum 1 --memory 16GiB

json() { python3 -c 'import json,sys; d=json.loads(sys.stdin.readline()); print(eval(sys.argv[1]))' "$1"; }
counted() {
  "$pixmesh" run --explain --json "$1" "$2" --node "$(address 1)" 2>/dev/null |
    json 'd["candidates"][0]["memory_bytes"] >> 20'
}
taken() {
  "$pixmesh" run --force --json "$1" "$2" -o "$work/result" --node "$(address 1)" 2>/dev/null |
    json 'd["memory_bytes"] >> 20'
}

printf '%-22s %-44s %7s %7s %7s %6s\n' image way before seen after ratio
for file in "$@"; do
  name=$(basename "$file")
  "$pixmesh" put -q "$file" --name "$name" --node "$(address 1)" >/dev/null
  for way in 'thumbnail' 'thumbnail width=6000 height=6000' 'convert' 'convert format=png' \
    'convert format=tif' 'convert format=webp' 'resize' 'resize scale=2.0' 'resize format=webp' \
    'crop' 'crop width=4000 height=2800' 'rotate' 'sharpen' 'im-resize' 'im-resize width=4000 height=4000' \
    'im-identify' 'info' 'thumbnail | sharpen' 'thumbnail | convert format=webp' \
    'thumbnail width=4000 height=4000 | convert format=webp'; do
    before=$(counted "$way" "$name")
    seen=0
    for round in 1 2 3; do
      one=$(taken "$way" "$name") || one=0
      [ "${one:-0}" -le "$seen" ] || seen=$one
    done
    after=$(counted "$way" "$name")
    printf '%-22s %-44s %7s %7s %7s %6s\n' "$name" "$way" "$before" "$seen" "$after" \
      "$(awk -v a="$after" -v s="$seen" 'BEGIN {if (s > 0) printf "%.2f", a / s}')"
  done
done
