#!/usr/bin/env bash
# all-modes.sh [BUILD] - a live guest is updated by each mode that the build has, and one table says what became of it.
# Run it as `./dev demo --all-modes`. Ends with an error if a mode fails, cannot be used on this machine, or has no
# configuration in configs/.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build/release}
next=$build/demo/next/bin/segue-vmm
work=$(mktemp -d -p /dev/shm segue-modes.XXXXXX) # mode 0700
guest='' rows=() wrong=0

segue() { "$build/bin/segue" --run-dir "$work/run" --state-dir "$work/state" "$@"; }
field() { segue status "$guest" | awk -v key="$1" '$1 == key { print $2 }'; }

story() { printf '\n\033[1m%s\033[0m\n' "$*"; }
say() { printf '  %s\n' "$*"; }
die() {
    printf 'all-modes: %s\n' "$*" >&2
    exit 1
}

cleanup() {
    [[ ! $guest ]] || segue kill "$guest" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# The build's plugins say which modes there are, configs/ how each is used: MODE.toml, or the one with RAM in a file.
modes() {
    local manifest
    for manifest in "$build"/lib/segue/plugins/mode/*.toml; do basename "$manifest" .toml; done
}
config_of() { # MODE
    local file
    for file in "$root/configs/$1.toml" "$root/configs/file-$1.toml"; do
        [[ ! -e $file ]] || { echo "$file" && return; }
    done
}

# ---- the guest: it verifies its own memory and registers, and says so on its console --------------

start() { # CONFIG: 2 vCPUs, each rewrites a share of 16 MiB twice a second
    local settings=(--set "guest.kernel=$build/share/segue/metronome.elf"
        --set "guest.cmdline=vcpus=2 print=100 share=16M rate=32M"
        --set console.backend=file --set "console.path=$work/console")
    [[ ! ${LAB_EMULATED:-} ]] || settings+=(--set 'memory[0].size=64M') # as in demo.sh
    ! grep -q '^options = { path = "/dev/shm' "$1" || settings+=(--set "memory[0].options.path=$work/ram")
    guest=$(sed -n '/^\[guest\]/,/^\[/s/^name = "\(.*\)".*/\1/p' "$1")
    rm -f "$work/console"
    segue run "$1" "${settings[@]}" >/dev/null
}

# What the guest said last, without a line that it is still writing; 0 before it has said anything.
told() { # FIELD
    local line
    line=$({ grep -a '^metronome: up_ms=.*gap_us=[0-9]*.$' "$work/console" || true; } | tail -n 1)
    [[ $line =~ \ $1=([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# Until it has verified all that it writes twice from here on.
await_sweeps() {
    local from
    from=$(told sweeps)
    for _ in {1..300}; do
        (($(told sweeps) < from + 2)) || return 0
        sleep 0.1
    done
    die "the guest does not get through its memory after $mode: $(tail -n 3 "$work/console")"
}

verdict() { # COUNT_BEFORE
    local memory registers boots
    memory=$(told mem_errors) registers=$(told reg_errors) boots=$(told boot)
    if ((memory + registers == 0 && boots == 1 && $(told count) > $1)); then
        echo "all right"
    else
        echo "WRONG: $memory words, $registers registers, boot $boots"
    fi
}

# ---- one mode ------------------------------------------------------------------------------------

row() { # BLACKOUT SECONDS TICKS RESULT
    rows+=("$(printf '%-14s %-13s %-22s %11s %8s %13s  %s' "$mode" "$who" "$ram" "$1" "$2" "$3" "$4")")
}

show() { # MODE
    local config said code=0 before pid began seconds result
    mode=$1 who=- ram=-
    config=$(config_of "$mode")
    if [[ ! $config ]]; then
        row - - - "NOT SHOWN: configs/ has no $mode.toml" && wrong=$((wrong + 1))
        return
    fi
    story "$mode: $(sed -n 's/^summary = "\(.*\)"/\1/p' "$build/lib/segue/plugins/mode/$mode.toml")"
    start "$config"
    await_sweeps
    said=$(segue update "$guest" --mode "$mode" --dry-run 2>&1) || code=$?
    if ((code == 3)); then # this machine lacks something
        say "${said//$'\n'/$'\n'  }"
        row - - - "NOT ON THIS MACHINE: see above" && wrong=$((wrong + 1))
    else
        before=$(told count) pid=$(field pid) began=$(date +%s%N) code=0
        say "\$ segue update $guest --mode $mode --binary ${next#"$root"/}"
        said=$(segue update "$guest" --mode "$mode" --binary "$next" 2>&1) || code=$?
        seconds=$(awk -v ns=$(($(date +%s%N) - began)) 'BEGIN { printf "%.2f s", ns / 1e9 }')
        say "${said//$'\n'/$'\n'  }"
        await_sweeps
        result=$(verdict "$before")
        who="new process" ram=$(sed -n 's/.*, \([^,]*\) of RAM copied$/\1 copied/p' <<<"$said")
        [[ $(field pid) != "$pid" ]] || who="same process"
        [[ $ram != "0 copied" ]] || ram="in place"
        ((code == 0)) || result="FAILED, the guest goes on where it was: $result"
        row "$(sed -n 's/.*blackout \([^,]*\),.*/\1/p' <<<"$said")" "$seconds" $(($(told count) - before)) "$result"
        [[ $result == "all right" ]] || wrong=$((wrong + 1))
    fi
    segue shutdown "$guest" --force
    while [[ -e $work/run/$guest/lock ]]; do sleep 0.01; done
    guest=''
}

main() {
    local one
    for one in "$build/bin/segue" "$next"; do
        [[ -x $one ]] || die "$one is missing: run ./dev demo --all-modes"
    done
    for one in $(modes); do show "$one"; done
    story "What happened, to a fresh guest each"
    printf '  %-14s %-13s %-22s %11s %8s %13s  %s\n' mode 'goes on in' RAM blackout total 'steps since' 'memory and registers'
    printf '  %s\n' "${rows[@]}"
    ((wrong == 0)) || die "$wrong of ${#rows[@]} modes did not go as they should"
}

main
