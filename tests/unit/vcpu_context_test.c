/* SPDX-License-Identifier: MIT */
/*
 * A context, VCPUOP_initialise's for a sibling or the control domain's for another: every reference
 * that a refusal at any point has taken is given back, and at most one table reference in one call,
 * because there are two places to park a table, and the one that is refused may need the other
 * (PRE-3). Frames are counters here.
 *
 * Flags: -Itests/unit/mm/include
 * Sources: arch/x86/calls/vcpu_context.c
 */
#include "tap.h"

#include <string.h>
#include <sys/mman.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/frametable.h>
#include <asm/gdt.h>
#include <asm/ldt.h>
#include <asm/mapcache.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>
#include <asm/vcpu_context.h>
#include <asm/vcpu_private.h>
#include <asm/visit.h>
#include <isola/errno.h>
#include <isola/vcpu.h>

#define NR_FRAMES	64u
#define KERNEL_L4	10u
#define USER_L4		11u
#define GDT_FIRST	20u
#define NO_RECORD	1000u

u64 max_page = NR_FRAMES;
struct cpu_private this_cpu;
static struct domain domain, control = { .domid = 7 };
static struct vcpu self = { .domain = &domain }, sibling = { .domain = &domain, .id = 1 };
static struct vcpu_private private;
static struct pv_trap traps[256];
static u8 fpu_image[4096];

/* The model: references of each frame; what the next ones answer; tables put in this call. */
static int refs[NR_FRAMES], answer[NR_FRAMES];
static unsigned tables_put, window_set, visits;

bool mfn_has_page(mfn_t m) { return mfn_x(m) < NR_FRAMES; }

static int get(u64 n)
{
	if (answer[n])
		return answer[n];
	refs[n]++;
	return 0;
}

/* No frame here is live: what page_type.h has in line comes to these. */
int page_type_get_or_put(struct page_info *pg, struct domain *d, u64 type)
{
	int rc = get(mfn_x(page_mfn(pg)));

	check(d == &domain && type == PGT_l4, "a base pointer is taken as type %lx", type);
	if (rc)
		page_put(pg);
	return rc;
}

/* Nor is one shared out. */
bool page_get_asking(struct page_info *pg, const struct domain *d) { panic("whose frame"); }
void page_put_asking(struct page_info *pg) { panic("a frame is shared out"); }
void page_put_check(const struct page_info *pg) { panic("a reference that nobody had"); }

void page_type_put(struct page_info *pg)
{
	refs[mfn_x(page_mfn(pg))]--;
	tables_put++;
}

int visit(struct domain *d, int (*fn)(struct domain *d, void *arg), void *arg)
{
	int rc;

	check(d == &domain && self.domain == &control, "a visit to one's own domain");
	visits++;
	this_cpu.visited = d;
	rc = fn(d, arg);
	this_cpu.visited = NULL;
	return rc;
}

int desc_frame_get(mfn_t m) { return mfn_has_page(m) ? get(mfn_x(m)) : -EINVAL; }
void desc_frame_put(mfn_t m) { refs[mfn_x(m)]--; }
int pv_debugreg_check(unsigned int n, u64 *val) { return n == 7 ? 0 : -EPERM; }
u64 pv_settable_cr4(u64 val) { return val & 8; }
bool ldt_setting_ok(u64 base, u64 nr_ents) { return !(base & 4095) && nr_ents <= 8192; }
void fpu_set_legacy_image(void *image, const void *fxsave) {}
void unmap_domain_page(const void *p) {}

void *map_domain_page(mfn_t m)
{
	check(!this_cpu.visited, "a mapping is made on a visit");
	return mfn_x(m) == 1 ? (void *)&private : mfn_x(m) == 2 ? (void *)traps : (void *)fpu_image;
}

void populate_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr, const mfn_t *mfn, u64 flags)
{
	check(v == &sibling && va == VA_GDT && flags == PAGE_HV_RW, "%u pages stand at %lx", nr,
	      va);
	for (unsigned i = 0; i < nr; i++)
		check(refs[mfn_x(mfn[i])] == 1, "frame %lx is shown without a reference",
		      mfn_x(mfn[i]));
	window_set += nr;
}

void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	exit(1);
}

static struct vcpu_guest_context good(void)
{
	struct vcpu_guest_context c;

	memset(&c, 0, sizeof(c));
	c.flags = VGCF_in_kernel;
	c.gdt_ents = 3 * 512;
	for (unsigned i = 0; i < 3; i++)
		c.gdt_frames[i] = GDT_FIRST + i;
	c.ctrlreg[3] = KERNEL_L4 << 12;
	c.ctrlreg[1] = USER_L4 << 12;
	c.user_regs.cs = 0xe030;
	c.user_regs.ss = 0xe028;
	c.ldt_base = 0x7000;
	c.ldt_ents = 100;
	return c;
}

static unsigned held(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NR_FRAMES; i++) {
		u64 general = page_of(_mfn(i))->count_info - PGC_unshared;

		check(general == (i == KERNEL_L4 || i == USER_L4 ? (u64)refs[i] : 0),
		      "frame %u: %ld general references, %d of type", i, (long)general, refs[i]);
		n += refs[i] != 0;
	}
	return n;
}

static int try(const struct vcpu_guest_context *c)
{
	tables_put = window_set = 0;
	return vcpu_set_context(&sibling, c);
}

/* Frame @n answers @rc: what was taken before comes back, one table of it at most. */
static void refused(unsigned n, int rc, int wanted)
{
	struct vcpu_guest_context c = good();
	int is;

	answer[n] = rc;
	is = try(&c);
	check(is == wanted, "frame %u answers %d: the call %d", n, rc, is);
	check(held() == 0, "frame %u answers %d: %u frames stay held", n, rc, held());
	check(tables_put <= 1, "frame %u answers %d: %u tables are put", n, rc, tables_put);
	check(!sibling.initialised && !window_set, "frame %u answers %d: something has changed", n,
	      rc);
	answer[n] = 0;
}

static void test_refusals(void)
{
	static const unsigned frames[] = { KERNEL_L4, USER_L4, GDT_FIRST, GDT_FIRST + 1,
					   GDT_FIRST + 2 };
	struct vcpu_guest_context c = good();

	for (unsigned i = 0; i < 5; i++)
		refused(frames[i], -EINVAL, -EINVAL);
	for (unsigned i = 0; i < 2; i++) {
		refused(frames[i], -ERESTART, -ERESTART);
		refused(frames[i], -EINTR, -ERESTART);
		refused(frames[i], -EBUSY, -EINVAL);
	}
	c.gdt_frames[2] = NO_RECORD;
	check(try(&c) == -EINVAL && !held() && tables_put <= 1, "a descriptor frame that is none");
	c = good();
	c.ctrlreg[1] = NO_RECORD << 12;
	check(try(&c) == -EINVAL && !held() && tables_put <= 1, "a user base that is none");
	c = good();
	c.ldt_base = 0x7008;
	check(try(&c) == -EINVAL && !held() && tables_put == 0, "an LDT that may not be");
	c = good();
	c.trap_ctxt[255].address = 1ul << 47;
	check(try(&c) == -EINVAL && !held() && tables_put == 0, "a handler that may not be");
	all_ok("a context refused at any point gives back all it took, at most one table");
}

/* What another domain's vcpu is to hold is taken on a visit. */
static void test_another(void)
{
	struct vcpu_guest_context c = good();

	check(!visits, "a sibling is visited");
	self.domain = &control;
	test_refusals();
	check(visits > 10, "%u visits", visits);
	check(try(&c) == 0 && held() == 5 && sibling.initialised, "it is refused, or in part");
	all_ok("so does one of another domain, on a visit");
	sibling.initialised = false;
	memset(refs, 0, sizeof(refs));
	page_of(_mfn(KERNEL_L4))->count_info = page_of(_mfn(USER_L4))->count_info = PGC_unshared;
	self.domain = &domain;
}

static void test_taken(void)
{
	struct vcpu_guest_context c = good();

	check(try(&c) == 0, "a good context is refused");
	check(held() == 5 && tables_put == 0 && window_set == 3, "%u frames held, %u shown", held(),
	      window_set);
	check(private.regs.cs == 0xe033 && private.regs.ss == 0xe02b,
	      "code and stack selectors have RPL 3");
	check(private.ldt_base == 0x7000 && private.ldt_ents == 100, "the LDT's setting");
	check(sibling.initialised, "initialised");
	all_ok("a good context is taken, its code and stack selectors with RPL 3");
}

/* Every frame is the domain's, with the allocation's reference. */
static void make_frames(void)
{
	struct page_info *table =
		mmap((void *)VA_FRAMETABLE, NR_FRAMES * sizeof(*table), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (table != (struct page_info *)VA_FRAMETABLE)
		panic("no room for the frame table");
	for (unsigned i = 0; i < NR_FRAMES; i++)
		table[i] = (struct page_info){ .count_info = PGC_unshared,
					       .owner = domain.domid };
}

int main(void)
{
	make_frames();
	this_cpu.curr = &self;
	for (unsigned i = 0; i < 3; i++)
		sibling.private_mfn[i] = _mfn(1 + i);
	test_refusals();
	test_another();
	test_taken();
	return done();
}
