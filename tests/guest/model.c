/* SPDX-License-Identifier: MIT */
/*
 * A device model of ours, and the domain that it is for: see model.h.
 */
#define TOPIC "model"
#define __XEN_TOOLS__ 1
#include "clock.h"
#include "domains.h"
#include "events.h"
#include "memory.h"
#include "model.h"
#include "text.h"
#include <xen/domctl.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/save.h>
#include <xen/memory.h>

#define CODE_GFN	0x200ul
#define L4_GFN		0x210ul		/* L4, L3, and two L2 */
#define BOX_GFN		0x220ul		/* both mailboxes, each with its stack behind it */
#define CALLS_GFN	0x230ul
#define BOX_BYTES	1024u
#define BOX_WINDOW	1u

extern const char model_guest[], model_guest_end[];

static domid_t running;			/* 0: none */

static void give_memory(domid_t d, uint64_t gfn)
{
	CHECK_EQ(extent_by_gfn(d, XENMEM_populate_physmap, gfn, 9), 1);
}

static volatile uint64_t *foreign_page(domid_t d, uint64_t gfn, unsigned int w)
{
	CHECK_OK(map_foreign(w, gfn, PTE_RW_PAGE, d));
	return window(w);
}

/* 0 to 4 MiB, and what MODEL_MMIO begins, each where it is. */
static void make_tables(domid_t d)
{
	volatile uint64_t *table = foreign_page(d, L4_GFN, 0);

	table[0] = (L4_GFN + 1) << 12 | 7;
	table = foreign_page(d, L4_GFN + 1, 0);
	table[0] = (L4_GFN + 2) << 12 | 7;
	table[3] = (L4_GFN + 3) << 12 | 7;
	table = foreign_page(d, L4_GFN + 2, 0);
	for (unsigned int i = 0; i < 4; i++)
		table[i] = (uint64_t)i << 21 | 0x87;
	table = foreign_page(d, L4_GFN + 3, 0);
	table[MODEL_MMIO >> 21 & 511] = MODEL_MMIO | 0x87;
}

static void put_code(domid_t d)
{
	volatile char *to = (volatile char *)foreign_page(d, CODE_GFN, 0);

	for (long i = 0; i < model_guest_end - model_guest; i++)
		to[i] = model_guest[i];
	CHECK_OK(map_foreign(0, 0, 0, d));
}

static uint64_t box_addr(unsigned int vcpu)
{
	return (BOX_GFN << 12) + vcpu * BOX_BYTES;
}

static void make_boxes(domid_t d, unsigned int vcpus)
{
	foreign_page(d, BOX_GFN, BOX_WINDOW);
	for (unsigned int i = 0; i < vcpus; i++) {
		struct xen_memory_reservation *r = &mailbox(i)->reservation;

		memset(mailbox(i), 0, sizeof(struct mailbox));
		r->extent_start.p = (xen_pfn_t *)(box_addr(i) + offsetof(struct mailbox, gfn));
		r->nr_extents = 1;
		r->domid = DOMID_SELF;
		mailbox(i)->calls = (CALLS_GFN + i) << 12;
		mailbox(i)->physmap.domid = DOMID_SELF;
		mailbox(i)->physmap.space = XENMAPSPACE_shared_info;
	}
}

static struct {
	struct hvm_save_descriptor head_desc;
	HVM_SAVE_TYPE(HEADER) head;
	struct cpu_record {
		struct hvm_save_descriptor desc;
		HVM_SAVE_TYPE(CPU) cpu;
	} vcpu[MODEL_VCPUS];
	struct hvm_save_descriptor end;
} context;

static long context_op(uint32_t cmd, domid_t d, uint32_t size, void *buffer)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.hvmcontext.size = size;
	domctl_op.u.hvmcontext.buffer.p = buffer;
	return domctl(cmd, d);
}

/* 64-bit, flat, interrupts off. */
static void make_cpu(struct cpu_record *r, unsigned int vcpu)
{
	memset(r, 0, sizeof(*r));
	r->desc.typecode = HVM_SAVE_CODE(CPU);
	r->desc.instance = (uint16_t)vcpu;
	r->desc.length = sizeof(r->cpu);
	r->cpu.rip = CODE_GFN << 12;
	r->cpu.rbx = box_addr(vcpu);
	r->cpu.rsp = box_addr(vcpu + 1);
	r->cpu.rflags = 2;
	r->cpu.cr0 = 0x80000011;
	r->cpu.cr3 = L4_GFN << 12;
	r->cpu.cr4 = 0x20;
	r->cpu.msr_efer = 0x500;
	r->cpu.cs_limit = r->cpu.ds_limit = r->cpu.ss_limit = r->cpu.es_limit = ~0u;
	r->cpu.cs_arbytes = 0xa9b;
	r->cpu.ds_arbytes = r->cpu.es_arbytes = r->cpu.ss_arbytes = 0xc93;
	r->cpu.tr_limit = 0x67;
	r->cpu.tr_arbytes = 0x8b;
	r->cpu.dr6 = 0xffff0ff0;
	r->cpu.dr7 = 0x400;
}

void model_restart(domid_t d, unsigned int vcpus)
{
	static uint8_t was[16384];
	uint32_t size = offsetof(typeof(context), vcpu) + vcpus * sizeof(context.vcpu[0]);

	CHECK_OK(context_op(XEN_DOMCTL_gethvmcontext, d, sizeof(was), was));
	memset(&context, 0, sizeof(context));
	memcpy(&context, was, offsetof(typeof(context), vcpu));
	for (unsigned int i = 0; i < vcpus; i++)
		make_cpu(&context.vcpu[i], i);
	/* What follows is zero: the end. */
	CHECK_OK(context_op(XEN_DOMCTL_sethvmcontext, d, size + sizeof(context.end), &context));
}

domid_t model_domain(unsigned int vcpus)
{
	struct xen_domctl_createdomain *c;
	domid_t d;

	need_nested_paging();
	if (running && is_there(running))
		destroy(running);	/* a claim has ended badly */
	c = config();
	c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	c->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	c->max_vcpus = vcpus;
	CHECK_OK(domctl(XEN_DOMCTL_createdomain, ANY));
	d = running = domctl_op.domain;
	CHECK_OK(max_vcpus(d, vcpus));
	max_mem(d, 1024 + 8);
	domctl_op.u.paging_mempool.size = 2 << 20;
	CHECK_OK(domctl(XEN_DOMCTL_set_paging_mempool_size, d));
	give_memory(d, CODE_GFN);
	give_memory(d, MODEL_SPARE);
	make_tables(d);
	put_code(d);
	make_boxes(d, vcpus);
	model_restart(d, vcpus);
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, d));
	return d;
}

void model_end(domid_t d)
{
	memory_reset();		/* what we map of it keeps its number */
	destroy(d);
	CHECK(becomes(is_gone, d));
}

struct mailbox *mailbox(unsigned int vcpu)
{
	return (void *)((char *)window(BOX_WINDOW) + vcpu * BOX_BYTES);
}

void post(unsigned int vcpu, enum model_op op, uint64_t addr, uint64_t data)
{
	struct mailbox *m = mailbox(vcpu);

	m->op = op;
	m->addr = addr;
	m->data = data;
	m->posted++;
}

bool is_done(unsigned int vcpu)
{
	return mailbox(vcpu)->done == mailbox(vcpu)->posted;
}

uint64_t result(unsigned int vcpu)
{
	CHECK(YIELD_FOR(is_done(vcpu)));
	return mailbox(vcpu)->result;
}

/* ---- Servers --------------------------------------------------------------------------------- */

long dm_op(domid_t d, uint32_t op, void *body, uint32_t bytes)
{
	struct xen_dm_op o = { .op = op };
	struct xen_dm_op_buf buf = { .size = sizeof(o) };
	long rc;

	memcpy(&o.u, body, bytes);
	buf.h.p = &o;
	rc = HC3(dm_op, d, 1, &buf);
	memcpy(body, &o.u, bytes);
	return rc;
}

long server_create(domid_t d, uint8_t buffers)
{
	struct xen_dm_op_create_ioreq_server c = { .handle_bufioreq = buffers };
	long rc = dm_op(d, XEN_DMOP_create_ioreq_server, &c, sizeof(c));

	return rc ? rc : c.id;
}

long server_range(domid_t d, long id, uint32_t type, uint64_t first, uint64_t last, bool add)
{
	struct xen_dm_op_ioreq_server_range r = { .id = (ioservid_t)id, .type = type,
						  .start = first, .end = last };

	return dm_op(d, add ? XEN_DMOP_map_io_range_to_ioreq_server
			    : XEN_DMOP_unmap_io_range_from_ioreq_server, &r, sizeof(r));
}

long server_enable(domid_t d, long id, bool on)
{
	struct xen_dm_op_set_ioreq_server_state s = { .id = (ioservid_t)id, .enabled = on };

	return dm_op(d, XEN_DMOP_set_ioreq_server_state, &s, sizeof(s));
}

long server_destroy(domid_t d, long id)
{
	struct xen_dm_op_destroy_ioreq_server s = { .id = (ioservid_t)id };

	return dm_op(d, XEN_DMOP_destroy_ioreq_server, &s, sizeof(s));
}

volatile void *server_page(domid_t d, long id, unsigned int n, unsigned int w)
{
	uint64_t frame = 0;
	struct xen_mem_acquire_resource r = { .domid = d, .type = XENMEM_resource_ioreq_server,
					      .id = (uint32_t)id, .frame = n, .nr_frames = 1 };
	struct mmu_update u = { .ptr = maddr_of(entry_of(window(w), 1)) |
				       MMU_PT_UPDATE_NO_TRANSLATE };

	r.frame_list.p = (void *)&frame;
	CHECK_OK(HC2(memory_op, XENMEM_acquire_resource, &r));
	u.val = make_pte(frame, PTE_RW_PAGE);
	CHECK_OK(HC4(mmu_update, &u, 1, 0, d));
	mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
	return window(w);
}

void server_begin(struct server *s, domid_t d, unsigned int w)
{
	server_begin_with(s, d, w, 0);
}

void server_begin_with(struct server *s, domid_t d, unsigned int w, uint8_t buffers)
{
	struct shared_iopage *p;

	s->d = d;
	s->id = server_create(d, buffers);
	CHECK_SAY(s->id >= 0, "create: %ld", s->id);
	p = (void *)server_page(d, s->id, 1, w);
	s->slot = p->vcpu_ioreq;
	CHECK_OK(server_enable(d, s->id, true));
	for (unsigned int i = 0; i < MODEL_VCPUS; i++)
		if (s->slot[i].vp_eport)
			s->port[i] = port_bind_interdomain(d, s->slot[i].vp_eport);
	CHECK_SAY(s->port[0] > 0, "bind: %d", s->port[0]);
}

bool has_request(const struct server *s, unsigned int vcpu)
{
	return s->slot[vcpu].state == STATE_IOREQ_READY;
}

void set_state(const struct server *s, unsigned int vcpu, uint8_t state)
{
	asm volatile("" : : : "memory");
	s->slot[vcpu].state = state & 15;
	CHECK_OK(port_send((uint32_t)s->port[vcpu]));
}

void answer(const struct server *s, unsigned int vcpu, uint64_t data)
{
	s->slot[vcpu].data = data;
	set_state(s, vcpu, STATE_IORESP_READY);
}

void expect(const struct server *s, unsigned int vcpu, uint8_t type, uint64_t addr, uint32_t size,
	    uint8_t dir)
{
	volatile struct ioreq *r = &s->slot[vcpu];

	CHECK(YIELD_FOR(has_request(s, vcpu)));
	CHECK_EQ(r->type, type);
	CHECK_EQ(r->addr, addr);
	CHECK_EQ(r->size, size);
	CHECK_EQ(r->dir, dir);
	CHECK_EQ(r->data_is_ptr, 0);
}
