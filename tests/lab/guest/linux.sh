# shellcheck shell=bash
# shellcheck disable=SC2034 # for the scripts that source it
# linux.sh - for lab scripts: a Linux guest ("L2") of busybox that does what is typed at its console.
#
# The guest's kernel is SEGUE_GUEST_KERNEL, a file bzImage that was given to the run, the lab's, or this host's own.

# shellcheck source=tests/lab/have.sh
source "$LAB/have.sh"

root=$(cd "$LAB/../.." && pwd)
programs=$root/build/release/tests/lab/guest
work=$(mktemp -d -p /dev/shm segue-lab.XXXXXX)
console=$work/console # all that the guest has said since its boot
typist=               # the descriptor that types
vmm_log=$work/run/linux/vmm.log

segue() { "$root/build/release/bin/segue" --run-dir "$work/run" --state-dir "$work/state" "$@"; }

linux_cleanup() {
    cp "$console" "$LAB_OUT/console" 2>/dev/null || true
    cp "$vmm_log" "$LAB_OUT/" 2>/dev/null || true
    segue kill linux >/dev/null 2>&1 || true
    [[ ! ${reader-} ]] || kill "$reader" 2>/dev/null || true
    rm -rf "$work"
}
lab_at_end linux_cleanup

# Of the VMM: name, state, ticks in user and kernel mode, and where it waits.
vmm_threads() {
    local pid task
    pid=$(segue status linux --json | jq .pid) || return 0
    for task in "/proc/$pid/task"/*; do
        echo "$(<"$task/comm")" "$(sed 's/.*) //' "$task/stat" | cut -d' ' -f1,12,13)" "$(<"$task/wchan")"
    done
}

fail() {
    vmm_threads >"$LAB_OUT/threads" 2>&1 || true
    tail -n 20 "$console" >&2 || true
    tail -n 5 "$vmm_log" >&2 || true
    lab_fail "$*"
}

# Sets `kernel`; ends the script where there is none.
linux_kernel() {
    lab_need kvm || exit 1
    for kernel in "${SEGUE_GUEST_KERNEL-}" "$LAB_FILES/bzImage" "${LAB_KERNEL-}" "/boot/vmlinuz-$(uname -r)"; do
        [[ ! -f $kernel ]] || return 0
    done
    lab_not_covered "a Linux guest: there is no kernel for it"
    exit 0
}

# The drivers of a kernel with modules, where it is the one that runs here.
guest_modules() { # FOLDER
    local file
    [[ $kernel == "${LAB_KERNEL-}" || $kernel == /boot/* ]] || return 0
    {
        modprobe --show-depends -a virtio_pci virtio_blk virtio_net virtio_console virtio_balloon virtio_rng \
            vmw_vsock_virtio_transport button evdev 2>/dev/null || true # what is built in has no module
    } | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
        while read -r file; do cp "$file" "$1/" && basename "$file" >>"$1/in_order"; done
}

# $work/initrd: busybox, the programs, and standard input as what the guest does once it is up; there
# `on_WORD` is a function for a word typed at its console.
linux_initrd() { # PROGRAMS...
    local tree=$work/tree busybox name
    busybox=$(command -v busybox)
    mkdir -p "$tree"/{bin,dev,proc,sys,run,var/run,var/log,etc,modules}
    guest_modules "$tree/modules"
    ln -s ../run/acpid.pid "$tree/var/run/"
    mknod "$tree/dev/console" c 5 1
    cp "$busybox" "$tree/bin/busybox"
    (($# == 0)) || cp "$@" "$tree/bin/"
    for name in sh mount echo cat usleep; do ln -s busybox "$tree/bin/$name"; done
    cat >"$tree/job"
    cat >"$tree/init" <<'INIT'
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
busybox stty -echo
[ ! -e /modules/in_order ] || while read -r module; do busybox insmod "/modules/$module"; done </modules/in_order
# But for those of a processor that had to wait for the host's only one.
all_warnings() { busybox dmesg -r | busybox grep '^<[0-4]>' | busybox grep -v 'hrtimer: interrupt took'; }
warnings() { all_warnings | busybox wc -l; }
on_off() { busybox poweroff -f; }
on_again() { busybox reboot -f; }
on_warnings() {
    echo "guest: $(($(warnings) - before)) warnings"
    all_warnings | busybox tail -n +$((before + 1)) | busybox head -n 8
}
before=$(warnings)
. /job
echo "guest: up with $(busybox nproc) processors"
i=0
while :; do i=$((i + 1)); echo "guest: tick $i $(cat /proc/uptime)"; usleep 100000; done &
while read -r word; do "on_$word"; done
INIT
    chmod -R go-w,a+rx "$tree/init" "$tree/etc"
    (cd "$tree" && find . | "$busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/initrd"
    rm -rf "$tree"
}

await() { # SECONDS PATTERN [COUNT]: so many lines of the console match
    local n
    for ((n = 0; n < $1 * 10; n++)); do
        (($(grep -ac "$2" "$console") < ${3:-1})) || return 0
        sleep 0.1
    done
    fail "the guest does not say '$2' ${3:-1} times in $1 s"
}

said() { grep -ac "$1" "$console" || true; } # PATTERN: in so many lines

await_more() { await 60 "$1" $(($(said "$1") + $2)); } # PATTERN COUNT

type_in() { printf '%s\n' "$1" >&"$typist"; }

await_ticks() { await_more 'guest: tick' 3; }

# What an emulated host gets wrong: qemu's SVM does not intercept XSETBV, so that KVM does not know XCR0; and
# without a constant TSC KVM reckons kvmclock by the host's first calibration, microseconds off its refined one.
cmdline="console=ttyS0 quiet panic=-1 noxsave tsc=reliable"

linux_run() { segue run "$@"; } # a script may have its own way

linux_listen() { # to the guest's console
    local pty
    pty=$(segue status linux | awk '$1 == "console" { sub("pty:", "", $2); print $2 }')
    stty -F "$pty" raw -echo
    exec {typist}<>"$pty"
    cat <&"$typist" >>"$console" 2>/dev/null & # ends by an error: the pty has gone
    reader=$!
}

stop_listening() {
    exec {typist}>&-
    kill "$reader" 2>/dev/null || true
}

start() { # ARGUMENTS OF segue run...; the guest is called linux
    : >"$console"
    linux_run "$@" --set update.deadline.handover=30s --set update.deadline.pause=10s --set update.deadline.prepare=60s
    linux_listen
}

comes_up() { # VCPUS: false once its VMM has gone, or after 180 s
    local n
    for ((n = 0; n < 1800; n++)); do
        ! grep -aq "guest: up with $1 processors" "$console" || return 0
        [[ -e $work/run/linux/lock ]] || return 1
        sleep 0.1
    done
    return 1
}

# In an emulated host KVM now and then gives up on a guest that boots; only there it gets more chances.
boot() { # VCPUS [ARGUMENTS OF segue run...]
    local chances=${LAB_EMULATED:+5}
    while :; do
        start "$work/guest.toml" --set "guest.kernel=$kernel" --set "guest.initrd=$work/initrd" \
            --set "guest.vcpus=$1" --set "guest.cmdline=$cmdline" --set 'memory[0].size=256M' "${@:2}"
        ! comes_up "$1" || break
        if ((${chances:-0} == 0)) || ! grep 'KVM internal error' "$vmm_log"; then
            fail "the guest does not come up with $1 processors"
        fi
        echo "the emulated host's KVM has failed the guest: once more"
        chances=$((chances - 1))
        stop_listening
    done
    await_ticks
}

# configs/linux.toml with the devices on standard input instead of its own; the file that boot() takes.
linux_config() {
    { awk '/^\[/ { devices = /^\[\[device/ } !devices' "$root/configs/linux.toml" && cat; } >"$work/guest.toml"
    chmod 600 "$work/guest.toml"
}

# The guest has ended by itself, and nothing is left of it.
gone() { # WHY
    local n
    for ((n = 0; n < 600; n++)); do
        [[ -e $work/run/linux/lock ]] || break
        sleep 0.1
    done
    [[ ! -e $work/run/linux/lock ]] || fail "the guest still runs $1"
    stop_listening
    grep -q 'powered off with code 0' "$vmm_log" || fail "the VMM says something else $1"
    rm "$vmm_log"
}

# Each tick once and in its order, and the guest's clock never back, since the last boot. Its last line before a boot, or
# at all, may be torn.
check_ticks() {
    tr -d '\r' <"$console" | sed '$d' | awk '/guest: up/ { n = up = 0; torn = ""; next }
        /guest: tick/ {
            if (torn || $3 != n + 1 || $4 < up) { print "after tick " n " at " up ": " torn $0; exit 1 }
            n = $3; up = $4
            if (!/guest: tick [0-9]+ [0-9.]+ [0-9.]+$/) torn = $0 " and "
        }' || fail "the guest has not counted on"
}

check_warnings() {
    type_in warnings
    await 30 'guest: 0 warnings'
}

update() { # MODE; the line that it ends with is in $work/said
    segue update linux --mode "$1" >"$work/said" 2>&1 || fail "update by $1: $(<"$work/said")"
    tail -n 1 "$work/said"
}
