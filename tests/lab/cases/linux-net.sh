#!/usr/bin/env bash
# linux-net.sh - a Linux guest with a network card of two pairs of queues goes on talking to its host
# through three updates by each mode and a rest in a file: no connection is reset, no byte is wrong, no
# ping is lost or comes twice, but those of the rest. Then the same with a tap that is handed in.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"

host=$work/host # what the host's end of the connection says
interval=20     # ms between two pings
server=         # the process of that end

cleanup() {
    cp "$host" "$LAB_OUT/host" 2>/dev/null || true
    [[ ! $server ]] || kill "$server" 2>/dev/null || true
    ip link del segue-lab 2>/dev/null || true
    linux_cleanup
}
trap cleanup EXIT

make_initrd() {
    linux_initrd "$programs/stream" <<'JOB'
busybox ip link set eth0 up && busybox ip addr add 10.9.0.2/24 dev eth0 || echo "guest: no card"
echo "guest: a card with $(busybox ls /sys/class/net/eth0/queues | busybox grep -c rx) queues"
stream to 10.9.0.1 5000 &
JOB
}

make_config() { # OPTIONS
    linux_config <<CONFIG

[[device]]
id = "net0"
model = "virtio-net"
options = { $1 }
CONFIG
}

make_tap() {
    ip link del segue-lab 2>/dev/null || true
    ip tuntap add dev segue-lab mode tap vnet_hdr multi_queue
    ip addr add 10.9.0.1/24 dev segue-lab
    ip link set segue-lab up txqueuelen 10000 # longer than the longest blackout of an emulated host
}

serve() { # the host's end, of the next guest
    if [[ $server ]]; then
        kill "$server"
        wait "$server" || true
    fi
    "$programs/stream" serve 5000 >"$host" &
    server=$!
}

heard() { # FILE: bytes that its end of the connection has received
    local bytes
    bytes=$(tr -d '\r' <"$1" | sed -n 's/^stream: .* out \([0-9]*\) in$/\1/p' | tail -n 1)
    echo "${bytes:-0}"
}

# Both ends hear from each other again; neither has ever complained.
stream_goes_on() {
    local end before n
    for end in "$console" "$host"; do
        before=$(heard "$end")
        for ((n = 0; n < 600; n++)); do
            (($(heard "$end") <= before)) || break
            sleep 0.1
        done
        (($(heard "$end") > before)) || fail "$(basename "$end"): nothing is heard any more"
    done
    ! grep -a 'stream: failed' "$console" "$host" || fail "the connection has broken"
}

start_pings() {
    ping -n -i "0.0$interval" 10.9.0.2 >"$work/pings" 2>&1 &
    pinger=$!
}

# Of the pings before the last that came back, no more are lost than fit into so many ms; none comes twice.
end_pings() { # MS WHAT
    local last lost
    sleep 1
    kill -INT "$pinger"
    wait "$pinger" || true
    ! grep DUP "$work/pings" || fail "$2: pings came twice"
    read -r last lost < <(sed -n 's/.* icmp_seq=\([0-9]*\) ttl=.*/\1/p' "$work/pings" |
        awk '$1 > last { last = $1 } END { print last + 0, last - NR }')
    echo "$2: $lost of $last pings lost"
    ((last > 10 && lost <= $1 / interval)) || fail "$2: $lost of $last pings lost, at most $(($1 / interval)) may be"
}

updates() { # COUNT MODE
    local i
    start_pings
    for ((i = 0; i < $1; i++)); do
        update "$2"
        stream_goes_on
    done
    end_pings 0 "$2" # what comes in a blackout waits in the tap
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
[[ -c /dev/net/tun ]] || { lab_not_covered "a network: there is no /dev/net/tun" && exit 0; }
make_initrd

make_config 'queues = 2, tap = "segue-lab"'
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
make_config 'fd = "9"'
serve
linux_run() { linux_run_with_tap "$@"; }
boot 2
stream_goes_on
for mode in cpr-transfer cpr-exec cpr-reboot; do updates 1 "$mode"; done
segue shutdown linux --force
