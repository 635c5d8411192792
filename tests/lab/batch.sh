#!/usr/bin/env bash
# batch.sh FOLDER - runs the scripts that FOLDER/scripts lists, one after another: inside L1, or on this
# host. Of each, FOLDER/NAME gets its log, its files, its exit code and its seconds. A script finds
#   LAB         the folder of have.sh       LAB_FILES   the files that came with it
#   LAB_OUT     what it leaves is kept      LAB_KERNEL  a bzImage for guests; empty where there is none
#   LAB_GUEST   a folder with vmlinuz, initrd and disk.raw of a Debian guest; empty where there is none
set -uo pipefail

folder=$1
export LAB LAB_OUT LAB_GUEST='' LAB_FILES=$folder LAB_KERNEL=${SEGUE_LAB_KERNEL:-}
[[ ! -e $folder/kernel ]] || LAB_KERNEL=$folder/kernel
[[ ! -e $folder/guest ]] || LAB_GUEST=$folder/guest
LAB=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

one() { # DEADLINE SCRIPT
    local started=$SECONDS code=0 pid
    LAB_OUT=$folder/$(basename "$2" .sh)
    mkdir -p "$LAB_OUT"
    echo "== $(basename "$2" .sh)"
    : >"$log"
    timeout -k 10 "$1" bash "$2" </dev/null >"$log" 2>&1 &
    pid=$!
    tail -n +1 -f -s 0.2 --pid="$pid" "$log" # no pipe: what the script leaves running would hold it open
    wait "$pid" || code=$?
    ((code != 124)) || echo "lab: $2: its deadline of $1 s has passed" | tee -a "$log"
    cp "$log" "$LAB_OUT/log"
    echo "$((SECONDS - started))" >"$LAB_OUT/seconds"
    echo "$code" >"$LAB_OUT/exit"
}

while read -r deadline script; do one "$deadline" "$script"; done <"$folder/scripts"
