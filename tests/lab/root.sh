# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# root.sh - L1's root file system: Debian with systemd, as an ext4 image that no run changes. The
# packages are unpacked, not configured: what their scripts would have done that a lab needs is in
# lab_finish_root.

lab_root_packages=(
    '?essential' systemd systemd-sysv udev dbus kmod procps iproute2 iputils-ping e2fsprogs dmsetup
    python3-minimal mawk netcat-openbsd socat curl jq cpio busybox-static qemu-guest-agent
    # for `./dev lab tests`
    cmake libasan8 libubsan1 openssl
    # what Segue's programs are linked with
    libpocofoundation80 libpocojson80 libpoconet80 libcbor0.8 libspdlog1.10 libssl3 liburing2 libstdc++6 libgcc-s1
)

lab_finish_root() { # FOLDER
    local folder=$1 libraries=$1/usr/lib/x86_64-linux-gnu
    cp "$folder"/usr/share/base-passwd/passwd.master "$folder/etc/passwd"
    cp "$folder"/usr/share/base-passwd/group.master "$folder/etc/group"
    printf 'g %s -\n' kvm input render sgx >"$folder/usr/lib/sysusers.d/lab.conf"
    lab_as_owner "$folder/lib64/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/systemd" \
        "$folder/usr/bin/systemd-sysusers" --root="$folder" 2>/dev/null
    echo lab >"$folder/etc/hostname"
    echo '127.0.0.1 localhost lab' >"$folder/etc/hosts"
    echo 11111111111111111111111111111111 >"$folder/etc/machine-id" # else each boot is the first one
    touch "$folder/etc/.updated" "$folder/var/.updated"
    rm -rf "$folder"/var/{run,lock}
    ln -s /run /run/lock "$folder/var/"
    ln -s mawk "$folder/usr/bin/awk"
    ln -s nc.openbsd "$folder/usr/bin/nc"
    cp "$here/inside/lab.service" "$folder/etc/systemd/system/"
    install -m 755 "$here/inside/enter" "$folder/usr/sbin/lab-enter"
    mkdir -p "$folder/lab" "$folder/usr/lib/modules"
    rm -rf "$folder"/usr/share/{doc,man,locale,info}
}

lab_make_root() { # FOLDER
    lab_unpack "$1/root" "${lab_root_packages[@]}"
    lab_finish_root "$1/root"
    lab_image "$1/root" "$1/root.ext4" 1024
    rm -rf "$1/root"
}

lab_root() {
    lab_cached root lab_make_root "${lab_root_packages[@]}" "$(cat "$here/root.sh" "$here"/inside/{enter,lab.service})"
    root_image=$cached/root.ext4
}
