#!/usr/bin/env bash
# kvm_problem_test.sh ROOT - ./dev tells the causes of an unusable /dev/kvm apart, as the VMM does.
set -euo pipefail

# shellcheck source=dev
source "$1/dev"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/loaded/kvm_intel" "$work/not-loaded"
cpu() { printf 'vendor_id\t: %s\nflags\t\t: fpu %s sse\n' "$2" "$3" >"$work/$1"; }
cpu intel GenuineIntel vmx
cpu amd AuthenticAMD svm
cpu plain GenuineIntel mmx
cpu guest AuthenticAMD hypervisor
touch "$work/file"

expect() { # NODE MODULES CPUINFO WORDS
    local said
    said=$(kvm_problem "$1" "$work/$2" "$work/$3")
    [[ $said == *"$4"* ]] || { echo "$1 $2 $3: '$said' lacks '$4'" >&2 && exit 1; }
    [[ $4 || ! $said ]] || { echo "$1: '$said' where nothing is wrong" >&2 && exit 1; }
}
expect /dev/null loaded intel '' # a device that opens is all that is asked
expect "$work/none" loaded intel 'the device node is missing; mknod'
expect "$work/none" not-loaded intel 'the KVM module is not loaded; modprobe kvm_intel'
expect "$work/none" not-loaded amd 'modprobe kvm_amd'
expect "$work/none" not-loaded plain 'the CPU has no VT-x'
expect "$work/none" not-loaded guest 'does not pass SVM on; on the host load kvm_amd with nested=1'
expect "$work/file" loaded intel 'is no device; check that'
[[ ! -e $work/none ]] || { echo "asking made the node" >&2 && exit 1; }
if ((EUID != 0)); then
    chmod 000 "$work/file"
    expect "$work/file" loaded intel 'this user may not open it'
fi
