#!/usr/bin/env bash
# All that is needed before a commit: format of what has changed, the house rules, build and tests, tidy on
# the changed sources. Usage: check.sh [BASE]   (what counts as changed: since BASE, default HEAD)
set -euo pipefail
cd "$(dirname "$0")/../.."
base=${1:-HEAD}

mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } |
  grep -E '\.(cpp|hpp)$' | sort -u)
if [ ${#changed[@]} -gt 0 ] && command -v clang-format-14 >/dev/null; then
  clang-format-14 --dry-run --Werror "${changed[@]}"
fi
tests/scripts/check_rooms.py
bash tests/run.sh
mapfile -t sources < <(printf '%s\n' "${changed[@]}" | grep -E '^(src|bridge|dht)/.*\.cpp$' || true)
if [ ${#sources[@]} -gt 0 ] && command -v clang-tidy-14 >/dev/null; then
  clang-tidy-14 -p build/dev --quiet "${sources[@]}"
fi
