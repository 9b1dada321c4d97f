/* SPDX-License-Identifier: MIT */
/*
 * The neighbour: see neighbour.h.
 */
#define __XEN_TOOLS__ 1
#include "bench.h"
#include "neighbour.h"

/* An entry of one of the neighbour's tables, or a word of another of its pages. */
static void set_word(const struct neighbour *n, unsigned int page, unsigned int i, uint64_t val)
{
	set_foreign_word(n->domid, n->mfns[page], i, val);
}

static void copy_code(const struct neighbour *n, uint32_t port)
{
	char *to = window(0);

	MUST(map_foreign(0, n->mfns[N_CODE], PTE_RW_PAGE, n->domid));
	memcpy(to, neighbour_begin, (size_t)(neighbour_end - neighbour_begin));
	memcpy(to + (neighbour_answer - neighbour_begin), &port, sizeof(port));
	MUST(map_foreign(0, 0, 0, n->domid));
}

struct neighbour neighbour_make(void)
{
	struct neighbour n = { .domid = create() };

	MUST(max_vcpus(n.domid, 2));
	max_mem(n.domid, 1024);
	if (populate(n.domid, NEIGHBOUR_PAGES, 0) != NEIGHBOUR_PAGES)
		die("the neighbour gets no memory");
	memcpy(n.mfns, given, sizeof(n.mfns));
	for (unsigned int t = N_L4; t < N_L1; t++)
		set_word(&n, t, 0, make_pte(n.mfns[t + 1], PTE_TABLE));
	return n;
}

static uint64_t shared_info_of(domid_t domid)
{
	MUST(domctl(XEN_DOMCTL_getdomaininfo, domid));
	return domctl_op.u.getdomaininfo.shared_info_frame;
}

static unsigned long code_address(const char *place)
{
	return NEIGHBOUR_CODE + (unsigned long)(place - neighbour_begin);
}

static void set_context(const struct neighbour *n)
{
	static struct vcpu_guest_context c;

	c = (struct vcpu_guest_context){
		.flags = VGCF_in_kernel | VGCF_online
	};
	c.user_regs.rip = code_address(neighbour_begin);
	c.user_regs.rsp = c.kernel_sp = NEIGHBOUR_STACK_END;
	c.user_regs.rflags = 0x200;
	c.user_regs.cs = FLAT_KERNEL_CS;
	c.user_regs.ss = c.kernel_ss = FLAT_KERNEL_SS;
	c.ctrlreg[0] = 0x80050033;
	c.ctrlreg[3] = xen_pfn_to_cr3(n->mfns[N_L4]);
	c.event_callback_eip = code_address(neighbour_events);
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.vcpucontext.ctxt.p = &c;
	MUST(domctl(XEN_DOMCTL_setvcpucontext, n->domid));
}

void neighbour_start(const struct neighbour *n, uint32_t port)
{
	uint64_t shared_info = shared_info_of(n->domid);

	copy_code(n, port);
	set_word(n, N_L1, NEIGHBOUR_CODE / PAGE_BYTES, make_pte(n->mfns[N_CODE], PTE_RO_PAGE));
	set_word(n, N_L1, NEIGHBOUR_SHARED / PAGE_BYTES, make_pte(shared_info, PTE_RW_PAGE));
	set_word(n, N_L1, NEIGHBOUR_STACK_END / PAGE_BYTES - 1,
		 make_pte(n->mfns[N_STACK], PTE_RW_PAGE));
	set_context(n);
	MUST(domctl(XEN_DOMCTL_unpausedomain, n->domid));
	/* Let it run until it blocks. */
	for (unsigned int i = 0; i < 100; i++)
		HC2(sched_op, SCHEDOP_yield, 0);
}

void neighbour_destroy(const struct neighbour *n)
{
	destroy(n->domid);
	if (!becomes(is_gone, n->domid))
		die("the neighbour does not go");
}
