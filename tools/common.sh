# What the scripts in tools/ share; sourced, with `root` and `me` set by the sourcing script's first lines.
# shellcheck shell=bash disable=SC2154
say() { printf '%s: %s\n' "$me" "$*"; }
die() { printf '%s: %s\n' "$me" "$*" >&2; exit 1; }

# The comment block at the head of the calling script.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

cores() { nproc 2>/dev/null || echo 2; }

device_visible() {
  [ -e /dev/nvidia0 ] || { command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; }
}

nvcc_path() {
  if [ -n "${CUDACXX:-}" ]; then echo "$CUDACXX"; return; fi
  command -v nvcc 2>/dev/null || { [ -x /usr/local/cuda/bin/nvcc ] && echo /usr/local/cuda/bin/nvcc; }
}

# The first device's architecture as CMake writes it ("90"); nothing when it cannot be asked.
device_architecture() {
  nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. '
}

# Runs "$@" with its output in the file $1; shows the file only when the command fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    return 1
  fi
}
