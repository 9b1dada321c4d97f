/* SPDX-License-Identifier: MIT */
/*
 * The small world of exhaust.c: its choices, its states, and what can be done in it.
 */
#pragma once

#include <stdio.h>
#include <asm/gnttab.h>
#include <asm/pgentry.h>
#include <isola/errno.h>
#include <isola/panic.h>
#include <xen/grant_table.h>
#include "world.h"

#define N		(NR_FRAMES - 1)	/* frames 1..N */
#define BAD_ENTRY	(PTE_P | PTE_PS | PTE_US)	/* refused at every level */

/* What there is beside single updates, pins and the base pointer: by letters, see exhaust.c. */
extern bool with_batches, with_segments, with_va, with_memory, with_user;
extern bool with_bad, with_keep_ad, with_readonly, with_grants, from_anywhere;

/* ---- Choices (exhaust_choice.c) ---- */

#define MAX_CHOICES 64
extern struct choice {
	u8 is, of;
} tape[MAX_CHOICES];
extern unsigned tape_used, tape_known;
extern bool telling;			/* a trace is being printed */
extern bool is_plain[N + 1], is_named[N + 1];

#define TELL(...)                                                                       \
	do {                                                                            \
		if (telling)                                                            \
			printf(__VA_ARGS__);                                            \
	} while (0)

/* A number below @of; each is tried. */
unsigned choose(unsigned of);
/* On to the next combination; false when there is none. */
bool next_tape(void);
/* For world_chance: both, unless @rate is 0. */
bool chance(unsigned rate);
unsigned choose_frame(void);
pte_t choose_entry(unsigned level);

/* ---- States (exhaust_state.c, exhaust_grant.c, exhaust_name.c) ---- */

/* As it is kept: frames in some order, their numbers 1..N. */
struct state {
	struct {
		u8 type, count, general, validated, entry[2], foreign;
	} frame[N];
	u8 kernel_l4, user_l4, parked, gdt, tlb_frame, tlb_use, handle;
};

enum { F_VALIDATED = 8, F_PARTIAL = 16, F_PINNED = 32, F_STALE = 64 };
enum { E_UNDECIDED = 0xff, E_BAD = 0xfe };
enum { OWN, FOREIGN, FREE };

/* As it is in the world's memory, to go back to between two runs. */
struct raw {
	struct page_info page[N + 1];
	pte_t entry[N + 1][3], kernel_root[3], user_root[3];
	struct vcpu_private vcpu;
	bool tlb[NR_FRAMES][NR_USES];
	u64 clock, flushed;
	u32 page_list[2], nr_pages[2];
	struct grant_handle handle;
	struct grant_pins pins;
	struct grant_entry_v1 lent;
};

void save_raw(struct raw *r);
void load_raw(const struct raw *r);
bool is_unchanged(const struct raw *r);
bool is_table(const struct page_info *pg);
void encode(struct state *s);
void decode(const struct state *s);
/* What a root shows that is a copy of @l4. */
void decode_root(pte_t *root, mfn_t l4);
/* The one of all that differ from it by a renaming. */
void canonical(struct state *s);

static inline u64 mix(u64 a, u64 b)
{
	a = (a ^ b) * 0x9e3779b97f4a7c15;
	return a ^ a >> 29;
}

extern struct grant_table our_grants, their_grants;
extern unsigned lent_frame;
struct grant_entry_v1 *lent_entry(void);
void make_grants(void);
void decode_handle(u8 flags, unsigned frame);
bool handle_is_wrong(void);

/* ---- What can be done (exhaust_op.c) ---- */

extern void (*const actions[])(void);
extern const unsigned nr_actions;
/* For world_on_copy: the request is chosen when it is read. */
void write_request(u64 at);
