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

# /dev/mapper/NAME over the file $work/NAME; false where this kernel has no dm-delay.
slow_disk() { # NAME MIB MILLISECONDS_A_WRITE MILLISECONDS_A_READ
    local loop
    truncate -s "$2M" "$work/$1"
    loop=$(losetup --show -f "$work/$1") || return 1
    slow_loops+=("$loop")
    dmsetup create "$1" --table "0 $(($2 * 2048)) delay $loop 0 $4 $loop 0 $3" 2>/dev/null || return 1
    slow_disks+=("$1")
}
