/* SPDX-License-Identifier: MIT */
/*
 * exchange: giving frames back and getting others, one by one (balloon) or for contiguous ones
 * (XENMEM_exchange).
 *
 * The rule: a frame leaves only when nothing uses it any more, and then nothing of ours reaches it
 * again; what comes is empty, ours, and where we asked for it; a chunk that cannot be exchanged
 * whole stays as it was. The guest asks in good order, then with one frame still in use, with sizes
 * that do not match, with limits nothing can meet.
 */
#define TOPIC "exchange"
#include "../claim.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

/* The p2m list is ours to keep. */
static void set_p2m(unsigned long pfn, unsigned long mfn)
{
	((unsigned long *)start->mfn_list)[pfn] = mfn;
}

static long unmap(const void *va)
{
	return remap(va, 0);
}

#define MAX_PAGES 16u

/* Pages of ours, adjacent in address; their frame numbers. */
struct pages {
	uint8_t *va[MAX_PAGES];
	unsigned long pfn[MAX_PAGES], mfn[MAX_PAGES];
	unsigned int nr;
};

static struct pages pages_alloc(unsigned int nr)
{
	struct pages p = { .nr = nr };

	for (unsigned int i = 0; i < nr; i++) {
		p.va[i] = page_alloc();
		p.va[i][0] = (uint8_t)(0x40 + i);
		p.pfn[i] = pfn_of(p.va[i]);
		p.mfn[i] = mfn_of(p.va[i]);
	}
	return p;
}

static void pages_unmap(const struct pages *p)
{
	for (unsigned int i = 0; i < p->nr; i++)
		CHECK_OK(unmap(p->va[i]));
}

/* Map frame @mfn where page @i was, say so in the p2m list, and use it. */
static void page_use(struct pages *p, unsigned int i, unsigned long mfn)
{
	CHECK_OK(remap(p->va[i], make_pte(mfn, PTE_RW_PAGE)));
	set_p2m(p->pfn[i], p->mfn[i] = mfn);
}

static struct xen_memory_exchange exchange_of(unsigned long *in, unsigned long nr_in,
					      unsigned int order_in, unsigned long *out,
					      unsigned long nr_out, unsigned int order_out)
{
	struct xen_memory_exchange x = {
		.in = { .nr_extents = nr_in, .extent_order = order_in, .domid = DOMID_SELF },
		.out = { .nr_extents = nr_out, .extent_order = order_out, .domid = DOMID_SELF },
	};

	x.in.extent_start.p = in;
	x.out.extent_start.p = out;
	return x;
}

#define EXCHANGE(x) HC2(memory_op, XENMEM_exchange, x)

CLAIM(gather, "exchange of 8 single frames gives one aligned run of 8 below the limit asked for, "
	      "known to the M2P")
{
	struct pages p = pages_alloc(8);
	unsigned long out[1] = { p.pfn[0] }, in[8];
	struct xen_memory_exchange x = exchange_of(in, 8, 0, out, 1, 3);

	memcpy(in, p.mfn, sizeof(in));
	x.out.mem_flags = XENMEMF_address_bits(31);
	pages_unmap(&p);
	CHECK_OK(EXCHANGE(&x));
	CHECK_EQ(x.nr_exchanged, 8);
	CHECK_EQ(out[0] % 8, 0);
	CHECK(out[0] + 8 <= 1ul << (31 - 12));
	for (unsigned int i = 0; i < 8; i++) {
		CHECK_EQ(pfn_of_mfn(out[0] + i), p.pfn[0] + i);
		page_use(&p, i, out[0] + i);
		/* Xen need not scrub what its control domain gets. */
		for (unsigned int b = 0; b < PAGE_BYTES && on_isola; b++)
			CHECK_SAY(p.va[i][b] == 0, "byte %u of frame %u is 0x%x", b, i, p.va[i][b]);
		p.va[i][0] = 1;
	}
}

CLAIM(gather_many, "exchange of 16 single frames for 4 runs of 4 does all four chunks")
{
	struct pages p = pages_alloc(16);
	unsigned long out[4], in[16];
	struct xen_memory_exchange x = exchange_of(in, 16, 0, out, 4, 2);

	memcpy(in, p.mfn, sizeof(in));
	for (unsigned int i = 0; i < 4; i++)
		out[i] = p.pfn[4 * i];
	pages_unmap(&p);
	CHECK_OK(EXCHANGE(&x));
	CHECK_EQ(x.nr_exchanged, 16);
	for (unsigned int i = 0; i < 16; i++) {
		CHECK_EQ(pfn_of_mfn(out[i / 4] + i % 4), p.pfn[4 * (i / 4)] + i % 4);
		page_use(&p, i, out[i / 4] + i % 4);
	}
}

CLAIM(scatter, "exchange of a run for single frames works too, and gathering and scattering leave "
	       "the reservation as it was")
{
	struct pages p = pages_alloc(4);
	unsigned long run[1] = { p.pfn[0] }, single[4], in[4];
	struct xen_memory_exchange gather = exchange_of(in, 4, 0, run, 1, 2);
	struct xen_memory_exchange scatter = exchange_of(run, 1, 2, single, 4, 0);
	domid_t self = DOMID_SELF;
	long before = HC2(memory_op, XENMEM_current_reservation, &self);

	memcpy(in, p.mfn, sizeof(in));
	pages_unmap(&p);
	CHECK_OK(EXCHANGE(&gather));
	memcpy(single, p.pfn, sizeof(single));
	CHECK_OK(EXCHANGE(&scatter));
	CHECK_EQ(scatter.nr_exchanged, 1);
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_EQ(pfn_of_mfn(single[i]), p.pfn[i]);
		page_use(&p, i, single[i]);
	}
	CHECK_EQ(HC2(memory_op, XENMEM_current_reservation, &self), before);
}

#define LARGEST		12u		/* memop-max-order of the hardware domain */

/* The domain's last @nr frames, which nothing maps; their numbers among its own are @pfn and on. */
static void last_frames(unsigned long *mfn, unsigned long pfn, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		mfn[i] = mfn_of_pfn(pfn + i);
}

/*
 * They are exchanged for one extent of @order, or there is none and nothing has changed; then back
 * to single frames.
 */
static void exchange_large(unsigned long *list, unsigned int order)
{
	unsigned int nr = 1u << order;
	unsigned long pfn = start->nr_pages - nr, run[1] = { pfn };
	struct xen_memory_exchange gather = exchange_of(list, nr, 0, run, 1, order);
	struct xen_memory_exchange scatter = exchange_of(run, 1, order, list, nr, 0);
	long rc;

	last_frames(list, pfn, nr);
	rc = EXCHANGE(&gather);
	note("order %u: %ld", order, rc);
	if (rc) {
		CHECK_ERR(rc, XEN_ENOMEM);
		CHECK_EQ(gather.nr_exchanged, 0);
		CHECK_EQ(pfn_of_mfn(list[nr - 1]), pfn + nr - 1);
		return;
	}
	CHECK_EQ(gather.nr_exchanged, nr);
	CHECK_EQ(run[0] % nr, 0);
	CHECK_EQ(pfn_of_mfn(run[0] + nr - 1), pfn + nr - 1);
	for (unsigned int i = 0; i < nr; i++)
		list[i] = pfn + i;
	CHECK_OK(EXCHANGE(&scatter));
	CHECK_EQ(scatter.nr_exchanged, 1);
	for (unsigned int i = 0; i < nr; i++) {
		CHECK_EQ(pfn_of_mfn(list[i]), pfn + i);
		set_p2m(pfn + i, list[i]);
	}
}

CLAIM_DOM0(large, "runs of up to 16 MiB are exchanged, or there are none and nothing has changed")
{
	static unsigned long list[1u << LARGEST];

	if (start->nr_pages < 4ul << LARGEST)
		skip("too little memory to have so much that is not mapped");
	for (unsigned int order = 8; order <= LARGEST; order++)
		exchange_large(list, order);
}

CLAIM(old_frames_gone, "a frame that was exchanged away cannot be mapped any more")
{
	struct pages p = pages_alloc(2);
	unsigned long out[1] = { p.pfn[0] }, in[2];
	struct xen_memory_exchange x = exchange_of(in, 2, 0, out, 1, 1);

	memcpy(in, p.mfn, sizeof(in));
	pages_unmap(&p);
	CHECK_OK(EXCHANGE(&x));
	for (unsigned int i = 0; i < 2; i++)
		if (in[i] != out[0] && in[i] != out[0] + 1) {
			CHECK(remap(window(0), make_pte(in[i], PTE_RW_PAGE)) < 0);
			CHECK(remap(window(0), make_pte(in[i], PTE_RO_PAGE)) < 0);
			CHECK(mmuext(MMUEXT_CLEAR_PAGE, in[i], 0) < 0);
		}
	for (unsigned int i = 0; i < 2; i++)
		page_use(&p, i, out[0] + i);
}

/*
 * What an exchange leaves that must not have happened: every page at its place with its contents.
 */
static void check_untouched(struct pages *p)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		CHECK_EQ(pfn_of_mfn(p->mfn[i]), p->pfn[i]);
		page_use(p, i, p->mfn[i]);
		CHECK_EQ(p->va[i][0], 0x40 + i);
	}
}

CLAIM(held_frame, "a chunk with one frame that is still mapped is refused, and all of its frames "
		  "stay ours, contents and all")
{
	for (unsigned int held = 0; held < 4; held++) {
		struct pages p = pages_alloc(4);
		unsigned long out[1] = { p.pfn[0] }, in[4];
		struct xen_memory_exchange x = exchange_of(in, 4, 0, out, 1, 2);

		memcpy(in, p.mfn, sizeof(in));
		pages_unmap(&p);
		CHECK_OK(
			remap(window(0), make_pte(in[held], held & 1 ? PTE_RO_PAGE : PTE_RW_PAGE)));
		CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
		CHECK_EQ(x.nr_exchanged, 0);
		CHECK_OK(remap(window(0), rw_pte(window(0))));
		check_untouched(&p);
	}
}

CLAIM(special_frames, "tables, shared_info and grant frames are not exchanged")
{
	unsigned long in[1] = { l4_mfn() }, out[1] = { 0 };
	struct xen_memory_exchange x = exchange_of(in, 1, 0, out, 1, 0);
	uint64_t *table = table_alloc();

	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	in[0] = start->shared_info / PAGE_BYTES;
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
	in[0] = mfn_of(table);
	CHECK_OK(unmap(table));
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	CHECK_EQ(x.nr_exchanged, 0);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, in[0], 0));
	CHECK_OK(make_writable(table));
}

CLAIM(second_chunk, "when the second chunk cannot be exchanged the first stays exchanged, and "
		    "nr_exchanged says so")
{
	struct pages p = pages_alloc(4);
	unsigned long out[2] = { p.pfn[0], p.pfn[2] }, in[4];
	struct xen_memory_exchange x = exchange_of(in, 4, 0, out, 2, 1);

	memcpy(in, p.mfn, sizeof(in));
	pages_unmap(&p);
	in[3] = NOBODYS_MFN;
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	CHECK_EQ(x.nr_exchanged, 2);
	CHECK_EQ(out[1], p.pfn[2]);
	page_use(&p, 0, out[0]);
	page_use(&p, 1, out[0] + 1);
	page_use(&p, 2, p.mfn[2]);
	CHECK_EQ(p.va[2][0], 0x42);
	page_use(&p, 3, p.mfn[3]);
}

CLAIM(same_frame_twice, "one frame named twice in a chunk is refused")
{
	struct pages p = pages_alloc(1);
	unsigned long in[2] = { p.mfn[0], p.mfn[0] }, out[1] = { p.pfn[0] };
	struct xen_memory_exchange x = exchange_of(in, 2, 0, out, 1, 1);

	pages_unmap(&p);
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	CHECK_EQ(x.nr_exchanged, 0);
	check_untouched(&p);
}

CLAIM(no_such_place, "a limit that no free memory meets is -ENOMEM, and nothing has changed")
{
	struct pages p = pages_alloc(4);
	unsigned long out[1] = { p.pfn[0] }, in[4];
	struct xen_memory_exchange x = exchange_of(in, 4, 0, out, 1, 2);

	memcpy(in, p.mfn, sizeof(in));
	pages_unmap(&p);
	x.out.mem_flags = XENMEMF_address_bits(13);
	CHECK_ERR(EXCHANGE(&x), XEN_ENOMEM);
	CHECK_EQ(x.nr_exchanged, 0);
	check_untouched(&p);
}

CLAIM_DOM0(bad_sizes, "sizes that do not match, orders too large, progress beyond the end and "
	   "other domains are refused")
{
	unsigned long in[4] = { NOBODYS_MFN, NOBODYS_MFN, NOBODYS_MFN, NOBODYS_MFN },
		      out[4] = { 0 };
	struct xen_memory_exchange good = exchange_of(in, 4, 0, out, 1, 2), x = good;

	x.out.nr_extents = 2;
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	x = good;
	x.in.nr_extents = 3;
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	x = good;
	x.nr_exchanged = 5;
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	x = good;
	x.out.domid = 77;
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);
	x = good;
	x.in.domid = x.out.domid = 1234;
	CHECK_ERR(EXCHANGE(&x), NO_SUCH_DOMAIN);
	x = good;
	x.out.extent_order = 40;
	CHECK_ERR(EXCHANGE(&x), XEN_EPERM);
	x = good;
	x.in.nr_extents = 1ul << 61;
	x.out.nr_extents = 1ul << 59;
	CHECK(EXCHANGE(&x) < 0);
	x = good;
	CHECK_ERR(EXCHANGE(&x), XEN_EINVAL);		/* frames of nobody */
	CHECK_EQ(x.nr_exchanged, 0);
}

CLAIM(bad_pointers, "an exchange with lists or a structure that cannot be used is -EFAULT")
{
	unsigned long list[1] = { NOBODYS_MFN };
	struct xen_memory_exchange x = exchange_of(UNMAPPED_POINTER, 1, 0, list, 1, 0);

	CHECK_ERR(EXCHANGE(&x), XEN_EFAULT);
	x.in.extent_start.p = HYPERVISOR_POINTER;
	CHECK_ERR(EXCHANGE(&x), XEN_EFAULT);
	CHECK_ERR(EXCHANGE(UNMAPPED_POINTER), XEN_EFAULT);
	CHECK_ERR(EXCHANGE(HYPERVISOR_POINTER), XEN_EFAULT);
}

/* ---- Balloon ---- */

static struct xen_memory_reservation reservation_of(unsigned long *list, unsigned long nr)
{
	struct xen_memory_reservation r = { .nr_extents = nr, .domid = DOMID_SELF };

	r.extent_start.p = list;
	return r;
}

CLAIM(balloon, "frames given back leave the reservation and the M2P; frames asked for come, known "
	       "to the M2P and usable")
{
	struct pages p = pages_alloc(MAX_PAGES);
	unsigned long list[MAX_PAGES];
	struct xen_memory_reservation r = reservation_of(list, MAX_PAGES);
	domid_t self = DOMID_SELF;
	long before = HC2(memory_op, XENMEM_current_reservation, &self);

	memcpy(list, p.mfn, sizeof(list));
	pages_unmap(&p);
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), MAX_PAGES);
	CHECK_EQ(HC2(memory_op, XENMEM_current_reservation, &self), before - MAX_PAGES);
	for (unsigned int i = 0; i < MAX_PAGES; i++) {
		CHECK_EQ(pfn_of_mfn(p.mfn[i]), ~0ul);
		CHECK(remap(window(0), make_pte(p.mfn[i], PTE_RW_PAGE)) < 0);
	}
	memcpy(list, p.pfn, sizeof(list));
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), MAX_PAGES);
	CHECK_EQ(HC2(memory_op, XENMEM_current_reservation, &self), before);
	for (unsigned int i = 0; i < MAX_PAGES; i++) {
		CHECK_EQ(pfn_of_mfn(list[i]), p.pfn[i]);
		page_use(&p, i, list[i]);
		CHECK(!on_isola || p.va[i][0] == 0);
		p.va[i][0] = 1;
	}
}

CLAIM(balloon_table, "a page table in use is never given back: it stays what it was")
{
	uint64_t *table = table_alloc();
	unsigned long list[1] = { mfn_of(table) };
	struct xen_memory_reservation r = reservation_of(list, 1);
	domid_t self = DOMID_SELF;
	long before = HC2(memory_op, XENMEM_current_reservation, &self), rc;

	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, list[0], 0));
	rc = HC2(memory_op, XENMEM_decrease_reservation, &r);
	/*
	 * Xen unpins it and waits for the last reference to go; Isola refuses. Either way we see no
	 * other's frame there.
	 */
	CHECK(rc == 0 || rc == 1);
	CHECK_EQ(table[0], 0);
	if (rc == 0) {
		CHECK_EQ(HC2(memory_op, XENMEM_current_reservation, &self), before);
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, list[0], 0));
		CHECK_OK(make_writable(table));
	}
}

CLAIM(balloon_nobodys, "giving back what is not ours does nothing and counts nothing")
{
	unsigned long list[2] = { NOBODYS_MFN, 0 };
	struct xen_memory_reservation r = reservation_of(list, 1);

	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 0);
	list[0] = ~0ul;
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 0);
}

CLAIM(balloon_orders, "an extent order beyond any limit, and a list nobody can read, do nothing")
{
	struct xen_memory_reservation r = reservation_of(UNMAPPED_POINTER, 1);
	unsigned long list[1] = { 0 };

	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 0);
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 0);
	r = reservation_of(list, 1);
	r.extent_order = 63;
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 0);
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 0);
}

CLAIM(sharing_stats, "no page is shared by content: both counts are 0")
{
	CHECK_EQ(HC2(memory_op, 18, 0), 0);
	CHECK_EQ(HC2(memory_op, 19, 0), 0);
}
