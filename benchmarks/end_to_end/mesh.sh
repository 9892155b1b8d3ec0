# Sourced by the measurements beside it: a mesh of real processes on loopback that ends with them.
#
#   mesh_begin             folder $work, ports from $base
#   mesh_node N [ARG…]     starts node N; its pid is in $pid and in $work/N.pid
#   mesh_calm              waits until every partition is settled
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
programs=${PIXMESH_BENCH_BUILD:-$root/build/release}/bin
pixmesh=$programs/pixmesh
[ -x "$pixmesh" ] || { echo "build it first: ./check, or cmake --preset release && cmake --build build/release" >&2; exit 1; }

mesh_begin() {
  base=${PIXMESH_BENCH_PORT:-18600}
  work=$(mktemp -d "${PIXMESH_BENCH_DIR:-$root/build}/bench.XXXXXX")
  pids=
  trap mesh_end EXIT
  trap 'exit 130' INT TERM
}

mesh_end() {
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}

address() { printf '127.0.0.1:%d' $((base + $1)); }

mesh_node() {
  number=$1
  shift
  "$pixmesh" node run --data "$work/node-$number" --listen "$(address "$number")" "$@" \
    >>"$work/node-$number.log" 2>&1 &
  pid=$!
  echo "$pid" >"$work/$number.pid"
  pids="$pids $pid"
}

mesh_calm() { "$pixmesh" status --wait --timeout 60s -q --node "$(address 1)" >/dev/null; }

# mesh_of COUNT [ARG…]: that many nodes; the arguments go to the founder.
mesh_of() {
  count=$1
  shift
  mesh_node 1 --create "$@"
  for number in $(seq 2 "$count"); do mesh_node "$number" --join "$(address 1)"; done
  until [ "$("$pixmesh" status --json --node "$(address 1)" 2>/dev/null |
    grep -o '"life":"alive"' | wc -l)" -ge "$count" ]; do sleep 0.1; done
  mesh_calm
}

mesh_stop() {
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  pids=
  rm -rf "$work"/node-*
}

now_ms() { date +%s%3N; }
# timed COMMAND…: its wall time in ms in $ms.
timed() {
  began=$(now_ms)
  "$@"
  ms=$(($(now_ms) - began))
}
median() { sort -n | awk '{v[NR]=$1} END {print (NR % 2) ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }
