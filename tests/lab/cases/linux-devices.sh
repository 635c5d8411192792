#!/usr/bin/env bash
# linux-devices.sh - a Linux guest with four busy vCPUs, disks, random numbers, a balloon and a port to the host is
# updated ten times by each mode: what it has synced is on its disk, what it was asked comes back once, its
# clock does not go back and its kernel has nothing to say.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"
# shellcheck source=tests/lab/guest/slow_disk.sh
source "$LAB/guest/slow_disk.sh"

updates=10 # by each mode

# A client of the port that stays connected: each question has its answer, in order.
asked=0
ask() { printf 'question %d\n' "$((++asked))" >&"$agent"; }
await_answer() {
    local answer
    read -r -t 60 answer <&"$agent" || fail "the port does not answer question $asked"
    [[ $answer == "answer question $asked" ]] || fail "the port answers '$answer' to question $asked"
}

typed=0

update_under_load() { # MODE
    ask
    segue update linux --mode "$1" >"$work/said" 2>&1 &
    local update=$!
    type_in hello
    wait "$update" || fail "update by $1: $(<"$work/said")"
    tail -n 1 "$work/said"
    await_answer
    await 60 'guest: hello' "$((++typed))"
    await_more 'disk: [0-7] synced' 1
}

ram_mib() { # of the host's
    local ram
    ram=$(segue status linux --json | jq -r '.ram[0].path')
    echo $(($(stat -L -c %b "$ram") / 2048))
}

await_balloon() { # SIZE
    local n
    for ((n = 0; n < 600; n++)); do
        [[ $(segue balloon linux) != "$1 given back, $1 wanted" ]] || return 0
        sleep 0.1
    done
    fail "the guest does not give $1 back: $(segue balloon linux)"
}

# The guest's requests that waited when it stopped, in nearly each update.
check_in_flight() {
    local all with
    segue history linux >"$LAB_OUT/history"
    all=$(grep -c 'requests in flight' "$LAB_OUT/history")
    with=$(grep -cE '[1-9][0-9]* requests in flight' "$LAB_OUT/history")
    echo "$with of $all updates had requests in flight"
    [[ $disk == "$work/disk" ]] || ((with * 10 >= all * 9)) || fail "the updates were too easy"
    ((with > 0)) || fail "no update met a request in flight"
}

linux_kernel
disk=/dev/mapper/disk
if ! slow_disk disk 1024 100 20 100 200 300; then # some reads come back, and ask again, while it settles for others
    disk=$work/disk
    lab_not_covered "requests in flight in nearly each update: this kernel has no dm-delay, the disk is too fast"
fi
linux_config <<END
[[device]]
id = "disk0"
model = "virtio-blk"
options = { path = "$disk", packed = false } # the others have packed rings

[[device]]
id = "rng0"
model = "virtio-rng"

[[device]]
id = "balloon0"
model = "virtio-balloon"

[[device]]
id = "agent0"
model = "virtio-console"
options = { port = "org.segue.answers" }
END
linux_initrd "$programs"/{busy,disk} <<'JOB'
answer() { while read -r line <&3; do echo "answer $line" >&3; done; }
[ "$(cat /sys/class/virtio-ports/vport*/name)" = org.segue.answers ] || echo "guest: the port has another name"
(exec 3<>"$(echo /dev/vport*)"; answer) &
hellos=0
on_hello() { hellos=$((hellos + 1)); echo "guest: hello $hellos"; }
on_random() { busybox dd if=/dev/hwrng bs=64 count=1 2>/dev/null | busybox md5sum | busybox sed 's/^/guest: random /'; }
on_load() {
    for worker in 0 1 2 3 4 5 6 7; do disk write $worker /dev/vda & done
    for mib in 16 128 256 384 512 640 768 896; do disk read /dev/vda $mib & done
    busy 4 &
}
on_busy() { echo "guest: $(busybox pidof busy | busybox wc -w) are busy"; }
on_fill() {
    busybox mount -t tmpfs -o size=100% tmpfs /run
    busybox dd if=/dev/urandom of=/run/file bs=1M count=128 2>/dev/null
    echo "guest: filled"
}
on_free() { busybox rm /run/file; }
on_end() { busybox killall disk busy; busybox sync; busybox poweroff -f; }
JOB

boot 4
port=$(sed -n 's/.*agent0.*its other end is //p' "$vmm_log")
stty -F "$port" raw -echo
exec {agent}<>"$port"
type_in fill
await 60 'guest: filled'
before=$(ram_mib)
type_in free
segue balloon linux 96M
await_balloon 96M
(($(ram_mib) + 64 <= before)) || fail "the host has not got back its memory: $before MiB, now $(ram_mib) MiB"
type_in load
await 60 'disk: [0-7] synced' 8
type_in busy
await 30 'guest: 4 are busy'
for mode in cpr-transfer cpr-exec cpr-reboot; do
    type_in random
    for ((n = 0; n < updates; n++)); do update_under_load "$mode"; done
    await_balloon 96M
done
segue balloon linux 0
await_balloon 0
type_in random
await 60 'guest: random' 4
(($(grep -a 'guest: random' "$console" | sort -u | wc -l) == 4)) || fail "random numbers come again"
check_in_flight
check_ticks
check_warnings
type_in end
gone "after it was powered off"
"$programs/disk" verify "$work/disk" "$console" || fail "the disk is not what the guest was told"
! grep -a 'disk: . WRONG' "$console" || fail "the guest has found a fault of its disk"
