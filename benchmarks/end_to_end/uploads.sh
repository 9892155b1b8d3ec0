#!/bin/sh
# One upload at a time to nodes on one disk, against nginx WebDAV:
#   benchmarks/end_to_end/uploads.sh IMAGES-FOLDER [ROUNDS]
# For each round the whole set is stored with R = 1, with W = 2 of R = 3, with all 3 of R = 3, and by
# PUT to nginx, plain and followed by b2sum and fsync of the stored file. Prints ms for each set.
# Needs nginx (with the dav module), curl.
. "$(dirname "$0")/mesh.sh"
images=$1
rounds=${2:-5}
mesh_begin

put_set() {  # PREFIX WAIT
  for image in "$images"/*.jpg; do
    "$pixmesh" put -q "$image" --prefix "$1" --wait "$2" --node "$(address 1)" >/dev/null
  done
}
nginx_start() {
  mkdir -p "$work/dav/files" "$work/dav/tmp"
  cat >"$work/dav/nginx.conf" <<EOF
daemon off; worker_processes 2; pid $work/dav/pid; error_log $work/dav/error.log;
$( [ -e /usr/lib/nginx/modules/ngx_http_dav_ext_module.so ] && true )
user $(id -un);
events { worker_connections 64; }
http { access_log off; client_max_body_size 100m; client_body_temp_path $work/dav/tmp;
  server { listen 127.0.0.1:$((base + 90)); root $work/dav/files;
    location / { dav_methods PUT; create_full_put_path on; } } }
EOF
  nginx -p "$work/dav" -c "$work/dav/nginx.conf" 2>/dev/null &
  pids="$pids $!"
  sleep 0.5
}
dav_plain() {
  for image in "$images"/*.jpg; do
    curl -sf -T "$image" "http://127.0.0.1:$((base + 90))/$1-$(basename "$image")"
  done
}
dav_durable() {
  for image in "$images"/*.jpg; do
    name=$1-$(basename "$image")
    curl -sf -T "$image" "http://127.0.0.1:$((base + 90))/$name"
    b2sum -l 256 "$work/dav/files/$name" >/dev/null
    sync "$work/dav/files/$name"
  done
}

for round in $(seq "$rounds"); do
  mesh_of 1 --replicas 1 --write-quorum 1
  put_set warm/ quorum
  timed put_set a/ quorum
  one=$ms
  mesh_stop
  mesh_of 3
  put_set warm/ all
  timed put_set a/ quorum
  quorum=$ms
  sleep 3
  timed put_set b/ all
  all=$ms
  mesh_stop
  nginx_start
  dav_plain warm
  timed dav_plain a
  plain=$ms
  timed dav_durable b
  durable=$ms
  mesh_stop
  rm -rf "$work/dav"
  echo "$one $quorum $all $plain $durable" | tee -a "$work/sets" | awk -v r="$round" \
    '{printf "round %d: R=1 %d ms; W=2 %d ms (%.2fx); R=3 %d ms (%.2fx); nginx %d ms (R=1 has %.2fx its rate); nginx+b2sum+fsync %d ms (%.2fx)\n", r, $1, $2, $2/$1, $3, $3/$1, $4, $4/$1, $5, $5/$1}'
done
for column in '$2/$1' '$3/$1' '$4/$1' '$5/$1'; do
  printf 'median %s = %s\n' "$column" "$(awk "{print $column}" "$work/sets" | median)"
done
