# Sourced by the scripts beside it, behind mesh.sh: the servers that the mesh is compared with, and its nodes.
peers=$root/benchmarks/peers
load=$programs/run_load
sharp=$root/build/peers/sharp

# need PROGRAM-OR-FILE WHERE-FROM
need() {
  command -v "$1" >/dev/null || [ -e "$1" ] || { echo "$1 is missing: $2" >&2; exit 1; }
}
filter=/usr/lib/nginx/modules/ngx_http_image_filter_module.so
need nginx 'apt-get install nginx'
need "$filter" 'apt-get install libnginx-mod-http-image-filter'
need vipsthumbnail 'apt-get install libvips-tools'
need /usr/bin/python3 'apt-get install python3'
need "$load" 'cmake --build build/release'
need "$programs/pixmesh-vips-worker" 'cmake --build build/release'
export VIPS_CONCURRENCY=1

# sharp_ready: fetches sharp once; fails where that cannot be.
sharp_ready() {
  command -v node >/dev/null || { echo "node is missing: apt-get install nodejs" >&2; return 1; }
  mkdir -p "$sharp"
  cmp -s "$peers/sharp/package.json" "$sharp/package.json" && [ -d "$sharp/node_modules/sharp" ] || {
    command -v npm >/dev/null || { echo "npm is missing: apt-get install npm" >&2; return 1; }
    cp "$peers/sharp/package.json" "$sharp/"
    (cd "$sharp" && npm install --ignore-scripts --no-audit --no-fund >&2) || return 1
  }
  cp "$peers/sharp/server.js" "$sharp/"
}

# jpegs_of FOLDER: links to its JPEGs in $work/images.
jpegs_of() {
  mkdir "$work/images"
  for image in "$1"/*.jpg; do
    [ "$(vipsheader -f jpeg-multiscan "$image")" = 0 ] && ln -s "$(realpath "$image")" "$work/images/"
  done
  printf 'images: %d\n' "$(find "$work/images/" -name '*.jpg' | wc -l)"
}

# nginx_start HOST [IN…]: /share/NAME is the file, /thumb/NAME its thumbnail; its pid is in $nginx. A worker that
# makes a thumbnail does nothing else: connections to it end with the answer, so the idle one takes the next.
nginx_start() {
  host=$1
  shift
  mkdir "$work/nginx"
  cat >"$work/nginx/conf" <<EOF
load_module $filter;
daemon off; worker_processes 2; pid $work/nginx/pid; error_log $work/nginx/log; user $(id -un);
events { worker_connections 256; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path $work/nginx/body; proxy_temp_path $work/nginx/proxy;
  fastcgi_temp_path $work/nginx/fastcgi; uwsgi_temp_path $work/nginx/uwsgi; scgi_temp_path $work/nginx/scgi;
  server {
    listen $host:$((base + 90));
    location /share/ { alias $work/images/; }
    location /thumb/ {
      alias $work/images/; keepalive_timeout 0;
      image_filter resize 800 800; image_filter_jpeg_quality 85; image_filter_buffer 64M;
    }
  }
}
EOF
  "$@" nginx -p "$work/nginx" -c "$work/nginx/conf" 2>>"$work/nginx/log" &
  nginx=$!
  pids="$pids $nginx"
}

# mesh_of_peers [ARG…]: three nodes that keep no results, with the images below peers/; their pids in $mesh.
mesh_of_peers() {
  cat >"$work/recipes.toml" <<'TOML'
[recipe.plain]
argv    = ["vipsthumbnail", "{in}", "--size", "{width}x{height}", "-o", "{out}[Q={quality}]"]
output  = "jpg"
accepts = ["jpeg"]
[recipe.plain.param]
width   = { type = "int", min = 1, max = 16384, default = 800 }
height  = { type = "int", min = 1, max = 16384, default = 800 }
quality = { type = "int", min = 1, max = 100, default = 85 }
TOML
  mesh=
  join=--create
  for number in 1 2 3; do
    # shellcheck disable=SC2086
    mesh_node "$number" $join --recipes "$work/recipes.toml" --native shared --result-cache 0 "$@"
    mesh="$mesh $pid"
    join="--join $(address 1)"
  done
  until [ "$("$pixmesh" status --json --node "$(address 1)" 2>/dev/null |
    grep -o '"life":"alive"' | wc -l)" -ge 3 ]; do sleep 0.1; done
  mesh_calm
  for image in "$work/images"/*.jpg; do
    "$pixmesh" put -q "$image" --prefix peers/ --node "$(address 1)" --wait all >/dev/null
  done
  mesh_calm
}

# The ways, each for $threads askers; asker is a prefix such as nsenter, or nothing.
http() { $asker /usr/bin/python3 "$peers/http_load.py" "$1" "$2" "$work/images" "$threads" "${3:-$passes}"; }
ask() {
  $asker "$load" "$(address 1),$(address 2),$(address 3)" peers/ "$threads" "${2:-$passes}" "$1" \
    width=800 height=800
}
