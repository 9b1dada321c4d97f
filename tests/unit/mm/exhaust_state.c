/* SPDX-License-Identifier: MIT */
/*
 * States: from the world's memory and back, as it is and as it is kept.
 */
#include <string.h>
#include <asm/page_type.h>
#include "exhaust.h"

static struct domain *const domains[] = { &world_domain, &world_foreign };

void save_raw(struct raw *r)
{
	if (with_grants) {
		r->handle = our_grants.handles[0];
		r->pins = their_grants.pins[0][0];
		r->lent = *lent_entry();
	}
	for (unsigned f = 1; f <= N; f++) {
		r->page[f] = *page_of(_mfn(f));
		memcpy(r->entry[f], frame_ptr(f), sizeof(r->entry[f]));
	}
	memcpy(r->kernel_root, kernel_root[0], sizeof(r->kernel_root));
	memcpy(r->user_root, user_root[0], sizeof(r->user_root));
	r->vcpu = this_vcpu;
	memcpy(r->tlb, tlb_use, sizeof(r->tlb));
	r->clock = world_clock;
	r->flushed = world_flushed;
	for (unsigned i = 0; i < 2; i++) {
		r->page_list[i] = domains[i]->page_list;
		r->nr_pages[i] = domains[i]->nr_pages;
	}
}

void load_raw(const struct raw *r)
{
	if (with_grants)
		decode_handle(r->handle.flags, lent_frame);
	for (unsigned f = 1; f <= N; f++) {
		*page_of(_mfn(f)) = r->page[f];
		memcpy(frame_ptr(f), r->entry[f], sizeof(r->entry[f]));
	}
	memcpy(kernel_root[0], r->kernel_root, sizeof(r->kernel_root));
	memcpy(user_root[0], r->user_root, sizeof(r->user_root));
	this_vcpu = r->vcpu;
	memcpy(tlb_use, r->tlb, sizeof(r->tlb));
	world_clock = r->clock;
	world_flushed = r->flushed;
	for (unsigned i = 0; i < 2; i++) {
		domains[i]->page_list = r->page_list[i];
		domains[i]->nr_pages = r->nr_pages[i];
	}
	for (unsigned f = 1; with_memory && f <= N; f++)
		world_window_show(&world_domain, f,
			    (r->page[f].count_info & PGC_allocated) &&
				    r->page[f].owner == world_domain.domid);
	world_continuation.pending = false;
}

bool is_unchanged(const struct raw *r)
{
	if (with_grants && (memcmp(&r->handle, &our_grants.handles[0], sizeof(r->handle)) ||
			    memcmp(&r->pins, &their_grants.pins[0][0], sizeof(r->pins)) ||
			    memcmp(&r->lent, lent_entry(), sizeof(r->lent))))
		return false;
	for (unsigned f = 1; f <= N; f++)
		if (memcmp(page_of(_mfn(f)), &r->page[f], sizeof(r->page[f])) ||
		    memcmp(frame_ptr(f), r->entry[f], sizeof(r->entry[f])))
			return false;
	return world_flushed == r->flushed && !memcmp(tlb_use, r->tlb, sizeof(r->tlb)) &&
	       !memcmp(&this_vcpu, &r->vcpu, sizeof(this_vcpu)) &&
	       !memcmp(kernel_root[0], r->kernel_root, sizeof(r->kernel_root)) &&
	       !memcmp(user_root[0], r->user_root, sizeof(r->user_root));
}

bool is_table(const struct page_info *pg)
{
	return type_level(pg->type_info) && (pg->type_info & PGT_count_mask);
}

/*
 * The frames (a bit each) whose contents the guest does not choose: tables; and what was one and
 * the TLB remembers as one, with all that it leads to, for none of those can have become writable
 * since without a flush.
 */
static u32 decided;

static void decide_frames(void)
{
	u32 led_to = 0, known;

	decided = 0;
	for (unsigned f = 1; f <= N; f++) {
		decided |= is_table(page_of(_mfn(f))) << f;
		led_to |= (tlb_use[f][USE_L1] || tlb_use[f][USE_L2] || tlb_use[f][USE_L3]) << f;
	}
	do {
		known = led_to;
		for (unsigned f = 1; f <= N; f++)
			for (unsigned i = 0; i < 3 && (led_to >> f & 1); i++) {
				pte_t e = frame_ptr(f)[i];
				u64 to = mfn_x(pte_mfn(e));

				if (pte_present(e) && to <= N &&
				    type_level(page_of(_mfn(to))->type_info))
					led_to |= 1u << to;
			}
	} while (known != led_to);
	decided |= led_to;
}

static u8 entry_code(unsigned f, pte_t e)
{
	if (!(decided >> f & 1) || e == PTE_UNDECIDED)
		return E_UNDECIDED;
	if (!pte_present(e))
		return 0;
	return (e & PTE_PS) ? E_BAD : mfn_x(pte_mfn(e)) << 1 | !!(e & PTE_RW);
}

static u8 frame_code(mfn_t m) { return mfn_is_valid_num(m) ? mfn_x(m) : 0; }

void encode(struct state *s)
{
	memset(s, 0, sizeof(*s));
	decide_frames();
	for (unsigned f = 1; f <= N; f++) {
		const struct page_info *pg = page_of(_mfn(f));
		u64 x = pg->type_info;
		unsigned owner = !(pg->count_info & PGC_allocated) ? FREE
				 : pg->owner == world_domain.domid ? OWN
								   : FOREIGN;
		typeof(&s->frame[0]) c = &s->frame[f - 1];

		c->type = (x & PGT_type_mask) >> PGT_type_shift |
			  (x & PGT_validated ? F_VALIDATED : 0) |
			  (x & PGT_partial ? F_PARTIAL : 0) | (x & PGT_pinned ? F_PINNED : 0);
		if (!(x & PGT_count_mask) && (x & PGT_type_mask) && owner != FOREIGN &&
		    pg->tlb_stamp > world_flushed)
			c->type |= F_STALE;
		c->count = (x & PGT_count_mask) | owner << 6;
		c->general = (pg->count_info & PGC_own_mask) / PGC_one;
		c->foreign = (pg->count_info & PGC_foreign_mask) / PGC_foreign_one;
		c->validated = is_table(pg) ? pg->nr_validated : 0;
		c->entry[0] = entry_code(f, frame_ptr(f)[0]);
		c->entry[1] = entry_code(f, frame_ptr(f)[2]);
		for (unsigned u = 0; u < NR_USES; u++)
			if (tlb_use[f][u])
				s->tlb_frame = f, s->tlb_use = u;
	}
	s->kernel_l4 = frame_code(this_vcpu.kernel_l4);
	s->user_l4 = frame_code(this_vcpu.user_l4);
	/* The second place is for what two CPUs do, and vcpu_context.c. */
	if (mfn_is_valid_num(this_vcpu.old_guest_table[1]))
		panic("two tables are parked");
	s->parked = frame_code(this_vcpu.old_guest_table[0]);
	s->gdt = frame_code(this_vcpu.gdt_frame[0]);
	s->handle = with_grants ? our_grants.handles[0].flags : 0;
}

static void decode_frame(const struct state *s, unsigned f)
{
	static const u16 owners[] = { 0, 1, DOMID_INVALID };
	typeof(&s->frame[0]) c = &s->frame[f - 1];
	unsigned owner = c->count >> 6;
	struct page_info *pg = page_of(_mfn(f));
	/* Who does not know whether a frame has ever been lent takes it that it has. */
	u64 shared = with_grants && owner == FOREIGN ? PGC_shared_out : PGC_unshared;

	*pg = (struct page_info){
		.count_info = owner == FREE ? 0
					    : shared | c->general * PGC_one |
						      c->foreign * PGC_foreign_one,
		.type_info = (u64)(c->type & 7) << PGT_type_shift | (c->count & 63) |
			     (c->type & F_VALIDATED ? PGT_validated : 0) |
			     (c->type & F_PARTIAL ? PGT_partial : 0) |
			     (c->type & F_PINNED ? PGT_pinned : 0),
		.tlb_stamp = c->type & F_STALE ? 15 : 5,
		.owner = owners[owner],
		.nr_validated = c->validated,
	};
	frame_ptr(f)[1] = PTE_UNDECIDED;
	for (unsigned i = 0; i < 2; i++) {
		u8 e = c->entry[i];

		frame_ptr(f)[2 * i] = e == E_UNDECIDED ? PTE_UNDECIDED
				      : e == E_BAD     ? BAD_ENTRY
				      : e == 0	       ? 0
					       : (u64)(e >> 1) << PAGE_SHIFT | PTE_P | PTE_US |
							 (e & 1 ? PTE_RW : 0);
	}
	if (with_grants && owner == FOREIGN)
		decode_handle(s->handle, f);
	if (owner != FREE) {
		struct domain *d = domains[owner];

		pg->next = d->page_list;
		if (pg->next)
			page_of(_mfn(pg->next))->prev = f;
		d->page_list = f;
		d->nr_pages++;
	}
	world_window_show(&world_domain, f, owner == OWN);
	if (SMALL_FOREIGN)
		world_window_show(&world_foreign, f, owner == FOREIGN);
}

void decode_root(pte_t *root, mfn_t l4)
{
	for (unsigned i = 0; i < 3; i++) {
		pte_t e = mfn_is_valid_num(l4) ? frame_ptr(mfn_x(l4))[i] : 0;

		root[i] = pte_present(e) ? e : 0;
	}
}

static mfn_t frame_of(u8 code) { return code ? _mfn(code) : INVALID_MFN; }

void decode(const struct state *s)
{
	for (unsigned i = 0; i < 2; i++)
		domains[i]->page_list = domains[i]->nr_pages = 0;
	memset(tlb_use, 0, sizeof(tlb_use));
	if (s->tlb_frame)
		tlb_use[s->tlb_frame][s->tlb_use] = true;
	for (unsigned f = 1; f <= N; f++)
		decode_frame(s, f);
	world_clock = 20;
	world_flushed = 10;
	this_vcpu.kernel_l4 = frame_of(s->kernel_l4);
	this_vcpu.user_l4 = frame_of(s->user_l4);
	this_vcpu.old_guest_table[0] = frame_of(s->parked);
	this_vcpu.gdt_frame[0] = frame_of(s->gdt);
	decode_root(kernel_root[0], this_vcpu.kernel_l4);
	decode_root(user_root[0], this_vcpu.user_l4);
}
