#!/bin/sh
# Twenty real nodes beside twenty serf agents on the same machine:
#   benchmarks/end_to_end/membership.sh [NODES]
# Prints for both: time until all agree after start, time until all see a kill -9, bytes sent at rest
# (counted on the loopback interface, headers included) and CPU time at rest. Needs serf.
. "$(dirname "$0")/mesh.sh"
nodes=${1:-20}
rest=20
settle=40  # what follows a start: comparing partitions takes half a minute
mesh_begin

sent_bytes() { awk '$1 == "lo:" {print $10}' /proc/net/dev; }
cpu_ms() {  # of the processes in $pids
  total=0
  for pid in $pids; do
    [ -r "/proc/$pid/stat" ] || continue
    total=$((total + $(awk '{print $14 + $15}' "/proc/$pid/stat")))
  done
  echo $((total * 1000 / $(getconf CLK_TCK)))
}
at_rest() {  # LABEL
  bytes=$(sent_bytes)
  cpu=$(cpu_ms)
  sleep "$rest"
  echo "$(($(sent_bytes) - bytes)) $(($(cpu_ms) - cpu))" | awk -v n="$nodes" -v s="$rest" -v l="$1" \
    '{printf "%s at rest: %.0f B/s sent and %.2f ms CPU a second, per node\n", l, $1/n/s, $2/n/s}'
}
wait_until() {  # COMMAND…: polls without waiting between
  until "$@"; do sleep 0.05; done
}

# --- serf ---
serf_members() {  # AGENT STATUS: how many members agent N holds in this status
  serf members -rpc-addr="127.0.0.1:$((base + 300 + $1))" 2>/dev/null | grep -c " $2 *$"
}
serf_all() {  # STATUS COUNT: every agent asked holds COUNT in STATUS
  for n in $asked; do [ "$(serf_members "$n" "$1")" -ge "$2" ] || return 1; done
}
asked=$(seq 1 "$nodes")
began=$(now_ms)
for n in $asked; do
  serf agent -node="s$n" -bind="127.0.0.1:$((base + 200 + n))" -rpc-addr="127.0.0.1:$((base + 300 + n))" \
    $([ "$n" -gt 1 ] && echo "-join=127.0.0.1:$((base + 201))") >/dev/null 2>&1 &
  pids="$pids $!"
  [ "$n" = 1 ] && victim_of_none=$! && sleep 0.2
done
victim=$!
wait_until serf_all alive "$nodes"
printf 'serf: all %d agree after %d ms\n' "$nodes" $(($(now_ms) - began))
sleep "$settle"
at_rest serf
asked=$(seq 1 $((nodes - 1)))
began=$(now_ms)
kill -9 "$victim"
wait_until serf_all failed 1
printf 'serf: kill -9 seen by all after %d ms\n' $(($(now_ms) - began))
mesh_stop

# --- pixmesh ---
life_count() {  # NODE LIFE
  "$pixmesh" status --json --node "$(address "$1")" 2>/dev/null | grep -o "\"life\":\"$2\"" | wc -l
}
logged() {  # PATTERN COUNT: every node asked has COUNT such lines in its log
  for n in $asked; do [ "$(grep -c "$1" "$work/node-$n.log")" -ge "$2" ] || return 1; done
}
asked=$(seq 1 "$nodes")
began=$(now_ms)
for n in $asked; do
  if [ "$n" = 1 ]; then mesh_node 1 --create; sleep 0.2; else mesh_node "$n" --join "$(address 1)"; fi
done
victim=$pid
agreed() { logged "placement_changed .*nodes=$nodes" 1; }
wait_until agreed
printf 'pixmesh: all %d use the same placement after %d ms\n' "$nodes" $(($(now_ms) - began))
mesh_calm
sleep "$settle"
at_rest pixmesh
asked=$(seq 1 $((nodes - 1)))
began=$(now_ms)
kill -9 "$victim"
wait_until logged 'state=dead' 1
printf 'pixmesh: kill -9 seen by all after %d ms\n' $(($(now_ms) - began))

# No false death while both cores are busy: 60 s.
deaths_before=$(cat "$work"/node-*.log | grep -c 'state=dead' || true)
for n in 1 2; do (end=$(($(date +%s) + 60)); while [ "$(date +%s)" -lt "$end" ]; do b2sum /dev/null >/dev/null; done) & done
sleep 60
deaths_after=$(cat "$work"/node-*.log | grep -c 'state=dead' || true)
printf 'pixmesh: %d false deaths in 60 s with both cores busy\n' $((deaths_after - deaths_before))
