#!/usr/bin/env bash
# Installs what is missing, builds with sanitizers, runs every test. Ends with ctest's summary.
# Usage: tests/run.sh [ctest arguments, e.g. -L unit, -R mesh]
set -euo pipefail
cd "$(dirname "$0")/.."

bash src/packaging/install_packages.sh build test
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # a clone elsewhere finds the same objects
cmake --preset dev -DSTARLING_WERROR=ON
cmake --build --preset dev
cmake --build --preset dev --target all_verify_interface_header_sets
ctest --preset dev --parallel "$(nproc)" "$@"
