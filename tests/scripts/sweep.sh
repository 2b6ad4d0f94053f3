#!/usr/bin/env bash
# Searches for trouble: runs stories (or scenario files) with many seeds, on all cores, and prints for
# each seed that breaks something the line that repeats it. Stops at the tenth.
# Usage: tests/scripts/sweep.sh FIRST_SEED LAST_SEED STORY...      (SIM: the program, else the release build's)
#   tests/scripts/sweep.sh 1 200 mixed partition-2
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ $# -lt 3 ]; then sed -n '2,6p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; fi
first=$1 last=$2
shift 2
sim=${SIM:-build/release/bin/starling-sim}
if [ ! -x "$sim" ]; then
  echo "sweep.sh: there is no $sim; build it: cmake --preset release && cmake --build --preset release --target starling-sim" >&2
  exit 2
fi

broken=$(mktemp)
trap 'rm -f "$broken"' EXIT
export sim broken
try() {
  [ "$(wc -l <"$broken")" -lt 10 ] || return 0
  local said status=0
  said=$("$sim" run "$1" --seed "$2" --quiet 2>&1) || status=$?
  if [ "$status" -ne 0 ]; then
    echo "$1 --seed $2: status $status: $(tail -n 1 <<<"$said")" | tee -a "$broken"
  fi
}
export -f try

for story in "$@"; do
  for ((seed = first; seed <= last; ++seed)); do printf '%s\0%s\0' "$story" "$seed"; done
done | xargs -0 -n 2 -P "$(nproc)" bash -c 'try "$@"' try

count=$(wc -l <"$broken")
echo "$(((last - first + 1) * $#)) runs, $count of them broken"
[ "$count" -eq 0 ]
