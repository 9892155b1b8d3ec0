#!/bin/sh
# A repeated request against one that runs the tool, on a mesh of three:
#   benchmarks/end_to_end/results.sh IMAGE [RECIPE [KEY=VALUE…]]
# Five rounds, each with a fresh client: see benchmarks/client/repeated_runs.cc. Then the same through the command
# line, a process for each request.
. "$(dirname "$0")/mesh.sh"
image=$1
recipe=${2:-thumbnail}
shift $(($# < 2 ? $# : 2))
mesh_begin
mesh_of 3
"$pixmesh" put -q "$image" --name image --node "$(address 1)" --wait all >/dev/null
until "$pixmesh" run -q "$recipe" image "$@" -o /dev/null --json --node "$(address 1)" | grep -q '"cached":true'; do
  sleep 0.2
done
for round in 1 2 3 4 5; do
  "$root/build/release/bin/repeated_runs" "$(address 1)" image "$recipe" 1000 "$@"
done
command_line() {
  for _ in $(seq 100); do
    timed "$pixmesh" run -q "$recipe" image "$@" -o /dev/null --node "$(address 1)" >/dev/null
    echo "$ms"
  done
}
printf 'by the command line: kept p50 %s ms\n' "$(command_line "$@" | median)"
