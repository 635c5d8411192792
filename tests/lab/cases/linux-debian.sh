#!/usr/bin/env bash
# linux-debian.sh - configs/linux.toml boots the Debian guest of `./dev guest-image` to its login; it is updated by
# each mode, its own guest agent answers and has it sleep through an update, and it ends at its power button.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"

lab_need kvm || exit 1
if [[ ! $LAB_GUEST ]]; then
    lab_not_covered "a Debian guest: there is no image of one"
    exit 0
fi

# What the guest's shell says to it, once.
answer() { # COMMAND
    type_in "$1; echo 'answer''ed'"
    await_more answered 1
}

start "$root/configs/linux.toml" --set "guest.kernel=$LAB_GUEST/vmlinuz" --set "guest.initrd=$LAB_GUEST/initrd" \
    --set "device[0].options.path=$LAB_GUEST/disk.raw" --set "device[2].options.socket=$work/agent.sock" --set "guest.cmdline=root=/dev/vda $cmdline"
await 600 'guest login:'
type_in root
await 60 '# '
answer 'mount -o remount,rw /; date >/stamp; sync'
for mode in cpr-transfer cpr-exec cpr-reboot; do
    update "$mode"
    answer 'test -s /stamp && md5sum /boot/vmlinuz-* >/sum && md5sum -c /sum || echo BAD'
done
! grep -a '^BAD' "$console" || fail "the guest's disk is not what it was"
[[ $(segue agent linux guest-get-osinfo | jq -r .id) == debian ]] || fail "the guest's agent does not answer"
segue update linux --suspend | tail -n 1
answer 'test -s /stamp || echo BAD'
! grep -a '^BAD' "$console" || fail "the guest has lost its disk in its sleep"
answer 'while systemctl list-jobs --no-legend | grep -q .; do sleep 0.2; done' # till then its power button is dead
segue shutdown linux
gone "after its power button was pressed"
