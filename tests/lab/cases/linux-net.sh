#!/usr/bin/env bash
# linux-net.sh - a Linux guest with a network card of two pairs of queues goes on talking to its host
# through three updates by each mode and a rest in a file: no connection is reset, no byte is wrong, no
# ping is lost or comes twice, but those of the rest. Then the same with a tap that is handed in, and without vhost-net.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"
# shellcheck source=tests/lab/guest/network.sh
source "$LAB/guest/network.sh"

updates() { # COUNT MODE
    local i
    start_pings
    for ((i = 0; i < $1; i++)); do
        update "$2"
        stream_goes_on
    done
    end_pings 0 "$2" # what comes in a blackout waits in the tap
    echo "$2: $pings pings lost"
}

# The tap is opened again; what comes while nobody has it is lost.
rest() {
    local began
    start_pings
    began=$(date +%s%3N)
    segue save linux >"$work/said" 2>&1 || fail "the guest cannot be saved: $(<"$work/said")"
    segue start linux >"$work/said" 2>&1 || fail "the guest cannot be started again: $(<"$work/said")"
    exec {typist}>&-
    linux_listen
    end_pings $(($(date +%s%3N) - began)) "save and start"
    echo "save and start: $pings pings lost"
    stream_goes_on
}

# Opens the tap, and becomes segue with its descriptor as the 9th.
linux_run_with_tap() { # ARGUMENTS OF segue run...
    local n
    python3 - "$root/build/release/bin/segue" --run-dir "$work/run" --state-dir "$work/state" \
        run --foreground "$@" >"$LAB_OUT/foreground" 2>&1 <<'PYTHON' &
import fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
flags = 0x0002 | 0x1000 | 0x4000 | 0x0100  # IFF_TAP, NO_PI, VNET_HDR, MULTI_QUEUE
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"segue-lab", flags))  # TUNSETIFF
os.dup2(tap, 9)
os.execv(sys.argv[1], sys.argv[1:])
PYTHON
    for ((n = 0; n < 600; n++)); do
        ! segue status linux >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "the VMM does not start: $(<"$LAB_OUT/foreground")"
}

linux_kernel
network_needed
network_initrd

network_config 'queues = 2, tap = "segue-lab"'
said=$(segue run "$work/guest.toml" --set "guest.kernel=$kernel" --set "guest.initrd=$work/initrd" 2>&1) &&
    fail "a guest starts without its tap"
[[ $said == *"no interface 'segue-lab'"*"ip tuntap add"* ]] || fail "the missing tap is not named: $said"
make_tap
serve
boot 2
await 60 'guest: a card with 2 queues'
stream_goes_on
for mode in cpr-transfer cpr-exec cpr-reboot; do updates 3 "$mode"; done
rest
updates 1 cpr-transfer
check_warnings
type_in off
gone "after it was powered off"

make_tap
network_config 'fd = "9", vhost = "off"'
serve
linux_run() { linux_run_with_tap "$@"; }
boot 2
stream_goes_on
for mode in cpr-transfer cpr-exec cpr-reboot; do updates 1 "$mode"; done
segue shutdown linux --force
