#!/usr/bin/env bash
# linux-vsock.sh - streams between a Linux guest and its host, made by either side, stay open while the guest is
# updated by each mode: every byte comes back once and in its place, and new streams open in between. After a
# rest they are gone for both sides, and open anew.
set -euo pipefail

# shellcheck source=tests/lab/guest/linux.sh
source "$LAB/guest/linux.sh"

updates=2 # by each mode
talkers=()

end_talkers() {
    cp "$work"/*.said "$LAB_OUT/" 2>/dev/null || true
    ((${#talkers[@]} == 0)) || kill "${talkers[@]}" 2>/dev/null || true
}
lab_at_end end_talkers

# What a client of the host's says is in $work/NAME.said; its process is the last of `talkers`.
talker() { # NAME ARGUMENTS OF sockets...
    "$programs/sockets" "${@:2}" >"$work/$1.said" 2>&1 &
    talkers+=($!)
}

progress() { grep -c MiB "$work/$1.said" || true; } # NAME

await_progress() { # NAME: bytes go round after what has been by now
    local before n
    before=$(progress "$1")
    for ((n = 0; n < 600; n++)); do
        (($(progress "$1") < before + 2)) || return 0
        sleep 0.1
    done
    fail "stream '$1' stands still: $(tail -n 3 "$work/$1.said")"
}

ends_with() { # CODE NAME PID
    local code=0
    wait "$3" || code=$?
    ((code == $1)) || fail "stream '$2' ends with $code, not $1: $(tail -n 3 "$work/$2.said")"
    echo "$2: $(tail -n 1 "$work/$2.said")"
}

# A stream of a hundred thousand bytes that is made and closed.
short_stream() {
    timeout 60 "$programs/sockets" talk "$work/vsock" 1000 100000 >"$work/short.said" 2>&1 ||
        fail "a new stream: $(<"$work/short.said")"
}

linux_kernel
linux_config <<END
[[device]]
id = "vsock0"
model = "virtio-vsock"
options = { cid = 42, path = "$work/vsock" }
END
linux_initrd "$programs/sockets" <<'JOB'
sockets serve 1000 &
on_call() { sockets call 2000 & }
on_stranger() { sockets call 3000; }
JOB

boot 2
await 60 'sockets: listening'
type_in stranger
await 60 'sockets: connect: Connection reset by peer'
talker called talk "$work/vsock" 1000
talker calling await "$work/vsock_2000"
sleep 0.5
type_in call
for mode in cpr-transfer cpr-exec cpr-reboot; do
    for ((n = 0; n < updates; n++)); do
        await_progress called
        await_progress calling
        update "$mode"
        short_stream
    done
done
await_progress called
await_progress calling
kill "${talkers[@]}"
ends_with 0 called "${talkers[0]}"
ends_with 0 calling "${talkers[1]}"
! grep -a 'sockets: a stream broke' "$console" || fail "a stream broke in the guest"
check_ticks
check_warnings

talkers=()
talker resting talk "$work/vsock" 1000
await_progress resting
segue save linux >"$work/said" 2>&1 || fail "save: $(<"$work/said")"
ends_with 3 resting "${talkers[0]}"
talkers=()
segue start linux >"$work/said" 2>&1 || fail "start: $(<"$work/said")"
linux_listen
await 60 'sockets: a stream broke'
short_stream
check_warnings
type_in off
gone "after it was powered off"
[[ ! -e $work/vsock ]] || fail "the socket is still there"
