#!/usr/bin/env bash
# dax.sh - memory "dax": guests whose RAM is a file on a DAX file system, and a device of device DAX, through every
# mode of one host; what a killed VMM leaves in a device is not taken by accident.
set -euo pipefail

# shellcheck source=tests/lab/have.sh
source "$LAB/have.sh"
lab_need kvm || exit 0
lab_need devdax || exit 0

root=$(cd "$LAB/../.." && pwd)
build=$root/build/release
config=$root/configs/dax-cpr-reboot.toml
work=$(mktemp -d -p /dev/shm segue-lab.XXXXXX)
cleanup() {
    cp "$work"/run/dax/vmm.log "$LAB_OUT/" 2>/dev/null || true
    "$build/bin/segue" --run-dir "$work/run" --state-dir "$work/state" kill dax >/dev/null 2>&1 || true
    ! mountpoint -q "$work/mount" || umount "$work/mount"
    rm -rf "$work"
}
lab_at_end cleanup

if [[ ${LAB_EMULATED:-} && -b /dev/pmem0 ]]; then # of a real host, no disk is formatted
    echo "-- fsdax"
    mkdir -m 700 "$work/mount"
    mke2fs -q -t ext4 -b 4096 /dev/pmem0
    mount -o dax=always /dev/pmem0 "$work/mount"
    chmod 700 "$work/mount"
    LAB_DAX=$work/mount/ram bash "$root/tests/integration/config_test.sh" "$build" "$config"
    [[ ! -e $work/mount/ram ]] || lab_fail "the file stays after the shutdown"
    "$build/bin/segue-plugin-check" "$build/lib/segue/plugins/memory/dax.so" --options "path=$work/mount/checked"
    umount "$work/mount"
else
    lab_not_covered "fsdax: no persistent memory that may be formatted"
fi

echo "-- devdax"
dax=$(lab_devdax) || lab_fail "the region does not become a devdax device"
LAB_DAX=$dax bash "$root/tests/integration/config_test.sh" "$build" "$config"
"$build/bin/segue-plugin-check" "$build/lib/segue/plugins/memory/dax.so" --options "path=$dax"

segue() { "$build/bin/segue" --run-dir "$work/run" --state-dir "$work/state" "$@"; }
settings=(--set "guest.kernel=$build/share/segue/metronome.elf" --set 'memory[0].size=32M'
    --set "memory[0].options.path=$dax")
refused() { # WORDS ARGUMENTS...
    local said
    said=$(segue run "$config" "${settings[@]}" "${@:2}" 2>&1) && lab_fail "a guest starts: $said"
    [[ $said == *"$1"* ]] || lab_fail "'$1' is not said: $said"
}
segue run "$config" "${settings[@]}"
refused "a guest that runs uses $dax" --set guest.name=other
segue kill dax
for _ in {1..100}; do [[ -e $work/run/dax/lock ]] || break && sleep 0.1; done
refused "holds RAM of a guest: block 'ram0'"
refused "has room for" --set 'memory[0].size=1G'
segue run "$config" "${settings[@]}" --set 'memory[0].options.overwrite=true'
segue shutdown dax --force
