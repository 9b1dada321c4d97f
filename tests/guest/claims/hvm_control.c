/* SPDX-License-Identifier: MIT */
/*
 * Domains of type=pvh that the control domain makes, without running them: what xl asks for one,
 * and what is refused. Memory is named by gfn. Only on machines that have it (tests/boot/pvh.t, and
 * by hand with --cpu qemu64,+svm,+npt on Xen).
 */
#define TOPIC "hvm_control"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../domains.h"
#include "../memory.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/memory.h>

#define PAGES 1024u			/* that one may have */

static struct xen_domctl_createdomain *hvm_config(void)
{
	struct xen_domctl_createdomain *c = config();

	c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	c->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	c->max_vcpus = 1;
	return c;
}

/* With one vCPU, and no memory yet. */
static domid_t create_hvm(void)
{
	domid_t d;

	need_nested_paging();
	hvm_config();
	CHECK_OK(domctl(XEN_DOMCTL_createdomain, ANY));
	d = domctl_op.domain;
	CHECK_OK(max_vcpus(d, 1));
	max_mem(d, PAGES);
	domctl_op.u.paging_mempool.size = 2 << 20;
	CHECK_OK(domctl(XEN_DOMCTL_set_paging_mempool_size, d));
	return d;
}

static long populate_order(domid_t d, uint64_t gfn, unsigned int order)
{
	return extent_by_gfn(d, XENMEM_populate_physmap, gfn, order);
}

static long decrease(domid_t d, uint64_t gfn, unsigned int order)
{
	return extent_by_gfn(d, XENMEM_decrease_reservation, gfn, order);
}

static uint64_t pages_of(domid_t d)
{
	CHECK(is_there(d));
	return domctl_op.u.getdomaininfo.tot_pages;
}

CLAIM_DOM0(kinds, "one is made with HVM, HAP and the local APIC, and is told of so; other emulated "
	   "devices for it, or these for a PV domain, are refused")
{
	domid_t d = create_hvm();

	CHECK(is_there(d));
	CHECK(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_hvm_guest);
	CHECK(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_hap);
	CHECK(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_paused);
	CHECK_EQ(domctl_op.u.getdomaininfo.shared_info_frame, ~0ul);
	destroy(d);
	hvm_config()->arch.emulation_flags = XEN_X86_EMU_LAPIC | XEN_X86_EMU_PIT;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EOPNOTSUPP);
	hvm_config()->arch.emulation_flags = 0;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EOPNOTSUPP);
	hvm_config()->flags = XEN_DOMCTL_CDF_hap;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	CHECK(domctl(XEN_DOMCTL_createdomain, ANY) < 0);
}

CLAIM_DOM0(memory, "memory comes by gfn, 2 MiB and 4 KiB at a time, and its list stays what it is; "
	   "it is mapped by gfn; a hole is not; what is taken back is a hole")
{
	domid_t d = create_hvm();

	CHECK_EQ(populate_order(d, 0x200, 9), 1);
	CHECK_EQ(given[0], 0x200);
	CHECK_EQ(populate_order(d, 0xfeffc, 0), 1);
	CHECK_EQ(given[0], 0xfeffc);
	CHECK_EQ(pages_of(d), 513);
	set_foreign_word(d, 0x345, 7, 0x1234567);
	CHECK_OK(map_foreign(1, 0x345, PTE_RW_PAGE, d));
	CHECK_EQ(((volatile uint64_t *)window(1))[7], 0x1234567);
	CHECK_OK(map_foreign(0, 0xfeffc, PTE_RW_PAGE, d));
	CHECK_OK(map_foreign(0, 0, 0, d));
	CHECK(map_foreign(0, 0x123, PTE_RW_PAGE, d) < 0);
	CHECK(map_foreign(0, 1ul << 35, PTE_RW_PAGE, d) < 0);
	CHECK_EQ(decrease(d, 0x344, 0), 1);
	CHECK_EQ(decrease(d, 0x344, 0), 0);
	CHECK(map_foreign(0, 0x344, PTE_RW_PAGE, d) < 0);
	CHECK_EQ(pages_of(d), 512);
	/* Mapped still: it stays what it is, for us. */
	CHECK_EQ(decrease(d, 0x345, 0), 1);
	CHECK_EQ(((volatile uint64_t *)window(1))[7], 0x1234567);
	CHECK_OK(map_foreign(1, 0, 0, d));
	CHECK_EQ(populate_order(d, 0x344, 0), 1);
	CHECK_OK(map_foreign(0, 0x344, PTE_RW_PAGE, d));
	CHECK_EQ(((volatile uint64_t *)window(0))[7], 0);
	CHECK_OK(map_foreign(0, 0, 0, d));
	destroy(d);
	CHECK(becomes(is_gone, d));
}

CLAIM_DOM0(more_than_it_may, "what goes beyond its most pages, or its pool, is not done")
{
	uint64_t before;
	domid_t d = create_hvm();

	CHECK_EQ(populate_order(d, 0x0, 9), 1);
	CHECK_EQ(populate_order(d, 0x200, 9), 1);
	before = pages_of(d);
	CHECK_EQ(populate_order(d, 0x400, 9), 0);
	CHECK_EQ(populate_order(d, 0x400, 0), 0);
	CHECK_EQ(pages_of(d), before);
	destroy(d);
	CHECK(becomes(is_gone, d));
}

/* Not on Xen, where a page that comes in another's place leaves that one to be found by nobody. */
CLAIM_DOM0(populated, "where something is nothing more comes; nor where it is not aligned")
{
	domid_t d;

	if (!on_isola)
		skip("a rule of Isola's own");
	d = create_hvm();
	CHECK_EQ(populate_order(d, 0x200, 9), 1);
	CHECK_EQ(populate_order(d, 0x200, 0), 0);
	CHECK_EQ(populate_order(d, 0x200, 9), 0);
	CHECK_EQ(populate_order(d, 0x401, 9), 0);
	CHECK_EQ(populate_order(d, 0x403, 2), 0);
	CHECK_EQ(decrease(d, 0x201, 9), 0);
	CHECK_EQ(pages_of(d), 512);
	CHECK_EQ(decrease(d, 0x200, 9), 1);
	CHECK_EQ(pages_of(d), 0);
	domctl_op.u.paging_mempool.size = 0;
	CHECK_OK(domctl(XEN_DOMCTL_set_paging_mempool_size, d));
	CHECK_EQ(populate_order(d, 1ul << 24, 0), 0);
	CHECK_EQ(pages_of(d), 0);
	destroy(d);
}

CLAIM_DOM0(pool, "the pool of its tables is had in whole pages; a PV domain has none")
{
	domid_t pv = create(), d;

	domctl_op.u.paging_mempool.size = 1 << 20;
	CHECK_ERR(domctl(XEN_DOMCTL_set_paging_mempool_size, pv), XEN_EOPNOTSUPP);
	CHECK_ERR(domctl(XEN_DOMCTL_get_paging_mempool_size, pv), XEN_EOPNOTSUPP);
	destroy(pv);
	d = create_hvm();
	domctl_op.u.paging_mempool.size = (3 << 20) + 1;
	CHECK_ERR(domctl(XEN_DOMCTL_set_paging_mempool_size, d), XEN_EINVAL);
	domctl_op.u.paging_mempool.size = 3 << 20;
	CHECK_OK(domctl(XEN_DOMCTL_set_paging_mempool_size, d));
	domctl_op.u.paging_mempool.size = 0;
	CHECK_OK(domctl(XEN_DOMCTL_get_paging_mempool_size, d));
	CHECK_EQ(domctl_op.u.paging_mempool.size, 3 << 20);
	destroy(d);
}

static long param(uint32_t op, domid_t d, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param p = { .domid = d, .index = index, .value = *value };
	long rc = HC2(hvm_op, op, &p);

	*value = p.value;
	return rc;
}

CLAIM_DOM0(params, "parameters are set and read back; of no such number, or of a PV domain, "
	   "-EINVAL; of no domain, -ESRCH")
{
	static const uint32_t indices[] = {
		HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN, HVM_PARAM_CONSOLE_PFN,
		HVM_PARAM_CONSOLE_EVTCHN, HVM_PARAM_IOREQ_PFN, HVM_PARAM_BUFIOREQ_PFN,
		HVM_PARAM_PAGING_RING_PFN, HVM_PARAM_MONITOR_RING_PFN, HVM_PARAM_SHARING_RING_PFN,
		HVM_PARAM_IDENT_PT };
	domid_t d = create_hvm();
	uint64_t x;

	for (unsigned int i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		x = 0xfe000 + i;
		CHECK_OK(param(HVMOP_set_param, d, indices[i], &x));
	}
	for (unsigned int i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		x = 0;
		CHECK_OK(param(HVMOP_get_param, d, indices[i], &x));
		CHECK_EQ(x, 0xfe000 + i);
	}
	x = 1;
	CHECK_OK(param(HVMOP_set_param, d, HVM_PARAM_TIMER_MODE, &x));
	x = 100;
	CHECK_ERR(param(HVMOP_set_param, d, HVM_PARAM_TIMER_MODE, &x), XEN_EINVAL);
	x = 1;
	CHECK_ERR(param(HVMOP_set_param, d, HVM_NR_PARAMS, &x), XEN_EINVAL);
	CHECK_ERR(param(HVMOP_get_param, d, ~0u, &x), XEN_EINVAL);
	CHECK_ERR(param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_STORE_PFN, &x), XEN_EINVAL);
	CHECK_ERR(param(HVMOP_set_param, 0x6fff, HVM_PARAM_STORE_PFN, &x), XEN_ESRCH);
	CHECK_ERR(HC2(hvm_op, HVMOP_set_param, UNMAPPED_POINTER), XEN_EFAULT);
	destroy(d);
}

CLAIM_DOM0(pod_target, "where nothing is populated on demand a target of pages is set and asked "
	   "for, and moves nothing; not beyond the most, nor of a PV domain")
{
	domid_t pv = create(), d;
	xen_pod_target_t t = { .target_pages = 1, .domid = pv };

	CHECK_ERR(HC2(memory_op, XENMEM_set_pod_target, &t), XEN_EINVAL);
	destroy(pv);
	d = create_hvm();
	CHECK_EQ(populate_order(d, 0x200, 9), 1);
	t = (xen_pod_target_t){ .target_pages = 300, .tot_pages = 7, .domid = d };
	CHECK_OK(HC2(memory_op, XENMEM_set_pod_target, &t));
	CHECK_EQ(t.tot_pages, 512);
	CHECK_EQ(t.pod_entries, 0);
	CHECK_OK(HC2(memory_op, XENMEM_get_pod_target, &t));
	t.target_pages = PAGES + 1;
	CHECK_ERR(HC2(memory_op, XENMEM_set_pod_target, &t), XEN_EINVAL);
	t.domid = 0x6fff;
	CHECK_ERR(HC2(memory_op, XENMEM_get_pod_target, &t), XEN_ESRCH);
	CHECK_EQ(pages_of(d), 512);
	destroy(d);
}

/* ---- Contexts -------------------------------------------------------------------------------- */

static uint8_t context[16384];

static long context_op(uint32_t cmd, domid_t d, uint32_t size, void *buffer)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.hvmcontext.size = size;
	domctl_op.u.hvmcontext.buffer.p = buffer;
	return domctl(cmd, d);
}

/* The record of @type in context, or NULL. */
static struct hvm_save_descriptor *record(uint16_t type)
{
	for (uint32_t at = 0;;) {
		struct hvm_save_descriptor *desc = (void *)(context + at);

		if (desc->typecode == type || !desc->typecode)
			return desc->typecode == type ? desc : NULL;
		at += sizeof(*desc) + desc->length;
	}
}

static struct {
	struct hvm_save_descriptor head_desc;
	HVM_SAVE_TYPE(HEADER) head;
	struct hvm_save_descriptor desc;
	HVM_SAVE_TYPE(CPU) cpu;
	struct hvm_save_descriptor end;
} one_cpu;

/* As xl makes it: 32-bit, flat, no paging. */
static void make_cpu(void)
{
	memset(&one_cpu, 0, sizeof(one_cpu));
	memcpy(&one_cpu, context, sizeof(one_cpu.head_desc) + sizeof(one_cpu.head));
	one_cpu.desc.typecode = HVM_SAVE_CODE(CPU);
	one_cpu.desc.length = sizeof(one_cpu.cpu);
	one_cpu.cpu.rip = 0x200000;
	one_cpu.cpu.rbx = 0x21b000;
	one_cpu.cpu.rflags = 2;
	one_cpu.cpu.cr0 = 0x11;
	one_cpu.cpu.cs_limit = one_cpu.cpu.ds_limit = one_cpu.cpu.ss_limit = ~0u;
	one_cpu.cpu.es_limit = ~0u;
	one_cpu.cpu.cs_arbytes = 0xc9b;
	one_cpu.cpu.ds_arbytes = one_cpu.cpu.es_arbytes = one_cpu.cpu.ss_arbytes = 0xc93;
	one_cpu.cpu.tr_limit = 0x67;
	one_cpu.cpu.tr_arbytes = 0x8b;
	one_cpu.cpu.dr6 = 0xffff0ff0;
	one_cpu.cpu.dr7 = 0x400;
}

static long set_cpu(domid_t d)
{
	return context_op(XEN_DOMCTL_sethvmcontext, d, sizeof(one_cpu), &one_cpu);
}

static void get_context(domid_t d)
{
	CHECK_OK(context_op(XEN_DOMCTL_gethvmcontext, d, 0, NULL));
	CHECK(domctl_op.u.hvmcontext.size <= sizeof(context));
	memset(context, 0, sizeof(context));
	CHECK_OK(context_op(XEN_DOMCTL_gethvmcontext, d, sizeof(context), context));
}

CLAIM_DOM0(context, "a context has a header and MTRRs; a processor that is set is up, and is read "
	   "back; a buffer that is too short, or of a PV domain, is refused")
{
	const struct hvm_save_descriptor *desc;
	domid_t pv = create(), d;
	const struct hvm_hw_cpu *c;

	CHECK_ERR(context_op(XEN_DOMCTL_gethvmcontext, pv, 0, NULL), XEN_EINVAL);
	destroy(pv);
	d = create_hvm();
	CHECK_OK(context_op(XEN_DOMCTL_gethvmcontext, d, 0, NULL));
	CHECK_ERR(context_op(XEN_DOMCTL_gethvmcontext, d, domctl_op.u.hvmcontext.size - 1, context),
		  XEN_ENOSPC);
	get_context(d);
	desc = record(HVM_SAVE_CODE(HEADER));
	CHECK(desc == (void *)context && desc->length == HVM_SAVE_LENGTH(HEADER));
	desc = record(HVM_SAVE_CODE(MTRR));
	CHECK(desc && desc->length == HVM_SAVE_LENGTH(MTRR));
	CHECK(!record(HVM_SAVE_CODE(CPU)));
	make_cpu();
	CHECK_OK(set_cpu(d));
	CHECK(is_there(d));
	CHECK_EQ(domctl_op.u.getdomaininfo.nr_online_vcpus, 1);
	get_context(d);
	desc = record(HVM_SAVE_CODE(CPU));
	CHECK(desc && desc->length == sizeof(*c));
	c = (const void *)(desc + 1);
	CHECK_EQ(c->rip, 0x200000);
	CHECK_EQ(c->rbx, 0x21b000);
	CHECK_EQ(c->cr0 & ~0x10ul, 1);
	CHECK_EQ(c->cs_arbytes, 0xc9b);
	CHECK_EQ(c->cs_limit, ~0u);
	CHECK_EQ(c->msr_efer, 0);
	destroy(d);
}

static long get_record(domid_t d, uint32_t type, uint32_t instance, uint64_t size)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.hvmcontext_partial.type = type;
	domctl_op.u.hvmcontext_partial.instance = instance;
	domctl_op.u.hvmcontext_partial.bufsz = size;
	domctl_op.u.hvmcontext_partial.buffer.p = size ? context : NULL;
	return domctl(XEN_DOMCTL_gethvmcontext_partial, d);
}

CLAIM_DOM0(one_record, "one record alone is read, of a vCPU that is up; not by too short a buffer, "
	   "of another vCPU, or of a type that there is none of")
{
	domid_t d = create_hvm();

	CHECK_ERR(get_record(d, HVM_SAVE_CODE(CPU), 0, sizeof(context)), XEN_ENODATA);
	get_context(d);
	make_cpu();
	CHECK_OK(set_cpu(d));
	CHECK_OK(get_record(d, HVM_SAVE_CODE(CPU), 0, 0));
	CHECK_EQ(domctl_op.u.hvmcontext_partial.bufsz, sizeof(struct hvm_hw_cpu));
	CHECK_OK(get_record(d, HVM_SAVE_CODE(CPU), 0, sizeof(context)));
	CHECK_EQ(((struct hvm_hw_cpu *)context)->rip, 0x200000);
	CHECK_EQ(((struct hvm_hw_cpu *)context)->tr_arbytes, 0x8b);
	CHECK_OK(get_record(d, HVM_SAVE_CODE(MTRR), 0, sizeof(context)));
	CHECK_ERR(get_record(d, HVM_SAVE_CODE(CPU), 0, 100), XEN_ENOBUFS);
	CHECK_ERR(get_record(d, HVM_SAVE_CODE(CPU), 77, sizeof(context)), XEN_ENOENT);
	CHECK_ERR(get_record(d, 100, 0, sizeof(context)), XEN_EINVAL);
	destroy(d);
}

CLAIM_DOM0(bad_context, "a context with no header, no end, an unknown record, for no such vCPU, or "
	   "of a processor that there cannot be, is refused; a vCPU stays down")
{
	domid_t d = create_hvm();

	get_context(d);
	make_cpu();
	one_cpu.head_desc.typecode = HVM_SAVE_CODE(CPU);
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.head.magic++;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.desc.typecode = 100;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.desc.instance = 1;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.desc.length = ~0u;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.desc.length = sizeof(one_cpu.cpu) + 8;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.cpu.cr0 = 1ul << 31;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.cpu.cr4 = 1ul << 40;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.cpu.msr_efer = 1ul << 40;
	CHECK(set_cpu(d) < 0);
	make_cpu();
	one_cpu.cpu.pending_valid = 1;
	one_cpu.cpu.pending_type = 1;
	CHECK(set_cpu(d) < 0);
	CHECK(context_op(XEN_DOMCTL_sethvmcontext, d, sizeof(one_cpu), UNMAPPED_POINTER) < 0);
	CHECK(is_there(d));
	CHECK_EQ(domctl_op.u.getdomaininfo.nr_online_vcpus, 0);
	destroy(d);
}

/* Xen takes records as they come: those before the bad one have been set. */
CLAIM_DOM0(all_or_nothing, "of a context that ends badly nothing is set")
{
	domid_t d;

	if (!on_isola)
		skip("a rule of Isola's own");
	d = create_hvm();
	get_context(d);
	make_cpu();
	one_cpu.end.typecode = 100;
	CHECK_ERR(set_cpu(d), XEN_EPERM);
	CHECK(is_there(d));
	CHECK_EQ(domctl_op.u.getdomaininfo.nr_online_vcpus, 0);
	make_cpu();
	CHECK_ERR(context_op(XEN_DOMCTL_sethvmcontext, d, sizeof(one_cpu) - 1, &one_cpu),
		  XEN_EPERM);
	CHECK(is_there(d));
	CHECK_EQ(domctl_op.u.getdomaininfo.nr_online_vcpus, 0);
	destroy(d);
}

/* ---- What xl save asks ----------------------------------------------------------------------- */

CLAIM_DOM0(saved_pages, "the highest gfn that has been given something, and which gfns have RAM, "
	   "are told; not of too many at once")
{
	static uint64_t gfns[1025];
	struct xen_domctl_getpageframeinfo3 *op = &domctl_op.u.getpageframeinfo3;
	domid_t d = create_hvm();

	CHECK_EQ(HC2(memory_op, XENMEM_maximum_gpfn, &d), 0);
	CHECK_EQ(populate_order(d, 0xfefff, 0), 1);
	CHECK_EQ(populate_order(d, 0x200, 9), 1);
	CHECK_EQ(HC2(memory_op, XENMEM_maximum_gpfn, &d), 0xfefff);
	CHECK_EQ(decrease(d, 0x201, 0), 1);
	gfns[0] = 0x200;
	gfns[1] = 0x201;
	gfns[2] = 0x3ff;
	gfns[3] = 0x400;
	gfns[4] = 0xfefff;
	gfns[5] = 1ul << 45;
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	op->num = 6;
	op->array.p = (xen_pfn_t *)gfns;
	CHECK_OK(domctl(XEN_DOMCTL_getpageframeinfo3, d));
	CHECK_EQ(gfns[0], XEN_DOMCTL_PFINFO_NOTAB);
	CHECK_EQ(gfns[1], XEN_DOMCTL_PFINFO_XTAB);
	CHECK_EQ(gfns[2], XEN_DOMCTL_PFINFO_NOTAB);
	CHECK_EQ(gfns[3], XEN_DOMCTL_PFINFO_XTAB);
	CHECK_EQ(gfns[4], XEN_DOMCTL_PFINFO_NOTAB);
	CHECK_EQ(gfns[5], XEN_DOMCTL_PFINFO_XTAB);
	op->num = 1025;
	CHECK_ERR(domctl(XEN_DOMCTL_getpageframeinfo3, d), XEN_E2BIG);
	destroy(d);
	CHECK(becomes(is_gone, d));
}

static volatile uint32_t *apic_reg(uint32_t offset)
{
	struct hvm_save_descriptor *desc = record(HVM_SAVE_CODE(LAPIC_REGS));

	CHECK(desc && desc->length == HVM_SAVE_LENGTH(LAPIC_REGS));
	return (volatile uint32_t *)((uint8_t *)(desc + 1) + offset);
}

static long set_context(domid_t d)
{
	uint32_t end = 0;

	for (;;) {
		const struct hvm_save_descriptor *desc = (void *)(context + end);

		end += sizeof(*desc) + desc->length;
		if (!desc->typecode)
			return context_op(XEN_DOMCTL_sethvmcontext, d, end, context);
	}
}

CLAIM_DOM0(apic_context, "a context has each vCPU's local APIC, which is set and read back; in a "
	   "mode that there is none of it is refused")
{
	static const struct { uint32_t offset, val; } regs[] = {
		{ 0x80, 0x57 }, { 0xd0, 0x3000000 }, { 0xe0, 0xfffffff }, { 0xf0, 0x1fe },
		{ 0x120, 0x4000 }, { 0x220, 2 }, { 0x270, 0x80000000 }, { 0x300, 0x4041 },
		{ 0x310, 0x2000000 }, { 0x320, 0x20051 }, { 0x350, 0x10700 }, { 0x380, 0xfedcba98 },
		{ 0x3e0, 0xa },
	};
	struct hvm_hw_lapic *lapic;
	struct hvm_hw_cpu *cpu;
	domid_t d = create_hvm();

	get_context(d);
	CHECK_EQ(*apic_reg(0xf0), 0xff);
	CHECK_EQ(*apic_reg(0xe0), ~0u);
	for (unsigned int i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		*apic_reg(regs[i].offset) = regs[i].val;
	lapic = (void *)(record(HVM_SAVE_CODE(LAPIC)) + 1);
	CHECK_EQ(lapic->apic_base_msr, 0xfee00900);
	CHECK_EQ(lapic->disabled, 2);		/* by SVR, not by APICBASE */
	lapic->disabled = 0;
	lapic->timer_divisor = 128;
	CHECK_OK(set_context(d));
	get_context(d);
	for (unsigned int i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		CHECK_EQ(*apic_reg(regs[i].offset), regs[i].val);
	lapic = (void *)(record(HVM_SAVE_CODE(LAPIC)) + 1);
	CHECK_EQ(lapic->timer_divisor, 128);
	make_cpu();
	CHECK_OK(set_cpu(d));
	get_context(d);
	*apic_reg(0x320) = 0x40051;
	lapic = (void *)(record(HVM_SAVE_CODE(LAPIC)) + 1);
	cpu = (void *)(record(HVM_SAVE_CODE(CPU)) + 1);
	lapic->tdt_msr = (cpu->tsc = 5) + (1ul << 44);
	CHECK_OK(set_context(d));
	get_context(d);
	CHECK_EQ((lapic->tdt_msr - cpu->tsc) >> 43, 1);		/* as far as it was */
	lapic->apic_base_msr = 0xfee00500;
	CHECK(set_context(d) < 0);
	destroy(d);
}

static struct vcpu_guest_context registers;

static long vcpu_context(uint32_t cmd, domid_t d, uint32_t vcpu)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.vcpucontext.vcpu = vcpu;
	domctl_op.u.vcpucontext.ctxt.p = (void *)&registers;
	return domctl(cmd, d);
}

CLAIM_DOM0(registers, "general registers of a vCPU that has begun are read and set; the rest stays")
{
	domid_t d = create_hvm();

	CHECK_ERR(vcpu_context(XEN_DOMCTL_getvcpucontext, d, 0), XEN_ENODATA);
	get_context(d);
	make_cpu();
	CHECK_OK(set_cpu(d));
	CHECK_OK(vcpu_context(XEN_DOMCTL_getvcpucontext, d, 0));
	CHECK_EQ(registers.user_regs.rip, 0x200000);
	CHECK_EQ(registers.user_regs.rbx, 0x21b000);
	CHECK_EQ(registers.ctrlreg[0] & ~0x10ul, 1);
	CHECK(registers.flags & VGCF_online);
	registers.user_regs.rax = 1;
	CHECK_OK(vcpu_context(XEN_DOMCTL_setvcpucontext, d, 0));
	memset(&registers, 0, sizeof(registers));
	CHECK_OK(vcpu_context(XEN_DOMCTL_getvcpucontext, d, 0));
	CHECK_EQ(registers.user_regs.rax, 1);
	CHECK_EQ(registers.user_regs.rip, 0x200000);
	CHECK_EQ(registers.debugreg[7], 0x400);
	CHECK_ERR(vcpu_context(XEN_DOMCTL_getvcpucontext, d, 1), XEN_EINVAL);
	get_context(d);
	CHECK_EQ(((struct hvm_hw_cpu *)(record(HVM_SAVE_CODE(CPU)) + 1))->cs_arbytes, 0xc9b);
	destroy(d);
}

CLAIM_DOM0(comes_back, "what is made, filled and destroyed ten times leaves as much memory free")
{
	uint64_t before = 0;

	need_nested_paging();
	for (unsigned int i = 0; i < 12; i++) {
		domid_t d = create_hvm();

		CHECK_EQ(populate_order(d, 0, 9), 1);
		CHECK_EQ(populate_order(d, 0xfefff, 0), 1);
		CHECK_EQ(decrease(d, 17, 0), 1);
		destroy(d);
		CHECK(becomes(is_gone, d));
		if (i == 1)
			before = free_pages();	/* what is made once, and kept, is there by now */
	}
	CHECK(becomes(are_free, before));
}
