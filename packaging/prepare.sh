# Sourced by ./demo, ./check and .ci/run: makes sure that what they need is installed.

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# The names in packaging/debian-packages.txt, without comments.
wanted_packages() {
  sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/packaging/debian-packages.txt"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages PACKAGE…: installs those that are missing.
install_packages() {
  missing=
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  command -v apt-get >/dev/null 2>&1 ||
    fail "these Debian packages are missing:$missing"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 ||
    fail "these packages are missing; install them as root:$missing"
  printf 'installing:%s\n' "$missing"
  as_root apt-get update -qq
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    fail "apt-get could not install:$missing"
}

# sandbox_works PIXMESH: whether nodes of this program can put a sandbox around tools here.
sandbox_works() { "$1" doctor --json 2>/dev/null | grep -q '"check":"sandbox","result":"ok"'; }

# What a compiler cache needs to recognise the same source in another folder, without preprocessing
# each file once more.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=true CCACHE_SLOPPINESS=pch_defines,time_macros
export CCACHE_DEPEND=true

# build PRESET [TARGET…]: configures and builds, quietly unless it fails.
build() {
  preset=$1
  shift
  log="$root/build/$preset.log"
  mkdir -p "$root/build"
  printf 'building %s … (log: build/%s.log)\n' "$preset" "$preset"
  began=$(date +%s)
  if ! { cmake -S "$root" --preset "$preset" && cmake --build "$root/build/$preset" ${1:+--target "$@"}; } \
    >"$log" 2>&1; then
    grep -E 'error|FAILED|CMake Error' "$log" | head -40 >&2
    tail -n 15 "$log" >&2
    fail "the build of '$preset' failed; all of it is in build/$preset.log"
  fi
  printf 'built %s in %s s\n' "$preset" "$(($(date +%s) - began))"
}
