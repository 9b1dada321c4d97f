/* SPDX-License-Identifier: MIT */
/*
 * The log of what a domain writes (domctl shadow_op), of a domain that does not run: so nothing is
 * in it but what we do to that domain ourselves.
 *
 * The rule: whatever changes a frame's contents, its use or its name has its bit, once; a frame
 * that others hold has it always; and what cannot be done is refused. Debian's Xen is built
 * without.
 */
#define TOPIC "logged"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../lending.h"
#include "../memory.h"
#include "../text.h"

/* Frames of the domain, by their place in given[]; pfn FIRST + place. */
enum { L4, L3, L2, L1, DATA, MORE, NR };
#define FIRST 0x100u
#define NR_PFNS 0x140u

static uint8_t bitmap[NR_PFNS / 8];

/* The bits from FIRST on. All others are clear, and as many are counted as are set. */
static uint64_t read_log(domid_t d, uint32_t what)
{
	uint64_t bits;
	unsigned int nr = 0;

	memset(bitmap, 0xff, sizeof(bitmap));
	CHECK_OK(shadow_op(d, what, 0, bitmap, NR_PFNS));
	CHECK_EQ(domctl_op.u.shadow_op.pages, NR_PFNS);
	for (unsigned int i = 0; i < FIRST / 8; i++)
		CHECK_EQ(bitmap[i], 0);
	memcpy(&bits, bitmap + FIRST / 8, sizeof(bits));
	for (unsigned int i = 0; i < 64; i++)
		nr += bits >> i & 1;
	CHECK_EQ(domctl_op.u.shadow_op.stats.dirty_count, nr);
	return bits;
}

#define PEEK XEN_DOMCTL_SHADOW_OP_PEEK
#define CLEAN XEN_DOMCTL_SHADOW_OP_CLEAN
#define ENABLE XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY
#define OFF XEN_DOMCTL_SHADOW_OP_OFF

static domid_t make(void)
{
	if (!on_isola)
		skip("Debian's Xen logs no PV domain");
	return create_with_tables(NR, FIRST);
}

static long mmuext_of(unsigned int cmd, uint64_t mfn, uint64_t src, domid_t d)
{
	struct mmuext_op e = { .cmd = cmd, .arg1.mfn = mfn, .arg2.src_mfn = src };

	return HC4(mmuext_op, &e, 1, 0, d);
}

static long update(domid_t d, uint64_t ptr, uint64_t val, uint32_t domids)
{
	struct mmu_update u = { .ptr = ptr, .val = val };

	return HC4(mmu_update, &u, 1, 0, domids);
}

CLAIM_DOM0(refusals, "a domain without vCPUs, one that is logged already, oneself and a mode "
	   "unknown are -EINVAL; what is no log -EOPNOTSUPP; OFF is always there to be had")
{
	domid_t d;

	if (!on_isola)
		skip("Debian's Xen logs no PV domain");
	d = create();
	CHECK_ERR(shadow_op(d, ENABLE, 0, 0, 0), XEN_EINVAL);
	CHECK_ERR(shadow_op(d, CLEAN, 0, bitmap, NR_PFNS), XEN_EINVAL);
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_OK(max_vcpus(d, 2));
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_EQ(read_log(d, CLEAN), 0);
	CHECK_ERR(shadow_op(d, XEN_DOMCTL_SHADOW_OP_ENABLE_TEST, 0, 0, 0), XEN_EOPNOTSUPP);
	CHECK_ERR(shadow_op(d, XEN_DOMCTL_SHADOW_OP_ENABLE,
			   XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE, 0, 0),
		  XEN_EOPNOTSUPP);
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_ERR(shadow_op(d, ENABLE, 0, 0, 0), XEN_EINVAL);
	CHECK_ERR(shadow_op(d, XEN_DOMCTL_SHADOW_OP_ENABLE,
			   XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY, 0, 0),
		  XEN_EINVAL);
	CHECK_ERR(shadow_op(d, CLEAN, 2, bitmap, NR_PFNS), XEN_EINVAL);
	CHECK_ERR(shadow_op(d, PEEK, 2, bitmap, NR_PFNS), XEN_EINVAL);
	CHECK_ERR(shadow_op(d, CLEAN, 0, (void *)HYPERVISOR_POINTER, NR_PFNS), XEN_EFAULT);
	CHECK_OK(shadow_op(d, CLEAN, XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL, bitmap, NR_PFNS));
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_OK(shadow_op(d, XEN_DOMCTL_SHADOW_OP_ENABLE,
			   XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY, 0, 0));
	CHECK_OK(domctl(XEN_DOMCTL_getdomaininfo, d));
	CHECK(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_paused);
	destroy(d);
	CHECK_ERR(shadow_op(own_domid, ENABLE, 0, 0, 0), XEN_EINVAL);
}

/* ---- Writers ---- */

static void by_mapping(domid_t d)
{
	CHECK_OK(map_foreign(0, given[DATA], PTE_RW_PAGE, d));
	CHECK_EQ(read_log(d, CLEAN), 1ul << DATA);
	*(volatile uint64_t *)window(0) = 1;
	CHECK_EQ(read_log(d, CLEAN), 1ul << DATA);
	CHECK_OK(map_foreign(0, 0, 0, d));
}

static void by_clearing(domid_t d)
{
	CHECK_OK(mmuext_of(MMUEXT_CLEAR_PAGE, given[DATA], 0, d));
}

static void by_copying(domid_t d)
{
	CHECK_OK(mmuext_of(MMUEXT_COPY_PAGE, given[DATA], given[MORE], d));
}

static void by_storing(domid_t d)
{
	CHECK_OK(update(d, given[DATA] * PAGE_BYTES + 8, 7, d | (d + 1u) << 16));
}

static void by_filling(domid_t d)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.hypercall_init.gmfn = given[DATA];
	CHECK_OK(domctl(XEN_DOMCTL_hypercall_init, d));
}

static void by_naming(domid_t d)
{
	CHECK_OK(update(d, given[DATA] * PAGE_BYTES | MMU_MACHPHYS_UPDATE, FIRST + DATA, d));
}

static void by_updating(domid_t d)
{
	CHECK_OK(update(d, given[L1] * PAGE_BYTES + 8, make_pte(given[MORE], PTE_RO_PAGE),
			d | (d + 1u) << 16));
}

static void by_updating_l3(domid_t d)
{
	CHECK_OK(update(d, given[L3] * PAGE_BYTES + 8, make_pte(given[L2], PTE_TABLE),
			d | (d + 1u) << 16));
}

static void by_unpinning(domid_t d)
{
	CHECK_OK(mmuext_of(MMUEXT_UNPIN_TABLE, given[L2], 0, d));
}

static void by_pinning(domid_t d)
{
	CHECK_OK(mmuext_of(MMUEXT_PIN_L2_TABLE, given[L2], 0, d));
}

/* @also: what else may have its bit, as a frame that gains a reference may. */
static const struct writer {
	const char *what;
	void (*write)(domid_t d);
	uint64_t bits, also;
} writers[] = {
	{ "a mapping of ours", by_mapping, 1 << DATA, 0 },
	{ "MMUEXT_CLEAR_PAGE", by_clearing, 1 << DATA, 0 },
	{ "MMUEXT_COPY_PAGE", by_copying, 1 << DATA, 0 },
	{ "a store of mmu_update's", by_storing, 1 << DATA, 0 },
	{ "hypercall_init", by_filling, 1 << DATA, 0 },
	{ "another name", by_naming, 1 << DATA, 0 },
	{ "an entry of an L1", by_updating, 1 << L1, 1 << MORE },
	{ "an entry of an L3", by_updating_l3, 1 << L3, 1 << L2 },
	{ "a pin", by_pinning, 1 << L2, 0 },
	{ "its end", by_unpinning, 1 << L2, 0 },
};

CLAIM_DOM0(writers, "nothing is in the log of a domain at rest; each way of ours to change a "
	   "frame, its use or its name has that frame's bit set, once, and no other's")
{
	domid_t d = make();

	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d));
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_EQ(read_log(d, PEEK), 0);
	for (unsigned int i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		const struct writer *w = &writers[i];
		uint64_t bits;

		w->write(d);
		bits = read_log(d, PEEK);
		CHECK_SAY((bits & w->bits) == w->bits, "%s: bits %lx", w->what, bits);
		CHECK_SAY(!(bits & ~(w->bits | w->also)), "%s: bits %lx", w->what, bits);
		CHECK_EQ(read_log(d, CLEAN), bits);
		CHECK_SAY(read_log(d, PEEK) == 0, "%s: once more", w->what);
	}
	destroy(d);
}

CLAIM_DOM0(life, "tables that become pages, and new frames, are in the log; all is behind a new "
	   "beginning; a domain is destroyed with its log, and all memory comes back")
{
	uint64_t free = free_pages();
	domid_t d = make();

	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], 0, d));
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_OK(mmuext_of(MMUEXT_UNPIN_TABLE, given[L4], 0, d));
	CHECK_EQ(read_log(d, CLEAN) & (1 << L4 | 1 << L3 | 1 << L2 | 1 << L1),
		 1 << L4 | 1 << L3 | 1 << L2 | 1 << L1);
	CHECK_EQ(read_log(d, CLEAN), 0);
	CHECK_EQ(populate(d, 1, FIRST + NR), 1);
	CHECK_EQ(read_log(d, CLEAN), 1 << NR);
	CHECK_EQ(populate(d, 1, FIRST + NR + 1), 1);
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_EQ(read_log(d, PEEK), 0);
	destroy(d);
	CHECK(becomes(are_free, free));
}

CLAIM_DOM0(parts, "a caller that asks for fewer names is told of those alone, without a bitmap of "
	   "their number; what it was not told of stays in the log")
{
	domid_t d = make();

	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	by_clearing(d);
	CHECK_OK(mmuext_of(MMUEXT_CLEAR_PAGE, given[MORE], 0, d));
	memset(bitmap, 0xff, sizeof(bitmap));
	CHECK_OK(shadow_op(d, CLEAN, 0, bitmap, FIRST + DATA + 1));
	CHECK_EQ(domctl_op.u.shadow_op.stats.dirty_count, 1);
	CHECK_EQ(bitmap[FIRST / 8], 1 << DATA);
	CHECK_EQ(bitmap[FIRST / 8 + 1], 0xff);
	CHECK_OK(shadow_op(d, PEEK, 0, 0, NR_PFNS));
	CHECK_EQ(domctl_op.u.shadow_op.stats.dirty_count, 1);
	CHECK_EQ(read_log(d, CLEAN), 1 << MORE);
	destroy(d);
}

/* ---- Domains that run ---- */

/* A moment in which others run. */
static void wait_ms(unsigned int ms)
{
	uint64_t end = clock_ns() + ms * MS_NS;

	while (clock_ns() < end)
		HC2(sched_op, SCHEDOP_yield, 0);
}

#define READS 8

static void turn(uint32_t what)
{
	for (domid_t d = 1; is_there(d); d++)
		CHECK_OK(shadow_op(d, what, 0, 0, 0));
}

/* All others. Each has written something since it was read. */
static void read_others(uint32_t what)
{
	for (domid_t d = 1; is_there(d); d++) {
		CHECK_OK(shadow_op(d, what, 0, 0, ~0ul));
		CHECK(domctl_op.u.shadow_op.stats.dirty_count > 0);
	}
}

/* By option "other" there is domain 1, and more may be; for "hold=" seconds. */
CLAIM_DOM0(others, "domains that run are logged and read, and no longer logged, again and again; "
	   "what they write is in the log")
{
	const char *hold = option("hold=");
	uint64_t end = clock_ns() + (hold ? (uint64_t)(*hold - '0') : 1) * 1000 * MS_NS;

	if (!option("other"))
		skip("no other domain is said to be there");
	do {
		turn(ENABLE);
		for (unsigned int i = 0; i < READS; i++) {
			wait_ms(5 + 20 * (i % 3));
			read_others(i % 4 ? CLEAN : PEEK);
		}
		turn(OFF);
		wait_ms(10);
	} while (clock_ns() < end);
}
