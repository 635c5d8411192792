# shellcheck shell=bash
# have.sh - for lab scripts: what this kernel has, what a run could not cover, and how a check fails.

lab_fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Has the function run when the script ends, before those that were named earlier.
lab_ends=()
lab_at_end() { # FUNCTION
    lab_ends=("$1" "${lab_ends[@]}")
    trap lab_end EXIT
}
lab_end() {
    local one
    for one in "${lab_ends[@]}"; do "$one" || true; done
}

# Said in the summary of the run.
lab_not_covered() { # WHAT REASON...
    printf '%s\n' "$*" | tee -a "$LAB_OUT/not-covered"
}

lab_modules() { modprobe -qa "$@" 2>/dev/null || true; } # built in, or not there: the device tells

# Where the feature is missing: says so for the summary and fails, so `lab_need iommufd || exit 0`.
lab_need() { # kvm|userfaultfd|vfio|iommufd|devdax|luo|edu
    local lacks=
    case $1 in
    kvm)
        [[ -c /dev/kvm ]] || lab_modules kvm_amd kvm_intel
        [[ -c /dev/kvm ]] || lacks="there is no /dev/kvm"
        ;;
    userfaultfd) [[ -c /dev/userfaultfd || -e /proc/sys/vm/unprivileged_userfaultfd ]] || lacks="this kernel has no CONFIG_USERFAULTFD" ;;
    vfio)
        lab_modules vfio_pci vfio_iommu_type1
        [[ -c /dev/vfio/vfio ]] || lacks="there is no /dev/vfio/vfio"
        [[ $lacks || $(ls /sys/kernel/iommu_groups) ]] || lacks="this host has no IOMMU that is on"
        ;;
    iommufd)
        lab_modules iommufd
        [[ -c /dev/iommu ]] || lacks="this kernel has no CONFIG_IOMMUFD"
        ;;
    devdax)
        lab_modules nd_pmem dax_pmem device_dax
        if [[ ! ${LAB_EMULATED:-} ]]; then
            [[ -c ${SEGUE_LAB_DAX:-} ]] || lacks="SEGUE_LAB_DAX names no devdax device that a test may overwrite"
        elif [[ ! -e /sys/bus/nd/devices/region0/dax_seed ]]; then
            lacks="this kernel makes no devdax of memmap="
        fi
        ;;
    luo) [[ -c /dev/liveupdate ]] || lacks="this kernel has no CONFIG_LIVEUPDATE, or no liveupdate=on" ;;
    edu) [[ $(lab_edu) ]] || lacks="this host has no edu device" ;;
    *) lab_fail "lab_need $1: no such feature" ;;
    esac
    [[ ! $lacks ]] || { lab_not_covered "$1: $lacks" && return 1; }
}

# The PCI address of the device that does DMA and MSI; nothing where there is none.
lab_edu() {
    local device
    for device in /sys/bus/pci/devices/*; do
        [[ $(cat "$device/vendor" "$device/device") != $'0x1234\n0x11e8' ]] || basename "$device"
    done
}

# A devdax device that may be overwritten, such as /dev/dax0.0. In L1 it is made of the persistent memory.
lab_devdax() {
    local nd=/sys/bus/nd name seed
    for name in ${LAB_EMULATED:+/dev/dax*} ${SEGUE_LAB_DAX:-}; do
        [[ ! -c $name ]] || { echo "$name" && return; }
    done
    [[ ${LAB_EMULATED:-} ]] || return 1
    [[ ! -e $nd/drivers/nd_pmem/namespace0.0 ]] || echo namespace0.0 >"$nd/drivers/nd_pmem/unbind"
    seed=$(<"$nd/devices/region0/dax_seed")
    echo 2097152 >"$nd/devices/$seed/align"
    cat /proc/sys/kernel/random/uuid >"$nd/devices/$seed/uuid"
    echo pmem >"$nd/devices/$seed/mode"
    echo namespace0.0 >"$nd/devices/$seed/namespace"
    echo "$seed" >"$nd/drivers/dax_pmem/bind"
    udevadm settle
    name=$(echo /dev/dax*)
    [[ -c $name ]] && echo "$name"
}
