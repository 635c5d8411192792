#!/usr/bin/env bash
# linux-boot.sh - a Linux guest with 1 and with 4 vCPUs boots to a shell, is updated three times by each
# mode while it counts, reboots, hears its power button, and powers off; the last three also in the
# middle of an update.
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

linux_kernel
linux_config </dev/null
# shellcheck disable=SC2119 # it takes no programs here
linux_initrd <<'JOB'
busybox mkdir -p /etc/acpi/PWRF
printf '#!/bin/sh\necho "guest: power button" >/dev/console\nbusybox poweroff -f\n' >/etc/acpi/PWRF/00000080
busybox chmod +x /etc/acpi/PWRF/00000080
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
