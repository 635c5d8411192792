# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # work, console, programs: of linux.sh
# network.sh - for scripts with a Linux guest (linux.sh, sourced before) on a tap: a TCP connection that
# notices each byte, and pings that are counted.

host=$work/host # what the host's end of the connection says
interval=20     # ms between two pings
server=         # the process of that end
more=           # what else network_initrd's guest can do
programs_too=() # that it needs for that

network_cleanup() {
    cp "$host" "$LAB_OUT/host" 2>/dev/null || true
    [[ ! $server ]] || kill "$server" 2>/dev/null || true
    ip link del segue-lab 2>/dev/null || true
}
lab_at_end network_cleanup

network_needed() { # else ends the script
    [[ ! -c /dev/net/tun ]] || return 0
    lab_not_covered "a network: there is no /dev/net/tun"
    exit 0
}

network_initrd() {
    { cat <<'JOB' && echo "$more"; } | linux_initrd "$programs/stream" "${programs_too[@]}"
busybox ip link set eth0 up && busybox ip addr add 10.9.0.2/24 dev eth0 || echo "guest: no card"
echo "guest: a card with $(busybox ls /sys/class/net/eth0/queues | busybox grep -c rx) queues"
stream to 10.9.0.1 5000 &
# First: Linux 6.1 may try for ever to send by a card that it has shut down.
on_off() { busybox killall stream; busybox poweroff -f; }
JOB
}

network_config() { # OPTIONS
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
        kill "$server" 2>/dev/null || true # it ends with its connection
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
# -> $pings
end_pings() { # MS WHAT
    local last lost
    sleep 1
    kill -INT "$pinger"
    wait "$pinger" || true
    ! grep DUP "$work/pings" || fail "$2: pings came twice"
    read -r last lost < <(sed -n 's/.* icmp_seq=\([0-9]*\) ttl=.*/\1/p' "$work/pings" |
        awk '$1 > last { last = $1 } END { print last + 0, last - NR }')
    pings="$lost of $last"
    ((last > 10 && lost <= $1 / interval)) || fail "$2: $lost of $last pings lost, at most $(($1 / interval)) may be"
}
