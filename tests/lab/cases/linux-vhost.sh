#!/usr/bin/env bash
# linux-vhost.sh - a Linux guest's frames are carried by the kernel's vhost-net, by the VMM's own thread where an update
# finds none, and by vhost-net again after the next one, by each mode: no connection is reset, no byte is wrong, no ping is
# lost or comes twice. Interrupts go on while the guest moves them from processor to processor.
set -euo pipefail

# What hides /dev/vhost-net hides it from this script, and what it starts, alone.
[[ ${LAB_UNSHARED-} ]] || LAB_UNSHARED=1 exec unshare --mount bash "$0" "$@"

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"
# shellcheck source=tests/lab/guest/network.sh
source "$LAB/guest/network.sh"

show_vhost() { umount /dev/vhost-net; }
hide_vhost() {
    : >"$work/nothing"
    mount --bind "$work/nothing" /dev/vhost-net
}

# How often vhost's threads, the VMM's or the kernel's, have slept; they wake for work alone.
vhost_work() {
    { cat /proc/[0-9]*/task/[0-9]*/status 2>/dev/null || true; } | # some have gone meanwhile
        awk '/^Name:/ { vhost = $2 ~ /^vhost-/ } vhost && /^voluntary/ { n += $2 } END { print n + 0 }'
}

carried_by() { # vhost|thread: the connection goes on, and vhost's threads have worked, or there is none
    local before after
    before=$(vhost_work)
    stream_goes_on
    after=$(vhost_work)
    case $1 in
    vhost) ((after > before + 10)) || fail "vhost-net has not worked: woken $((after - before)) times" ;;
    thread) ((after == 0)) || fail "vhost-net works: woken $((after - before)) times" ;;
    esac
    echo "carried by $1: vhost woken $((after - before)) times"
}

there_and_back() { # MODE
    start_pings
    hide_vhost
    update "$1"
    carried_by thread
    show_vhost
    update "$1"
    carried_by vhost
    update "$1"
    carried_by vhost
    end_pings 0 "$1"
    echo "$1: $pings pings lost"
}

linux_kernel
network_needed
[[ -c /dev/vhost-net ]] || {
    lab_not_covered "vhost-net: there is no /dev/vhost-net"
    exit 0
}
# shellcheck disable=SC2016 # the words are the guest's
more='on_move() {
    for cpus in 1 2 1 2 1 2 3; do
        for irq in $(busybox awk -F: "/virtio/ { print \$1 + 0 }" /proc/interrupts); do
            echo $cpus >/proc/irq/$irq/smp_affinity 2>/dev/null || true
        done
        usleep 50000
    done
    echo "guest: interrupts moved"
}'
network_initrd

make_tap
network_config 'queues = 2, tap = "segue-lab", vhost = "on"'
hide_vhost
said=$(segue run "$work/guest.toml" --set "guest.kernel=$kernel" --set "guest.initrd=$work/initrd" 2>&1) &&
    fail "a guest starts without the vhost-net that it is to have"
[[ $said == *net0*vhost-net*modprobe* ]] || fail "the missing vhost-net is not named: $said"
show_vhost

serve
boot 2
await 60 'guest: a card with 2 queues'
carried_by vhost
type_in move
await 60 'guest: interrupts moved'
carried_by vhost
for mode in cpr-transfer cpr-exec cpr-reboot; do there_and_back "$mode"; done
type_in move
await_more 'guest: interrupts moved' 1
stream_goes_on
check_warnings
type_in off
gone "after it was powered off"
