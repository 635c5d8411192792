#!/usr/bin/env bash
# linux-slow-disk.sh - a Linux guest's disk takes 5 s a write. An update waits for it before the pause, or says that it
# does not.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"
# shellcheck source=tests/lab/guest/slow_disk.sh
source "$LAB/guest/slow_disk.sh"

linux_kernel
if ! slow_disk slow 16 5000 0; then
    lab_not_covered "a slow disk: this kernel has no dm-delay"
    exit 0
fi
linux_config <<END
[[device]]
id = "disk0"
model = "virtio-blk"
options = { path = "/dev/mapper/slow" }
END
# shellcheck disable=SC2119 # it has no program of its own
linux_initrd <<'JOB'
on_slow() { busybox dd if=/dev/zero of=/dev/vda bs=4096 count=1 conv=fsync 2>/dev/null && echo "guest: slow write done" & }
JOB

boot 1 --set update.deadline.drain=30s
type_in slow
await_ticks
update cpr-transfer
[[ $(segue history linux --limit 1 --json | jq '.blackout_ns < 3000000000') == true ]] ||
    fail "the guest stood still for its slow disk"
await 60 'guest: slow write done'
type_in off
gone "after it was powered off with a slow disk"

boot 1 --set update.deadline.drain=1s
type_in slow
await_ticks
! segue update linux >"$work/said" 2>&1 || fail "an update did not wait for the slow disk"
grep -q "device 'disk0'.*not answered in time.*update.deadline.drain" <(tr -d '\n' <"$work/said") ||
    fail "a slow disk is refused in other words: $(<"$work/said")"
await 60 'guest: slow write done'
update cpr-transfer
type_in off
gone "after an update was refused for its slow disk"
