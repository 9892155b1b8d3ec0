#!/bin/sh
# Many large images at once on one node with little memory for its tools:
#   benchmarks/end_to_end/large_images.sh [COUNT] [MEMORY] [WORKERS]
# Makes COUNT (200) different JPEGs of 24 to 100 megapixels, every second one progressive, which a tool has
# to unpack as a whole; asks for a thumbnail of all of them at one time, and watches what the tools hold.
# Needs vips. Prints how many were done and the highest sum of resident memory.
. "$(dirname "$0")/mesh.sh"
load=$root/build/release/bin/mesh_load
pictures=${1:-200}
memory=${2:-2GiB}
workers=${3:-8}
mesh_begin
mesh_of 1 --replicas 1 --write-quorum 1 --memory "$memory" --workers "$workers" --queue-max 512

# One picture for each size and form; a comment after its first two bytes makes a file another one.
vips gaussnoise "$work/noise.v" 1500 1000 --mean 128 --sigma 40
vips bandjoin "$work/noise.v $work/noise.v $work/noise.v" "$work/rgb.v"
vips cast "$work/rgb.v" "$work/small.v" uchar
number=0
for scale in 4 5 6 7 7.5 8.1; do
  vips resize "$work/small.v" "$work/large.v" "$scale"
  vips jpegsave "$work/large.v" "$work/$number.jpg" --Q 75
  vips jpegsave "$work/large.v" "$work/$((number + 1)).jpg" --Q 75 --interlace
  number=$((number + 2))
done
rm -f "$work"/*.v
for image in $(seq "$pictures"); do
  from=$work/$((image % number)).jpg
  { head -c 2 "$from"; printf '\377\376\000\007%05d' "$image"; tail -c +3 "$from"; } >"$work/next.jpg"
  "$pixmesh" put -q "$work/next.jpg" --name "large/$image.jpg" --node "$(address 1)" >/dev/null
done

resident() {  # KiB of all processes below the node, but not the node
  ps -eo pid=,ppid=,rss= | awk -v root="$(cat "$work/1.pid")" \
    '{parent[$1] = $2; rss[$1] = $3}
     END {for (p in parent) {q = p; while (q in parent && q != root) q = parent[q]; if (q == root && p != root) s += rss[p]}
          print s + 0}'
}
(while sleep 0.05; do resident; done) >"$work/resident" &
watcher=$!
pids="$pids $watcher"
"$load" --nodes "$(address 1)" --prefix large/ --threads "$pictures" --batch --once --deadline 600 width=800 height=800
kill "$watcher"
sort -n "$work/resident" | awk -v m="$memory" 'END {printf "highest sum of resident memory: %.0f MiB of %s\n", $1 / 1024, m}'
grep -c 'memory' "$work/node-1.log" || true
