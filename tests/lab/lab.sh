# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# lab.sh - `./dev lab`: an emulated host ("L1") in which the kernel's real interfaces are tested. L1 is
# qemu without KVM, so that any x86-64 Linux machine can run it, as any user; a Debian root, this
# checkout's release build and scripts run in it. Sourced by dev.

here=$root/tests/lab
lab=$root/build/lab # what is fetched and built, kept between runs

# shellcheck source=tests/lab/packages.sh
source "$here/packages.sh"
# shellcheck source=tests/lab/tools.sh
source "$here/tools.sh"
# shellcheck source=tests/lab/root.sh
source "$here/root.sh"
# shellcheck source=tests/lab/kernel.sh
source "$here/kernel.sh"
# shellcheck source=tests/lab/kernel_build.sh
source "$here/kernel_build.sh"
# shellcheck source=tests/lab/guest_image.sh
source "$here/guest_image.sh"
# shellcheck source=tests/lab/machine.sh
source "$here/machine.sh"
# shellcheck source=tests/lab/job.sh
source "$here/job.sh"

lab_usage() {
    cat <<'USAGE'
usage: ./dev lab [--host] [--deadline SECONDS] [CASES... | run SCRIPT [FILES...] | tests | shell | kernel]

  CASES       of tests/lab/cases, in one boot; all without a name
  run         one script; the files are in its $LAB_FILES, what it writes into $LAB_OUT comes back to
              build/lab/runs/SCRIPT, with its log
  tests       the tests that need /dev/kvm or root, there
  shell       a shell in the emulated host
  kernel      build the kernel that has what Debian's lacks; the lab takes it from then on
  --host      no emulated host: the scripts run on this one, as root
  --deadline  of one script; 900
USAGE
}

# Everything that L1 boots from; only the first run, or a changed package list, takes long.
lab_prepare() {
    [[ $(uname -m) == x86_64 ]] || fail "lab: the emulated host is an x86-64 one, this machine is $(uname -m)"
    mkdir -p "$lab"
    exec 9>"$lab/lock" && flock 9 # two runs may begin at once
    lab_tools
    lab_emulator
    lab_root
    lab_kernel
    exec 9>&-
}

lab_readable() { # FILES...
    local file
    for file in "$@"; do
        [[ -r $file ]] || fail "lab: there is no file $file"
    done
}

lab() {
    local name scripts=() host='' deadline=900
    while [[ ${1:-} == --* ]]; do
        case $1 in
        --host) host=yes ;;
        --deadline) deadline=${2:-} && shift ;;
        *) lab_usage >&2 && fail "lab $1: no such option" ;;
        esac
        shift
    done
    [[ $deadline =~ ^[1-9][0-9]*$ ]] || fail "lab --deadline '$deadline': seconds are wanted"
    case ${1:-} in
    kernel) lab_build_kernel ;;
    shell) lab_shell ;;
    run)
        (($# > 1)) || fail "lab run: which script?"
        lab_readable "${@:2}"
        lab_job "$(basename "$2" .sh)" 1 "${@:2}"
        ;;
    tests)
        lab_presets=(build/emulated) deadline=7200
        lab_job tests 1 "$here/host_tests.sh"
        ;;
    *)
        (($#)) || set -- "$here"/cases/*.sh
        for name in "$@"; do scripts+=("$here/cases/$(basename "$name" .sh).sh"); done
        lab_readable "${scripts[@]}"
        lab_job cases "${#scripts[@]}" "${scripts[@]}"
        ;;
    esac
}
