# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# tools.sh - the programs that make and run L1, out of unpacked packages with their own libraries.

lab_tool_packages=(busybox-static e2fsprogs fakeroot kmod)

# Before 10.2 two threads of qemu change what a CPU has pending without a lock, so that L1 and its guests lose
# interrupts: a timer never comes.
lab_qemu_packages=(qemu-system-x86 seabios)
lab_qemu_suites=(trixie trixie-backports)

lab_make_tools() { lab_unpack "$1" "${lab_tool_packages[@]}"; }

lab_tools() {
    lab_cached tools lab_make_tools "${lab_tool_packages[@]}"
    tools=$cached
    tool=("$tools/lib64/ld-linux-x86-64.so.2" --library-path "$tools/usr/lib/x86_64-linux-gnu")
}

lab_make_emulator() { # FOLDER
    local lab_apt_options=()
    lab_suites "${lab_qemu_suites[@]}" ||
        say "lab: this host's apt has no source of Debian's: before its version 10.2, qemu loses interrupts"
    lab_unpack "$1" "${lab_qemu_packages[@]}"
}

lab_emulator() {
    lab_cached emulator lab_make_emulator "${lab_qemu_packages[@]}" "${lab_qemu_suites[@]}"
    emulator=$cached
    export QEMU_MODULE_DIR=$emulator/usr/lib/x86_64-linux-gnu/qemu
}

lab_kmod() { # depmod|modprobe ARGUMENTS...
    local name=$1
    shift
    "${tool[@]}" --argv0 "$name" "$tools/usr/bin/kmod" "$@"
}

# The command sees every file as root's: an image must hold root's files, whoever makes it.
lab_as_owner() { # COMMAND...
    if ((EUID == 0)); then "$@"; else
        bash "$tools/usr/bin/fakeroot-sysv" --lib "$tools/usr/lib/x86_64-linux-gnu/libfakeroot/libfakeroot-sysv.so" \
            --faked "$tools/usr/bin/faked-sysv" -- "$@"
    fi
}

# An ext4 image of FOLDER with MIB to spare, without mounting anything.
lab_image() { # FOLDER IMAGE MIB
    local size
    size=$(du -sm --apparent-size "$1" | cut -f1)
    rm -f "$2"
    lab_as_owner "${tool[@]}" "$tools/usr/sbin/mke2fs" -q -t ext4 -O ^has_journal -E root_owner=0:0,nodiscard \
        -d "$1" "$2" "$((size * 5 / 4 + $3))m" </dev/null >/dev/null || fail "lab: the image $2 cannot be made"
}
