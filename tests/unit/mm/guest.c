/* SPDX-License-Identifier: MIT */
/*
 * A hostile guest: it makes every page-table call there is, with mostly plausible and sometimes
 * absurd arguments, while its processor walks and remembers. Frame f's role (f % 5: data, l1 .. l4)
 * makes deep trees likely.
 */
#include <string.h>
#include <asm/gnttab.h>
#include <asm/hypercall.h>
#include <asm/ldt.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <asm/root.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/memory.h>
#include <xen/xen.h>
#include "guest.h"
#include "guest_calls.h"
#include "tap.h"
#include "world.h"

struct guest_seen seen;
bool guest_patient;
unsigned guest_audit_every = 1;
void (*guest_stores)(void);

/* The frames that the current domain starts with: [first_own, first_own + nr_own). */
unsigned first_own, nr_own = NR_OWN;

unsigned own_frame(void) { return first_own + rnd(nr_own); }

unsigned any_frame(void)
{
	if (rnd(12) == 0)
		return rnd(2) ? NO_RECORD + rnd(4) : rnd(NR_FRAMES);
	return own_frame();
}

unsigned frame_of_role(unsigned role)
{
	unsigned f = first_own + rnd(nr_own / 5) * 5;

	return f + (role + 5 - f % 5) % 5;
}

pte_t random_entry(unsigned level)
{
	unsigned target = rnd(5) ? frame_of_role(level - 1) : any_frame();
	pte_t e = (u64)target << PAGE_SHIFT;

	if (rnd(5) == 0)
		return rnd(2) ? 0
			      : (rnd(2) ? world_random() : e | (world_random() & 0xfff)) & ~PTE_P;
	e |= PTE_P | (world_random() & (PTE_US | PTE_A | PTE_D | PTE_AVL | PTE_NX));
	if (level > 1 || (rnd(3) && (target % 5 == 0 || rnd(2))))
		e |= PTE_RW;
	if (rnd(40) == 0)
		e |= 1ul << rnd(64);
	if (rnd(level > 1 ? 40 : 12) == 0)
		e |= world_random() & L1_CACHE;
	return e;
}

/* ---- One hypercall, with its continuations, other calls possibly in between ---- */

static long dispatch(unsigned nr, const u64 *a)
{
	switch (nr) {
	case __HYPERVISOR_mmu_update:		return hc_mmu_update(a[0], a[1], a[2], a[3]);
	case __HYPERVISOR_mmuext_op:		return hc_mmuext_op(a[0], a[1], a[2], a[3]);
	case __HYPERVISOR_update_va_mapping:
		return hc_update_va_mapping(a[0], a[1], a[2]);
	case __HYPERVISOR_update_va_mapping_otherdomain:
		return hc_update_va_mapping_otherdomain(a[0], a[1], a[2], a[3]);
	case __HYPERVISOR_set_gdt:		return hc_set_gdt(a[0], a[1]);
	case __HYPERVISOR_update_descriptor:	return hc_update_descriptor(a[0], a[1]);
	case __HYPERVISOR_grant_table_op:	return hc_grant_table_op(a[0], a[1], a[2]);
	case __HYPERVISOR_memory_op:		return hc_memory_op(a[0], a[1]);
	default:				return -ENOSYS;
	}
}

/* With two CPUs there is nothing to be said before both have come to rest: race.c. */
static bool audit(const char *when)
{
	return world_nr_cpus > 1 || !guest_audit_every ||
	       check(world_audit() == 0, "%s (call %lu)", when, seen.calls);
}

static bool audit_now(void)
{
	seen.parked += page_type_is_parked();
	seen.parked_two += mfn_is_valid_num(this_vcpu.old_guest_table[1]);
	if (guest_audit_every && seen.calls % guest_audit_every)
		return true;
	return audit("the audit after a call");
}

static bool nothing_half_done(void)
{
	for (unsigned f = 0; f < NR_FRAMES; f++)
		if (!check(!(page_of(_mfn(f))->type_info & PGT_partial), "frame %u is left partial",
			   f))
			return false;
	return check(!page_type_is_parked(), "a table is left parked");
}

bool call(unsigned depth, unsigned nr, u64 a1, u64 a2, u64 a3, u64 a4)
{
	u64 args[5] = { a1, a2, a3, a4, 0 };
	long rc;

	for (unsigned again = 0; again < 10000; again++) {
		seen.calls++;
		world_continuation.pending = false;
		rc = dispatch(nr, args);
		if (!audit_now())
			return false;
		seen.orphans += world_way_out();
		if (!world_continuation.pending) {
			seen.ok += rc >= 0;
			seen.refused += rc < 0;
			return !guest_patient || nothing_half_done();
		}
		seen.continued++;
		nr = world_continuation.nr;
		memcpy(args, world_continuation.arg, sizeof(args));
		/* The guest's event handler runs first; or the guest never comes back to it. */
		if (!guest_patient && depth < 2 && rnd(16) == 0 && !guest_call(depth + 1))
			return false;
		if (!guest_patient && rnd(64) == 0)
			return true;
	}
	return check(false, "a call that goes on for ever");
}

/* ---- The calls ---- */

u64 entry_address(unsigned f)
{
	unsigned slot = slots[rnd(NR_SLOTS)];

	if (rnd(30) == 0)
		slot = rnd(2) ? L4_SLOT_HV_FIRST + rnd(16) : rnd(PT_ENTRIES);

	return ((u64)f << PAGE_SHIFT) + 8 * slot;
}

u64 random_domid(void)
{
	return rnd(16) ? DOMID_SELF : rnd(4) ? !current->domain->domid : rnd(0x8000);
}

static bool do_mmu_update(unsigned depth)
{
	struct mmu_update req[8];
	unsigned n = 1 + rnd(8), f = any_frame();
	u32 done;

	for (unsigned i = 0; i < n; i++) {
		if (rnd(2))
			f = any_frame();
		req[i].ptr = entry_address(f) | (rnd(16) ? rnd(4) : rnd(8));
		req[i].val = random_entry(f % 5 ? f % 5 : 1 + rnd(4));
	}
	return call(depth, __HYPERVISOR_mmu_update, (u64)req, n, (u64)&done, random_domid());
}

/* An address: mostly one that the kernel's tables lead to an L1 table for. */
u64 random_va(void)
{
	mfn_t m = rnd(4) ? this_vcpu.kernel_l4 : INVALID_MFN;
	u64 va = 0;

	for (unsigned level = 4; level >= 1; level--) {
		unsigned slot = rnd(NR_SLOTS);
		pte_t e = 0;

		for (unsigned i = 0;
		     i < NR_SLOTS && level > 1 && mfn_x(m) < NR_FRAMES && !pte_present(e); i++) {
			slot = (slot + 1) % NR_SLOTS;
			e = pte_read(&frame_ptr(mfn_x(m))[slots[slot]]);
		}
		m = pte_present(e) ? pte_mfn(e) : INVALID_MFN;
		va |= (u64)slots[slot] << (L1_SHIFT + 9 * (level - 1));
	}
	return (u64)((s64)(va << 16) >> 16);
}

/* A frame that some vcpu is about to make a table of. */
static unsigned hot_frame;

static u64 vcpu_mask;

static void random_ext(struct mmuext_op *op)
{
	static const u8 likely_cmds[] = { 0, 1, 2, 3, 4, 4, 4, 4, 5, 15 };
	unsigned f = any_frame();

	op->cmd = rnd(4) ? likely_cmds[rnd(sizeof(likely_cmds))] : rnd(22);
	if (rnd(16) && (op->cmd == MMUEXT_FLUSH_CACHE || op->cmd == MMUEXT_FLUSH_CACHE_GLOBAL))
		op->cmd = MMUEXT_TLB_FLUSH_LOCAL;
	if (op->cmd <= 3)
		hot_frame = f = rnd(8) ? frame_of_role(op->cmd + 1) : f;
	if (op->cmd == MMUEXT_NEW_BASEPTR || op->cmd == MMUEXT_NEW_USER_BASEPTR)
		f = rnd(8) ? frame_of_role(4) : f;
	op->arg1.mfn = f;
	op->arg2.src_mfn = any_frame();
	if (op->cmd == MMUEXT_SET_LDT) {
		op->arg1.linear_addr = random_va() + (rnd(16) == 0);
		op->arg2.nr_ents = rnd(9000);
	} else if (op->cmd >= MMUEXT_TLB_FLUSH_LOCAL && op->cmd <= MMUEXT_INVLPG_ALL) {
		op->arg1.linear_addr = rnd(8) ? random_va() : world_random();
		op->arg2.vcpumask.p = rnd(4) ? &vcpu_mask : NULL;
		vcpu_mask = rnd(8);
	}
}

static bool do_mmuext(unsigned depth)
{
	struct mmuext_op op[4];
	unsigned n = 1 + rnd(4);
	u32 done;

	memset(op, 0, sizeof(op));
	for (unsigned i = 0; i < n; i++)
		random_ext(&op[i]);
	return call(depth, __HYPERVISOR_mmuext_op, (u64)op, n, (u64)&done, random_domid());
}

static bool do_update_va(unsigned depth)
{
	vcpu_mask = rnd(4);
	return call(depth, __HYPERVISOR_update_va_mapping, rnd(50) ? random_va() : world_random(),
		    random_entry(1), rnd(4) ? rnd(8) : (u64)&vcpu_mask | rnd(4), 0);
}

static bool do_gdt(unsigned depth)
{
	u64 frames[16];

	for (unsigned i = 0; i < 16; i++)
		frames[i] = frame_of_role(0);
	return call(depth, __HYPERVISOR_set_gdt, (u64)frames, rnd(3) ? rnd(1200) : rnd(8000), 0, 0);
}

static bool do_descriptor(unsigned depth)
{
	u64 maddr = ((u64)any_frame() << PAGE_SHIFT) + rnd(512) * 8 + (rnd(20) == 0);

	return call(depth, __HYPERVISOR_update_descriptor, maddr, world_random(), 0, 0);
}

static bool do_memory(unsigned depth)
{
	u64 list[3] = { any_frame(), any_frame(), any_frame() };
	struct xen_memory_reservation r = { .nr_extents = 1 + rnd(3), .domid = DOMID_SELF };

	r.extent_start.p = (void *)list;
	if (rnd(8) == 0)
		r.extent_order = rnd(16);
	if (rnd(8) == 0)
		r.mem_flags = XENMEMF_address_bits(rnd(64));
	return call(depth, __HYPERVISOR_memory_op,
		    rnd(8) ? rnd(2) ? XENMEM_decrease_reservation : XENMEM_populate_physmap
			   : XENMEM_increase_reservation,
		    (u64)&r, 0, 0);
}

/* The questions, and what is refused, of memory_op; its structures are full of small numbers. */
static bool do_questions(unsigned depth)
{
	u64 arg[16];

	for (unsigned i = 0; i < 16; i++)
		arg[i] = rnd(3) ? 0 : rnd(4);
	if (rnd(4) == 0)
		arg[0] = DOMID_SELF;
	return call(depth, __HYPERVISOR_memory_op, rnd(64) | (rnd(8) ? 0 : rnd(4) << 6), (u64)arg,
		    0, 0);
}

static bool do_otherdomain(unsigned depth)
{
	static const u16 domids[] = { DOMID_SELF, DOMID_IO, DOMID_XEN, 0, 1, 2 };

	return call(depth, __HYPERVISOR_update_va_mapping_otherdomain, random_va(), random_entry(1),
		    rnd(8), domids[rnd(6)]);
}

/* Mostly frames that nothing holds: else no chunk is ever exchanged. */
static unsigned loose_frame(void)
{
	unsigned f = any_frame();

	for (unsigned tries = 0;
	     tries < 30 &&
	     (f >= NR_FRAMES || page_of(_mfn(f))->count_info != PGC_unshared);
	     tries++)
		f = own_frame();
	return f;
}

static bool do_exchange(unsigned depth)
{
	u64 in[4], out[8] = { rnd(1000), rnd(1000), rnd(1000), rnd(1000) };
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1 + rnd(4), .domid = DOMID_SELF },
		.out = { .domid = DOMID_SELF },
	};

	for (unsigned i = 0; i < 4; i++)
		in[i] = loose_frame();
	if (rnd(8) == 0)
		x.in.extent_order = rnd(2);
	x.out.extent_order = rnd(8) ? 0 : rnd(2);
	x.out.nr_extents = x.in.nr_extents << x.in.extent_order >> x.out.extent_order;
	x.in.extent_start.p = (void *)in;
	x.out.extent_start.p = (void *)out;
	if (!call(depth, __HYPERVISOR_memory_op, XENMEM_exchange, (u64)&x, 0, 0))
		return false;
	seen.exchanged += x.nr_exchanged;
	return true;
}

/*
 * What a guest with one plan does: has the processor remember a table, unhooks it from wherever it
 * hangs by single L1..L3 updates without a flush, and maps it as data. Random calls seldom do all
 * of it in order.
 */
static bool do_recycle(unsigned depth)
{
	unsigned f = own_frame();
	struct mmu_update req;

	for (unsigned tries = 0; tries < NR_OWN && !tlb_use[f][USE_L1]; tries++)
		f = (f + 1) % NR_OWN;
	for (unsigned t = 0; t < NR_OWN; t++)
		for (unsigned i = 0; i < NR_SLOTS; i++) {
			pte_t e = frame_ptr(t)[slots[i]];

			if (!pte_present(e) || mfn_x(pte_mfn(e)) != f)
				continue;
			req.ptr = ((u64)t << PAGE_SHIFT) + 8 * slots[i];
			req.val = 0;
			if (!call(depth, __HYPERVISOR_mmu_update, (u64)&req, 1, 0, DOMID_SELF))
				return false;
		}
	/* a plain store makes it writable, if nothing holds it */
	req.ptr = (u64)f << PAGE_SHIFT;
	return call(depth, __HYPERVISOR_mmu_update, (u64)&req, 1, 0, DOMID_SELF);
}

/*
 * Maps such a frame, touches it and takes the mapping back, through a table that the processor
 * remembers.
 */
static bool do_touch(unsigned depth)
{
	unsigned table = own_frame(), slot = slots[rnd(NR_SLOTS)];
	struct mmu_update req;

	for (unsigned tries = 0; tries < NR_OWN && !tlb_use[table][USE_L1]; tries++)
		table = (table + 1) % NR_OWN;
	req.ptr = ((u64)table << PAGE_SHIFT) + 8 * slot;
	req.val = ((u64)(rnd(4) ? hot_frame : own_frame()) << PAGE_SHIFT) | PTE_P | PTE_RW;
	if (!call(depth, __HYPERVISOR_mmu_update, (u64)&req, 1, 0, DOMID_SELF))
		return false;
	tlb_touch(table, slot);
	req.val = 0;
	return call(depth, __HYPERVISOR_mmu_update, (u64)&req, 1, 0, DOMID_SELF);
}

/* Gives up a frame that the processor still remembers, as soon as nothing maps it. */
static bool do_give_up(unsigned depth)
{
	u64 list[1] = { own_frame() };
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	for (unsigned tries = 0; tries < NR_OWN; tries++) {
		if (tlb_use[list[0]][USE_READ] &&
		    page_of(_mfn(list[0]))->count_info == PGC_unshared)
			break;
		list[0] = (list[0] + 1) % NR_OWN;
	}
	r.extent_start.p = (void *)list;
	return call(depth, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&r, 0, 0);
}

/* Plain stores of the guest: to frames that it has, or may still have, mapped writable. */
static bool do_stores(unsigned depth)
{
	unsigned f = rnd(NR_FRAMES), role = f % 5;
	const struct page_info *pg = page_of(_mfn(f));
	bool may = tlb_use[f][USE_WRITE] || ((pg->type_info & PGT_type_mask) == PGT_writable &&
					     (pg->type_info & PGT_count_mask));

	if (guest_stores)
		guest_stores();
	for (unsigned i = 0; may && !guest_stores && i < 6; i++)
		frame_ptr(f)[slots[rnd(NR_SLOTS)]] = random_entry(role ? role : 1 + rnd(4));
	return true;
}

/* Walks from the user root happen between two CR3 writes. */
static bool do_walks(unsigned depth)
{
	for (unsigned i = 0; i < 12; i++)
		tlb_walk(kernel_root[world_cpu]);
	for (unsigned f = 0; f < NR_OWN; f++)
		for (unsigned u = 0; u < NR_USES; u++)
			seen.in_tlb[u] += tlb_use[f][u];
	if (rnd(16))
		return audit("the audit after walks");
	world_irq_off = true;
	root_peek_kernel();
	for (unsigned i = 0; i < 12; i++)
		tlb_walk(user_root[world_cpu]);
	if (!audit("the audit after user walks"))
		return false;
	root_peek_done();
	world_irq_off = false;
	return true;
}

static bool do_ldt_fault(unsigned depth)
{
	this_cpu.cr3 = rnd(4) ? current->cr3_kernel : current->cr3_user;
	ldt_map_page_fault(rnd(4) ? rnd(PAGE_SIZE) : rnd(17 * PAGE_SIZE));
	this_cpu.cr3 = current->cr3_kernel;
	return audit("the audit after an LDT fault");
}

void guest_turn(void)
{
	world_swap();
	first_own = first_own ? 0 : FOREIGN_FIRST;
	nr_own = first_own ? FREE_FIRST - FOREIGN_FIRST : NR_OWN;
}

/* The other domain's turn, on its own CPU. */
static bool do_other(unsigned depth)
{
	bool good = true;

	if (world_nr_cpus > 1)
		return true;
	guest_turn();
	for (unsigned i = 1 + rnd(8); i && good; i--)
		good = guest_call(depth + 1);
	guest_turn();
	return good;
}

#define NR_WITHOUT_GRANTS 27

bool guest_call(unsigned depth)
{
	static bool (*const actions[])(unsigned depth) = {
		do_mmu_update, do_mmu_update, do_mmu_update, do_mmu_update, do_mmuext, do_mmuext,
		do_mmuext, do_update_va, do_update_va, do_update_va, do_gdt, do_descriptor,
		do_memory, do_exchange, do_questions, do_otherdomain,
		do_stores, do_stores, do_stores, do_walks, do_walks, do_walks, do_ldt_fault,
		do_recycle, do_give_up, do_touch, do_touch,
		[NR_WITHOUT_GRANTS] = do_lend, do_grant_map, do_grant_map, do_grant_unmap,
		do_grant_unmap, do_borrow, do_grant_replace, do_grant_copy, do_grant_questions,
		do_other, do_name, do_name,
	};
	unsigned nr;

	if (depth > 2)		/* a turn within a turn ends */
		return true;

	/* Two CPUs race for tables above all. */
	nr = world_nr_cpus > 1 && rnd(8) ? NR_WITHOUT_GRANTS : ARRAY_SIZE(actions);
	return actions[rnd(nr)](depth);
}

void guest_start(void)
{
	const unsigned first_l4 = 4;

	world_reset();
	guest_forget_grants();
	if (gnttab_create(&world_domain) || gnttab_create(&world_foreign))
		printf("Bail out! no grant tables\n");
	if (page_get_and_type(page_of(_mfn(first_l4)), &world_domain, PGT_l4))
		printf("Bail out! an empty L4 is refused\n");
	root_set_kernel(_mfn(first_l4));
}
