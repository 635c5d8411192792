#!/usr/bin/env bash
# linux-boot.sh - a Linux guest with 1 and with 4 vCPUs boots to a shell, is updated three times by each
# mode while it counts, reboots, hears its power button, and powers off; the last three also in the
# middle of an update.
#
# The guest's kernel is SEGUE_GUEST_KERNEL, a file bzImage that was given to the run, the lab's, or this host's own.
set -euo pipefail

# shellcheck source=tests/lab/have.sh
source "$LAB/have.sh"

root=$(cd "$LAB/../.." && pwd)
work=$(mktemp -d -p /dev/shm segue-lab.XXXXXX)
console=$work/console

segue() { "$root/build/release/bin/segue" --run-dir "$work/run" --state-dir "$work/state" "$@"; }

cleanup() {
    cp "$console" "$LAB_OUT/console" 2>/dev/null || true
    cp "$work/run/linux/vmm.log" "$LAB_OUT/" 2>/dev/null || true
    segue kill linux >/dev/null 2>&1 || true
    [[ ! ${reader-} ]] || kill "$reader" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    tail -n 20 "$console" >&2 || true
    lab_fail "$*"
}

find_kernel() {
    for kernel in "${SEGUE_GUEST_KERNEL-}" "$LAB_FILES/bzImage" "${LAB_KERNEL-}" "/boot/vmlinuz-$(uname -r)"; do
        [[ ! -f $kernel ]] || return 0
    done
    lab_not_covered "a Linux guest: there is no kernel for it"
    exit 0
}

# A busybox that counts, and does what is typed at its console.
make_initrd() {
    local tree=$work/tree busybox
    busybox=$(command -v busybox)
    mkdir -p "$tree"/{bin,dev,proc,sys,run,var/run,var/log,etc/acpi/PWRF}
    ln -s ../run/acpid.pid "$tree/var/run/" 2>/dev/null || true
    mknod "$tree/dev/console" c 5 1
    cp "$busybox" "$tree/bin/busybox"
    for name in sh mount echo cat usleep; do ln -s busybox "$tree/bin/$name"; done
    cat >"$tree/init" <<'INIT'
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
busybox stty -echo
if [ -e /dev/input/event0 ]; then busybox acpid; else echo "guest: deaf"; fi
warnings() { busybox dmesg -r | busybox grep -c '^<[0-4]>'; }
before=$(warnings)
echo "guest: up with $(busybox nproc) processors"
i=0
while :; do i=$((i + 1)); echo "guest: tick $i $(cat /proc/uptime)"; usleep 100000; done &
while read -r word; do
    case $word in
    off) busybox poweroff -f ;;
    again) busybox reboot -f ;;
    warnings) echo "guest: $(($(warnings) - before)) warnings"; busybox dmesg -r | busybox grep '^<[0-4]>' | busybox tail -n 3 ;;
    esac
done
INIT
    printf '#!/bin/sh\necho "guest: power button" >/dev/console\nbusybox poweroff -f\n' >"$tree/etc/acpi/PWRF/00000080"
    chmod -R go-w,a+rx "$tree/init" "$tree/etc"
    (cd "$tree" && find . | "$busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/initrd"
}

await() { # SECONDS PATTERN [COUNT]: so many lines of the console match
    local n
    for ((n = 0; n < $1 * 10; n++)); do
        (($(grep -ac "$2" "$console") < ${3:-1})) || return 0
        sleep 0.1
    done
    fail "the guest does not say '$2' ${3:-1} times in $1 s"
}

type_in() { printf '%s\n' "$1" >&"$typist"; }

ticks() { grep -ac 'guest: tick' "$console" || true; }

await_ticks() { await 60 'guest: tick' $(($(ticks) + 3)); }

# What an emulated host gets wrong: qemu's SVM does not intercept XSETBV, so that KVM does not know XCR0; and
# without a constant TSC KVM reckons kvmclock by the host's first calibration, microseconds off its refined one.
cmdline="console=ttyS0 quiet panic=-1 noxsave tsc=reliable"

boot() { # VCPUS
    local pty
    : >"$console"
    segue run "$root/configs/linux.toml" --set "guest.kernel=$kernel" --set "guest.initrd=$work/initrd" \
        --set update.deadline.handover=30s --set update.deadline.pause=10s --set update.deadline.prepare=60s \
        --set "guest.vcpus=$1" --set "guest.cmdline=$cmdline" --set 'memory[0].size=256M'
    pty=$(segue status linux | awk '$1 == "console" { sub("pty:", "", $2); print $2 }')
    stty -F "$pty" raw -echo
    exec {typist}<>"$pty"
    cat <&"$typist" >>"$console" &
    reader=$!
    await 180 "guest: up with $1 processors"
    await_ticks
}

# The guest has ended by itself, and nothing is left of it.
gone() { # WHY
    local n
    for ((n = 0; n < 600; n++)); do
        [[ -e $work/run/linux/lock ]] || break
        sleep 0.1
    done
    [[ ! -e $work/run/linux/lock ]] || fail "the guest still runs $1"
    exec {typist}>&-
    kill "$reader" 2>/dev/null || true
    grep -q 'powered off with code 0' "$work/run/linux/vmm.log" || fail "the VMM says something else $1"
    rm "$work/run/linux/vmm.log"
}

# Each tick once and in its order, and the guest's clock never back, since the last boot.
check_ticks() {
    tr -d '\r' <"$console" | awk '/guest: up/ { n = 0; up = 0 }
        /guest: tick/ { if ($3 != n + 1 || $4 < up) { print "after tick " n " at " up ": " $0; exit 1 } n = $3; up = $4 }' ||
        fail "the guest has not counted on"
}

update_by() { # MODE
    local n
    for n in 1 2 3; do
        segue update linux --mode "$1" >"$work/said" 2>&1 || fail "update $n by $1: $(<"$work/said")"
        tail -n 1 "$work/said"
        await_ticks
    done
    check_ticks
}

# While an update is under way.
in_an_update() { # WORD
    segue update linux --no-wait >/dev/null
    type_in "$1"
}

lab_need kvm || exit 1
find_kernel
make_initrd
for vcpus in 1 4; do
    boot "$vcpus"
    for mode in cpr-transfer cpr-exec cpr-reboot; do update_by "$mode"; done
    type_in warnings
    await 30 'guest: 0 warnings'

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
