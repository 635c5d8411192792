// SPDX-License-Identifier: Apache-2.0
// loop.S - what every vCPU does at CPL 3, for ever: one step a cache line (count, read the TSC,
// verify and rewrite 8 words), one round a 4 KiB page (verify and advance the registers).
//
// Registers in the loop:
//   rbx slot   rbp address   rdi end of the run   r8, r9 old and new key   r10 SEQUENCE_FACTOR
//   r11 last TSC   rsi verify mask (0 in the first sweep)   (rsp) struct cpu   rax, rcx, rdx free
//   r12-r15, xmm0-12, ymm, x87, FS and GS base: the signature (signature.inc), never stored to RAM
#include "vmm/metronome/layout.h"
#include "vmm/metronome/signature.inc"

// rax = what the sequence of `key` holds at rbp + offset. Spoils rcx.
.macro sequence offset, key
    lea \offset(%rbp, \key), %rax
    imul %r10, %rax
    mov %rax, %rcx
    shr $32, %rcx
    xor %rcx, %rax
.endm

// Calls C (general registers only) with the arguments already in place; keeps rbx, rbp and r11.
.macro call_c function
    push %r11
    sub $8, %rsp
    signature_hide
    call \function
    signature_unhide
    add $8, %rsp
    pop %r11
    mov $SEQUENCE_FACTOR, %r10
.endm

    .text
    .global guest_loop
guest_loop: // (struct cpu*); on entry (rsp) is 8 off 16, so after the push it is aligned
    push %rdi
    mov CPU_SLOT(%rdi), %rbx
    mov $SEQUENCE_FACTOR, %r10
    signature_seed CPU_FEATURES(%rdi)
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, %r11
    call load_position
round:
    mov (%rsp), %rdx
    signature_check CPU_FEATURES(%rdx) // rsi = what is wrong
    test %rsi, %rsi
    jnz wrong_registers
    signature_advance CPU_FEATURES(%rdx)
reload:
    mov (%rsp), %rdx
    mov CPU_MASK(%rdx), %rsi
    mov CPU_KEY_OLD(%rdx), %r8
    cmp %r11, CPU_SERVICE_TSC(%rdx)
    jbe service

step:
    incq SEGUE_SLOT_COUNTER(%rbx)
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, %rcx
    sub %r11, %rcx
    jb tsc_backward
    mov %rax, %r11
    cmp %rcx, SEGUE_SLOT_GAP_CYCLES(%rbx)
    jb longer_gap
step_words:
    .irp offset, 0, 8, 16, 24, 32, 40, 48, 56
    sequence \offset, %r8
    xor \offset(%rbp), %rax
    and %rsi, %rax
    jz 1f
    mov $\offset, %edx
    call wrong_word
1:  sequence \offset, %r9
    mov %rax, \offset(%rbp)
    .endr
    add $64, %rbp
    test $4095, %ebp
    jnz step
    cmp %rdi, %rbp
    jb round

    mov (%rsp), %rdi
    call_c next_run // (struct cpu*)
    call load_position
    jmp round

longer_gap:
    mov %rcx, SEGUE_SLOT_GAP_CYCLES(%rbx)
    mov %rax, SEGUE_SLOT_GAP_END(%rbx)
    jmp step_words

tsc_backward:
    mov %rax, %r11
    incq SEGUE_SLOT_TSC_BACKWARD(%rbx)
    jmp step_words

service:
    mov %rdx, %rdi
    mov %r11, CPU_TSC(%rdx)
    call_c guest_service // (struct cpu*)
    mov (%rsp), %rdx
    mov CPU_TSC(%rdx), %r11
    call load_run
    jmp step

wrong_registers:
    mov %rdx, %rdi
    call_c wrong_registers_found // (struct cpu*, which)
    mov (%rsp), %rdx
    signature_seed CPU_FEATURES(%rdx)
    call load_run
    jmp reload

// rax = found xor expected at rbp + edx.
wrong_word:
    mov 8(%rsp), %rdi
    lea (%rbp, %rdx), %rsi
    mov %rax, %rdx
    sub $8, %rsp
    call_c wrong_word_found // (struct cpu*, address, difference)
    add $8, %rsp
    mov 8(%rsp), %rdx
    jmp load_run_of_rdx

load_position:
    mov 8(%rsp), %rdx
    mov CPU_AT(%rdx), %rbp
load_run:
    mov 8(%rsp), %rdx
load_run_of_rdx:
    mov CPU_END(%rdx), %rdi
    mov CPU_KEY_OLD(%rdx), %r8
    mov CPU_KEY_NEW(%rdx), %r9
    mov CPU_MASK(%rdx), %rsi
    ret

    .section .rodata
    .balign 16
signature_x87: // extended reals: mantissa 2^63 + i * SIG_X87, exponent 63; i = 7 first
    .set i, 7
    .rept 7
    .quad 0x8000000000000000 + i * SIG_X87
    .short 0x403e
    .set i, i - 1
    .endr

    .section .note.GNU-stack, "", @progbits
