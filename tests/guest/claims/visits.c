/* SPDX-License-Identifier: MIT */
/*
 * What the control domain does to the tables, pages and vCPUs of a domain that it makes.
 *
 * The rule: by its number a domain's own frames are pinned, cleared and copied as it would do it
 * itself; a vCPU that has not run takes a context whole or not at all; and what is asked back is
 * what was set.
 */
#define TOPIC "visits"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../domains.h"
#include "../memory.h"
#include "../text.h"

/* Frames of the domain, by their place in given[]: a tree of one page, and two for all else. */
enum { L4, L3, L2, L1, DATA, OTHER, GDT, NR };

#define CR4_DE (1ul << 3)

static struct vcpu_guest_context context;

static long mmuext_of(unsigned int cmd, uint64_t mfn, uint64_t src, domid_t domid)
{
	struct mmuext_op e = { .cmd = cmd, .arg1.mfn = mfn, .arg2.src_mfn = src };

	return HC4(mmuext_op, &e, 1, 0, domid);
}

/* Word @i of the domain's frame @f becomes @val; it is no table. */
static void set_word(domid_t d, unsigned int f, unsigned int i, uint64_t val)
{
	set_foreign_word(d, given[f], i, val);
}

static uint64_t word(domid_t d, unsigned int f, unsigned int i)
{
	uint64_t val;

	CHECK_OK(map_foreign(0, given[f], PTE_RO_PAGE, d));
	val = ((volatile uint64_t *)window(0))[i];
	CHECK_OK(map_foreign(0, 0, 0, d));
	return val;
}

/* A domain with a tree over @leaf, not pinned. */
static domid_t make(uint64_t leaf)
{
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	max_mem(d, NR_GIVEN);
	CHECK_EQ(populate(d, NR, 0x100), NR);
	for (unsigned int t = L4; t < L1; t++)
		set_word(d, t, 5, make_pte(given[t + 1], PTE_RW_PAGE));
	set_word(d, L1, 5, make_pte(leaf ? leaf : given[DATA], PTE_RW_PAGE));
	return d;
}

/* What getpageframeinfo3 says of frame @f, without its shift. */
static unsigned int use_of(domid_t d, uint64_t mfn)
{
	uint64_t x = mfn;

	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.getpageframeinfo3.num = 1;
	domctl_op.u.getpageframeinfo3.array.p = &x;
	CHECK_OK(domctl(XEN_DOMCTL_getpageframeinfo3, d));
	return x >> XEN_DOMCTL_PFINFO_LTAB_SHIFT;
}

CLAIM_DOM0(pin, "a tree of another domain's tables is pinned by its number, and then nobody maps "
	   "them to write; unpinned they are pages again; both once")
{
	domid_t d = make(0);

	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d));
	CHECK_EQ(use_of(d, given[L4]), 8 | 4);
	CHECK_EQ(use_of(d, given[L3]), 3);
	CHECK_EQ(use_of(d, given[L2]), 2);
	CHECK_EQ(use_of(d, given[L1]), 1);
	CHECK_EQ(use_of(d, given[DATA]), 0);
	for (unsigned int t = L4; t <= L1; t++) {
		CHECK(map_foreign(0, given[t], PTE_RW_PAGE, d) < 0);
		CHECK_EQ(word(d, t, 5) & PTE_FRAME, make_pte(given[t + 1], 0));
	}
	CHECK_ERR(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d), XEN_EINVAL);
	CHECK_OK(mmuext_of(MMUEXT_UNPIN_TABLE, given[L4], 0, d));
	CHECK_ERR(mmuext_of(MMUEXT_UNPIN_TABLE, given[L4], 0, d), XEN_EINVAL);
	for (unsigned int t = L4; t <= L1; t++)
		set_word(d, t, 7, 0);
	destroy(d);
}

CLAIM_DOM0(pin_refused, "a tree that names a frame of ours is not pinned, and keeps none of its "
	   "tables; ours are nobody else's to pin")
{
	domid_t d = make(mfn_of(page_alloc()));

	CHECK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d) < 0);
	for (unsigned int t = L4; t <= L1; t++)
		set_word(d, t, 7, 0);
	CHECK_ERR(mmuext_of(MMUEXT_PIN_L1_TABLE, mfn_of(page_alloc()), 0, d), XEN_EINVAL);
	CHECK(mmuext_of(MMUEXT_PIN_L1_TABLE, given[DATA], 0, DOMID_SELF) < 0);
	CHECK_ERR(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, 0x7000), XEN_ESRCH);
	destroy(d);
}

CLAIM_DOM0(pages, "another domain's page is cleared and copied by its number, a table is not")
{
	domid_t d = make(0);

	set_word(d, DATA, 9, 0x1234567);
	CHECK_OK(mmuext_of(MMUEXT_COPY_PAGE, given[OTHER], given[DATA], d));
	CHECK_EQ(word(d, OTHER, 9), 0x1234567);
	CHECK_OK(mmuext_of(MMUEXT_CLEAR_PAGE, given[DATA], 0, d));
	CHECK_EQ(word(d, DATA, 9), 0);
	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d));
	CHECK(mmuext_of(MMUEXT_CLEAR_PAGE, given[L1], 0, d) < 0);
	CHECK(mmuext_of(MMUEXT_COPY_PAGE, given[L1], given[OTHER], d) < 0);
	CHECK(mmuext_of(MMUEXT_COPY_PAGE, given[OTHER], mfn_of(page_alloc()), d) < 0);
	CHECK_EQ(word(d, L1, 5) & PTE_FRAME, make_pte(given[DATA], 0));
	destroy(d);
}

CLAIM_DOM0(own_only, "what mmuext_op does to the caller alone is -EPERM for another")
{
	static const unsigned int cmds[] = {
		MMUEXT_NEW_BASEPTR, MMUEXT_NEW_USER_BASEPTR, MMUEXT_TLB_FLUSH_LOCAL,
		MMUEXT_TLB_FLUSH_ALL, MMUEXT_SET_LDT,
	};
	domid_t d = make(0);

	for (unsigned int i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		CHECK_ERR(mmuext_of(cmds[i], given[L4], 0, d), XEN_EPERM);
	destroy(d);
}

static long set_context(domid_t d, unsigned int vcpu)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.vcpucontext.vcpu = vcpu;
	domctl_op.u.vcpucontext.ctxt.p = &context;
	return domctl(XEN_DOMCTL_setvcpucontext, d);
}

static long get_context(domid_t d, unsigned int vcpu)
{
	memset(&context, 0x5a, sizeof(context));
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.vcpucontext.vcpu = vcpu;
	domctl_op.u.vcpucontext.ctxt.p = &context;
	return domctl(XEN_DOMCTL_getvcpucontext, d);
}

/* As xl's, and a GDT. */
static void fill_context(void)
{
	memset(&context, 0, sizeof(context));
	context.flags = VGCF_in_kernel;
	context.user_regs.rip = 0xffffffff80001000;
	context.user_regs.rsp = 0xffffffff80002000;
	context.user_regs.rbx = 0x1122334455667788;
	context.user_regs.rflags = 0x200;
	context.user_regs.cs = FLAT_KERNEL_CS;
	context.user_regs.ss = FLAT_KERNEL_SS;
	context.kernel_ss = FLAT_KERNEL_SS;
	context.kernel_sp = 0xffffffff80002000;
	context.trap_ctxt[3].address = 0xffffffff80003000;
	context.gdt_frames[0] = given[GDT];
	context.gdt_ents = 512;
	context.ctrlreg[3] = given[L4] << 12;
	context.ctrlreg[4] = CR4_DE;
	context.debugreg[6] = 0xffff0ff0;
	context.debugreg[7] = 0x400;
}

static void check_context(void)
{
	CHECK_EQ(context.user_regs.rip, 0xffffffff80001000);
	CHECK_EQ(context.user_regs.rbx, 0x1122334455667788);
	CHECK_EQ(context.ctrlreg[3], given[L4] << 12);
	CHECK_EQ(context.ctrlreg[1], 0);
	CHECK(context.ctrlreg[4] & CR4_DE);
	CHECK_EQ(context.gdt_frames[0], given[GDT]);
	CHECK_EQ(context.gdt_ents, 512);
	CHECK_EQ(context.trap_ctxt[3].address, 0xffffffff80003000);
	CHECK_EQ(context.kernel_sp, 0xffffffff80002000);
	CHECK(context.flags & VGCF_in_kernel);
}

CLAIM_DOM0(context, "a vCPU of another domain's takes a context with an L4 and a GDT of its own, "
	   "which is asked back; then only its registers change")
{
	domid_t d = make(0);

	CHECK_ERR(get_context(d, 0), XEN_ENODATA);
	fill_context();
	CHECK_OK(set_context(d, 0));
	CHECK_EQ(use_of(d, given[L4]), 4);		/* held, and not pinned */
	CHECK(map_foreign(0, given[GDT], PTE_RW_PAGE, d) < 0);
	CHECK_OK(get_context(d, 0));
	check_context();
	context.user_regs.rbx = 77;
	CHECK_OK(set_context(d, 0));
	CHECK_OK(get_context(d, 0));
	CHECK_EQ(context.user_regs.rbx, 77);
	context.ctrlreg[3] = given[OTHER] << 12;
	CHECK_ERR(set_context(d, 0), XEN_EOPNOTSUPP);
	destroy(d);
}

CLAIM_DOM0(context_refused, "a context with a table or an address that may not be is refused, and "
	   "holds nothing; a vCPU that there is none of is -EINVAL, and so is oneself")
{
	domid_t d = make(mfn_of(page_alloc()));

	fill_context();
	CHECK(set_context(d, 0) < 0);			/* its tree names a frame of ours */
	set_word(d, L1, 5, 0);
	set_word(d, GDT, 0, 0);
	fill_context();
	context.gdt_frames[0] = mfn_of(page_alloc());
	CHECK_ERR(set_context(d, 0), XEN_EINVAL);
	set_word(d, L4, 7, 0);
	fill_context();
	context.event_callback_eip = 1ul << 50;
	CHECK_ERR(set_context(d, 0), XEN_EINVAL);
	fill_context();
	CHECK_ERR(set_context(d, 2), XEN_EINVAL);
	CHECK_ERR(set_context(0, 0), XEN_EINVAL);
	CHECK_ERR(get_context(d, 2), XEN_EINVAL);
	CHECK_ERR(get_context(d, 0), XEN_ENODATA);
	fill_context();
	CHECK_OK(set_context(d, 1));
	destroy(d);
}

/* Word @i of the domain's table @t becomes @val, as mmu_update has it that names its owner. */
static long set_entry(domid_t d, unsigned int t, unsigned int i, uint64_t val, domid_t page_owner)
{
	struct mmu_update u = { .ptr = (given[t] << 12) + 8 * i, .val = val };

	return HC4(mmu_update, &u, 1, 0, page_owner | (d + 1u) << 16);
}

CLAIM_DOM0(tables, "entries of another domain's tables change by mmu_update that names their "
	   "owner, at each level, and name its own frames; the references follow")
{
	domid_t d = make(0);

	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d));
	CHECK_OK(set_entry(d, L1, 6, make_pte(given[OTHER], PTE_RW_PAGE), d));
	CHECK_EQ(word(d, L1, 6) & PTE_FRAME, make_pte(given[OTHER], 0));
	CHECK(mmuext_of(MMUEXT_PIN_L1_TABLE, given[OTHER], 0, d) < 0);	/* it may be written */
	CHECK(set_entry(d, L1, 7, make_pte(given[L1], PTE_RW_PAGE), d) < 0);
	CHECK(set_entry(d, L1, 7, make_pte(mfn_of(page_alloc()), PTE_RW_PAGE), d) < 0);
	CHECK_OK(set_entry(d, L1, 6, 0, d));
	CHECK_OK(mmuext_of(MMUEXT_PIN_L1_TABLE, given[OTHER], 0, d));
	CHECK_OK(set_entry(d, L2, 6, make_pte(given[OTHER], PTE_TABLE), d));
	CHECK_OK(mmuext_of(MMUEXT_UNPIN_TABLE, given[OTHER], 0, d));
	CHECK_EQ(use_of(d, given[OTHER]), 1);
	for (unsigned int t = L4; t < L1; t++)
		CHECK_OK(set_entry(d, t, 5, 0, d));
	CHECK_EQ(use_of(d, given[L1]), 0);
	CHECK_OK(set_entry(d, DATA, 3, 0x1234567, d));		/* no table: as it is */
	CHECK_EQ(word(d, DATA, 3), 0x1234567);
	CHECK(set_entry(d, L4, 256, 0, d) < 0);
	CHECK_ERR(set_entry(0x7000, L1, 6, 0, d), XEN_ESRCH);
	CHECK_OK(mmuext_of(MMUEXT_UNPIN_TABLE, given[L4], 0, d));
	destroy(d);
}

CLAIM_DOM0(reset, "a vCPU of another domain's that gets no context has none any more, holds "
	   "nothing, and takes another")
{
	domid_t d = make(0);

	fill_context();
	CHECK_OK(set_context(d, 0));
	CHECK(map_foreign(0, given[GDT], PTE_RW_PAGE, d) < 0);
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	CHECK_OK(domctl(XEN_DOMCTL_setvcpucontext, d));
	CHECK_ERR(get_context(d, 0), XEN_ENODATA);
	for (unsigned int t = L4; t <= L1; t++)
		set_word(d, t, 7, 0);
	set_word(d, GDT, 7, 0);
	set_word(d, OTHER, 5, make_pte(given[L3], PTE_RW_PAGE));
	fill_context();
	context.ctrlreg[3] = given[OTHER] << 12;
	context.gdt_frames[0] = 0;
	context.gdt_ents = 0;
	CHECK_OK(set_context(d, 0));
	CHECK_EQ(use_of(d, given[OTHER]), 4);
	CHECK_OK(get_context(d, 0));
	CHECK_EQ(context.gdt_ents, 0);
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.vcpucontext.vcpu = 1;
	CHECK_OK(domctl(XEN_DOMCTL_setvcpucontext, d));		/* one that never had any */
	destroy(d);
}

CLAIM_DOM0(grants, "the control domain asks how long another's grant table is, and for its frames; "
	   "of a domain that there is not, by status")
{
	uint64_t frames[2] = { 0, 0 };
	domid_t d = make(0);
	struct gnttab_setup_table s = { .dom = d, .nr_frames = 2, .frame_list.p = frames };
	struct gnttab_query_size q = { .dom = d };
	struct gnttab_get_version v = { .dom = d };

	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &s, 1));
	CHECK_EQ(s.status, 0);
	CHECK(frames[0] && frames[1] && frames[0] != frames[1]);
	CHECK_OK(map_foreign(0, frames[1], PTE_RW_PAGE, d));
	CHECK_OK(map_foreign(0, 0, 0, d));
	CHECK_OK(HC3(grant_table_op, GNTTABOP_query_size, &q, 1));
	CHECK_EQ(q.status, 0);
	CHECK_EQ(q.nr_frames, 2);
	CHECK(q.max_nr_frames >= 2);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_get_version, &v, 1));
	CHECK_EQ(v.version, 1);
	q.dom = s.dom = v.dom = 0x7000;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_query_size, &q, 1));
	CHECK_EQ(q.status, GNTST_bad_domain);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &s, 1));
	CHECK_EQ(s.status, GNTST_bad_domain);
	CHECK_ERR(HC3(grant_table_op, GNTTABOP_get_version, &v, 1), XEN_ESRCH);
	destroy(d);
}

static long hypercall_init(domid_t d, uint64_t mfn)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.hypercall_init.gmfn = mfn;
	return domctl(XEN_DOMCTL_hypercall_init, d);
}

CLAIM_DOM0(hypercall_page, "hypercall_init fills a page of another domain's with its stubs; a "
	   "table is -EPERM, a frame that is not its own is refused")
{
	domid_t d = make(0);

	CHECK_OK(hypercall_init(d, given[OTHER]));
	/* mov eax, n stands somewhere in the stub of 32 bytes; in 12's, n is 12. */
	CHECK(word(d, OTHER, 12 * 4) != 0);
	CHECK(word(d, OTHER, 12 * 4) != word(d, OTHER, 13 * 4));
	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d));
	CHECK_ERR(hypercall_init(d, given[L1]), XEN_EPERM);
	CHECK(hypercall_init(d, mfn_of(page_alloc())) < 0);
	destroy(d);
}

static long trigger(domid_t d, uint32_t what, uint32_t vcpu)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.sendtrigger.trigger = what;
	domctl_op.u.sendtrigger.vcpu = vcpu;
	return domctl(XEN_DOMCTL_sendtrigger, d);
}

CLAIM_DOM0(triggers, "of the triggers a PV domain has the NMI alone; of a vCPU that there is none "
	   "of it is -ESRCH")
{
	domid_t d = make(0);

	CHECK_OK(trigger(d, XEN_DOMCTL_SENDTRIGGER_NMI, 0));
	CHECK_OK(trigger(d, XEN_DOMCTL_SENDTRIGGER_NMI, 0));
	CHECK_ERR(trigger(d, XEN_DOMCTL_SENDTRIGGER_NMI, 2), XEN_ESRCH);
	CHECK_ERR(trigger(d, XEN_DOMCTL_SENDTRIGGER_POWER, 0), XEN_EINVAL);
	CHECK_ERR(trigger(d, XEN_DOMCTL_SENDTRIGGER_SLEEP, 0), XEN_EINVAL);
	CHECK_ERR(trigger(d, XEN_DOMCTL_SENDTRIGGER_RESET, 0), XEN_ENOSYS);
	CHECK_ERR(trigger(d, 99, 0), XEN_ENOSYS);
	destroy(d);
}

CLAIM_DOM0(rounds, "domains with pinned tables and contexts come and go, and as many pages are "
	   "free as before")
{
	uint64_t before = 0;

	for (unsigned int i = 0; i < 12; i++) {
		domid_t d = make(0);

		CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d));
		fill_context();
		CHECK_OK(set_context(d, i % 2));
		destroy(d);
		if (i == 1)			/* what is made once, and kept */
			before = free_pages();
	}
	CHECK(becomes(are_free, before));
}
