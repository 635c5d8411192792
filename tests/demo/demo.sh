#!/usr/bin/env bash
# demo.sh [BUILD] - a live guest moves to a newer VMM process and back, before your eyes. Run it as
# `./dev demo`, which builds what it needs in build/release. Ends with an error if the guest lost anything.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build/release}
config=$root/configs/three-modes.toml
next=$build/demo/next/bin/segue-vmm
broken=$build/demo/broken/bin/segue-vmm
work=$(mktemp -d -p /dev/shm segue-demo.XXXXXX) # mode 0700
rows=() gaps=() moved=0 backward=0

segue() { "$build/bin/segue" --run-dir "$work/run" --state-dir "$work/state" "$@"; }
field() { segue status "$1" | awk -v key="$2" '$1 == key { print $2 }'; }

story() { printf '\n\033[1m%s\033[0m\n' "$*"; }
say() { printf '  %s\n' "$*"; }
die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}
ms() { awk -v ns="$1" 'BEGIN { printf "%.1f ms", ns / 1e6 }'; }
now() { date +%s%N; }

cleanup() {
    local guest
    for guest in web1 web2; do segue kill "$guest" >/dev/null 2>&1 || true; done
    [[ ! ${watcher:-} ]] || kill "$watcher" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

start() { # GUEST VCPUS
    local small=()
    [[ ! ${LAB_EMULATED:-} ]] || small=(--set 'memory[0].size=48M') # the guest walks through it slowly there
    segue run "$config" "${small[@]}" --set "guest.name=$1" --set "guest.vcpus=$2" \
        --set "guest.kernel=$build/share/segue/metronome.elf" \
        --set "guest.cmdline=vcpus=$2 print=500" \
        --set "memory[0].options.path=$work/$1.ram" \
        --set console.backend=file --set "console.path=$work/$1.console" | sed 's/^/  /'
}

# ---- the observer: a process of its own that sees nothing of the guest but its memory ------------

ram_of() { segue status "$1" | awk '$1 == "ram" { print $5 }'; }

watch() { # GUEST
    coproc OBSERVER { "$build/bin/segue-observer" --ram "$(ram_of "$1")" --every 50 \
        --until-eof-of-stdin --json; }
    # shellcheck disable=SC2153  # the coprocess's own variable
    watcher=$OBSERVER_PID
    look
}

look() { # what was seen since the last look -> $seen
    echo >&"${OBSERVER[1]}"
    read -r -t 20 seen <&"${OBSERVER[0]}" || die "the observer does not answer"
    backward=$((backward + $(sum backward)))
}

unwatch() {
    kill "$watcher"
    wait "$watcher" 2>/dev/null || true
    watcher=
}

blackout() { [[ $seen =~ \"blackout\":\{\"length_ns\":([0-9]+) ]] && echo "${BASH_REMATCH[1]}"; }
values() { grep -o "\"$1\":[0-9]*" <<<"$seen" | cut -d: -f2; }
sum() { values "$1" | awk '{ n += $1 } END { printf "%d", n }'; }
least() { values "$1" | sort -n | head -1; }

# Every page is verified once a sweep, so all of them have been after two more.
await_sweeps() {
    local from
    look
    from=$(least passes)
    for _ in {1..150}; do
        (($(least passes) < from + 2)) || return 0
        sleep 0.2
        look
    done
    die "the guest does not get through its memory"
}

verdict() {
    local pages registers boots
    pages=$(sum mem_bad_pages) registers=$(sum reg_errors) boots=$(sum boot_count)
    if ((pages + registers + backward == 0 && boots == 1)); then
        echo "all right"
    else
        echo "$pages pages, $registers registers WRONG, $backward back, boot $boots"
    fi
}

# ---- the story -----------------------------------------------------------------------------------

contrast() {
    local began before after from
    story "The usual way: stop the guest, start it on the newer version"
    start web2 1
    watch web2
    sleep 1
    look
    before=$(sum counter) from=$(sum boot_count)
    unwatch
    began=$(now)
    segue shutdown web2 --force
    while [[ -e $work/run/web2/lock ]]; do sleep 0.01; done
    start web2 1 >/dev/null
    watch web2 # waits until the guest counts
    gap=$(($(now) - began))
    after=$(sum counter)
    ((from == 1)) || die "the guest had booted $from times"
    say "web2 was gone for $(ms $gap). It had counted to $before; it began again, at $after:"
    say "all that it held in memory and every connection is lost."
    say "(A guest that boots in milliseconds; add what yours needs to boot.)"
    unwatch
    segue shutdown web2 --force
}

# The last N lines of the guest, without one that it is still writing.
console() {
    local file=$work/web1.console
    { if [[ $(tail -c 1 "$file") ]]; then head -n -1 "$file"; else cat "$file"; fi; } | tail -n "$1" |
        sed 's/^/      guest: /'
}

row() { # RESULT GAP
    await_sweeps
    rows+=("$(printf '%-13s %-18s %-18s %9s  %-11s  %s' "$mode" \
        "$before -> $(field web1 version)" "$pid -> $(field web1 pid)" "$(ms "$2")" "$1" \
        "$(verdict)")")
}

copied() { sed -n 's/.*, \([^,]*\) of RAM copied$/\1/p' "$work/update.txt"; }

update_to() { # MODE BINARY; gives the exit code of segue update
    mode=$1 before=$(field web1 version) pid=$(field web1 pid)
    look
    say "\$ segue update web1 --mode $1 --binary ${2#"$root"/}"
    local code=0
    segue update web1 --mode "$1" --binary "$2" >"$work/update.txt" 2>&1 || code=$?
    sed 's/^/    /' "$work/update.txt"
    look
    return "$code"
}

move() { # MODE BINARY
    update_to "$1" "$2" || die "the update failed"
    gaps+=("$(blackout)")
    moved=$((moved + 1))
    row "$(copied)" "${gaps[-1]}"
    console 2
}

move_to_broken() {
    ! update_to cpr-transfer "$broken" || die "the broken one won"
    row "rolled back" "$(blackout)"
    [[ $(field web1 pid) == "$pid" && $(field web1 state) == running ]] ||
        die "the guest should run on where it was"
}

noise() {
    look
    sleep 3
    look
    idle=$(blackout)
}

report() {
    local worst
    worst=$(printf '%s\n' "${gaps[@]}" | sort -n | tail -1)
    story "What happened"
    printf '  %-13s %-18s %-18s %9s  %-11s  %s\n' mode version pid blackout "RAM copied" \
        "memory and registers"
    printf '  %s\n' "${rows[@]}"
    printf '\n  The guest ran on through %d replacements; longest gap %s, of which the machine'"'"'s own noise\n' \
        "$moved" "$(ms "$worst")"
    look
    printf '  %s; %d pages wrong.\n' "$(ms "$((idle < worst ? idle : worst))")" "$(sum mem_bad_pages)"
    [[ $(verdict) == "all right" ]] || die "the guest lost something: $(verdict)"
}

main() {
    local program
    for program in "$build/bin/segue" "$next" "$broken"; do
        [[ -x $program ]] || die "$program is missing: run ./dev demo"
    done
    contrast
    story "Segue: the guest stays, the process under it goes"
    start web1 2
    watch web1
    noise
    say "left alone for three seconds, this machine holds the guest up for up to $(ms "$idle")"
    console 2
    story "cpr-transfer: a new process, complete before the guest pauses"
    move cpr-transfer "$next"
    story "A newer version that crashes in the middle of the update"
    move_to_broken
    console 2
    story "cpr-exec: the same process executes another program, here the older version"
    move cpr-exec "$build/bin/segue-vmm"
    story "cpr-reboot: for a moment there is no VMM, only memory and a file"
    move cpr-reboot "$next"
    report
    segue shutdown web1 --force
    story "Try next"
    say "build/release/bin/segue run configs/three-modes.toml --set guest.kernel=\$PWD/build/release/share/segue/metronome.elf"
    say "build/release/bin/segue update three --mode cpr-exec   # then segue history three"
    say "./dev bench blackout --quick                           # the pause, measured beside its floor"
}

main
