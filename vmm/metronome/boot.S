// SPDX-License-Identifier: Apache-2.0
// boot.S - from the PVH entry (or a SIPI) to C at CPL 3, IOPL 3, in as few instructions as can be:
// where a KVM emulates supervisor code each of them costs about a microsecond.
//
// The page tables are data, so no code builds them: the first GiB is mapped one to one by 2 MiB
// pages that CPL 3 may write, and so is the local APIC. C at CPL 3 maps the rest.
#include "vmm/metronome/layout.h"

// Xen's ELF note 18, XEN_ELFNOTE_PHYS32_ENTRY: a loader jumps here in 32-bit protected mode with
// paging off, flat segments, interrupts off, ebx = physical address of struct hvm_start_info.
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad pvh_entry

    .text
    .code32
    .global pvh_entry
pvh_entry:
    mov %ebx, start_info
    lgdtl gdtr32
    ljmp $SEL_CODE32, $1f
1:  xor %edi, %edi
    jmp to_long_mode

// The trampoline: copied to TRAMPOLINE, entered in real mode with cs = TRAMPOLINE >> 4.
    .code16
    .global trampoline, trampoline_end
trampoline:
    cli
    mov %cs, %ax
    mov %ax, %ds
    lgdtl gdtr32_copy - trampoline
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $SEL_CODE32, $ap_protected
gdtr32_copy:
    .word gdt_end - gdt - 1
    .long gdt
trampoline_end:

    .code32
ap_protected:
    mov $SEL_DATA, %eax
    mov %eax, %ds
    mov LAPIC + 0x20, %edi // APIC id = vCPU number
    shr $24, %edi
    cmp $SEGUE_PAGE_MAX_VCPUS, %edi
    jb to_long_mode
1:  hlt
    jmp 1b

// edi = vCPU number, ds flat. Leaves what CPUID offers in ebp as SEGUE_STATE_* (only here: CPUID
// at CPL 3 may be the host's).
to_long_mode:
    mov $SEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %ss
    mov $SEGUE_STATE_X87 | SEGUE_STATE_SSE, %ebp
    mov $0x620, %esi // CR4: PAE, OSFXSR, OSXMMEXCPT
    xor %eax, %eax
    cpuid
    cmp $7, %eax
    jb 2f
    mov $7, %eax
    xor %ecx, %ecx
    cpuid
    test $1, %bl // FSGSBASE
    jz 1f
    or $SEGUE_STATE_FSGS, %ebp
    or $1 << 16, %esi
1:  mov %ebx, %edx
    mov $1, %eax
    mov %edx, %esp // no stack yet: esp keeps leaf 7's ebx
    cpuid
    bt $26, %ecx // XSAVE
    jnc 2f
    bt $28, %ecx // AVX
    jnc 2f
    bt $5, %esp // AVX2
    jnc 2f
    or $SEGUE_STATE_AVX, %ebp
    or $1 << 18, %esi // OSXSAVE
2:  mov %esi, %cr4
    mov $pml4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx // EFER.LME
    mov $0x100, %eax
    xor %edx, %edx
    wrmsr
    mov $0x80000033, %eax // PG, NE, ET, MP, PE
    mov %eax, %cr0
    ljmp $SEL_CODE64, $1f

    .code64
1:  test $SEGUE_STATE_AVX, %ebp
    jz 1f
    xor %ecx, %ecx
    xor %edx, %edx
    mov $7, %eax // x87, SSE, AVX
    xsetbv
1:  lidt idtr
    // The stack for interrupts; above it the address of the slot, for the handlers.
    lea 1(%rdi), %edx
    imul $KERNEL_STACK_BYTES, %edx, %edx
    lea kernel_stacks - 16(%rdx), %rdx
    mov %edi, %eax
    imul $SEGUE_PAGE_SLOT_BYTES, %eax, %eax
    add $SEGUE_PAGE_GPA + 256, %eax
    mov %rax, (%rdx)
    // The task state segment and its descriptor.
    imul $TSS_BYTES, %edi, %eax
    lea tss(%rax), %eax
    mov %rdx, 4(%rax)
    mov %edi, %ecx
    shl $4, %ecx
    movw $TSS_IO_MAP, 102(%rax)
    movb $0xff, TSS_LIMIT(%rax)
    movw $TSS_LIMIT, gdt + SEL_TSS(%rcx)
    mov %eax, gdt + SEL_TSS + 2(%rcx)
    shr $24, %eax
    mov %al, gdt + SEL_TSS + 7(%rcx)
    movw $0x89, gdt + SEL_TSS + 5(%rcx)
    add $SEL_TSS, %ecx
    ltr %cx
    lea 1(%rdi), %esp
    imul $USER_STACK_BYTES, %esp, %esp
    lea user_stacks(%rsp), %rsp
    test %edi, %edi
    jnz 1f
    call init_idt // keeps ebp; edi is 0
    mov $0xff, %al // until init_pit a tick would come with the vector of a PIC not set up: 0
    out %al, $0x21
    xor %edi, %edi
1:  mov %rsp, %rax // to CPL 3
    push $SEL_USER_DATA
    push %rax
    push $0x3202 // IOPL 3, interrupts on: CPL 3 may be refused to turn them on (README.md)
    push $SEL_USER_CODE
    push $user_entry
    iretq

user_entry:
    mov %ebp, %esi
    call guest_main // (vCPU number, features); does not return
    ud2

    .data
    .balign 8
    .global start_info
start_info:
    .quad 0
gdtr32:
    .word gdt_end - gdt - 1
    .long gdt
    .balign 8
idtr:
    .word 256 * 16 - 1
    .quad idt

    .balign 16
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff // SEL_CODE32
    .quad 0x00af9b000000ffff // SEL_CODE64
    .quad 0x00cf93000000ffff // SEL_DATA
    .quad 0x00cff3000000ffff // SEL_USER_DATA
    .quad 0x00affb000000ffff // SEL_USER_CODE
    .fill SEGUE_PAGE_MAX_VCPUS * 2, 8, 0
gdt_end:

    .balign 4096
    .global pdpt
pml4:
    .quad pdpt + 7 // present, writable, user
    .fill 511, 8, 0
pdpt:
    .quad pd_first + 7, 0, 0, pd_apic + 7
    .fill 508, 8, 0
pd_first:
    .set page, 0
    .rept 512
    .quad page * 0x200000 + 0x87
    .set page, page + 1
    .endr
pd_apic: // 3 to 4 GiB: only the local APIC, uncached
    .fill (LAPIC - 0xc0000000) / 0x200000, 8, 0
    .quad LAPIC + 0x9f
    .fill 511 - (LAPIC - 0xc0000000) / 0x200000, 8, 0

    .bss
    .balign 4096
    .global idt
user_stacks:
    .skip SEGUE_PAGE_MAX_VCPUS * USER_STACK_BYTES
kernel_stacks:
    .skip SEGUE_PAGE_MAX_VCPUS * KERNEL_STACK_BYTES
tss:
    .skip SEGUE_PAGE_MAX_VCPUS * TSS_BYTES
idt:
    .skip 256 * 16

    .section .note.GNU-stack, "", @progbits
