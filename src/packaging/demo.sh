#!/usr/bin/env bash
# Starling's main job, shown: installs what is missing, builds, starts three nodes on loopback that know
# only the first one's address, and sends messages across in every direction. Then once more in the open
# mesh "public". The nodes go on running until Ctrl-C; with --once the script ends instead, with status 0
# only if everything crossed.
set -euo pipefail
cd "$(dirname "$0")/../.."

once=no
case "${1:-}" in
  "") ;;
  --once) once=yes ;;
  *) echo "usage: demo.sh [--once]" >&2; exit 2 ;;
esac

bash src/packaging/install_packages.sh build demo
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset release >/dev/null
cmake --build --preset release --target starlingd
starlingd=$PWD/build/release/bin/starlingd

folder=$(mktemp -d "${TMPDIR:-/tmp}/starling-demo-XXXXXX")
pids=()
finish() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for FILE PATTERN [COUNT]: until that many lines match; looks 50 times a second, for at most 30 s.
wait_for() {
  local file=$1 pattern=$2 count=${3:-1} deadline=$((SECONDS + 30))
  until [ "$(grep -sE "$pattern" "$file" | wc -l)" -ge "$count" ]; do
    if [ $SECONDS -ge $deadline ]; then
      echo "demo: no \"$pattern\" in $file after 30 s; its end:" >&2
      tail -n 20 "$file" >&2
      return 1
    fi
    sleep 0.02
  done
}

# start_node NAME ARGUMENTS...: sets mqtt[NAME], mesh[NAME], id[NAME]
declare -A mqtt mesh id
start_node() {
  local name=$1 log=$folder/$1.log
  shift
  "$starlingd" --state-dir "$folder/$name" -p 0 --set dht.listen=127.0.0.1:0 "$@" 2>"$log" &
  pids+=($!)
  wait_for "$log" '\bready$'
  mqtt[$name]=$(sed -nE 's/.*listening for=mqtt addr=127\.0\.0\.1:([0-9]+).*/\1/p' "$log")
  mesh[$name]=$(sed -nE 's/.*listening for=mesh addr=127\.0\.0\.1:([0-9]+).*/\1/p' "$log")
  id[$name]=$(sed -nE 's/.*node=([A-Z2-7]{7}).*/\1/p' "$log" | head -n 1)
}

# start_mesh PREFIX ARGUMENTS...: three nodes; the second and third know only the first one's address.
start_mesh() {
  local prefix=$1 began=$EPOCHREALTIME
  shift
  start_node "${prefix}1" "$@"
  start_node "${prefix}2" --bootstrap "127.0.0.1:${mesh[${prefix}1]}" "$@"
  start_node "${prefix}3" --bootstrap "127.0.0.1:${mesh[${prefix}1]}" "$@"
  for n in 1 2 3; do wait_for "$folder/$prefix$n.log" 'mesh peer linked' 2; done
  echo "  all three are linked, $(elapsed_ms "$began" "$EPOCHREALTIME") ms after the first one was started"
  for n in 1 2 3; do
    echo "  $prefix$n  node ${id[$prefix$n]}  MQTT 127.0.0.1:${mqtt[$prefix$n]}  mesh 127.0.0.1:${mesh[$prefix$n]}"
  done
}

elapsed_ms() { echo "$1 $2" | awk '{ printf "%.1f", ($2 - $1) * 1000 }'; }

crossed=0 failed=0
# check FROM TO QOS FILTER TOPIC: one message; the time is from the publisher's start to its arrival.
check() {
  local from=$1 to=$2 qos=$3 filter=$4 topic=$5 payload="from $1 to $2 at QoS $3" out=$folder/sub.out
  : >"$out"
  stdbuf -oL mosquitto_sub -d -h 127.0.0.1 -p "${mqtt[$to]}" -t "$filter" -q "$qos" -C 1 -W 20 -F '> %U %q %p' >"$out" &
  local sub=$!
  pids+=($sub)
  wait_for "$out" '^Subscribed'
  local began=$EPOCHREALTIME
  mosquitto_pub -h 127.0.0.1 -p "${mqtt[$from]}" -t "$topic" -q "$qos" -m "$payload"
  if wait "$sub" && grep -qE "^> [0-9.]+ $qos $payload\$" "$out"; then
    printf '  %s -> %s  QoS %s  %-16s %-18s %6s ms\n' "$from" "$to" "$qos" "$filter" "$topic" \
      "$(elapsed_ms "$began" "$(awk '/^> / { print $2 }' "$out")")"
    crossed=$((crossed + 1))
  else
    printf '  %s -> %s  QoS %s  %-16s %-18s DID NOT ARRIVE\n' "$from" "$to" "$qos" "$filter" "$topic"
    failed=$((failed + 1))
  fi
  unset 'pids[-1]'
}

check_all() {  # PREFIX ROOT
  for qos in 0 1 2; do
    for pair in "1 2" "2 1" "1 3" "3 1" "2 3" "3 2"; do
      set -- "$1" "$2" $pair
      check "$1$3" "$1$4" "$qos" "$2/+/lamp" "$2/kitchen/lamp"
      check "$1$3" "$1$4" "$qos" "$2/#" "$2/garden/a/b"
    done
  done
}

echo
echo "A private mesh of three homes (its secret is made now):"
(umask 077; openssl rand -hex 32 >"$folder/family.secret")
start_mesh home --mesh family --mesh-secret "$folder/family.secret" --share "home/#"
check_all home home
echo
echo "The open mesh \"public\" (a bootstrap address is all that is needed):"
start_mesh open --mesh public --share "both:chat/#"
check_all open chat

echo
echo "$crossed messages crossed, $failed did not."
if [ "$once" = yes ]; then
  [ "$failed" -eq 0 ] && exit 0
  exit 1
fi
echo
echo "The nodes go on running until Ctrl-C. Try, in two other terminals:"
echo "  mosquitto_sub -p ${mqtt[home3]} -t 'home/#' -v"
echo "  mosquitto_pub -p ${mqtt[home1]} -t home/attic/light -m on"
echo "and in the open mesh:"
echo "  mosquitto_sub -p ${mqtt[open2]} -t 'chat/#' -v"
echo "  mosquitto_pub -p ${mqtt[open3]} -t chat/room -m hello"
wait
