#!/usr/bin/env bash
# strangers_way_test.sh BUILD PAGE - the shell commands of PAGE, one after the other as they stand
# there, in a home of their own beside a tree that BUILD is the release of. CXX, CXXFLAGS and LDFLAGS
# are those of BUILD: the plugin must be able to share a process with it.
set -euo pipefail

build=$1 page=$2
umask 022
work=$(mktemp -d -p /tmp segue-stranger.XXXXXX)
short=$(mktemp -d -p /dev/shm segue-stranger.XXXXXX) # a socket's path has at most 107 bytes
export HOME=$work/home short
mkdir -p "$HOME" "$work/tree/build"
ln -s "$build" "$work/tree/build/release"

# Every guest has its own places in a test.
segue() { command segue --run-dir "$short/run" --state-dir "$short/state" "$@"; }
export -f segue

cleanup() {
    PATH=$HOME/segue/bin:$PATH segue kill web1 >/dev/null 2>&1 || true
    rm -rf "$work" "$short"
}
trap cleanup EXIT

awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" >"$work/commands"
(($(wc -l <"$work/commands") > 20)) || { echo "the page has hardly any commands" && exit 1; }

cd "$work/tree"
if ! bash -euxo pipefail "$work/commands" >"$work/said" 2>&1; then
    cat "$work/said" "$short"/run/*/vmm.log
    exit 1
fi
cat "$work/said"
grep -q '^transport/acme-link 0.1.0' "$work/said" || { echo "no table of the check" && exit 1; }
grep -q '^generation  *2' "$work/said" || { echo "the status does not show the update" && exit 1; }
