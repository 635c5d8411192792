#!/usr/bin/env bash
# config_test.sh BUILD CONFIG - a configuration of configs/ starts the metronome, and an update by
# each mode that it allows carries the guest to the next generation: another process, or this one
# with cpr-exec.
set -euo pipefail

# A tap, as docs/how-to/network.md makes it, in a network of this test's own.
if grep -q 'tap = "tap0"' "$2"; then
    [[ ${SEGUE_OWN_NET-} ]] || SEGUE_OWN_NET=1 exec unshare --net bash "$0" "$@"
    ip tuntap add dev tap0 mode tap vnet_hdr
    ip link set tap0 up
fi

build=$1 config=$2
name=$(sed -n '/^\[guest\]/,/^\[/s/^name = "\(.*\)".*/\1/p' "$config")
work=$(mktemp -d -p /dev/shm segue-config.XXXXXX)
kernel=$build/share/segue/metronome.elf

host=$work
segue() { "$build/bin/segue" --run-dir "$host/run" --state-dir "$host/state" "$@"; }

cleanup() {
    segue kill "$name" >/dev/null 2>&1 || true
    rm -rf "$work"
    for ((i = 0; i < 100; i++)); do # as tests/support/huge_pages.hpp
        [[ ${before:-} ]] || break
        echo "$before" >"$pool/nr_hugepages"
        (($(<"$pool/nr_hugepages") > before)) || break
        sleep 0.1
    done
}
trap cleanup EXIT

fail() {
    echo "config_test: $*" >&2
    cat "$host/run/$name/vmm.log" >&2 || true
    exit 1
}

field() { segue status "$name" | awk -v key="$1" '$1 == key { print $2 }'; }

certificates() ( # FOLDER
    cd "$1"
    umask 077
    made() { openssl "$@" 2>openssl.log || fail "openssl $1: $(<openssl.log)"; }
    made req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 \
        -subj '/CN=Fleet CA' -keyout ca.key -out ca.pem
    made req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 365 \
        -subj '/CN=vmm' -addext subjectAltName=DNS:vmm.example -addext basicConstraints=CA:FALSE \
        -CA ca.pem -CAkey ca.key -keyout vmm.key -out vmm.pem
    made rand -hex -out psk 32
    rm openssl.log
)

# What one host has once, each run of this test has for itself.
settings=(--set "guest.kernel=$kernel" --set 'memory[0].size=32M')
channel=update.channels.main.options
! grep -q '^initrd' "$config" || settings+=(--set "guest.initrd=$kernel") # any file: the metronome has no use for it
! grep -q '^options = { path = "/dev/shm' "$config" || settings+=(--set "memory[0].options.path=$work/ram0")
if grep -q '"virtio-blk"' "$config"; then # the first device is the disk
    truncate -s 1M "$work/disk.raw"
    settings+=(--set "device[0].options.path=$work/disk.raw")
fi
! grep -q 'socket = ' "$config" || settings+=(--set "device[2].options.socket=$work/agent.sock")
case $(basename "$config") in
dax-*) # of tests/lab/cases/dax.sh, in an emulated host, whose times mean nothing
    settings+=(--set "memory[0].options.path=$LAB_DAX" --set update.deadline.prepare=60s
        --set update.deadline.pause=10s --set update.deadline.handover=30s)
    ;;
tcp-*) settings+=(--set "$channel.address=127.0.0.1:$((20000 + $$ % 10000))") ;;
tls-*)
    # As docs/how-to/encrypt-a-copy.md makes them.
    certificates "$work"
    for file in ca=ca.pem cert=vmm.pem key=vmm.key; do
        settings+=(--set "$channel.${file%=*}=$work/${file#*=}")
    done
    settings+=(--set "$channel.address=127.0.0.1:$((20000 + $$ % 10000))"
        --set "update.channels.data.options.address=127.0.0.1:$((30000 + $$ % 10000))"
        --set "update.channels.data.options.psk=$work/psk"
        --set update.blackout_budget=3s) # the guest writes all its RAM while a busy machine encrypts it
    ;;
postcopy.toml) # the guest goes so when it is told to: its copy would take hours
    settings+=(--set update.mode=cpr-transfer --set 'update.allow=["cpr-transfer","postcopy"]'
        --set update.options.postcopy.bandwidth=1K --set update.options.postcopy.switch_after=0s)
    ;;
private-*) settings+=(--set "$channel.out=gzip -1 > $work/state.gz" --set "$channel.in=gzip -dc $work/state.gz") ;;
hugetlbfs-*)
    pool=/sys/kernel/mm/hugepages/hugepages-2048kB
    exec 9<"$pool"
    flock 9 # as tests/support/huge_pages.hpp
    before=$(<"$pool/nr_hugepages")
    echo $((before + 20)) >"$pool/nr_hugepages"
    ;;
esac

modes=$(sed -n 's/^\(mode\|allow\) = //p' "$config" | grep -o '[a-z-]*' | sort -u)
[[ $modes ]] || fail "the configuration allows no mode"

# What the doctor says beforehand is what comes true below; and it sees what cannot be.
said=$(segue doctor "$config" "${settings[@]}") || fail "the doctor says no: $said"
for mode in $modes; do
    grep -q "^  yes *$mode " <<<"$said" || fail "the doctor does not say yes to $mode: $said"
done
if [[ $modes == cpr-transfer ]]; then
    said=$(segue doctor "$config" "${settings[@]}" --set 'memory[0].backend=private' --set 'memory[0].options={}') &&
        fail "the doctor lets private RAM stay in place: $said"
    grep -q "^  no *cpr-transfer *RAM block 'ram0'" <<<"$said" || fail "the doctor does not name the block: $said"
    # A mode that cannot use its channel.
    said=$(segue check "$config" "${settings[@]}" --set 'update.channels.main={ transport = "file" }' 2>&1) &&
        fail "check takes a channel that the mode cannot use: $said"
    [[ $said == *"must be one with 'streaming'"* ]] || fail "check does not say why: $said"
fi

segue run "$config" "${settings[@]}" || fail "the guest does not start"
[[ $(field state) == running ]] || fail "the guest does not run"

update_by_postcopy() {
    local said
    said=$(segue postcopy "$name" 2>&1) && fail "a guest that is not on its way goes"
    [[ $said == *"no update is running"* ]] || fail "the reason is not told: $said"
    said=$(segue recover "$name" --channel tcp:127.0.0.1:1 2>&1) && fail "what is not lost is recovered"
    [[ $said == *"no connection of this update is lost"* ]] || fail "the reason is not told: $said"
    segue recover "$name" >/dev/null 2>&1 && fail "it is recovered at no address"
    segue update "$name" --postcopy &
    for ((i = 0; ; i++)); do # the update has to begin first
        said=$(segue postcopy "$name" 2>&1) && break
        ((i < 200)) || fail "the guest does not go: $said"
        sleep 0.05
    done
    wait $! || fail "the update by postcopy failed"
}
update() { # MODE GENERATION
    local old
    old=$(field pid)
    if [[ $config == */postcopy.toml ]]; then
        update_by_postcopy
    else
        segue update "$name" --mode "$1" || fail "the update by $1 failed"
    fi
    [[ $(field state) == running ]] || fail "the guest does not run after the update by $1"
    [[ $(field generation) == "$2" ]] || fail "the generation is $(field generation), not $2"
    if [[ $1 == cpr-exec ]]; then
        [[ $(field pid) == "$old" ]] || fail "the process is $(field pid), not $old any more"
    else
        [[ $(field pid) != "$old" ]] || fail "the process is still $old"
    fi
}
generation=1
for mode in $modes; do update "$mode" $((++generation)); done
if [[ $modes == *cpr-reboot* ]]; then
    segue save "$name" || fail "the guest cannot be saved"
    [[ $(segue list | awk -v guest="$name" '$1 == guest { print $2 }') == saved ]] || fail "it is not saved"
    rests=("$work/run/$name/"*.channel)
    if [[ -e ${rests[0]} ]]; then
        said=$(segue inspect "${rests[0]}") || fail "the state at rest cannot be read: $said"
        [[ $said == *"== manifest"*"== state"*"[vcpu 0]"* ]] || fail "the state at rest has no vCPU: $said"
        [[ -z $(segue inspect "${rests[0]}" --diff "${rests[0]}") ]] || fail "the state at rest differs from itself"
        [[ $(segue inspect "${rests[0]}" --for "$build/bin/segue-vmm") == yes:* ]] || fail "this VMM could not restore it"
        said=$(segue inspect "${rests[0]}" --for /bin/true 2>&1) && fail "true can restore it: $said"
        [[ $said == *"/bin/true gave no answer: it exited with 0"* ]] || fail "no reason is told: $said"
        sed 's/^vcpus = .*/vcpus = 3/' "$config" >"$work/other.toml"
        said=$(segue inspect "${rests[0]}" --for "$build/bin/segue-vmm" --config "$work/other.toml" 2>&1) &&
            fail "another guest could be restored from it: $said"
        [[ $said == *guest.vcpus* ]] || fail "the reason is not told: $said"
        rm "$work/other.toml"
    else
        [[ -s $work/state.gz ]] || fail "the state rests nowhere"
    fi
    segue start "$name" || fail "the guest cannot be started again"
    [[ $(field state) == running && $(field generation) == $((generation + 1)) ]] || fail "the guest does not run after the start"
    if segue start "$name" >/dev/null 2>&1; then fail "it was started twice"; fi
fi
left_by() { # HOST: its VMM has ended
    for _ in {1..200}; do
        [[ -e $1/run/$name/lock ]] || return 0
        sleep 0.05
    done
    fail "the VMM in $1 is still there"
}
if [[ $config == *-hosts.toml ]]; then # to another one, which is other folders here
    address=tcp:127.0.0.1:$((30000 + $$ % 10000))
    host=$work/there
    segue run "$config" "${settings[@]}" --incoming "$address" || fail "no VMM waits for the guest"
    [[ $(field state) == inmigrate ]] || fail "it does not wait"
    host=$work
    segue update "$name" --channel "$address" || fail "the guest does not go to another host"
    left_by "$work"
    host=$work/there
    for _ in {1..200}; do # the old host may know before the new one's socket does
        [[ $(field state) == running ]] && break
        sleep 0.05
    done
    [[ $(field state) == running && $(field generation) == $((generation + 1)) ]] || fail "it does not run there"
    if segue resolve "$name" --here; then fail "something is in doubt"; fi
fi
segue shutdown "$name" --force || fail "the guest cannot be shut down"
left_by "$host"
left=$(find "$work" -type f ! -name vmm.log ! -name journal.jsonl ! -name state.gz ! -name disk.raw ! -name '*.pem' ! -name '*.key' ! -name psk; find "$work" -type s)
[[ -z $left ]] || fail "left behind: $left"
