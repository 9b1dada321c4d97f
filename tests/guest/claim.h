/* SPDX-License-Identifier: MIT */
/*
 * Claims: one promise of the PV interface each, stated in a sentence and able to fail.
 *
 *	#define TOPIC "start"
 *	#include "claim.h"
 *
 *	CLAIM(magic, "start_info begins with the magic of a 64-bit PV guest")
 *	{
 *		CHECK(!strncmp(start->magic, "xen-3.0-x86_64", 14));
 *	}
 *
 * A claim ends as "ok" by returning, as "not ok" by a failed CHECK, an unexpected trap or running
 * out of time, and as "skip" by skip(). It starts with: upcalls unmasked, every port masked and
 * closed, the default trap table, no LDT, the default windows, virtual IOPL 0, debug registers
 * clear; and need restore none of these.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hypercall.h"

#ifndef TOPIC
#define TOPIC ""
#endif

struct claim {
	const char *topic, *name, *sentence, *file;
	unsigned int line;		/* order of claims within a file */
	void (*run)(void);
	const char *only_on_isola;	/* why Xen does not satisfy it; NULL: it does */
	bool only_dom0;			/* another domain may not ask for it */
};

/* An attack ends the domain; it runs only when named by "attack=" and must not return. */
struct attack {
	const char *name, *sentence;
	void (*run)(void);
};

#define CLAIM_DEFINE(id, text, why, dom0)                                               \
	static void claim_##id(void);                                                   \
	static const struct claim claim_entry_##id = {                                  \
		TOPIC, #id, text, __FILE__, __LINE__, claim_##id, why, dom0 };          \
	static const struct claim *const claim_pointer_##id                             \
		__attribute__((used, section(".claims"))) = &claim_entry_##id;          \
	static void claim_##id(void)

#define CLAIM(id, sentence) CLAIM_DEFINE(id, sentence, NULL, false)

/* In another domain such a claim is not run and says "SKIP only in dom0". */
#define CLAIM_DOM0(id, sentence) CLAIM_DEFINE(id, sentence, NULL, true)

/* On Xen such a claim is not run and says "SKIP only on Isola: why". */
#define CLAIM_ISOLA_ONLY(id, sentence, why) CLAIM_DEFINE(id, sentence, why, false)

#define ATTACK(id, attack_name, text)                                                   \
	static void attack_##id(void);                                                  \
	static const struct attack attack_entry_##id = {                                \
		attack_name, text, attack_##id };                                       \
	static const struct attack *const attack_pointer_##id                           \
		__attribute__((used, section(".attacks"))) = &attack_entry_##id;        \
	static void attack_##id(void)

void fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* Checks made by the running claim: one that makes none is "not ok", because it could not fail. */
extern unsigned int checks_made;

void skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A diagnostic line under the running claim; shown only if the claim does not end as "ok". */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For a claim that is as long as the command line says: its time limit begins anew. */
void more_time(void);

/* Called by the upcall when the harness's timer fires: ends a claim that has run out of time. */
void harness_timer(void);

/* True under Isola, false under Xen. */
extern bool on_isola;
/* "xen_version" as major << 16 | minor. */
extern unsigned int hypervisor_version;

/* What follows @key at the start of a word of the command line; NULL: there is no such word. */
const char *option(const char *key);

/* Registers at the first instruction, in the order head.S stores them. */
struct boot_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rflags, cs, ss, ds, es, fs, gs;
};
extern struct boot_regs boot_regs;
/* Parts of shared_info as they were before the harness changed them. */
struct boot_shared {
	uint8_t pending[32], mask[32];
	uint64_t pending_words, mask_words;	/* all words of each kind, or-ed */
};
extern struct boot_shared boot_shared;

#define CHECK(condition)                                                                \
	do {                                                                            \
		checks_made++;                                                          \
		if (!(condition))                                                       \
			fail(__FILE__, __LINE__, "%s", #condition);                     \
	} while (0)

/* The same, with words of its own for a failure: for loops, to say which round it was. */
#define CHECK_SAY(condition, ...)                                                       \
	do {                                                                            \
		checks_made++;                                                          \
		if (!(condition))                                                       \
			fail(__FILE__, __LINE__, __VA_ARGS__);                          \
	} while (0)

/* Both values as 64-bit numbers; a failure prints them. */
#define CHECK_EQ(value, expected)                                                       \
	do {                                                                            \
		checks_made++;                                                          \
		uint64_t check_v = (uint64_t)(value), check_e = (uint64_t)(expected);   \
		if (check_v != check_e)                                                 \
			fail(__FILE__, __LINE__, "%s is 0x%lx (%ld), expected 0x%lx (%ld)",     \
			     #value, check_v, (int64_t)check_v, check_e, (int64_t)check_e);     \
	} while (0)

/* A hypercall's result must be this errno, given positive; e.g. CHECK_ERR(HC2(...), XEN_EFAULT). */
#define CHECK_ERR(call, err) CHECK_EQ(call, -(int64_t)(err))
#define CHECK_OK(call) CHECK_EQ(call, 0)

/* The instruction must trap with this vector; or must not trap. */
#define CHECK_TRAP(expected_vector, insn, ...)                                          \
	do {                                                                            \
		checks_made++;                                                          \
		if (!TRY(insn, __VA_ARGS__))                                            \
			fail(__FILE__, __LINE__, "no trap from: %s", insn);             \
		if (trap_last.vector != (expected_vector))                              \
			fail(__FILE__, __LINE__, "%s: vector %d error 0x%lx, expected vector %d", \
			     insn, trap_last.vector, trap_last.error, (expected_vector)); \
	} while (0)
#define CHECK_NO_TRAP(insn, ...)                                                        \
	do {                                                                            \
		checks_made++;                                                          \
		if (TRY(insn, __VA_ARGS__))                                             \
			fail(__FILE__, __LINE__, "%s: vector %d error 0x%lx, expected no trap", \
			     insn, trap_last.vector, trap_last.error);                  \
	} while (0)
