#!/bin/sh
# What a join and a leave cost those who read meanwhile: benchmarks/end_to_end/member_changes.sh [ROUNDS]
#
# Three nodes with 40 images of 10 MB; two clients get one image after the other. Each round: 15 s of quiet, a
# fourth node joins until all is calm, it leaves until its process has ended. Prints gets, failures, p50 and p95 of
# each phase, all rounds together, and how often the quiet p95 the others are.
. "$(dirname "$0")/mesh.sh"
rounds=${1:-3}
mesh_begin
mesh_of 3
for number in $(seq 40); do
  head -c 10000000 /dev/urandom >"$work/image"
  "$pixmesh" put "$work/image" --name "image$number" --wait all -q --node "$(address 1)" >/dev/null
done
rm "$work/image"

reader() {  # NUMBER: lines "phase milliseconds exit"
  number=$1
  while [ ! -e "$work/over" ]; do
    number=$((number * 7 % 41))
    phase=$(cat "$work/phase")
    began=$(now_ms)
    code=0
    "$pixmesh" get "image$number" -o "$work/got.$1" -q --node "$(address $((number % 3 + 1)))" >/dev/null 2>&1 || code=$?
    echo "$phase $(($(now_ms) - began)) $code"
  done
}
phase() { echo "$1" >"$work/phase.new" && mv "$work/phase.new" "$work/phase"; }

phase settle
reader 3 >"$work/gets.1" &
first=$!
reader 11 >"$work/gets.2" &
second=$!
took=
for round in $(seq "$rounds"); do
  phase settle
  sleep 3
  phase quiet
  sleep 15
  phase join
  began=$(now_ms)
  mesh_node 4 --join "$(address 1)"
  until [ "$("$pixmesh" status --json --node "$(address 1)" | grep -o '"life":"alive"' | wc -l)" -ge 4 ]; do sleep 0.2; done
  mesh_calm
  took="$took join $(($(now_ms) - began)) ms,"
  phase settle
  sleep 3
  phase leave
  began=$(now_ms)
  "$pixmesh" node leave -q --node "$(address 4)" >/dev/null
  wait "$pid" || true
  mesh_calm
  took="$took leave $(($(now_ms) - began)) ms;"
  rm -rf "$work/node-4"
done
touch "$work/over"
wait "$first" "$second"

for phase in quiet join leave; do
  cat "$work"/gets.* | awk -v phase=$phase '$1 == phase {print $2, $3}' | sort -n | awk -v phase=$phase '
    {ms[NR] = $1; if ($2 != 0) failed++}
    END {if (NR) printf "%s gets %d failed %d p50 %d p95 %d\n", phase, NR, failed, ms[int((NR + 1) / 2)], ms[int(NR * 0.95 + 0.5)]}'
done | awk '{print} $1 == "quiet" {quiet = $NF} $1 != "quiet" {printf "  p95 %.2f times the quiet one\n", $NF / quiet}'
echo "$took"
