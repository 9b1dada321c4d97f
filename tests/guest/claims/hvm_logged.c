/* SPDX-License-Identifier: MIT */
/*
 * The log of what a domain of type=pvh writes (domctl shadow_op), while it runs and does what it is
 * told (model_guest.S). Of its memory only the pages that it can do without are looked at: it uses
 * its stack all the time, and we hold its mailboxes. Only on machines that have nested paging
 * (tests/boot/pvh.t, and on Xen with --cpu qemu64,+svm,+npt).
 */
#define TOPIC "hvm_logged"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../memory.h"
#include "../model.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/memory.h>

#define PEEK XEN_DOMCTL_SHADOW_OP_PEEK
#define CLEAN XEN_DOMCTL_SHADOW_OP_CLEAN
#define ENABLE XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY
#define OFF XEN_DOMCTL_SHADOW_OP_OFF

#define PAGES 512u
#define NR_PFNS (MODEL_SPARE + PAGES)

static uint8_t bitmap[NR_PFNS / 8];

static bool is_dirty(unsigned int page)
{
	unsigned int pfn = MODEL_SPARE + page;

	return bitmap[pfn / 8] >> pfn % 8 & 1;
}

/* How many of those pages are dirty. */
static unsigned int read_log(domid_t d, uint32_t what)
{
	unsigned int nr = 0;

	memset(bitmap, 0xff, sizeof(bitmap));
	CHECK_OK(shadow_op(d, what, 0, bitmap, NR_PFNS));
	for (unsigned int i = 0; i < PAGES; i++)
		nr += is_dirty(i);
	CHECK(domctl_op.u.shadow_op.stats.dirty_count >= nr);
	return nr;
}

static uint64_t spare(unsigned int page)
{
	return (MODEL_SPARE + page) << 12;
}

static void store(unsigned int vcpu, unsigned int page, uint64_t val)
{
	post(vcpu, DO_STORE64, spare(page) + 8, val);
	CHECK_EQ(result(vcpu), val);
}

static uint64_t word_of(domid_t d, unsigned int page)
{
	uint64_t val;

	CHECK_OK(map_foreign(0, MODEL_SPARE + page, PTE_RO_PAGE, d));
	val = ((volatile uint64_t *)window(0))[1];
	CHECK_OK(map_foreign(0, 0, 0, d));
	return val;
}

CLAIM_DOM0(refusals, "one that is logged already, and a mode unknown, are -EINVAL; what is no log "
	   "of one with nested paging is not there; OFF is always to be had")
{
	domid_t d = model_domain(1);

	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_ERR(shadow_op(d, ENABLE, 0, 0, 0), XEN_EINVAL);
	CHECK_ERR(shadow_op(d, CLEAN, 2, bitmap, NR_PFNS), XEN_EINVAL);
	CHECK_ERR(shadow_op(d, CLEAN, 0, (void *)HYPERVISOR_POINTER, NR_PFNS), XEN_EFAULT);
	CHECK(shadow_op(d, XEN_DOMCTL_SHADOW_OP_ENABLE, XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE, 0,
			0) < 0);
	CHECK_OK(shadow_op(d, CLEAN, XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL, bitmap, NR_PFNS));
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	model_end(d);
}

CLAIM_DOM0(stores, "a page that a vCPU has written is in the log, once, and no other's; one that "
	   "has been read is not; each vCPU is seen, and again")
{
	domid_t d = model_domain(2);

	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_EQ(read_log(d, CLEAN), 0);
	for (unsigned int round = 0; round < 3; round++) {
		store(0, 7, round);
		store(1, 300, round);
		store(0, 7, round + 1);
		post(1, DO_LOAD64, spare(9), 0);
		result(1);
		CHECK_EQ(read_log(d, PEEK), 2);
		CHECK_EQ(read_log(d, CLEAN), 2);
		CHECK(is_dirty(7) && is_dirty(300));
		CHECK_EQ(read_log(d, CLEAN), 0);
	}
	store(0, 8, 1);
	store(1, 7, 1);
	CHECK_EQ(read_log(d, CLEAN), 2);
	CHECK(is_dirty(7) && is_dirty(8));
	CHECK_OK(shadow_op(d, OFF, 0, 0, 0));
	store(0, 8, 2);
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_EQ(read_log(d, CLEAN), 0);
	store(0, 8, 3);
	CHECK_EQ(read_log(d, CLEAN), 1);
	model_end(d);
}

CLAIM_DOM0(others, "what dom0 writes, takes away or gives is in the log")
{
	domid_t d;

	if (!on_isola)
		skip("Xen leaves it to its tools to know what they do");
	d = model_domain(1);
	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	CHECK_EQ(read_log(d, CLEAN), 0);
	set_foreign_word(d, MODEL_SPARE + 5, 1, 1);
	CHECK_EQ(read_log(d, CLEAN), 1);
	CHECK(is_dirty(5));
	CHECK_EQ(read_log(d, CLEAN), 0);
	CHECK_EQ(extent_by_gfn(d, XENMEM_decrease_reservation, MODEL_SPARE + 6, 0), 1);
	read_log(d, CLEAN);
	CHECK_EQ(read_log(d, CLEAN), 0);
	CHECK_EQ(extent_by_gfn(d, XENMEM_populate_physmap, MODEL_SPARE + 6, 0), 1);
	CHECK_EQ(read_log(d, CLEAN), 1);
	CHECK(is_dirty(6));
	store(0, 6, 1);
	CHECK_EQ(read_log(d, CLEAN), 1);
	model_end(d);
}

#define READS 40

CLAIM_DOM0(chased, "while a vCPU writes a page all the time each reading that is followed by a "
	   "change is followed by one that says so")
{
	unsigned int changes = 0;
	domid_t d = model_domain(2);

	CHECK_OK(shadow_op(d, ENABLE, 0, 0, 0));
	post(0, DO_STORE_MANY, spare(4) + 8, ~0ul);
	for (unsigned int i = 0; i < READS; i++) {
		uint64_t before;
		bool has_changed;

		read_log(d, CLEAN);
		before = word_of(d, 4);
		has_changed = YIELD_FOR_MS(word_of(d, 4) != before, 20);
		changes += has_changed;
		CHECK_EQ(read_log(d, PEEK) > 0, is_dirty(4));
		CHECK(!has_changed || is_dirty(4));
	}
	CHECK(changes > 0);
	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, d));
	read_log(d, CLEAN);
	CHECK_EQ(read_log(d, CLEAN), 0);
	model_end(d);
}
