/* SPDX-License-Identifier: MIT */
/*
 * The log of what a guest with nested tables writes: three vCPUs store by what their TLBs remember,
 * pages come, go and come elsewhere, others have them for a while and write them, the hypervisor
 * writes them itself, some guests are tracked at the same time; and the log is read, in pieces.
 *
 *   p2m_log OPERATIONS SEED
 *
 * The rule is a receiver's: it has a copy of each page, and takes those anew that a reading names.
 * Then its copy is the guest's memory, if nothing else went on meanwhile.
 */
#define __XEN_TOOLS__ 1
#include "p2m_pages.h"
#include "tap.h"

#include <string.h>
#include <asm/cpu_window.h>
#include <asm/log_dirty.h>
#include <asm/m2p.h>
#include <asm/p2m_log.h>
#include <asm/p2m_track.h>
#include <asm/preempt.h>
#include <asm/shadow.h>
#include <asm/tlb.h>
#include <asm/uaccess.h>
#include <asm/visit.h>
#include <xen/domctl.h>

#define ALL_GFNS	((1u << 18) + 512 + PLAYED)


static u64 content[NR_FRAMES], last_content;
static u64 copy[BASES][PLAYED];		/* the receiver's */
static bool is_lent[NR_FRAMES];		/* to another domain, which may write it */

static struct vcpu_model {
	struct { u64 frame; bool writable; } tlb[BASES][PLAYED];
	u64 stamp;
} vcpu[NR_VCPUS];

static unsigned readings, named, exact;
static bool is_paused;			/* vCPUs have none */
static u8 bitmap[ALL_GFNS / 8 + 8];
static u64 nr_asked;			/* gfns, in the last reading */

/* ---- The machine ----------------------------------------------------------------------------- */

static void enter(struct vcpu_model *v)
{
	if (v->stamp != p->stamp)
		memset(v->tlb, 0, sizeof(v->tlb));
	v->stamp = p->stamp;
}

static void write_frame(u64 m)
{
	content[m] = ++last_content;
}

/* By what the TLB remembers; or it walks, and faults until the walk gives what it needs. */
static void access_page(struct vcpu_model *v, unsigned b, u64 i, bool write)
{
	for (unsigned tries = 0;; tries++) {
		u64 m = v->tlb[b][i].frame;
		bool is_there;

		if (m && (!write || v->tlb[b][i].writable)) {
			if (write)
				write_frame(m);
			return;
		}
		v->tlb[b][i].frame = hardware_walk(base[b] + i);
		v->tlb[b][i].writable = walked_writable;
		if (v->tlb[b][i].frame && (!write || v->tlb[b][i].writable))
			continue;
		/* As hvm/exit.c does; others have their turns. */
		is_there = p2m_touch(p, _gfn(base[b] + i)) &&
			   (!write || p2m_log_store(p, _gfn(base[b] + i)));
		if (!is_there || tries > 20)
			return;
		enter(v);
	}
}

void flush_frame_lines(mfn_t m) {}

void tlb_flush_vcpus(const struct domain *of, u64 mask, u64 va)
{
	check(!p2m_world_is_locked(), "the lock is held while CPUs are waited for");
	others_run();
	for (unsigned i = 0; i < NR_VCPUS; i++)
		enter(&vcpu[i]);
}

/* ---- What the log stands on ------------------------------------------------------------------ */

int domain_pause_by_control(struct domain *of)
{
	check(!is_paused, "paused twice");
	is_paused = true;
	return 0;
}

int domain_unpause_by_control(struct domain *of)
{
	is_paused = false;
	/* Nobody comes back to a guest without a look at the stamp. */
	for (unsigned i = 0; i < NR_VCPUS; i++)
		enter(&vcpu[i]);
	return 0;
}

bool visit_keep_off(struct domain *of) { return random_u64() % 16; }
void visit_allow(struct domain *of) {}
bool hypercall_preempt_check(void) { return !(random_u64() % 8); }
int shadow_create_all(struct domain *of) { check(false, "a shadow is made"); return 0; }
void shadow_destroy_all(struct domain *of) {}
pfn_t m2p_get(mfn_t m) { check(false, "a name is looked up in the M2P"); return _pfn(0); }
const u8 hv_zero_page[PAGE_SIZE];

size_t raw_copy_from_guest(void *to, u64 from, size_t len)
{
	check(!p2m_world_is_locked(), "the lock is held while a guest's memory is read");
	memcpy(to, (void *)from, len);
	return 0;
}

/* One in some hundred fails. */
size_t raw_copy_to_guest(u64 to, const void *from, size_t len)
{
	check(!p2m_world_is_locked(), "the lock is held while a guest's memory is written");
	if (!quiet && !(random_u64() % 512))
		return len;
	memcpy((void *)to, from, len);
	return 0;
}

/* ---- What goes on ---------------------------------------------------------------------------- */

/* By a hypercall of the domain's own. */
static void write_ourselves(unsigned b, u64 i)
{
	u64 m = frame[b][i];

	if (!m)
		return;
	write_frame(m);
	p2m_written(p, _gfn(base[b] + i), page_of(_mfn(m)));
}

/* Another domain takes a reference to write, and gives it back: mm/type_word.c's part is here. */
static void lend_or_take_back(unsigned b, u64 i)
{
	u64 m = frame[b][i];

	if (!m)
		return;
	if (!is_lent[m])
		page_mark_dirty(page_of(_mfn(m)));
	page_of(_mfn(m))->count_info += is_lent[m] ? -PGC_foreign_one : PGC_foreign_one;
	is_lent[m] = !is_lent[m];
}

static void write_lent(unsigned b, u64 i)
{
	u64 m = frame[b][i];

	if (m && is_lent[m])
		write_frame(m);
}

static void go(unsigned b, u64 i)
{
	mfn_t was;
	u64 m = frame[b][i];

	frame[b][i] = 0;
	if (p2m_remove(&d, p, _gfn(base[b] + i), &was))
		frame[b][i] = m;
}

/* The frame that the page had, or that of another page which has none. */
static void come(unsigned b, u64 i)
{
	u64 m = FIRST_OWN + b * PLAYED + (random_u64() % 2 ? i : some_page());

	if (p2m_world_refs(m))
		return;
	if (!p2m_add(&d, p, _gfn(base[b] + i), _mfn(m), 0))
		frame[b][i] = m;
}

static void come_or_go(unsigned b, u64 i)
{
	bool was_quiet = quiet;

	/* Pages of one domain come and go one after the other. */
	quiet = true;
	(frame[b][i] ? go : come)(b, i);
	quiet = was_quiet;
}

void act(unsigned nr)
{
	struct vcpu_model *v = &vcpu[nr];
	u64 r = random_u64();
	unsigned b = r & 1;
	u64 i = some_page();

	switch (r >> 4 & 15) {
	case 0:
		come_or_go(b, i);
		break;
	case 1:
		if (!is_paused)
			write_ourselves(b, i);
		break;
	case 2:
		lend_or_take_back(b, i);
		break;
	case 3:
		write_lent(b, i);
		break;
	case 4:
		if (!is_paused && !others_depth && !(r >> 8 & 7))
			while (!p2m_batch_some(&d, p, p2m_batch_next(p)) && !(random_u64() % 4))
				;
		break;
	case 5:
		if (!is_paused && !(r >> 8 & 31) &&
		    p2m_make_executable(p, _gfn(base[b] + i)))
			(void)p2m_touch(p, _gfn(base[b] + i));
		break;
	default:
		if (is_paused)
			return;
		if (!(r >> 16 & 7))
			enter(v);
		access_page(v, b, i, r >> 9 & 1);
		return;
	}
}

/* ---- Readings -------------------------------------------------------------------------------- */

static bool has_bit(u64 gfn)
{
	return gfn < nr_asked && bitmap[gfn / 8] >> gfn % 8 & 1;
}

static void receive(bool check_all)
{
	for (unsigned b = 0; b < BASES; b++)
		for (u64 i = 0; i < PLAYED; i++) {
			u64 m = frame[b][i];

			if (!m)
				continue;
			if (has_bit(base[b] + i)) {
				copy[b][i] = content[m];
				named++;
			}
			check(!check_all || base[b] + i >= nr_asked || copy[b][i] == content[m],
			      "gfn %lx is not what it was, and has no bit", base[b] + i);
		}
}

/* To its end: pieces, with the guest running in between. */
static long operate(u32 what)
{
	struct xen_domctl_shadow_op op = {
		.op = what, .dirty_bitmap.p = bitmap, .pages = nr_asked,
	};
	u32 in_bits = 0;
	long rc;

	memset(bitmap, 0xff, sizeof(bitmap));
	while ((rc = domain_log_dirty(&d, &op)) == -ERESTART)
		if (!quiet)
			act(0), others_turns++;
	check(!is_paused, "its vcpus are left paused");
	check(bitmap[(nr_asked + 7) / 8] == 0xff, "what is behind the bitmap has been written");
	if (!rc && what == XEN_DOMCTL_SHADOW_OP_CLEAN) {
		for (u64 n = 0; n < (nr_asked + 7) / 8; n++)
			in_bits += __builtin_popcount(bitmap[n]);
		check(op.stats.dirty_count == in_bits, "%u bits, %u are said to be dirty", in_bits,
		      op.stats.dirty_count);
	}
	return rc;
}

/* What a reading that fails has made clean, its caller has in its bitmap as far as that goes. */
static void read_log(void)
{
	long rc;

	others_turns = 0;
	quiet = random_u64() % 2;
	/* What nobody asks for is told to who does. */
	nr_asked = ALL_GFNS - (random_u64() % 4 ? 0 : random_u64() % PLAYED);
	rc = operate(XEN_DOMCTL_SHADOW_OP_CLEAN);
	check(!rc || (!quiet && rc == -EFAULT), "reading: %ld", rc);
	exact += !others_turns && !rc;
	receive(!others_turns && !rc);
	readings++;
	quiet = false;
}

static void turn_on(void)
{
	quiet = true;
	nr_asked = ALL_GFNS;
	check(!operate(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY), "the log cannot be turned on");
	check(operate(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) == -EINVAL, "it is turned on twice");
	memset(bitmap, 0xff, sizeof(bitmap));
	receive(true);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static void reads(u64 pages, const char *what)
{
	unsigned before = named;

	check(!operate(XEN_DOMCTL_SHADOW_OP_CLEAN), "reading");
	receive(true);
	check(named - before == pages, "%u pages are dirty, should be %lu", named - before, pages);
	all_ok(what);
}

static void cases(void)
{
	struct vcpu_model *v = &vcpu[0];

	turn_on();
	reads(0, "at first nothing is dirty");
	access_page(v, 0, 5, true);
	access_page(v, 0, 6, false);
	access_page(&vcpu[1], 1, 5, true);
	reads(2, "two pages that have been written are, one that has been read is not");
	reads(0, "and are clean then");
	access_page(v, 0, 5, true);
	reads(1, "but one that is written once more is dirty");
	access_page(v, 1, 700, true);
	access_page(v, 1, 701, false);
	reads(1, "of a large leaf what has been written");
	p->max_tables = p->nr_tables;
	access_page(v, 0, 700, true);
	reads(512, "all of it, where there is no memory for a table");
	access_page(v, 0, 701, true);
	reads(512, "once more");
	p->max_tables = ~0u;
	check(p->stores == 6, "%u stores have asked", p->stores);
	check(!operate(XEN_DOMCTL_SHADOW_OP_OFF), "the log cannot be turned off");
	access_page(v, 0, 5, true);
	turn_on();
	reads(0, "turned off and on it begins anew");
}

static void build(u8 mode)
{
	static struct vcpu nobody;

	d.nr_vcpus = 1;
	d.vcpu[0] = &nobody;
	d.console_mfn = INVALID_MFN;
	memset(&d.log, 0, sizeof(d.log));
	pages_build(mode);
	memset(vcpu, 0, sizeof(vcpu));
	for (unsigned i = 0; i < NR_VCPUS; i++)
		enter(&vcpu[i]);
}

static void unbuild(void)
{
	quiet = true;
	for (u64 n = FIRST_OWN; n < NR_FRAMES; n++) {
		if (is_lent[n])
			page_of(_mfn(n))->count_info -= PGC_foreign_one;
		is_lent[n] = false;
		page_of(_mfn(n))->type_info = 0;
	}
	pages_unbuild();
}

/* One domain's life. */
static void live(u8 mode, unsigned nr)
{
	build(mode);
	turn_on();
	quiet = false;
	for (unsigned n = 0; n < nr; n++)
		if (random_u64() % 64)
			act(random_u64() % NR_VCPUS);
		else
			read_log();
	read_log();
	unbuild();
}

static void play(u8 mode, unsigned nr)
{
	printf("%s\n", mode == CACHE_ALL ? "not tracked" : "tracked");
	build(mode);
	cases();
	unbuild();
	readings = exact = 0;
	for (unsigned n = 0; n < nr; n += LIFE)
		live(mode, LIFE);
	ok(exact > nr / 500, "the log was read %u times, %u of them undisturbed", readings, exact);
	all_ok("what had been written was in it each time, and nothing is left over");
}

int main(int argc, char **argv)
{
	return pages_main(argc, argv, play, CACHE_ALL, CACHE_TOUCHED);
}
