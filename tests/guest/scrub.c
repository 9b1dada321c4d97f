/* SPDX-License-Identifier: MIT */
/*
 * Scrub: leaves markers wherever a guest can leave something, for tests/boot/scrub.t to look for in
 * the machine's memory.
 *
 *	attack=scrub scrub=HEX
 *
 * A marker is two 64-bit words made from HEX and its kind, so that neither this image nor the
 * command line contains it. The guest fills memory that it keeps and memory that it gives back,
 * general and SSE registers, console text, hypercall arguments and buffers; sleeps for SLEEP_MS,
 * switched out, registers full; then ends.
 */
#include "claim.h"
#include "clock.h"
#include "events.h"
#include "memory.h"
#include "text.h"
#include "traps.h"
#include <xen/grant_table.h>

#define SLEEP_MS	4000u
#define NR_PAGES	64u		/* filled and kept; as many are given back */

enum kind { KEPT, FREED, GENERAL, SSE, CONSOLE, ARGUMENT };

static uint64_t seed;
static uint64_t general[2] __attribute__((used));
static uint64_t sse[2] __attribute__((used, aligned(16)));

/* Half @half of the marker of @kind. tests/boot/scrub.t computes the same. */
static uint64_t marker(enum kind kind, unsigned int half)
{
	uint64_t word = seed + (uint64_t)(2 * kind + half + 1) * 0xd1342543de82ef95ul;

	for (unsigned int round = 0; round < 3; round++) {
		word ^= word >> 29;
		word *= 0xa0761d6478bd642ful;
		word ^= word >> 32;
	}
	return word;
}

static void fill(void *at, size_t bytes, enum kind kind)
{
	uint64_t *word = at;

	for (size_t i = 0; i < bytes / 8; i++)
		word[i] = marker(kind, i % 2);
}

static void read_seed(void)
{
	const char *p = strstr((const char *)start->cmd_line, " scrub=");

	seed = p ? 0 : 0x1501a;
	for (p = p ? p + 7 : ""; *p && *p != ' '; p++)
		seed = seed * 16 + (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
}

/* Fill pages, give them back; the last one's frame, or 0 if that was refused. */
static unsigned long give_back(void)
{
	unsigned long frame = 0;

	for (unsigned int i = 0; i < NR_PAGES; i++) {
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
		void *page = page_alloc();
		xen_pfn_t mfn = mfn_of(page);

		fill(page, PAGE_BYTES, FREED);
		if (remap(page, 0))
			return 0;
		r.extent_start.p = &mfn;
		if (HC2(memory_op, XENMEM_decrease_reservation, &r) != 1)
			return 0;
		frame = mfn;
	}
	return frame;
}

#define FILL_REGISTERS                                                                  \
	"mov general(%%rip), %%rbx; mov general+8(%%rip), %%rbp; mov %%rbx, %%r12\n\t"  \
	"mov %%rbp, %%r13; mov %%rbx, %%r14; mov %%rbp, %%r15; mov %%rbx, %%rsi\n\t"    \
	"mov %%rbp, %%rdx; mov %%rbx, %%r8; mov %%rbp, %%r9; mov %%rbx, %%r10\n\t"
#define SAVE "push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n\t"
#define RESTORE "pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx"

/* A hypercall with every register but rax and rdi full. */
static long full_hypercall(unsigned long nr, unsigned long a1)
{
	asm volatile(SAVE FILL_REGISTERS "syscall\n\t" RESTORE
		     : "+a"(nr), "+D"(a1)
		     : : "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "memory");
	return (long)nr;
}

/* An exception that bounces, and an instruction that is emulated, likewise. */
static void full_exceptions(void)
{
	trap_clear();
	asm volatile(SAVE FILL_REGISTERS TRY_ASM("ud2") RESTORE
		     : : : "rax", "rdi", "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "memory");
	asm volatile(SAVE FILL_REGISTERS "mov %%cr0, %%rax\n\t" RESTORE
		     : : : "rax", "rdi", "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "memory");
}

static void fill_sse(void)
{
	asm volatile("movdqu sse(%%rip), %%xmm0; movdqa %%xmm0, %%xmm1; movdqa %%xmm0, %%xmm7\n\t"
		     "movdqa %%xmm0, %%xmm8; movdqa %%xmm0, %%xmm15" : : : "memory");
}

static void write_console(void)
{
	static char text[64];

	fill(text, sizeof(text), CONSOLE);
	for (unsigned int i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + (text[i] & 15));
	HC3(console_io, CONSOLEIO_write, sizeof(text), text);
	print("\n");
}

/* Buffers and arguments of calls that are carried out or refused; either will do. */
static void fill_hypercalls(void)
{
	static uint64_t buffer[PAGE_BYTES / 8];
	struct xen_memory_reservation r = { .nr_extents = 16, .domid = DOMID_SELF };
	uint64_t a = marker(ARGUMENT, 0), b = marker(ARGUMENT, 1);
	struct multicall_entry call = {
		.op = __HYPERVISOR_update_descriptor, .args = { a, b, a, b, a, b },
	};

	fill(buffer, sizeof(buffer), ARGUMENT);
	HC4(mmu_update, buffer, 16, 0, DOMID_SELF);
	HC4(mmuext_op, buffer, 4, 0, DOMID_SELF);
	HC2(multicall, &call, 1);
	HC2(update_descriptor, a, b);
	HC2(set_gdt, buffer, 256);
	HC3(grant_table_op, GNTTABOP_copy, buffer, 4);
	HC3(grant_table_op, GNTTABOP_map_grant_ref, buffer, 4);
	HC2(event_channel_op, EVTCHNOP_send, buffer);
	HC2(event_channel_op, EVTCHNOP_bind_interdomain, buffer);
	HC2(physdev_op, PHYSDEVOP_map_pirq, buffer);
	HC1(platform_op, buffer);
	HC2(set_segment_base, SEGBASE_FS, a);
	HC3(vcpu_op, VCPUOP_initialise, 0, buffer);
	r.extent_start.p = (void *)buffer;
	HC2(memory_op, XENMEM_decrease_reservation, &r);
	/*
	 * Not populate_physmap: what it is told goes into the M2P, which all may read by the ABI.
	 */
	hypercall_bare(63, a, b, a, b, a);
	HC3(update_va_mapping, buffer, a, b);		/* last: it may unmap the buffer */
}

ATTACK(scrub, "scrub", "leave markers everywhere a guest can, sleep, and end: the guest must live")
{
	struct sched_shutdown s = { .reason = SHUTDOWN_poweroff };
	unsigned long frame;

	read_seed();
	for (unsigned int i = 0; i < 2; i++) {
		general[i] = marker(GENERAL, i);
		sse[i] = marker(SSE, i);
	}
	for (unsigned int i = 0; i < NR_PAGES; i++)
		fill(page_alloc(), PAGE_BYTES, KEPT);
	write_console();
	fill_hypercalls();
	full_hypercall(62, marker(GENERAL, 0));
	full_exceptions();
	frame = give_back();
	print("# scrub: filled, last frame given back 0x%lx\n", frame);
	fill_sse();
	timer_set(clock_ns() + SLEEP_MS * MS_NS);
	full_hypercall(__HYPERVISOR_sched_op, SCHEDOP_block);
	print("ok 1 - markers are everywhere, and the guest lives\n");
	HC2(sched_op, SCHEDOP_shutdown, &s);
}
