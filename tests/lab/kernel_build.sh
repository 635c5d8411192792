# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# kernel_build.sh - `./dev lab kernel`: Debian's newest kernel source with kernel.config, one kernel without
# modules for L1 and its guests. 6 to 60 minutes, 3 GB on the way.

lab_build_packages=(make gcc flex bison bc lz4 xz-utils libelf-dev)

# -> $source, the package of the newest version, and $version
lab_newest_source() {
    source=$(lab_apt apt-cache pkgnames linux-source- | grep -x 'linux-source-[0-9.]*' | sort -V | tail -n 1)
    [[ $source ]] || fail "lab kernel: apt knows no linux-source package"
    version=$(lab_apt apt-cache show --no-all-versions "$source" | awk '$1 == "Version:" { print $2 }')
}

lab_make_built_kernel() { # FOLDER
    local folder=$1 tree=$1/tree
    (cd "$folder" && lab_apt apt-get download "$source") || fail "lab kernel: apt cannot fetch $source"
    mkdir "$tree"
    lab_extract "$folder" "$folder"/*.deb
    tar -xf "$folder/usr/src/$source".tar.* --strip-components 1 --no-same-owner -C "$tree"
    rm -rf "${folder:?}/usr" "$folder"/*.deb
    (
        cd "$tree"
        make -s tinyconfig
        scripts/kconfig/merge_config.sh -m .config "$here/kernel.config" >"$folder/merge.log"
        make -s olddefconfig
        nice make -s -j "$(nproc)" bzImage
    ) || fail "lab kernel: the build in $tree failed"
    mv "$tree/arch/x86/boot/bzImage" "$folder/"
    mv "$tree/.config" "$folder/config"
    rm -rf "$tree"
}

lab_build_kernel() {
    need "${lab_build_packages[@]}"
    mkdir -p "$lab"
    lab_suites "${SEGUE_LAB_SUITE:-sid}" || fail "lab kernel: no source of this host's apt is Debian"
    lab_newest_source
    lab_cached built-kernel lab_make_built_kernel "$source $version" "$(<"$here/kernel.config")"
    say "lab kernel: $source $version is ${cached#"$root"/}/bzImage; the lab takes it from now on"
}
