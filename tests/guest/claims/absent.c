/* SPDX-License-Identifier: MIT */
/*
 * Absent: entries whose present bit is clear.
 *
 * The rule: they are the guest's own to fill, but on a processor with L1TF one that names an
 * address of RAM reads what the cache holds of it, whoever's it is; there none may name RAM, but in
 * tables that the processor never comes upon. The guest puts such entries wherever one can be put,
 * and the values that kernels really use: zero, and inverted addresses.
 */
#define TOPIC "absent"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../forced_cpuid.h"
#include "../memory.h"
#include "../sibling.h"
#include "../text.h"
#include "../traps.h"

#define ALL_ONES PTE_FRAME		/* what a kernel makes of small swap offsets */

#define FAR 16u				/* a free slot of the L4 */

/* An L3, an L2 and an L1 of ours in the tables in use, each with room. */
struct slots {
	uint64_t *l1, *l2, *l3;
};

static struct slots slots_make(void)
{
	struct slots s = { page_alloc(), page_alloc(), page_alloc() };

	s.l2[0] = table_pte(s.l1);
	s.l3[0] = table_pte(s.l2);
	CHECK_OK(make_readonly(s.l1));
	CHECK_OK(make_readonly(s.l2));
	CHECK_OK(make_readonly(s.l3));
	CHECK_OK(write_entry(l4_slot(FAR), table_pte(s.l3)));
	return s;
}

static void slots_drop(void)
{
	CHECK_OK(write_entry(l4_slot(FAR), 0));
}

/* Does an mmu_update of each level give @rc, and leave what it should? */
static void check_updates(const struct slots *s, uint64_t value, long rc)
{
	const volatile uint64_t *entry[] = { &s->l1[7], &s->l2[7], &s->l3[7], l4_slot(FAR + 1) };

	for (unsigned int i = 0; i < 4; i++) {
		long got = write_entry(entry[i], value);

		CHECK_EQ(got, rc);
		CHECK_EQ(*entry[i], rc ? 0 : value);
		if (!rc)
			CHECK_OK(write_entry(entry[i], 0));
	}
}

/* Does a pin of a table of each of the lower levels with @value in its last slot give @rc? */
static void check_pins(uint64_t value, long rc)
{
	static const unsigned int pin[] = { MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
					    MMUEXT_PIN_L3_TABLE };

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t *table = page_alloc();

		table[511] = value;
		CHECK_OK(make_readonly(table));
		CHECK_EQ(mmuext(pin[i], mfn_of(table), 0), rc);
		if (!rc)
			CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
		CHECK_OK(make_writable(table));
	}
}

CLAIM(usual, "absent entries that name no RAM are taken at every level: zero, flags alone, "
	     "inverted addresses")
{
	static const uint64_t values[] = { 0,      0x2,      0xe00,
					   PTE_NX, ALL_ONES, ALL_ONES - 0x1234000 + 0x102,
					   ~PTE_P };
	struct slots s = slots_make();

	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		check_updates(&s, values[i], 0);
		check_pins(values[i], 0);
	}
	slots_drop();
}

/*
 * Models of Intel's family 6 without L1TF that do not say so themselves: Bonnell and Saltwell,
 * Silvermont and Airmont, Goldmont, Knights Landing and Mill. Source: Intel, "Affected Processors:
 * Transient Execution Attacks".
 */
static const uint8_t models_without_l1tf[] = {
	0x1c, 0x26, 0x27, 0x35, 0x36,
	0x37, 0x4a, 0x4c, 0x4d, 0x5a, 0x75,
	0x5c, 0x5f, 0x7a,
	0x57, 0x85,
};

/* Does the part say itself that it is not affected: ARCH_CAPABILITIES.RDCL_NO? */
static bool says_rdcl_no(void)
{
	uint32_t low = 0, high;

	if (forced_cpuid(0, 0).eax < 7 || !(forced_cpuid(7, 0).edx & 1u << 29))
		return false;
	CHECK_NO_TRAP("rdmsr", : "=a"(low), "=d"(high) : "c"(0x10a) : "memory");
	return low & 1;
}

/* AMD and Hygon never had it; of Intel all not known to be without; of others nobody knows. */
static bool has_l1tf(void)
{
	uint32_t vendor = forced_cpuid(0, 0).ebx, eax = forced_cpuid(1, 0).eax;
	uint32_t family = eax >> 8 & 15, model = (eax >> 4 & 15) | (eax >> 12 & 0xf0);

	if (vendor == 0x68747541 || vendor == 0x6f677948)	/* "Auth", "Hygo" */
		return false;
	if (vendor == 0x756e6547 && family == 5)		/* "Genu": in order */
		return false;
	for (unsigned int i = 0; i < sizeof(models_without_l1tf); i++)
		if (vendor == 0x756e6547 && family == 6 && model == models_without_l1tf[i])
			return false;
	return !says_rdcl_no();
}

/*
 * What comes of an entry of ours that names RAM. By option "poor" no memory is left for a shadow of
 * this domain.
 */
static long taken(void)
{
	bool shadowed = !(start->flags & SIF_INITDOMAIN) && !option("poor");

	return has_l1tf() && !shadowed ? -XEN_EINVAL : 0;
}

/* A store of @value to @direct, an entry in a table that is mapped read-only, goes or traps. */
static void check_store(volatile uint64_t *direct, uint64_t value)
{
	uint64_t old = *direct;

	if (taken())
		CHECK_TRAP(TRAP_PF, "movq %1, %0", : "=m"(*direct) : "r"(value) : "memory");
	else
		CHECK_NO_TRAP("movq %1, %0", : "=m"(*direct) : "r"(value) : "memory");
	CHECK_EQ(*direct & ~(PTE_A | PTE_D), (taken() ? old : value) & ~(PTE_A | PTE_D));
}

CLAIM_ISOLA_ONLY(ram,
		 "absent entries that name RAM are refused to dom0 at every level where the CPU "
		 "has L1TF, in an update, a store and a new table; elsewhere they are taken",
		 "4.17 takes them from dom0: pv-l1tf=dom0 is off there")
{
	volatile uint64_t *direct = (volatile uint64_t *)entry_of(window(0), 1);
	uint64_t own = mfn_of(window(1)) * PAGE_BYTES, old = *direct;
	long rc = taken();
	const uint64_t values[] = {
		own, own | 0xfff0000000000ffeul, 0x100000, mfn_of(start) * PAGE_BYTES | PTE_RW,
		/* beyond any L1D's tag: these bits do not make it another address */
		own | 1ul << 51,
	};
	struct slots s = slots_make();

	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		check_updates(&s, values[i] & ~PTE_P, rc);
		check_pins(values[i] & ~PTE_P, rc);
	}
	/* A large page that is absent names all of it: the low bits, and frame 0, do not help. */
	CHECK_EQ(write_entry(&s.l2[7], PTE_PS), rc);
	CHECK_EQ(write_entry(&s.l3[7], PTE_PS | 0x1000), rc);
	slots_drop();

	CHECK_EQ(remap(window(0), own), rc);
	CHECK_EQ(*direct, rc ? old : own);
	CHECK_OK(remap(window(0), old));
	check_store(direct, own);
}

/*
 * ---- The first of a domain's ----
 * It is shadowed from then on, so each claim is about another way where it is the first to run
 * (tests/guest/absent.t).
 */

static const char only_isola[] = "Xen built without shadows ends the domain, and takes all of dom0";

CLAIM_ISOLA_ONLY(by_list, "of a list of updates an absent entry that names RAM is one like others, "
			  "and where it is refused the last", only_isola)
{
	uint64_t own = mfn_of(window(1)) * PAGE_BYTES;
	struct slots s = slots_make();
	struct mmu_update u[5];
	uint32_t done = ~0u;
	long rc = taken();

	for (unsigned int i = 0; i < 5; i++)
		u[i] = (struct mmu_update){ maddr_of(&s.l1[i]), i == 2 ? own : 0xe00 };
	CHECK_EQ(HC4(mmu_update, u, 5, &done, DOMID_SELF), rc);
	CHECK_EQ(done, rc ? 2 : 5);
	for (unsigned int i = 0; i < 5; i++)
		CHECK_EQ(s.l1[i], i >= done ? 0 : u[i].val);
	slots_drop();
}

CLAIM_ISOLA_ONLY(by_va, "an absent entry that names RAM by update_va_mapping, in a multicall whose "
			"other entries are done once, in order", only_isola)
{
	volatile uint64_t *direct = (volatile uint64_t *)entry_of(window(0), 1);
	uint64_t own = mfn_of(window(1)) * PAGE_BYTES, old = *direct;
	struct multicall_entry m[3] = {
		{ .op = __HYPERVISOR_update_va_mapping,
		  .args = { (uint64_t)window(2), 0, UVMF_INVLPG } },
		{ .op = __HYPERVISOR_update_va_mapping,
		  .args = { (uint64_t)window(0), own, UVMF_INVLPG } },
		{ .op = __HYPERVISOR_update_va_mapping,
		  .args = { (uint64_t)window(2), rw_pte(window(1)), UVMF_INVLPG } },
	};

	CHECK_OK(HC2(multicall, m, 3));
	CHECK_OK(m[0].result);
	CHECK_EQ(m[1].result, taken());
	CHECK_OK(m[2].result);
	CHECK_EQ(*direct, taken() ? old : own);
	CHECK_EQ(l1e(window(2)) & PTE_FRAME, own);
}

CLAIM_ISOLA_ONLY(by_store, "a store of an absent entry that names RAM to a table", only_isola)
{
	check_store((volatile uint64_t *)entry_of(window(0), 1),
		    mfn_of(window(1)) * PAGE_BYTES);
}

CLAIM_ISOLA_ONLY(by_pin, "a pin of a table with an absent entry that names RAM", only_isola)
{
	check_pins(mfn_of(window(1)) * PAGE_BYTES, taken());
}

CLAIM_ISOLA_ONLY(by_use, "the first use of a table with an absent entry that names RAM, below "
			 "others", only_isola)
{
	struct slots s = slots_make();
	uint64_t *l1 = page_alloc(), *l2 = page_alloc();

	l1[511] = mfn_of(window(1)) * PAGE_BYTES;
	l2[300] = table_pte(l1);
	CHECK_OK(make_readonly(l1));
	CHECK_OK(make_readonly(l2));
	CHECK_EQ(write_entry(&s.l3[9], table_pte(l2)), taken());
	CHECK_EQ(s.l3[9], taken() ? 0 : table_pte(l2));
	slots_drop();
	CHECK_OK(make_writable(l2));
	CHECK_OK(make_writable(l1));
	CHECK_EQ(l1[511], mfn_of(window(1)) * PAGE_BYTES);
}

CLAIM_ISOLA_ONLY(by_base, "a base pointer to a new L4 with an absent entry that names RAM",
		 only_isola)
{
	uint64_t *l4 = page_alloc();

	memcpy(l4, (void *)start->pt_base, PAGE_BYTES);
	l4[FAR] = mfn_of(window(1)) * PAGE_BYTES;
	CHECK_OK(make_readonly(l4));
	CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(l4), 0), taken());
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, l4_mfn(), 0));
	CHECK_OK(make_writable(l4));
}

CLAIM_ISOLA_ONLY(by_context, "a context for another vCPU, and in its L4 an absent entry that names "
			     "RAM", only_isola)
{
	static struct vcpu_guest_context c;
	uint64_t *l4 = page_alloc();

	memcpy(l4, (void *)start->pt_base, PAGE_BYTES);
	l4[FAR] = mfn_of(window(1)) * PAGE_BYTES;
	CHECK_OK(make_readonly(l4));
	sibling_context(&c);
	c.ctrlreg[3] = mfn_of(l4) * PAGE_BYTES;
	CHECK_EQ(HC3(vcpu_op, VCPUOP_initialise, spare_vcpu(), &c), taken());
}

static struct slots both;
static uint64_t both_value;

static long first_entry(void)
{
	return write_entry(&both.l1[1], both_value);
}

static long second_entry(void)
{
	return write_entry(&both.l1[2], both_value);
}

CLAIM_ISOLA_ONLY(at_once, "absent entries that name RAM, by two vCPUs at once, again and again",
		 only_isola)
{
	both = slots_make();
	together_start();
	for (unsigned int round = 0; together_again(round, 300); round++) {
		struct answers a;

		both_value = round % 2 ? 0 : mfn_of(window(1)) * PAGE_BYTES;
		a = together(first_entry, second_entry);
		CHECK_EQ(a.mine, both_value ? taken() : 0);
		CHECK_EQ(a.theirs, both_value ? taken() : 0);
		CHECK_EQ(both.l1[1], taken() ? 0 : both_value);
		CHECK_EQ(both.l1[2], taken() ? 0 : both_value);
	}
	together_stop();
	slots_drop();
}

/* Frames of another domain, by their place in given[]. */
enum { L4, L3, L2, L1, DATA, NR };
#define FIRST_PFN 0x100u
#define SHADOWS 1024u			/* pages, at least, of two vcpus that are shadowed */

static long mmuext_of(unsigned int cmd, uint64_t mfn, domid_t d)
{
	struct mmuext_op e = { .cmd = cmd, .arg1.mfn = mfn };

	return HC4(mmuext_op, &e, 1, 0, d);
}

CLAIM_DOM0(others,
	   "absent entries that name RAM are taken in tables that dom0 makes for another domain: "
	   "where the CPU has L1TF it is shadowed from then on, until it ends; and nowhere else")
{
	uint64_t empty, before;
	struct mmu_update u;
	domid_t d;

	if (!on_isola && has_l1tf())
		skip("Xen built without shadows ends the domain");
	empty = free_pages();
	d = create_with_tables(NR, FIRST_PFN);
	u = (struct mmu_update){ .ptr = given[L1] * PAGE_BYTES + 7 * 8,
				 .val = given[DATA] * PAGE_BYTES | PTE_RW };
	before = free_pages();
	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], d));
	CHECK(free_pages() + SHADOWS > before);
	CHECK_OK(mmuext_of(MMUEXT_UNPIN_TABLE, given[L4], d));

	set_foreign_word(d, given[L1], 6, u.val);
	CHECK_OK(mmuext_of(MMUEXT_PIN_L4_TABLE, given[L4], d));
	CHECK_EQ(free_pages() + SHADOWS <= before, has_l1tf());
	CHECK_OK(HC4(mmu_update, &u, 1, 0, (d + 1u) << 16 | d));
	if (on_isola) {
		CHECK_OK(shadow_op(d, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, 0, 0));
		CHECK_OK(shadow_op(d, XEN_DOMCTL_SHADOW_OP_OFF, 0, 0, 0));
		CHECK_EQ(free_pages() + SHADOWS <= before, has_l1tf());
	}
	destroy(d);
	CHECK(becomes(are_free, empty));
}

/* What dom0 may do to domain 1 at any moment, each that the clock chooses; it may have ended. */
static void disturb(uint64_t choice)
{
	if (choice % 128) {
		if (!domctl(XEN_DOMCTL_pausedomain, 1))
			CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, 1));
	} else if (!shadow_op(1, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, 0, 0)) {
		CHECK_OK(shadow_op(1, XEN_DOMCTL_SHADOW_OP_OFF, 0, 0, 0));
	}
}

/* By option "ms=" domain 1 is there, which runs at_once, and is destroyed so many ms from now. */
CLAIM_DOM0(disturbed,
	   "a domain is paused, logged and destroyed while it becomes shadowed: all of it goes")
{
	const char *ms = option("ms=");
	uint64_t nr = 0, end = clock_ns();

	if (!ms)
		skip("no other domain is said to be there");
	while (*ms >= '0' && *ms <= '9')
		nr = nr * 10 + (uint64_t)(*ms++ - '0');
	end += nr * MS_NS;
	while (clock_ns() < end)
		disturb(clock_ns() >> 8);
	destroy(1);
	CHECK(becomes(is_gone, 1));
	print("# free pages: %lu\n", free_pages());
}
