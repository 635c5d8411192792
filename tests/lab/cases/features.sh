#!/usr/bin/env bash
# features.sh - the kernel interfaces that the lab is for open and answer; those that are missing are told.
set -euo pipefail

# shellcheck source=tests/lab/have.sh
source "$LAB/have.sh"

opens() { # DEVICE
    { exec 3<>"$1"; } 2>/dev/null || lab_fail "$1 is there and does not open"
    exec 3>&-
    echo "$1 opens"
}

lab_need kvm && opens /dev/kvm
lab_need userfaultfd
lab_need iommufd && opens /dev/iommu
lab_need luo && opens /dev/liveupdate

if lab_need devdax; then
    dax=$(lab_devdax) || lab_fail "the region does not become a devdax device"
    opens "$dax"
fi
if lab_need vfio && lab_need edu; then
    edu=$(lab_edu)
    device=/sys/bus/pci/devices/$edu
    echo vfio-pci >"$device/driver_override"
    echo "$edu" >/sys/bus/pci/drivers_probe
    group=/dev/vfio/$(basename "$(readlink "$device/iommu_group")")
    udevadm settle
    opens "$group"
fi
