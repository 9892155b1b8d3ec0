#!/bin/sh
# Three nodes under more load than they can carry:
#   benchmarks/end_to_end/overload.sh IMAGES-FOLDER [FACTOR…]
# First the peak, by a closed loop that keeps all workers busy; then for each factor (default 2 10) as many
# times the peak for 60 s, and 10 s later the latency of a light load. Beside it all a client asks small
# questions. Prints goodput over peak, refusals, answers to the questions, and deaths that nobody died.
. "$(dirname "$0")/mesh.sh"
load=$root/build/release/bin/mesh_load
images=$1
shift
[ $# -gt 0 ] || set -- 2 10
seconds=${PIXMESH_BENCH_SECONDS:-60}
mesh_begin
mesh_of 3
for image in "$images"/*.jpg; do
  "$pixmesh" put -q "$image" --prefix load/ --node "$(address 1)" --wait all >/dev/null
done
nodes="$(address 1),$(address 2),$(address 3)"
put_on() { "$load" --nodes "$nodes" --prefix load/ --force width=800 height=800 "$@"; }
goodput_of() { sed -n 's/.*goodput \([0-9.]*\).*/\1/p' "$@" | awk '{s += $1} END {print s}'; }

put_on --threads 12 --seconds 5 >/dev/null
put_on --threads 12 --seconds 20 | tee "$work/peak"
peak=$(goodput_of "$work/peak")
echo "peak $peak/s"
put_on --threads 1 --seconds 5 | sed 's/^/light, before: /'
for factor; do
  echo "--- $factor times the peak for $seconds s"
  rate=$(echo "$peak $factor" | awk '{print $1 * $2 / 2}')
  put_on --health --threads 1 --seconds "$seconds" >"$work/health" &
  health=$!
  put_on --threads 130 --seconds "$seconds" --rate "$rate" >"$work/load.1" &
  first=$!
  put_on --threads 130 --seconds "$seconds" --rate "$rate" >"$work/load.2" &
  second=$!
  wait "$first" || true
  wait "$second" || true
  wait "$health" || true
  cat "$work/load.1" "$work/load.2" "$work/health"
  goodput_of "$work/load.1" "$work/load.2" | awk -v p="$peak" '{printf "goodput %.2f of peak\n", $1 / p}'
  sleep 10
  put_on --threads 1 --seconds 5 | sed 's/^/light, 10 s later: /'
done
printf 'false deaths: %d\n' "$(cat "$work"/node-*.log | grep -c 'state=dead' || true)"
