# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# kernel.sh - which kernel L1 boots: SEGUE_LAB_KERNEL, else the one that `./dev lab kernel` has built, else
# Debian's own, which has less and boots slower.

# -> $kernel, $initrd, $modules (the last two empty for a kernel without modules)
lab_kernel() {
    local built
    initrd='' modules=''
    if [[ ${SEGUE_LAB_KERNEL:-} ]]; then
        [[ -r $SEGUE_LAB_KERNEL ]] || fail "lab: SEGUE_LAB_KERNEL: there is no file $SEGUE_LAB_KERNEL"
        kernel=$SEGUE_LAB_KERNEL
        return
    fi
    for built in "$lab"/built-kernel-*/bzImage; do
        [[ ! -r $built ]] || { kernel=$built && return; }
    done
    lab_cached debian-kernel lab_make_debian_kernel "$(<"$here/kernel.sh")"
    kernel=$cached/vmlinuz initrd=$cached/initrd modules=$cached/modules.ext4
}

lab_make_debian_kernel() { # FOLDER
    local package tree=$1/tree version
    lab_apt_update
    package=$(lab_apt apt-cache depends linux-image-amd64 | grep -m1 -o 'linux-image-[0-9].*') ||
        fail "lab: apt knows no linux-image-amd64"
    (cd "$1" && lab_apt apt-get download "$package") || fail "lab: apt cannot fetch $package"
    mkdir "$tree"
    lab_extract "$tree" "$1"/*.deb
    mv "$tree"/boot/vmlinuz-* "$1/vmlinuz"
    version=$(ls "$tree/lib/modules")
    lab_kmod depmod -b "$tree" "$version"
    lab_make_initrd "$1" "$tree" "$version"
    lab_image "$tree/lib/modules" "$1/modules.ext4" 16
    rm -rf "$tree" "$1"/*.deb
}

# Just enough to find the root: a busybox and the drivers of the disk.
lab_make_initrd() { # FOLDER TREE VERSION
    local init=$1/init module
    mkdir -p "$init"/{bin,proc,sys,dev,root} "$init/lib/modules/$3"
    cp "$tools/usr/bin/busybox" "$init/bin/"
    install -m 755 "$here/inside/init" "$init/init"
    cp "$2/lib/modules/$3"/modules.* "$init/lib/modules/$3/"
    for module in virtio_pci virtio_blk ext4 crc32c_generic; do
        lab_kmod modprobe -d "$2" -S "$3" -D "$module"
    done | sed -n "s:^insmod $2/::p" | sort -u | (cd "$2" && xargs cp --parents -t "$init")
    (cd "$init" && find . | "$tools/usr/bin/busybox" cpio -o -H newc 2>/dev/null) >"$1/initrd"
    rm -rf "$init"
}
