#!/usr/bin/env bash
# guest-image.sh FOLDER - a Debian guest for configs/linux.toml: FOLDER/vmlinuz, initrd and disk.raw, of this
# host's release (else bookworm), from the mirror that apt is configured for. Needs mmdebstrap and e2fsprogs; without root
# also fakeroot and user namespaces. It changes nothing but FOLDER.
#
# The guest: Debian's kernel for clouds, systemd, a login on ttyS0 as root without a password, a network card by DHCP,
# the guest agent. It is for trying things out, not for a public address.
set -euo pipefail

packages=linux-image-cloud-amd64,systemd-sysv,udev,dbus,login,iproute2,iputils-ping,qemu-guest-agent
disk_bytes=2G # sparse; the guest may fill it

fail() {
    echo "guest-image: $*" >&2
    exit 1
}

suite() {
    local name
    name=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    [[ $(sed -n 's/^ID=//p' /etc/os-release) == debian && $name ]] || name=bookworm
    echo "$name"
}

# What the hooks do runs outside the new root, "$1" is its folder.
bootstrap() { # TARBALL
    # shellcheck disable=SC2016 # "$1" is for mmdebstrap
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --customize-hook='chroot "$1" passwd --quiet --delete root' \
        --customize-hook='echo guest >"$1/etc/hostname"; echo "127.0.0.1 localhost guest" >"$1/etc/hosts"' \
        --customize-hook='echo "/dev/vda / ext4 defaults 0 1" >"$1/etc/fstab"' \
        --customize-hook='printf "[Match]\nType=ether\n[Network]\nDHCP=yes\n" >"$1/etc/systemd/network/wired.network"' \
        --customize-hook='chroot "$1" systemctl --quiet enable systemd-networkd' \
        "$(suite)" "$1"
}

# The disk holds root's files, whoever makes it.
fill() { # TARBALL
    mkdir tree
    tar -C tree -xf "$1" --exclude='./dev/*'
    cp tree/boot/vmlinuz-* vmlinuz
    cp tree/boot/initrd.img-* initrd
    mke2fs -q -t ext4 -E root_owner=0:0 -d tree disk.raw "$disk_bytes" </dev/null
    rm -rf tree "$1"
}

main() {
    [[ $# == 1 && $1 != -* ]] || fail "usage: guest-image.sh FOLDER"
    mkdir -p "$1" || fail "the folder $1 cannot be made"
    [[ ! -e $1/disk.raw ]] || fail "$1/disk.raw is there; remove it, or name another folder"
    new=$(mktemp -d -p "$(realpath "$1")" .new.XXXXXX) # removed from another folder
    trap 'rm -rf "$new"' EXIT
    cd "$new"
    bootstrap root.tar || fail "mmdebstrap has failed, see above; it needs a Debian mirror, and root or user namespaces"
    if ((EUID == 0)); then fill root.tar; else
        export -f fill
        disk_bytes=$disk_bytes fakeroot bash -euc 'fill root.tar'
    fi
    mv vmlinuz initrd disk.raw ..
}

main "$@"
