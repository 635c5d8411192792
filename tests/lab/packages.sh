# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# packages.sh - Debian packages unpacked into a folder, never installed. Mirrors, keys and proxies are
# those of this host's apt; the state is the lab's own, so it needs no root and changes nothing here.

# The maker's folder for these inputs, made where it is not there -> $cached
lab_cached() { # NAME MAKER INPUTS...
    local name=$1 maker=$2 start=$SECONDS
    shift 2
    cached=$lab/$name-$(printf '%s\n' "$@" | sha256sum | cut -c1-12)
    [[ ! -e $cached ]] || return 0
    say "lab: making $name (kept in ${lab#"$root"/})"
    rm -rf "$lab/$name"-* # made from other inputs, or half made
    mkdir -p "$cached.new"
    "$maker" "$cached.new"
    mv "$cached.new" "$cached"
    say "lab: made $name in $((SECONDS - start)) s"
}

lab_apt_options=() # more of them: see lab_suites

# To this state nothing is installed: what apt finds needed is complete.
lab_apt() { # PROGRAM ARGUMENTS...
    local program=$1 apt=$lab/apt
    shift
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    touch "$apt/status"
    "$program" -qq -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
        -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false -o Dpkg::Use-Pty=0 "${lab_apt_options[@]}" "$@"
}

lab_apt_update() {
    [[ ${lab_apt_updated:-} ]] || lab_apt apt-get update || fail "lab: apt-get update failed; is the mirror reachable?"
    lab_apt_updated=yes
}

# From now on lab_apt's packages are those of these suites, from the mirror that this host's apt uses; false
# where that is no mirror of Debian's.
lab_suites() { # SUITES...
    local suite mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg state=$lab/apt/$1
    lab_apt_update
    # shellcheck disable=SC2016 # the words are apt's
    mirror=$(lab_apt apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' | grep -m1 '^Debian|Debian|') || return 1
    [[ -r $keys ]] && keys="[signed-by=$keys]" || keys=
    mkdir -p "$state/lists/partial"
    for suite; do echo "deb $keys ${mirror##*|} $suite main"; done >"$state/sources.list"
    lab_apt_options=(-o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists="$state/lists" -o APT::Default-Release="${!#}")
    lab_apt apt-get update || fail "lab: apt-get update of $* failed; is the mirror reachable?"
}

lab_extract() { # FOLDER DEBS...: as dpkg does it, with links such as /lib -> usr/lib kept
    local folder=$1 deb
    shift
    for deb in "$@"; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$folder" ||
            fail "lab: $deb cannot be unpacked into $folder; is the disk full?"
    done
}

# The packages and all that they depend on, in a merged-/usr tree.
lab_unpack() { # FOLDER PACKAGES...
    local folder=$1 link
    shift
    lab_apt_update
    lab_apt apt-get clean
    lab_apt apt-get install -y --download-only "$@" >/dev/null || fail "lab: apt cannot fetch $*"
    for link in bin sbin lib lib64; do
        mkdir -p "$folder/usr/$link"
        ln -sfn "usr/$link" "$folder/$link"
    done
    lab_extract "$folder" "$lab"/apt/cache/archives/*.deb
    lab_apt apt-get clean
}
