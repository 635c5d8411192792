#!/usr/bin/env bash
# abi_diff_test.sh SURFACE.so HEADERS RECORDED - the types of the ABI are those that were recorded
# (by libabigail), and no constant of it has changed or gone. Constants may be added.
set -euo pipefail

surface=$1 headers=$2 recorded=$3
dump() { abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed "$surface"; }
constants() { sed -nE 's@ */\*.*@@; s/^#define (SEGUE_[A-Z0-9_]+) +/\1 /p' "$headers"/*.h | LC_ALL=C sort; }

if [[ ${4:-} == --record ]]; then
    dump >"$recorded/types.abi"
    constants >"$recorded/constants.txt"
    exit
fi

failed=0
abidiff --no-show-locs "$recorded/types.abi" "$surface" || failed=1
(($(wc -l <"$recorded/constants.txt") > 50)) || { echo "hardly any constant is recorded" && failed=1; }
if ! LC_ALL=C comm -23 "$recorded/constants.txt" <(constants) | diff /dev/null -; then
    echo "these constants of the ABI have changed or gone"
    failed=1
fi
((failed == 0)) || cat <<END
A plugin that was built before would read other bytes. A table that must change gets a new id; a struct
with a 'size' may grow at its tail. Where that is what was done, record it in the same commit:
    tests/abi/abi_diff_test.sh $* --record
END
exit "$failed"
