#!/usr/bin/env bash
# linux.sh - a Linux guest talks to its host over TCP while the VMM under it is replaced by each mode, before
# your eyes. Run it as `./dev demo --linux`. Ends with an error if a byte was lost or the connection broke.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"
# shellcheck source=tests/lab/guest/network.sh
source "$LAB/guest/network.sh"

next=$root/build/release/demo/next/bin/segue-vmm
rows=()

story() { printf '\n\033[1m%s\033[0m\n' "$*"; }
say() { printf '  %s\n' "$*"; }
field() { segue status linux | awk -v key="$1" '$1 == key { print $2 }'; }
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }

guest_says() { tr -d '\r' <"$console" | grep -a "$1" | tail -n "$2" | sed 's/^/      guest: /'; }

move() { # MODE BINARY
    local before pid bytes
    before=$(field version) pid=$(field pid) bytes=$(heard "$console")
    start_pings
    say "\$ segue update linux --mode $1 --binary ${2#"$root"/}"
    segue update linux --mode "$1" --binary "$2" >"$work/said" 2>&1 || fail "update by $1: $(<"$work/said")"
    sed 's/^/    /' "$work/said"
    stream_goes_on
    end_pings 0 "$1"
    guest_says '^stream: ' 1
    rows+=("$(printf '%-13s %-18s %-14s %9s  %-14s %s' "$1" "$before -> $(field version)" "$pid -> $(field pid)" \
        "$(sed -n 's/.*blackout \([^,]*\),.*/\1/p' "$work/said")" "$pings" \
        "$(mib $(($(heard "$console") - bytes)))")")
}

report() {
    story "What happened"
    printf '  %-13s %-18s %-14s %9s  %-14s %s\n' mode version pid blackout "pings lost" "received since, each byte right"
    printf '  %s\n' "${rows[@]}"
    check_ticks
    printf '\n  One TCP connection through all of it: %s to the guest, %s from it. The guest has booted once,\n' \
        "$(mib "$(heard "$console")")" "$(mib "$(heard "$host")")"
    check_warnings
    say "its clock has gone forward only, and its kernel has nothing to say:"
    guest_says '^guest: 0 warnings' 1
}

[[ -x $next ]] || fail "$next is missing: run ./dev demo --linux"
linux_kernel
network_needed
network_initrd
network_config 'tap = "segue-lab"'
make_tap
serve
story "A Linux guest on a tap, with a TCP connection to this host in both directions"
boot 2
stream_goes_on
guest_says '^stream: ' 2
story "cpr-transfer: a new process, complete before the guest pauses"
move cpr-transfer "$next"
story "cpr-exec: the same process executes another program, here the older version"
move cpr-exec "$root/build/release/bin/segue-vmm"
story "cpr-reboot: for a moment there is no VMM, only memory and a file"
move cpr-reboot "$next"
report
type_in off
gone "after it was powered off"
