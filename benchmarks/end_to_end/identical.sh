#!/bin/sh
# Many who want the same at one time: benchmarks/end_to_end/identical.sh IMAGE [COUNT]
#
# Three nodes, COUNT (1000) askers in four processes, spread over all nodes; each asks once for the same thumbnail,
# all at one time. Prints how many runs the mesh made for them, and how long they waited. Then once more, when the
# result is kept.
. "$(dirname "$0")/mesh.sh"
load=$root/build/release/bin/mesh_load
image=$1
askers=$((${2:-1000} / 4))
mesh_begin
mesh_of 3
"$pixmesh" put -q "$image" --name same/image --node "$(address 1)" --wait all >/dev/null
for node in 1 2 3; do  # results are shared once the tools of a recipe were looked at
  until "$pixmesh" recipe show thumbnail --json --node "$(address $node)" | grep -q '"fingerprint":"[0-9a-f]'; do sleep 0.1; done
done

sum() {  # WHAT of all nodes' results
  "$pixmesh" status --json --node "$(address 1)" | grep -o "\"$1\":[0-9]*" | awk -F: '{s += $2} END {print s}'
}
all_at_once() {
  misses=$(sum misses) hits=$(sum hits) joined=$(sum joined)
  crowd=
  for process in 1 2 3 4; do
    nodes="$(address $((process % 3 + 1))),$(address $(((process + 1) % 3 + 1)))"
    "$load" --nodes "$nodes" --prefix same/ --threads "$askers" --once --times "$askers" \
      width=800 height=800 >"$work/crowd.$process" &
    crowd="$crowd $!"
  done
  for pid in $crowd; do wait "$pid" || true; done
  cat "$work"/crowd.*
  echo "runs made $(($(sum misses) - misses)), joined $(($(sum joined) - joined)), answered by a kept result $(($(sum hits) - hits))"
}
all_at_once
echo '--- once more'
all_at_once
