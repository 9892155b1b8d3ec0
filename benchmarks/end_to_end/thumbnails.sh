#!/bin/sh
# Processing through the mesh against the bare tool on the same files:
#   benchmarks/end_to_end/thumbnails.sh IMAGES-FOLDER [ROUNDS]
# 2 at a time on both sides; prints each round's wall times and their ratio, then the median. `lean` is
# the bare tool without libvips's plug-ins, as nodes start it: beside it stands what the mesh itself costs.
. "$(dirname "$0")/mesh.sh"
images=$1
rounds=${2:-5}
mesh_begin
mesh_of 3
for image in "$images"/*.jpg; do "$pixmesh" put -q "$image" --node "$(address 1)" --wait all >/dev/null; done
mkdir "$work/bare" "$work/mesh"

bare() {
  export VIPS_CONCURRENCY=1
  find "$images" -maxdepth 1 -name '*.jpg' -print0 |
    xargs -0 -P2 -I{} sh -c 'vipsthumbnail "$1" --size 800x800 -o "$2/$(basename "$1")[Q=85]"' _ {} "$work/bare"
}
lean() (
  export VIPSHOME=/nonexistent
  bare
)
through_mesh() {
  nodes="$(address 1),$(address 2),$(address 3)"
  find "$images" -maxdepth 1 -name '*.jpg' -print0 | PIXMESH_NODE=$nodes xargs -0 -P2 -I{} \
    sh -c '"$3" run -q --force thumbnail "$(basename "$1")" width=800 height=800 quality=85 -o "$2/$(basename "$1")"' \
    _ {} "$work/mesh" "$pixmesh"
}

bare
through_mesh
for round in $(seq "$rounds"); do
  timed bare
  bare_ms=$ms
  timed lean
  lean_ms=$ms
  timed through_mesh
  echo "$bare_ms $lean_ms $ms" | awk -v r="$round" \
    '{printf "round %d: bare %d ms, lean %d ms, mesh %d ms, ratio %.3f, to lean %.3f\n", r, $1, $2, $3, $3/$1, $3/$2}'
  echo "$bare_ms $ms" | awk '{print $2/$1}' >>"$work/ratios"
  echo "$lean_ms $ms" | awk '{print $2/$1}' >>"$work/lean-ratios"
done
printf 'median ratio %s, to lean %s\n' "$(median <"$work/ratios")" "$(median <"$work/lean-ratios")"
[ "$(find "$work/bare" -type f | wc -l)" = "$(find "$work/mesh" -type f | wc -l)" ] ||
  { echo "the two sides made different numbers of pictures" >&2; exit 1; }
