/* SPDX-License-Identifier: MIT */
/*
 * Rows measured from user mode.
 */
#include "bench.h"
#include "user.h"

#define COUNT (NR_WARM_UP + NR_SAMPLES)

static const uint64_t user_va = USER_CODE;
static uint64_t *user_l4;
static uint8_t *code;
static uint64_t *samples;

static uint64_t *table_with(unsigned int slot, uint64_t entry)
{
	uint64_t *table = page_alloc();

	table[slot] = entry;
	MUST(make_readonly(table));
	return table;
}

void user_setup(void)
{
	uint64_t *l1 = page_alloc(), *l2, *l3;

	code = page_alloc();
	samples = page_alloc();
	l1[0] = make_pte(mfn_of(code), PTE_RO_PAGE);
	l1[1] = make_pte(mfn_of(samples), PTE_RW_PAGE | PTE_NX);
	l1[2] = make_pte(mfn_of(page_alloc()), PTE_RW_PAGE | PTE_NX);
	MUST(make_readonly(l1));
	l2 = table_with((user_va >> 21) % 512, make_pte(mfn_of(l1), PTE_TABLE));
	l3 = table_with((user_va >> 30) % 512, make_pte(mfn_of(l2), PTE_TABLE));
	user_l4 = table_with((user_va >> 39) % 512, make_pte(mfn_of(l3), PTE_TABLE));
	MUST(mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(user_l4), 0));
	MUST(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(user_l4), 0));
	memcpy(code, user_begin, (size_t)(user_end - user_begin));
}

const volatile uint64_t *user_run(const char *program, unsigned int count)
{
	memset(samples, 0, PAGE_BYTES);
	user_program(USER_CODE + (uint64_t)(program - user_begin), USER_SAMPLES, count,
		     USER_NOTHING, 3);
	return samples;
}

/* The row of every @step'th word, from @first, of what @program stores. */
static void user_row(const char *key, const char *program, unsigned int step, unsigned int first,
		     unsigned int own)
{
	const volatile uint64_t *stored;
	uint64_t values[NR_SAMPLES];

	trace(key);
	stored = user_run(program, COUNT);
	for (unsigned int i = 0; i < NR_SAMPLES; i++)
		values[i] = stored[(NR_WARM_UP + i) * step + first];
	row_of(key, values, NR_SAMPLES, own, 1);
}

static uint64_t new_user_baseptr(void *arg)
{
	struct mmuext_op op = { .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = *(unsigned long *)arg };
	uint64_t ticks = TIME_HC(mmuext_op, &op, 1, 0, DOMID_SELF);

	MUST(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(user_l4), 0));
	return ticks;
}

void bench_user(void)
{
	uint64_t l3 = 0;
	unsigned long mfn;
	unsigned int nothing;

	user_setup();
	nothing = (unsigned int)user_run(user_nothing, COUNT)[COUNT / 2];
	user_row("user-syscall", user_call, 1, 0, nothing + OWN_SYSCALL);
	user_row("leave-user", user_split, 2, 0, OWN_LEAVE_USER);
	user_row("enter-user", user_split, 2, 1, OWN_ENTER_USER);
	user_row("pf-user", user_fault, 1, 0, nothing + OWN_FAULT);
	user_row("int", user_int, 1, 0, OWN_INT);

	l3 = user_l4[(user_va >> 39) % 512];
	mfn = mfn_of(table_with((user_va >> 39) % 512, l3));
	MUST(mmuext(MMUEXT_PIN_L4_TABLE, mfn, 0));
	row("new-user-baseptr", new_user_baseptr, &mfn, 0);
}
