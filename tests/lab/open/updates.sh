#!/usr/bin/env bash
# updates.sh - on this host's KVM: the doctor finds all it needs, and a guest goes through ten updates in
# each mode, counting on, with its memory and registers right.
set -euo pipefail

# shellcheck source=tests/lab/have.sh
source "$LAB/have.sh"

root=$(cd "$LAB/../.." && pwd)
build=$root/build/release
work=$(mktemp -d -p /dev/shm segue-lab.XXXXXX)

segue() { "$build/bin/segue" --run-dir "$work/run" --state-dir "$work/state" "$@"; }
field() { segue status three | awk -v key="$1" '$1 == key { print $2 }'; }

cleanup() {
    cp "$work"/run/three/vmm.log "$work/console" "$LAB_OUT/" 2>/dev/null || true
    segue kill three >/dev/null 2>&1 || true
    rm -rf "$work"
}
lab_at_end cleanup

# What the guest said last, in a line that it has finished: boot, sweeps (the least of its vCPUs), errors.
heard() { grep -a 'sweeps=.*reg_errors=.* gap_us' "$work/console" | tail -n 1 | grep -o "$1=[0-9]*" | cut -d= -f2; }

await_sweeps() { # NUMBER
    for _ in {1..300}; do
        (($(heard sweeps || echo 0) < $1)) || return 0
        sleep 0.1
    done
    lab_fail "the guest does not get to sweep $1 of its memory: $(tail -n 1 "$work/console")"
}

ten() { # MODE
    local number
    for number in {1..10}; do
        segue update three --mode "$1" >"$work/said" 2>&1 || lab_fail "update $number by $1: $(<"$work/said")"
        tail -n 1 "$work/said"
    done
    [[ $(field state) == running ]] || lab_fail "the guest does not run after ten updates by $1"
    await_sweeps $(($(heard sweeps) + 3)) # the line that was heard may be of before; the next two verify all
    (($(heard mem_errors) + $(heard reg_errors) == 0)) || lab_fail "after $1: $(tail -n 1 "$work/console")"
    (($(heard boot) == 1)) || lab_fail "the guest has booted again"
}

lab_need kvm || exit 1
settings=(--set "guest.kernel=$build/share/segue/metronome.elf" --set 'guest.cmdline=vcpus=2 print=200'
    --set "memory[0].options.path=$work/ram" --set 'memory[0].size=32M'
    --set console.backend=file --set "console.path=$work/console")
segue doctor "$root/configs/three-modes.toml" "${settings[@]}" || lab_fail "the doctor says no"
segue run "$root/configs/three-modes.toml" "${settings[@]}"
await_sweeps 1
for mode in cpr-transfer cpr-exec cpr-reboot; do ten "$mode"; done
[[ $(field generation) == 31 ]] || lab_fail "the generation is $(field generation) after thirty updates"
segue shutdown three --force
