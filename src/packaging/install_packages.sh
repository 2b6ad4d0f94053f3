#!/usr/bin/env bash
# Installs what is missing of the Debian packages that building (and, with "test", testing) needs.
# Usage: install_packages.sh [build] [demo] [test] [fuzz]     (needs root only if something is missing)
set -euo pipefail

build=(g++ cmake ninja-build pkg-config ccache lld libopendht-dev libgnutls28-dev libargon2-dev libmsgpack-cxx-dev libuv1-dev libwslay-dev
  libboost-dev libboost-test-dev libtomlplusplus-dev libcli11-dev libfmt-dev libsqlite3-dev libminiupnpc-dev
  libnatpmp-dev nlohmann-json3-dev)
demo=(mosquitto-clients openssl)
# mosquitto is here to be compared with, miniupnpd to play a home's router; their services are neither started nor enabled.
test=(mosquitto mosquitto-clients openssl python3 python3-paho-mqtt libpaho-mqtt-dev nodejs iproute2 procps sqlite3
  gnutls-bin libmbedtls-dev libwolfssl-dev nftables miniupnpd miniupnpd-nftables natpmpc)
services=(mosquitto miniupnpd nftables)
command -v npm >/dev/null || test+=(npm)  # other packagings of Node.js bring their own
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

policy=/usr/sbin/policy-rc.d
new_services=()
for package in "${missing[@]}"; do
  for service in "${services[@]}"; do
    if [ "$package" = "$service" ]; then new_services+=("$service.service"); fi
  done
done
if [ ${#new_services[@]} -gt 0 ] && [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
if [ ${#new_services[@]} -gt 0 ] && [ -d /run/systemd/system ]; then
  "${as_root[@]}" systemctl disable --quiet "${new_services[@]}" || true
fi
