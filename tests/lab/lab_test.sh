#!/usr/bin/env bash
# lab_test.sh ROOT - what `./dev lab` says of a script's end, and of L1's, is what happened. The scripts run
# on this host; L1's ends are told from logs.
set -euo pipefail

# shellcheck source=dev
source "$1/dev"
# shellcheck source=tests/lab/lab.sh
source "$1/tests/lab/lab.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lab=$work/lab

bad() {
    echo "lab_test: $*" >&2
    exit 1
}

has() { # WHERE WORDS
    [[ $1 == *"$2"* ]] || bad "'$1' lacks '$2'"
}

ends() { # CODE WORDS ARGUMENTS...: `./dev lab --host ARGUMENTS` ends with CODE and says WORDS
    local code=0 said
    said=$(lab --host "${@:3}" 2>&1) || code=$?
    ((code == $1)) || bad "$*: exit code $code: $said"
    has "$said" "$2"
}

script() { cat >"$work/$1.sh"; }

# shellcheck disable=SC2016 # the scripts' own variables
script good <<<'cat "$LAB_FILES/given"; source "$LAB/have.sh"; lab_not_covered moon: none >/dev/null; echo 1 >"$LAB_OUT/left"'
script bad <<<'echo wrong; exit 7'
script slow <<<'sleep 60'
# shellcheck disable=SC2016
script daemon <<<'sleep 60 & echo $! >"$LAB_OUT/pid"'
echo 'brought along' >"$work/given"

ends 0 'brought along' run "$work/good.sh" "$work/given"
ends 0 'not covered: moon: none' run "$work/good.sh" "$work/given"
[[ $(<"$lab/runs/good/left") == 1 && $(<"$lab/runs/good/log") == 'brought along' ]] || bad "the files did not come back"
ends 7 'failed, exit code 7' run "$work/bad.sh"
ends 124 'its deadline of 1 s has passed' --deadline 1 run "$work/slow.sh"
ends 0 'passed' --deadline 20 run "$work/daemon.sh" # what a script leaves running holds nothing up
kill "$(<"$lab/runs/daemon/pid")"
ends 1 'there is no file' run "$work/none.sh"
ends 1 "seconds are wanted" --deadline soon run "$work/good.sh"
ends 1 'no such option' --hosts run "$work/good.sh"
ends 1 'there is no file' nothing

mkdir "$work/boot"
echo 'qemu: no such kernel' >"$work/boot/qemu.log"
: >"$work/boot/serial.log"
has "$(lab_why "$work/boot" 1 9)" 'qemu ended with 1: qemu: no such kernel'
has "$(lab_why "$work/boot" 124 9)" 'L1 hangs: it was ended after 9 s'
has "$(lab_why "$work/boot" 0 9)" 'L1 went down by itself'
printf '[ 1.0] Kernel panic - not syncing: Attempted to kill init!\r\n' >"$work/boot/serial.log"
has "$(lab_why "$work/boot" 0 9)" 'died: Kernel panic - not syncing: Attempted to kill init!'
