#!/usr/bin/env bash
# host_tests.sh - in L1, the tests that this machine cannot run for want of /dev/kvm or of root.
set -uo pipefail

# shellcheck source=tests/lab/have.sh
source "$LAB/have.sh"

cd "$LAB/../.." || exit
passed=yes
ctest --test-dir build/emulated -j "$(nproc)" --output-on-failure \
    -L '^(kvm|programs|fault|root)$' -LE '^full$' -E '^docs/strangers-way$|/stop-and-copy-|ARealTimePolicyWhileTheGuestRuns/(precopy|postcopy|pageflip)' || passed=
cp build/emulated/Testing/Temporary/LastTest.log "$LAB_OUT/"
lab_not_covered docs/strangers-way, integration/stop-and-copy: need a compiler and KVM on one machine
lab_not_covered SameAfter.ARealTimePolicyWhileTheGuestRuns of modes that copy: the guest leaves the only CPU to nobody
[[ $passed ]] || lab_fail "tests failed"
