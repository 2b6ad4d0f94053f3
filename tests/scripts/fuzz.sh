#!/usr/bin/env bash
# Fuzzes one reader of foreign bytes with libFuzzer. Usage: fuzz.sh TARGET [SECONDS]
# Starts from the committed corpus; new inputs stay under build/; a crash is minimised and its file named.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:?usage: fuzz.sh TARGET [SECONDS]   (targets: $(ls tests/fuzz | grep -v CMake | xargs))}
seconds=${2:-600}

bash src/packaging/install_packages.sh build fuzz
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "fuzz_$target"

work=build/fuzz/work/$target
mkdir -p "$work/corpus" "$work/crashes"
binary=build/fuzz/bin/fuzz_$target
if ! "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/crashes/" "$work/corpus" "tests/fuzz/$target/corpus"; then
  crash=$(ls -t "$work/crashes" | head -n 1)
  "$binary" -minimize_crash=1 -runs=100000 -exact_artifact_path="$work/crashes/minimised" "$work/crashes/$crash" || true
  echo "fuzz.sh: crash: $work/crashes/$crash (minimised beside it); make it a unit test and add it to tests/fuzz/$target/corpus" >&2
  exit 1
fi
