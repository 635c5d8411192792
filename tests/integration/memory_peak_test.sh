#!/usr/bin/env bash
# memory_peak_test.sh BUILD - a full guest of 4 GiB in private RAM moves by page-flip, and at no time
# do its two VMMs together take more than its RAM and 64 MiB.
set -euo pipefail

build=$1 mib=4096
room=2048 # that others have

free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
if ((free < mib + room)); then
    mib=$(((free - room) / 256 * 256))
    ((mib >= 256)) || { echo "skipped: only $free MiB of memory are free" && exit 77; }
    echo "only $free MiB of memory are free: a guest of $mib MiB instead of 4096"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/bin/segue-bench-copy" --only 'page-flip, idle' --full --runs 0 --ram-mib "$mib" --json "$work/peak.json" >/dev/null

fail() {
    echo "memory_peak_test: $*" >&2
    cat "$work/peak.json" >&2
    exit 1
}
peak=$(sed -n 's/.*"what":"page-flip".*"peak_mib":\([0-9]*\).*/\1/p' "$work/peak.json")
ram=$((mib + 16)) # with the block in which the guest tells of itself
echo "of $ram MiB of RAM, $peak MiB at most"
((peak >= mib)) || fail "the guest is not full, or nobody looked"
((peak <= ram + 64)) || fail "more than 64 MiB besides"
