/* SPDX-License-Identifier: MIT */
/*
 * Traps: what the guest knows about the last exception, and how a claim provokes one on purpose.
 *
 * A claim wraps one instruction in TRY(); an exception inside it is recorded and execution goes on
 * after the instruction. An exception anywhere else ends the running claim as "not ok" with its
 * details.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "trap_vectors.h"

/* Registers as traps.S stores them, lowest address first; the hypervisor's frame starts at rcx. */
struct trap_regs {
	uint64_t rbp, r15, r14, r13, r12, rbx, r10, r9, r8, rax, rdx, rsi, rdi;
	uint64_t vector;
	uint64_t rcx, r11;
	uint64_t tail[];	/* error code or selectors, then rip cs rflags rsp ss */
};

/* What the iret hypercall is given, above the rax, r11 and rcx that its stub pushes. */
struct trap_return {
	uint64_t flags, rip, cs, rflags, rsp, ss;
};

struct user_entry {
	struct trap_return to;
	uint64_t rax, rcx, r11, rdi;
};

/* Saved by context_save(): a place to come back to. */
struct context {
	uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

int context_save(struct context *c) __attribute__((returns_twice));
void context_resume(struct context *c, int value) __attribute__((noreturn));
void user_enter(const struct user_entry *e) __attribute__((noreturn));

/* The last entry at trap_stubs that was not an event. vector is -1 after trap_clear(). */
struct trap_record {
	int vector;
	unsigned int count;		/* entries since trap_clear() */
	bool has_error, from_user;
	uint8_t mask;			/* saved upcall mask in the frame */
	uint8_t mask_inside;		/* upcall mask while the handler ran */
	uint16_t cs, ss;		/* as in the frame, RPL included */
	uint16_t selectors[4];		/* failsafe callback: ds es fs gs */
	uint16_t handler_cs, handler_ss;
	uint64_t error, rip, cs_slot, rflags, rsp, rcx, r11, rax, cr2;
	uint64_t frame_at;		/* address of the frame's lowest word */
	uint64_t handler_rflags;	/* real flags seen by the handler */
};

extern volatile struct trap_record trap_last;
extern volatile uint64_t trap_resume;	/* where TRY() continues; 0 outside of it */
extern volatile bool trap_set_if;	/* iret from the trap unmasks upcalls, once */
extern volatile uint64_t trap_clear_rflags;	/* taken out of the frame on the way back */
extern char trap_stubs[];

#define trap_stub(n) ((unsigned long)trap_stubs + (unsigned long)(n) * TRAP_STUB_BYTES)

void trap_clear(void);

#define TRY_ASM(insn)                                   \
	"movq $771f, trap_resume(%%rip)\n\t" insn       \
	"\n771:\tmovq $0, trap_resume(%%rip)\n\t"

/*
 * Execute @insn with the given asm operands; true if it trapped, details in trap_last.
 * Name no operand that a trapping instruction would leave half written.
 */
#define TRY(insn, ...)                                          \
	({                                                      \
		trap_clear();                                   \
		asm volatile(TRY_ASM(insn) __VA_ARGS__);        \
		trap_last.count != 0;                           \
	})

/* Read or write 8 bytes at any address; true if it worked. */
bool try_read(const volatile void *p, uint64_t *value);
bool try_write(volatile void *p, uint64_t value);

/*
 * Call code that ends in ret and destroys no register but rax, rbx, rcx and rdx; false if it
 * trapped. The stack is put right whatever the code left on it.
 */
bool try_call(const void *code);

/*
 * The iret hypercall to this frame on the current stack, rip 0 meaning just behind; true if it
 * trapped, and then trap_last says how. The current stack is what the frame names.
 */
bool try_iret(uint64_t rip, uint64_t cs, uint64_t rflags, uint64_t ss);

/*
 * Install the default table: all 256 vectors at our stubs; DPL 3 for 3, 4 and 0x80, DPL 1 for 0x81,
 * else 0.
 */
long traps_install(void);
long callbacks_install(void);

/* Called by the harness for an exception nobody expected. Never returns. */
void trap_unexpected(void) __attribute__((noreturn));

/* Where to go when user mode is left by anything but an event; 0: no user program runs. */
extern struct context *volatile user_exit;
extern struct trap_regs user_exit_regs;
