// SPDX-License-Identifier: Apache-2.0
// traps.S - interrupt and exception handlers: the only code at CPL 0 once the guest runs, so a
// few instructions each. The stack holds the frame of the interrupt (5 words) and above it the
// address of the vCPU's slot.
#include "vmm/metronome/layout.h"

    .text
    .global on_timer, on_pit, on_spurious, on_halt, fault_stubs
on_timer:
    push %rax
    mov 48(%rsp), %rax
    incq SEGUE_SLOT_TIMER_TICKS(%rax)
    mov $LAPIC + 0xb0, %eax
    movl $0, (%rax)
    pop %rax
on_spurious:
    iretq

on_pit:
    push %rax
    mov 48(%rsp), %rax
    incq SEGUE_SLOT_PIT_TICKS(%rax)
    mov $0x20, %al
    out %al, $0x20
    pop %rax
    iretq

// Until the next interrupt, which is taken in here: its handler finds the address of the slot where
// it does on a stack of its own.
on_halt:
    push 40(%rsp)
    sti
    hlt
    add $8, %rsp
    iretq

// 32 stubs of 16 bytes: push a zero where the CPU pushes no error code, then the vector.
    .balign 16
fault_stubs:
    .set vector, 0
    .rept 32
    .balign 16
    .if !((1 << vector) & 0x20227d00)
    push $0
    .endif
    push $vector
    jmp fault
    .set vector, vector + 1
    .endr

// Says what happened, and stands still: the observer, and a person, see the state.
fault:
    mov 56(%rsp), %rax
    pop SEGUE_SLOT_FAULT_VECTOR(%rax)
    mov 8(%rsp), %rcx
    mov %rcx, SEGUE_SLOT_FAULT_RIP(%rax)
    orq $SEGUE_STATE_FAULT, SEGUE_SLOT_STATE(%rax)
1:  cli
    hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
