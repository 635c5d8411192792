#!/usr/bin/env bash
# linux-copy.sh - a Linux guest in private RAM, with a disk and a network card, is given other RAM by each mode
# that does so, awake and asleep: its connection does not break, what it has synced is on its disk, its clock does not
# go back and its kernel has nothing to say.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"
# shellcheck source=tests/lab/guest/network.sh
source "$LAB/guest/network.sh"

updates() { # COUNT MODE
    local i
    for ((i = 0; i < $1; i++)); do
        update "$2"
        stream_goes_on
        await_more 'disk: [0-7] synced' 1
        await_ticks
    done
}

state() { segue status linux | awk '$1 == "state" { print $2 }'; }

await_state() { # STATE
    local n
    for ((n = 0; n < 300; n++)); do
        [[ $(state) != "$1" ]] || return 0
        sleep 0.2
    done
    fail "the guest is $(state), not $1, after 60 s"
}

asleep_through() { # MODE
    type_in sleep
    await_state suspended
    update "$1"
    [[ $(state) == suspended ]] || fail "after $1 the guest is $(state)"
    segue wakeup linux || fail "the guest cannot be woken after $1"
    await_state running
    stream_goes_on
    await_ticks
}

linux_kernel
network_needed
truncate -s 64M "$work/disk"
# shellcheck disable=SC2016 # the guest's
more='on_load() { for worker in 0 1 2 3 4 5 6 7; do disk write $worker /dev/vda & done; }
on_sleep() { echo mem >/sys/power/state; }
on_end() { busybox killall disk; busybox sync; on_off; }'
programs_too=("$programs/disk")
network_initrd
network_config 'tap = "segue-lab", vhost = "off"'
cat >>"$work/guest.toml" <<END

[[device]]
id = "disk0"
model = "virtio-blk"
options = { path = "$work/disk" }
END
make_tap
serve
# Whatever the emulated host's two processors in one can send in a moment, the guest can write.
boot 2 --set 'memory[0].backend=private' \
    --set 'update.allow=["cpr-transfer","page-flip","precopy","postcopy"]' \
    --set 'update.channels.data={ transport = "unix" }' --set 'update.channels.request={ transport = "unix" }' \
    --set 'update.options.precopy.converge=switch' --set 'update.options.postcopy.max_rounds=0'
stream_goes_on
type_in load
await 60 'disk: [0-7] synced' 8
updates 1 page-flip
updates 1 cpr-transfer
updates 2 precopy
updates 2 postcopy
cp "$work/state/linux/journal.jsonl" "$LAB_OUT/journal"
grep -q '"name":"kernel"' "$LAB_OUT/journal" || fail "KVM has fetched no page itself, while the guest went on: asynchronous page faults"
asleep_through precopy
asleep_through postcopy
segue history linux >"$LAB_OUT/history"
check_ticks
check_warnings
type_in end
gone "after it was powered off"
"$programs/disk" verify "$work/disk" "$console" || fail "the disk is not what the guest was told"
! grep -a 'disk: . WRONG' "$console" || fail "the guest has found a fault of its disk"
