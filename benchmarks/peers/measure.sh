# Sourced by the scripts beside it, behind mesh.sh: what a way of making thumbnails takes.
#
#   measure NAME PIDS COMMAND…   a load of $threads askers on the servers PIDS, noted as NAME's
#   table NAME…                  medians of what was noted
#   ratio NAME OVER [GOAL]       how many times the requests/s of OVER; median of the rounds
#
# CPU is that of the servers with all processes below them, and of the client with its tools; a server that
# only waits while another is measured does not count. `moved` comes from the script: bytes, each once.

# cpu_so_far PIDS: in $cpu milliseconds, those of this script's ended children among them.
cpu_so_far() {
  cpu=$(cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/x/' |
    awk -v script=$$ -v servers="$1" -v hz="$(getconf CLK_TCK)" '
      {parent[$1] = $4; used[$1] = $14 + $15 + $16 + $17; ended[$1] = $16 + $17}
      END {
        sum = ended[script]
        count = split(servers, list, " ")
        for (i = 1; i <= count; i++) counts[list[i]] = 1
        for (p in parent) {
          for (q = p; q in parent && !(q in counts);) q = parent[q]
          if (q in counts) sum += used[p]
        }
        printf "%.0f", sum * 1000 / hz
      }')
}

measure() {
  name=$1
  servers=$2
  shift 2
  cpu_so_far "$servers"
  cpu_before=$cpu
  moved_before=$(moved)
  "$@" >"$work/line" || { echo "$name failed" >&2; exit 1; }
  moved_after=$(moved)
  cpu_so_far "$servers"
  awk -v cpu=$((cpu - cpu_before)) -v bytes=$((moved_after - moved_before)) \
    '{print $2 / $4, $6, $7, cpu / $2, bytes / $2 / 1000}' "$work/line" >>"$work/seen.$name.$threads"
  printf ' %s %s' "$name" "$(tail -n 1 "$work/seen.$name.$threads" | awk '{printf "%.2f/s", $1}')"
}

table() {
  echo '| way | requests/s | p50 ms | p99 ms | CPU ms | kB moved |'
  echo '|---|---|---|---|---|---|'
  for name; do
    printf '| %s' "$name"
    for column in 1 2 3 4 5; do
      printf ' | %s' "$(awk "{print \$$column}" "$work/seen.$name.$threads" | median |
        awk -v column=$column '{printf(column == 1 ? "%.2f" : "%.0f", $1)}')"
    done
    echo ' |'
  done
}

ratio() {
  paste "$work/seen.$2.$threads" "$work/seen.$1.$threads" | awk '{print $6 / $1}' | median |
    awk -v name="$1" -v over="$2" -v goal="${3:-}" '{
      printf "%s over %s: %.2f", name, over, $1
      if (goal) printf ", goal %s: %s", goal, ($1 >= goal ? "met" : "MISSED")
      print ""}'
}
