#!/usr/bin/env bash
# Per room, how many lines and branches the tests reach: a map to read, not a score.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash src/packaging/install_packages.sh build test fuzz
cmake --preset coverage >/dev/null
cmake --build --preset coverage
export LLVM_PROFILE_FILE=$PWD/build/coverage/profile/%p.profraw
rm -rf build/coverage/profile
ctest --preset coverage -L unit
llvm-profdata-14 merge -sparse build/coverage/profile/*.profraw -o build/coverage/all.profdata
llvm-cov-14 report build/coverage/bin/unit_tests -instr-profile=build/coverage/all.profdata src include bridge dht
