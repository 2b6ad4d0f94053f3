#!/usr/bin/env bash
# Installs the simulator's package into an empty place, builds the example in another one as a user would, and runs it:
# twice, since a seed must tell the same story both times.
# Usage: test_package.sh <source folder> <build folder>
set -euo pipefail
source=$1
build=$2
cmake=${CMAKE_COMMAND:-cmake}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

"$cmake" --build "$build" --target sim_package
"$cmake" --install "$build" --prefix "$place/prefix" --component starling-sim >"$place/install.log"
cp -r "$source/simulations/examples/package" "$place/example"
cd "$place/example"
# Nothing of our tree may be needed: neither its flags nor its folders.
env -u CXXFLAGS -u LDFLAGS "$cmake" -S . -B build -DCMAKE_PREFIX_PATH="$place/prefix" -DCMAKE_CXX_COMPILER="${CXX:-g++}"
"$cmake" --build build
if grep -rqF "$source" "$place/prefix/lib/cmake" build/CMakeCache.txt; then
  echo "test_package.sh: the package or the example refers to the source tree $source" >&2
  exit 1
fi

nm -D build/test_home >symbols.log
grep -q ' T _ZNSt6chrono3_V212steady_clock3nowEv$' symbols.log ||
  { echo "test_package.sh: OpenDHT would ask the real clocks: the program does not export its own" >&2; exit 1; }

for run in 1 2; do
  HOME_SEED=7 build/test_home --log_level=message --color_output=no >"run$run.log" 2>&1 ||
    { cat "run$run.log"; exit 1; }
done
grep -q '^digest ' run1.log || { echo "test_package.sh: the example has not told its digests" >&2; exit 1; }
diff run1.log run2.log || { echo "test_package.sh: one seed has told two stories" >&2; exit 1; }
"$(dirname "$(command -v "$cmake")")/ctest" --test-dir build --output-on-failure

# What is missing is named.
if env PKG_CONFIG_LIBDIR=/nonexistent "$cmake" -S . -B missing -DCMAKE_PREFIX_PATH="$place/prefix" >missing.log 2>&1; then
  echo "test_package.sh: find_package found the package without OpenDHT" >&2
  exit 1
fi
sentence=$(tr -s '\n ' ' ' <missing.log)
[[ $sentence == *"needs development packages that are not installed: "*opendht* ]] || { cat missing.log; exit 1; }
