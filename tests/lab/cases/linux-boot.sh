#!/usr/bin/env bash
# linux-boot.sh - a Linux guest with 1 and with 4 vCPUs boots to a shell, is updated three times by each
# mode while it counts, reboots, hears its power button, and powers off; the last three also in the
# middle of an update. Then one whose CPU is a baseline, and one that may have guests.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"

update_by() { # MODE
    local n
    for n in 1 2 3; do
        update "$1"
        await_ticks
    done
    check_ticks
}

# While an update is under way.
in_an_update() { # WORD
    segue update linux --no-wait >/dev/null
    type_in "$1"
}

# The flags of the guest's first processor, asked for the COUNTth time since its boot.
check_flags() { # COUNT HAS... -- HAS NOT...
    local flags name has=1
    type_in flags
    await 30 'guest: flags.* end' "$1"
    flags=" $(grep -a 'guest: flags' "$console" | tail -n 1 | tr -d '\r') "
    for name in "${@:2}"; do
        if [[ $name == -- ]]; then
            has=0
        elif [[ $flags == *" $name "* ]]; then
            ((has)) || fail "the guest's CPU has $name:$flags"
        else
            ((!has)) || fail "the guest's CPU has no $name:$flags"
        fi
    done
}

linux_kernel
linux_config </dev/null
# shellcheck disable=SC2119 # it takes no programs here
linux_initrd <<'JOB'
busybox mkdir -p /etc/acpi/PWRF
printf '#!/bin/sh\necho "guest: power button" >/dev/console\nbusybox poweroff -f\n' >/etc/acpi/PWRF/00000080
busybox chmod +x /etc/acpi/PWRF/00000080
on_flags() { busybox sed -n 's/^flags.*:\(.*\)/guest: flags \1 end/p' /proc/cpuinfo | busybox head -n 1; }
if [ -e /dev/input/event0 ]; then busybox acpid; else echo "guest: deaf"; fi
JOB

for vcpus in 1 4; do
    boot "$vcpus"
    for mode in cpr-transfer cpr-exec cpr-reboot; do update_by "$mode"; done
    check_warnings

    type_in again
    await 180 'guest: up with' 2
    await_ticks
    in_an_update again
    await 180 'guest: up with' 3
    await_ticks
    check_ticks

    in_an_update off
    gone "after it was powered off in an update"
done

# This host has AES, and SVM for its guests; AVX it has not itself.
baseline=(sse4_2 popcnt lahf_lm nx -- aes svm avx)
boot 2 --set guest.cpu=x86-64-v2
check_flags 1 "${baseline[@]}"
for mode in cpr-transfer cpr-exec cpr-reboot; do update "$mode"; done
check_flags 2 "${baseline[@]}"
check_warnings
type_in off
gone "after it was powered off with a baseline's CPU"

boot 1 --set guest.nested=true
check_flags 1 aes svm -- avx
for mode in cpr-transfer cpr-exec; do update "$mode"; done
await_ticks
check_ticks
type_in off
gone "after it was powered off with nested virtualization"

! segue run "$work/guest.toml" --set "guest.kernel=$kernel" --set guest.cpu=x86-64-v3 >"$work/said" 2>&1 ||
    fail "a host without AVX gives a guest x86-64-v3"
grep -q 'has no .*avx2.*x86-64-v3' <(tr -d '\n' <"$work/said") || fail "x86-64-v3 is refused in other words: $(<"$work/said")"

boot 1
segue update linux | tail -n 1
if grep -q 'guest: deaf' "$console"; then
    lab_not_covered "a Linux guest's power button: its kernel has no evdev"
    exit 0
fi
segue shutdown linux || fail "the power button cannot be pressed"
await 30 'guest: power button'
gone "after its power button was pressed"

boot 1
segue update linux --no-wait >/dev/null
segue shutdown linux || fail "the power button cannot be pressed in an update"
gone "after its power button was pressed in an update"
