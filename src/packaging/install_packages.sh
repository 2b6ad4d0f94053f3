#!/usr/bin/env bash
# Installs what is missing of the Debian packages that building (and, with "test", testing) needs.
# Usage: install_packages.sh [build] [demo] [test] [fuzz]     (needs root only if something is missing)
set -euo pipefail

build=(g++ cmake ninja-build pkg-config ccache lld libopendht-dev libgnutls28-dev libmsgpack-cxx-dev libuv1-dev
  libboost-dev libboost-test-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev)
demo=(mosquitto-clients openssl)
test=(mosquitto-clients openssl python3 python3-paho-mqtt iproute2 procps)
fuzz=(clang-14 libclang-rt-14-dev llvm-14)

wanted=()
for group in "${@:-build}"; do
  case "$group" in
    build) wanted+=("${build[@]}") ;;
    demo) wanted+=("${demo[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    *) echo "install_packages.sh: no group \"$group\" (build, demo, test, fuzz)" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
