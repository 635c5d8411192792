# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the parts of the lab share variables: see lab.sh
# machine.sh - L1: the virtual machine without KVM, with SVM, an IOMMU, a PCI device that does DMA and MSI
# ("edu"), memory that can become devdax, disks and a network.

# Without AVX: after VMRUN qemu 7.2 does not look at CR4.OSXSAVE, so that AVX raises #UD in L1's guests; newer ones
# were not tried.
lab_cpu=EPYC,-avx,-avx2,-f16c,-fma

# One: of two that really run at once, the guests die of triple faults or stand still, whichever VMM they have:
# docs/decisions/2026-11-21-one-cpu-in-the-lab.md.
lab_cpus=1

# The command line -> $qemu. JOB is what L1 sees as /lab; what the run changes on disks goes with it.
lab_qemu() { # JOB
    local job=$1 share=$emulator/usr/share
    truncate -s 2G "$job/scratch.img"
    qemu=("$emulator/lib64/ld-linux-x86-64.so.2" --library-path "$emulator/usr/lib/x86_64-linux-gnu"
        "$emulator/usr/bin/qemu-system-x86_64" -L "$share/qemu" -L "$share/seabios"
        -nodefaults -no-user-config -display none -no-reboot -serial "file:$job/serial.log"
        -M "q35,kernel-irqchip=split,memory-backend=ram"
        -accel "tcg,thread=multi,tb-size=512" -cpu "$lab_cpu" -smp "$lab_cpus"
        -m 4G -object "memory-backend-memfd,id=ram,size=4G,share=on"
        -device "intel-iommu,intremap=on" -device "edu,dma_mask=0xffffffffffffffff"
        -fsdev "local,id=lab,path=$job/share,security_model=none" -device "virtio-9p-pci,fsdev=lab,mount_tag=lab"
        -device virtio-serial-pci -device "virtconsole,chardev=console" -device virtio-rng-pci
        -netdev "user,id=net,restrict=on" -device "virtio-net-pci,netdev=net,romfile="
        -kernel "$kernel" -append "$(lab_cmdline)")
    [[ ! $initrd ]] || qemu+=(-initrd "$initrd")
    lab_disk root "$root_image"
    lab_disk segue "$job/segue.ext4"
    lab_disk scratch "$job/scratch.img"
    [[ ! $modules ]] || lab_disk modules "$modules" # the fourth one for inside/init
    [[ ! $guest ]] || lab_disk guest "$guest/disk.raw"
}

lab_disk() { # SERIAL IMAGE: L1's writes to it are forgotten
    qemu+=(-drive "if=none,id=$1,file=$2,format=raw,snapshot=on,cache=unsafe"
        -device "virtio-blk-pci,drive=$1,serial=$1")
}

lab_cmdline() {
    # 256 MiB in the middle of RAM as persistent memory, from which devdax is made; its end would be ACPI's.
    echo "console=ttyS0 root=/dev/vda rw quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check net.ifnames=0 intel_iommu=on" \
        "memmap=256M!1024M kho=on liveupdate=on systemd.unit=lab.service systemd.show_status=no pty.legacy_count=0"
}

# Why L1 ended before its work was done, in one sentence.
lab_why() { # JOB QEMU_CODE DEADLINE
    local panic
    panic=$(grep -a -m1 -o 'Kernel panic.*' "$1/serial.log" | tr -d '\r' || true)
    if [[ $panic ]]; then
        echo "L1's kernel died: $panic"
    elif (($2 == 124 || $2 == 137)); then
        echo "L1 hangs: it was ended after $3 s"
    elif (($2 != 0)); then
        echo "qemu ended with $2: $(tail -n 1 "$1/qemu.log")"
    else
        echo "L1 went down by itself"
    fi
}
