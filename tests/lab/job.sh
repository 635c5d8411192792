# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# job.sh - scripts in one boot of L1 (or on this host), and what came of them.

lab_presets=(build/release) # `./dev lab tests`: build/emulated

# What a run needs of this checkout, in an image: programs, plugins, guests, configurations, tests.
lab_product() { # JOB
    local stage=$1/stage
    mkdir -p "$stage"
    tar -C "$root" -c --exclude='*.o' --exclude='*.a' --exclude='*.gch' --exclude='.ninja_*' configs tests \
        "${lab_presets[@]}" | tar -C "$stage" -x --no-same-owner
    chmod -R go-w "$stage" # the programs refuse what others may write
    lab_image "$stage" "$1/segue.ext4" 64
    rm -rf "$stage"
}

# Where the script is for the one who runs it: tests of the checkout in their place, others in the share.
lab_place() { # SHARE SCRIPT SEEN_AS
    local script
    script=$(realpath "$2")
    if [[ $script == "$root"/tests/* ]]; then echo "$script"; else
        cp "$script" "$1/"
        echo "$3/$(basename "$script")"
    fi
}

# What L1 sees as /lab -> $job; the place of what it writes.
lab_new_job() { # NAME
    job=$lab/boots/$1
    rm -rf "$job"
    mkdir -p "$job/share"
    echo "$root" >"$job/share/checkout"
}

lab_job() { # NAME COUNT SCRIPTS... FILES...
    local count=$2 seen=/lab script why=
    [[ $host ]] || lab_prepare
    lab_new_job "$1"
    shift 2
    lab_guest "${@:1:count}"
    lab_give_guest "$job/share"
    [[ ! $host ]] || seen=$job/share
    for script in "${@:1:count}"; do
        echo "$deadline $(lab_place "$job/share" "$script" "$seen")"
    done >"$job/share/scripts"
    ((count == $#)) || cp "${@:count+1}" "$job/share/"
    if [[ $host ]]; then
        PATH=$root/build/release/bin:$PATH bash "$here/batch.sh" "$job/share"
    else
        lab_boot "$((deadline * count + ${SEGUE_LAB_BOOT_SECONDS:-300}))"
    fi
    lab_report
}

# Boots L1 for $job; its output goes here and to console.log. Sets $why for scripts that are not done.
lab_boot() { # SECONDS
    local code=0
    cp "$kernel" "$job/share/kernel" # for guests of L1
    lab_product "$job"
    lab_qemu "$job"
    qemu+=(-chardev "stdio,id=console,signal=on")
    TMPDIR=$job timeout --foreground -k 5 "$1" "${qemu[@]}" </dev/null 2>"$job/qemu.log" |
        tee "$job/console.log" || code=$?
    why=$(lab_why "$job" "$code" "$1")
    rm -rf "$job"/*.img "$job"/*.ext4 "$job/share/kernel" "$job/share/guest"
}

lab_shell() {
    [[ ! $host ]] || fail "lab shell: --host is the shell that you are in"
    lab_prepare
    guest=
    lab_new_job shell
    stty size >"$job/share/shell" 2>/dev/null || true # its existence is what L1 looks at first
    lab_product "$job"
    lab_qemu "$job"
    qemu+=(-chardev "stdio,id=console,signal=off")
    say "/lab is ${job#"$root"/}/share here; L1 ends with its shell"
    TMPDIR=$job "${qemu[@]}" 2>"$job/qemu.log"
    rm -f "$job"/*.img "$job"/*.ext4
}

# A script's log and files go to runs/SCRIPT; says what came of each, and ends with the first one's failure.
lab_report() {
    local script name result code folder failed=()
    printf '\n%-24s %8s  %s\n' script seconds result
    while read -r _ script; do
        name=$(basename "$script" .sh) result=passed
        folder=$lab/runs/$name
        rm -rf "$folder"
        mkdir -p "$folder"
        [[ ! -d $job/share/$name ]] || cp -r "$job/share/$name/." "$folder/"
        code=$(cat "$folder/exit" 2>/dev/null || true)
        [[ $code ]] || result="not done: ${why:-it was ended}"
        [[ ${code:-0} == 0 ]] || result="failed, exit code $code"
        [[ $result == passed ]] || failed+=("$name")
        printf '%-24s %8s  %s\n' "$name" "$(cat "$folder/seconds" 2>/dev/null || echo -)" "$result"
        [[ ! -e $folder/not-covered ]] || sed 's/^/    not covered: /' "$folder/not-covered"
    done <"$job/share/scripts"
    ((${#failed[@]})) || return 0
    [[ $host ]] || say "L1's serial log: $job/serial.log"
    printf 'dev: lab: failed: %s; logs and files: %s\n' "${failed[*]}" "$lab/runs/${failed[0]}" >&2
    exit "$(cat "$lab/runs/${failed[0]}/exit" 2>/dev/null || echo 1)"
}
