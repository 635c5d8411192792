#!/usr/bin/env bash
# linux-suspend.sh - a Linux guest with 1 and with 2 vCPUs goes to sleep (ACPI S3), is updated by each mode
# while it sleeps, wakes, goes on counting, and its disk and its random numbers with it; the real QEMU
# guest agent answers, and suspends it for an update.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"

# Into the initrd's tree, with its libraries.
add_agent() {
    local agent library
    agent=$(command -v qemu-ga) || lab_fail "there is no qemu-ga"
    ldd "$agent" | awk '/\// { print $(NF - 1) }' | while read -r library; do
        mkdir -p "$work/tree${library%/*}"
        cp -L "$library" "$work/tree$library"
    done
}

state() { segue status linux | awk '$1 == "state" { print $2 }'; }

await_state() { # SECONDS STATE
    local n
    for ((n = 0; n < $1 * 5; n++)); do
        [[ $(state) != "$2" ]] || return 0
        sleep 0.2
    done
    fail "the guest is $(state), not $2, after $1 s"
}

sleeps=0 # since the guest's boot, by its own will

fall_asleep() {
    type_in sleep
    await_state 60 suspended
    sleeps=$((sleeps + 1))
}

awake() {
    await_state 60 running
    await 60 'guest: awake' "$sleeps"
    await_ticks
    check_ticks
    type_in devices
    await 60 "guest: devices $sleeps work"
}

asleep_through() { # MODE
    local before
    fall_asleep
    before=$(said 'guest: tick')
    update "$1"
    update "$1"
    [[ $(state) == suspended ]] || fail "after $1 the guest is $(state)"
    (($(said 'guest: tick') - before <= 1)) || fail "the guest runs in its sleep"
    segue wakeup linux || fail "the guest cannot be woken after $1"
    awake
}

agent_answers() { # WHEN
    [[ $(segue agent linux guest-ping --timeout 60) == '{}' ]] || fail "the guest agent does not answer $1"
}

update_asleep() { # MODE
    local before
    before=$(said 'guest: tick')
    if ! segue update linux --mode "$1" --suspend --suspend-timeout 120 >"$work/said" 2>&1; then
        type_in agent
        await 10 'guest: agent'
        fail "update by $1 with --suspend: $(<"$work/said")"
    fi
    tail -n 1 "$work/said"
    await 60 'guest: tick' $((before + 3))
    [[ $(state) == running ]] || fail "the guest is $(state) after it was updated in its sleep"
    agent_answers "after an update by $1 with --suspend"
}

linux_kernel
truncate -s 1M "$work/disk"
linux_config <<END
[[device]]
id = "disk0"
model = "virtio-blk"
options = { path = "$work/disk" }

[[device]]
id = "rng0"
model = "virtio-rng"

[[device]]
id = "agent0"
model = "virtio-console"
options = { port = "org.qemu.guest_agent.0", socket = "$work/agent.sock" }
END
add_agent
linux_initrd "$(command -v qemu-ga)" <<'JOB'
qemu-ga -m virtio-serial -p "$(echo /dev/vport*)" -t /run -l /run/agent.log &
on_agent() { cat /run/agent.log; echo "guest: agent"; }
on_sleep() { echo mem >/sys/power/state && echo "guest: awake"; }
# A number to the disk and back, past the page cache; then random bytes.
number=0
devices() {
    echo "number $number" | busybox dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null || return 1
    echo 3 >/proc/sys/vm/drop_caches
    [ "$(busybox head -n 1 /dev/vda)" = "number $number" ] || return 1
    [ "$(busybox head -c 16 /dev/hwrng | busybox wc -c)" = 16 ]
}
on_devices() { number=$((number + 1)); devices && echo "guest: devices $number work"; }
echo "guest: sleeps as $(cat /sys/power/mem_sleep)"
JOB

for vcpus in 1 2; do
    boot "$vcpus"
    sleeps=0
    grep -aq 'guest: sleeps as.*\[deep\]' "$console" || fail "the guest finds no S3"
    for mode in cpr-transfer cpr-exec cpr-reboot; do asleep_through "$mode"; done

    fall_asleep
    segue shutdown linux || fail "its power button cannot be pressed"
    awake

    agent_answers "at all"
    for mode in cpr-transfer cpr-exec cpr-reboot; do update_asleep "$mode"; done
    check_ticks
    check_warnings
    type_in off
    gone "after it was powered off"
done
