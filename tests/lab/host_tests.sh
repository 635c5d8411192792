#!/usr/bin/env bash
# host_tests.sh - in L1, the tests of build/dev and build/release that this machine cannot run for want of
# /dev/kvm or of root.
set -uo pipefail

# shellcheck source=tests/lab/have.sh
source "$LAB/have.sh"

cd "$LAB/../.." || exit
failed=()
for preset in dev release; do
    ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure --no-tests=ignore \
        -L '^(kvm|programs|fault|root)$' -LE '^full$' -E '^docs/strangers-way$|/stop-and-copy-' || failed+=("$preset")
    cp "build/$preset/Testing/Temporary/LastTest.log" "$LAB_OUT/$preset.log"
done
lab_not_covered docs/strangers-way, integration/stop-and-copy: need a compiler and KVM on one machine
((${#failed[@]} == 0)) || lab_fail "tests of ${failed[*]}"
