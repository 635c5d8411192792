# shellcheck shell=bash
# shellcheck disable=SC2154 # work: of linux.sh
# slow_disk.sh - for scripts with a Linux guest (linux.sh, sourced before): disks that take their time.

slow_disks=() # names and loop devices, to be given back
slow_loops=()

give_disks_back() {
    local one
    ((${#slow_disks[@]} == 0)) || segue kill linux >/dev/null 2>&1 || true # which holds them
    for one in "${slow_disks[@]}"; do dmsetup remove --retry "$one" 2>/dev/null || true; done
    for one in "${slow_loops[@]}"; do losetup -d "$one" || true; done
}
lab_at_end give_disks_back

# /dev/mapper/NAME over the file $work/NAME; false where this kernel has no dm-delay. Equal parts of it may have reads of
# their own.
slow_disk() { # NAME MIB MILLISECONDS_A_WRITE MILLISECONDS_A_READ...
    local loop sectors=$(($2 * 2048 / ($# - 3))) at=0 read
    truncate -s "$2M" "$work/$1"
    loop=$(losetup --show -f "$work/$1") || return 1
    slow_loops+=("$loop")
    for read in "${@:4}"; do
        echo "$at $sectors delay $loop $at $read $loop $at $3"
        ((at += sectors))
    done | dmsetup create "$1" 2>/dev/null || return 1
    slow_disks+=("$1")
}
