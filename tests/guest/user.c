/* SPDX-License-Identifier: MIT */
/*
 * A user program: its page tables, and entering and leaving it.
 */
#include "user.h"
#include "claim.h"
#include "memory.h"
#include "text.h"

unsigned long user_stack_attack;
uint64_t user_iret_flags, user_start_rip;
volatile bool user_leave_on_event;
volatile uint32_t user_events_before_exit;

static uint64_t *user_l4;
static void *code;

/* A table whose one entry @slot leads to @mfn. */
static uint64_t *table_with(unsigned int slot, uint64_t entry)
{
	uint64_t *table = page_alloc();

	table[slot] = entry;
	CHECK_OK(make_readonly(table));
	return table;
}

void user_setup(void)
{
	uint64_t *l1, *l2, *l3;
	void *data, *stack;

	if (user_l4)
		return;
	code = page_alloc();
	data = page_alloc();
	stack = page_alloc();
	l1 = page_alloc();
	l1[0] = make_pte(mfn_of(code), PTE_RO_PAGE);
	l1[1] = make_pte(mfn_of(data), PTE_RW_PAGE | PTE_NX);
	l1[2] = make_pte(mfn_of(stack), PTE_RW_PAGE | PTE_NX);
	CHECK_OK(make_readonly(l1));
	l2 = table_with((USER_CODE >> 21) % 512, make_pte(mfn_of(l1), PTE_TABLE));
	l3 = table_with((USER_CODE >> 30) % 512, make_pte(mfn_of(l2), PTE_TABLE));
	user_l4 = table_with((USER_CODE >> 39) % 512, make_pte(mfn_of(l3), PTE_TABLE));
	CHECK_OK(mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(user_l4), 0));
	CHECK_OK(write_entry(l4_slot((USER_CODE >> 39) % 512),
			     make_pte(mfn_of(l3), PTE_TABLE)));
	CHECK_OK(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(user_l4), 0));
}

long user_stack_default(void)
{
	return HC2(stack_switch, FLAT_KERNEL_SS,
		   user_stack_attack ?: (unsigned long)user_kernel_stack_end);
}

void user_run(const char *begin, const char *end, uint64_t arg, uint64_t rflags)
{
	struct context back;
	struct user_entry e = {
		.to = {
			.flags = user_iret_flags, .rip = user_start_rip ?: USER_CODE,
			.cs = FLAT_USER_CS, .rflags = rflags, .rsp = USER_STACK, .ss = FLAT_USER_SS,
		},
		.rax = 0xa0a0, .rcx = 0xc0c0, .r11 = 0x1111, .rdi = arg,
	};

	user_setup();
	memcpy(code, begin, (size_t)(end - begin));
	CHECK_OK(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(user_l4), 0));
	CHECK_OK(user_stack_default());
	trap_clear();
	if (!context_save(&back)) {
		user_exit = &back;
		user_enter(&e);
	}
	user_exit = NULL;
}
