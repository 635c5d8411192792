# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# guest_image.sh - a Debian guest for the scripts that ask for $LAB_GUEST, kept between runs.

lab_make_guest() { "$root/packaging/guest-image.sh" "$1/image" || rm -rf "$1/image"; } # FOLDER

# -> $guest: a folder with vmlinuz, initrd and disk.raw; empty where no script asks, or none can be made.
lab_guest() { # SCRIPTS...
    guest=
    grep -qs 'LAB_GUEST' "$@" || return 0
    if ! command -v mmdebstrap >/dev/null && ((EUID != 0)) && ! command -v sudo >/dev/null; then
        say "lab: no Debian guest is made: there is no mmdebstrap, and nobody to install it"
        return 0
    fi
    need mmdebstrap e2fsprogs fakeroot
    lab_cached guest lab_make_guest "$(<"$root/packaging/guest-image.sh")"
    if [[ -e $cached/image/disk.raw ]]; then guest=$cached/image; else rm -rf "$cached"; fi
}

# To L1 its disk is /dev/disk/by-id/virtio-guest, which nothing written to outlives; on this host it is a copy.
lab_give_guest() { # SHARE
    [[ $guest ]] || return 0
    mkdir -p "$1/guest"
    cp "$guest/vmlinuz" "$guest/initrd" "$1/guest/"
    if [[ $host ]]; then cp --sparse=always "$guest/disk.raw" "$1/guest/"; else
        ln -s /dev/disk/by-id/virtio-guest "$1/guest/disk.raw"
    fi
}
