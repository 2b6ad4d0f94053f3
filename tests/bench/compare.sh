#!/usr/bin/env bash
# Starling beside Debian's Mosquitto, case by case; installs and builds what is missing.
# Usage: compare.sh [--quick] [--only REGEX] [--rounds N] [--write] [--list]     (see README.md here)
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${STARLINGD:-}" = "" ] || [ "${STARLING:-}" = "" ]; then
  if [ ! -x build/release/bin/starlingd ] || [ ! -x build/release/bin/starling ]; then
    bash src/packaging/install_packages.sh build
    export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
    cmake --preset release >/dev/null
    cmake --build --preset release --target starlingd starling
  fi
fi
for program in /usr/sbin/mosquitto openssl; do
  command -v "$program" >/dev/null || bash src/packaging/install_packages.sh test
done
if [ "$(nproc)" -lt 2 ]; then
  echo "compare.sh: one core for the broker and one for the load are needed; this machine has $(nproc)" >&2
  exit 1
fi
exec python3 -W ignore tests/bench/comparison/main.py "$@"
