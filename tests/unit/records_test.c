/* SPDX-License-Identifier: MIT */
/*
 * Records of an HVM context: lists that are right and lists that are damaged, each read as the
 * hypervisor does and by a second reader that has the list whole; and what a processor, its local
 * APIC and its FPU image may be in. No byte is read twice, nor one beyond the list.
 *
 * Sources: arch/x86/hvm/records.c arch/x86/hvm/apic_check.c
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <asm/apic.h>
#include <asm/fpu.h>
#include <asm/hvm_records.h>
#include <asm/insn.h>
#include <asm/regs.h>
#include <asm/vlapic.h>
#include <isola/errno.h>

#define MOST		16384u
#define CR4_VALID	(CR4_PAE | CR4_PGE)
#define EFER_VALID	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static u8 list[MOST], times_read[MOST];
static u64 nr_bytes, fault_at;

static int read_list(const struct hvm_reader *r, u64 at, void *to, size_t n)
{
	check(at + n <= nr_bytes && at + n >= at, "%lu bytes at %lu of %lu", n, at, nr_bytes);
	if (fault_at && at + n > fault_at)
		return -EFAULT;
	for (u64 i = at; i < at + n; i++)
		check(!times_read[i]++, "byte %lu is read twice", i);
	memcpy(to, list + at, n);
	return 0;
}

static void put(u16 type, u16 instance, const void *body, u32 length)
{
	const struct hvm_save_descriptor desc = { type, instance, length };

	memcpy(list + nr_bytes, &desc, sizeof(desc));
	if (length)
		memcpy(list + nr_bytes + sizeof(desc), body, length);
	nr_bytes += sizeof(desc) + length;
}

static void begin(void)
{
	const struct hvm_save_header head = { HVM_FILE_MAGIC, HVM_FILE_VERSION, 0, 0, 0 };

	nr_bytes = fault_at = 0;
	put(HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
}

/* As xl makes one: 32-bit, flat, no paging. */
static const struct hvm_hw_cpu start = {
	.rip = 0x200000, .rflags = 2, .cr0 = CR0_PE | CR0_ET, .dr6 = 0xffff0ff0, .dr7 = 0x400,
	.cs_limit = ~0u, .cs_arbytes = 0xc9b, .ds_limit = ~0u, .ds_arbytes = 0xc93,
	.tr_limit = 0x67, .tr_arbytes = 0x8b,
};

static const struct hvm_hw_mtrr mtrr = {
	.msr_pat_cr = 0x0007040600070406ul, .msr_mtrr_cap = 8, .msr_mtrr_def_type = 0x806,
};

/* As at reset, of vcpu 0, but that it is on; in x2APIC mode. */
static const struct hvm_hw_lapic apic = {
	.apic_base_msr = VLAPIC_BASE | APICBASE_BSP | APICBASE_ENABLE | APICBASE_EXTD,
	.timer_divisor = 2,
};

static void set_reg(struct hvm_hw_lapic_regs *r, u32 offset, u32 val)
{
	memcpy(r->data + offset, &val, 4);
}

static const struct hvm_hw_lapic_regs *apic_regs(void)
{
	static struct hvm_hw_lapic_regs r;

	memset(&r, 0, sizeof(r));
	set_reg(&r, APIC_DFR, ~0u);
	set_reg(&r, APIC_SVR, 0x1ff);
	for (unsigned i = 0; i < NR_LVTS; i++)
		set_reg(&r, vlapic_lvts[i].offset, APIC_LVT_MASKED);
	return &r;
}

/* A CPU that has components 0 to 2; the product's own is held against CPUID. */
#define IMAGE_BYTES	832u
int fpu_check_image(u64 xcr0, u64 accum, u64 xstate_bv, u64 xcomp_bv, u64 bytes)
{
	if (!(xcr0 & 1) || xcr0 & ~accum || accum != 7 || xstate_bv & ~accum)
		return -EINVAL;
	return bytes != IMAGE_BYTES || xcomp_bv ? -EINVAL : 0;
}

static struct {
	u64 mask, xcr0, accum;
	u8 image[IMAGE_BYTES];
} xsave;

static void make_xsave(void)
{
	memset(&xsave, 0, sizeof(xsave));
	memset(xsave.image, 0x5a, FX_BYTES);
	xsave.xcr0 = xsave.accum = 7;
	xsave.image[FX_BYTES] = 3;
}

struct taken {
	int rc;
	unsigned records;
	struct hvm_incoming in[2];
	u8 image[2][HVM_IMAGE_PAGES][4096];
};

/* A list as the hypervisor reads it (hvm/context.c), of a domain with two vcpus. */
static const struct taken *take_list(void)
{
	static struct taken t;
	struct hvm_reader r = { .size = nr_bytes, .read = read_list };
	const struct hvm_valid valid = { CR4_VALID, EFER_VALID, 1 };
	struct hvm_save_descriptor desc;

	memset(times_read, 0, sizeof(times_read));
	memset(&t, 0, sizeof(t));
	t.rc = hvm_read_header(&r);
	while (!t.rc) {
		t.rc = hvm_read_descriptor(&r, &desc);
		if (t.rc != 1)
			break;
		t.rc = -EPERM;
		if (desc.instance < 2) {
			void *const image[] = { t.image[desc.instance][0],
						t.image[desc.instance][1] };

			t.rc = hvm_keep(&r, &desc, &valid, &t.in[desc.instance], image);
		}
		t.records += !t.rc;
	}
	for (unsigned i = 0; i < 2 && !t.rc; i++)
		t.rc = hvm_check_whole(&t.in[i], i);
	return &t;
}

static int refused(void)
{
	return take_list()->rc == -EPERM;
}

/* The same of the list in one piece, said in another way: is it good as far as its shape goes? */
static bool is_well_shaped(void)
{
	u64 at = 0, first = 1;

	while (nr_bytes - at >= 8) {
		u16 type, instance;
		u32 length;

		memcpy(&type, list + at, 2);
		memcpy(&instance, list + at + 2, 2);
		memcpy(&length, list + at + 4, 4);
		at += 8;
		if (!type)
			return !first;
		if (length > nr_bytes - at || (first && (type != 1 || length != 24)) ||
		    (!first && (instance > 1 || (type != 2 && type != 14))) ||
		    (!first && type == 2 && length > sizeof(struct hvm_hw_cpu)) ||
		    (!first && type == 14 && length != sizeof(struct hvm_hw_mtrr)))
			return false;
		if (first && (memcmp(list + at, &(u32){ 0x54381286 }, 4) || list[at + 4] != 1))
			return false;
		first = 0;
		at += length;
	}
	return false;
}

static void whole_list(void)
{
	begin();
	put(HVM_SAVE_CODE(MTRR), 0, &mtrr, sizeof(mtrr));
	put(HVM_SAVE_CODE(CPU), 0, &start, sizeof(start));
	put(HVM_SAVE_CODE(MTRR), 1, &mtrr, sizeof(mtrr));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
}

static void lists(void)
{
	const struct taken *t;
	u8 byte = 0;

	whole_list();
	t = take_list();
	ok(!t->rc && t->records == 3 && hvm_has(&t->in[0], HVM_SAVE_CODE(CPU)) &&
	   !hvm_has(&t->in[1], HVM_SAVE_CODE(CPU)) && hvm_has(&t->in[1], HVM_SAVE_CODE(MTRR)) &&
	   t->in[0].cpu.rip == start.rip, "xl's list is taken");
	begin();
	put(HVM_SAVE_CODE(CPU), 0, &start, sizeof(start));
	ok(refused(), "a list without an end is refused");
	begin();
	put(HVM_SAVE_CODE(CPU), 1, &start, offsetof(struct hvm_hw_cpu, msr_tsc_aux));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	t = take_list();
	ok(!t->rc && hvm_has(&t->in[1], HVM_SAVE_CODE(CPU)), "an old, short processor is taken");
	begin();
	put(HVM_SAVE_CODE(MTRR), 0, &mtrr, sizeof(mtrr) - 1);
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(refused(), "short MTRRs are not");
	begin();
	put(HVM_SAVE_CODE_MAX, 0, &byte, 1);
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(refused(), "nor a type that is not known");
	nr_bytes = 0;
	put(HVM_SAVE_CODE(CPU), 0, &start, sizeof(start));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(refused(), "nor a list without a header");
	nr_bytes = 0;
	ok(refused(), "nor one of nothing");
	whole_list();
	fault_at = nr_bytes - 9;
	ok(take_list()->rc == -EFAULT, "what cannot be read is -EFAULT");
}

/* Lengths, types and bytes changed at random; the states in them stay good. */
static void damaged(void)
{
	unsigned good = 0, bad = 0;

	for (unsigned n = 0; n < 200000; n++) {
		u64 r = tap_random();
		static const u16 places[] = { 0, 4, 8, 12, 32, 34, 36 };
		int rc;

		whole_list();
		if (r & 1)
			nr_bytes = (r >> 8) % (nr_bytes + 1);
		if (r & 2)
			list[places[(r >> 24) % 7]] ^= 1u << (r >> 40 & 7);
		if (r & 4)
			memcpy(list + 36, &(u32){ (u32)(r >> 32) }, 4);
		rc = take_list()->rc;
		check((rc == 0) == is_well_shaped() && (!rc || rc == -EPERM),
		      "a list of %lu bytes is %d", nr_bytes, rc);
		good += !rc;
		bad += rc != 0;
	}
	check(good > 1000 && bad > 1000, "%u good, %u bad", good, bad);
	all_ok("200,000 damaged lists: refused when they are, and no byte is read twice");
}

static int with(u64 cr0, u64 cr4, u64 efer)
{
	struct hvm_hw_cpu c = start;

	c.cr0 = cr0;
	c.cr4 = cr4;
	c.msr_efer = efer;
	return hvm_check_cpu(&c, CR4_VALID, EFER_VALID);
}

static void processors(void)
{
	const u64 on = CR0_PE | CR0_PG;
	struct hvm_hw_cpu c = start;

	ok(!with(CR0_PE, 0, 0) && !with(0, 0, 0) && !with(on, CR4_PAE, EFER_LME | EFER_LMA) &&
	   !with(on, 0, EFER_NXE) && !with(CR0_PE, 0, EFER_LME) && !with(CR0_PE | CR0_CD, 0, 0),
	   "modes that there are, are taken");
	ok(with(CR0_PG, 0, 0) && with(on, 0, EFER_LME | EFER_LMA) && with(on, CR4_PAE, EFER_LME) &&
	   with(on, CR4_PAE, EFER_LMA) && with(CR0_PE, 0, EFER_LMA),
	   "no paging without protection, no long mode without PAE, no LMA but of LME and paging");
	ok(with(1ul << 32 | CR0_PE, 0, 0) && with(CR0_PE | CR0_NW, 0, 0) &&
	   with(CR0_PE | 1ul << 6, 0, 0) && with(CR0_PE, CR4_OSXSAVE, 0) &&
	   with(CR0_PE, 0, 1ul << 12), "nor bits that there are none of, SVME among them");
	c.cs_arbytes = 0xc09b;
	ok(!hvm_check_cpu(&c, 0, 0) && c.cs_arbytes == 0xc9b && c.ds_arbytes == 0xc93,
	   "flags of a segment as older ones have them are rewritten");
	c = start;
	c.cr0 |= CR0_PG;
	c.cr4 = CR4_PAE;
	c.msr_efer = EFER_LME | EFER_LMA;
	ok(!hvm_check_cpu(&c, CR4_VALID, EFER_VALID), "long mode in a 32-bit segment");
	c.cs_arbytes |= 0x200;
	ok(hvm_check_cpu(&c, CR4_VALID, EFER_VALID) == -EPERM, "but not of L and D both");
	c = start;
	c.fs_base = 1ul << 47;
	ok(hvm_check_cpu(&c, 0, 0) == -EPERM, "a base is canonical");
	c = start;
	c.dr7 = 1ul << 32;
	ok(hvm_check_cpu(&c, 0, 0) == -EPERM, "DR7 has 32 bits");
	c = start;
	c.pending_valid = 1;
	c.pending_vector = 0x40;
	ok(!hvm_check_cpu(&c, 0, 0), "an interrupt may be pending");
	c.pending_type = 3;
	ok(hvm_check_cpu(&c, 0, 0) == -EPERM, "an exception of vector 40h may not");
	c.pending_type = 1;
	c.pending_vector = 2;
	ok(hvm_check_cpu(&c, 0, 0) == -EPERM, "nor an event of no type");
	c.pending_type = 2;
	ok(!hvm_check_cpu(&c, 0, 0), "an NMI may");
	c.pending_reserved = 1;
	ok(hvm_check_cpu(&c, 0, 0) == -EPERM, "with nothing in bits that are reserved");
}

static void mtrrs(void)
{
	struct hvm_hw_mtrr m = mtrr;

	ok(!hvm_check_mtrr(&m), "write-back by default");
	m.msr_mtrr_def_type = 0x802;
	ok(hvm_check_mtrr(&m) == -EPERM, "a type that there is none of");
	m = mtrr;
	m.msr_mtrr_cap = 9;
	ok(hvm_check_mtrr(&m) == -EPERM, "more ranges than the record has");
	m = mtrr;
	m.msr_pat_cr = 0x0207040600070406ul;
	ok(hvm_check_mtrr(&m) == -EPERM, "a PAT with a type that there is none of");
	ok(hvm_pat_is_valid(0x0706050401000607ul) && !hvm_pat_is_valid(3) && !hvm_pat_is_valid(8),
	   "PATs");
}

/* ---- Local APICs ----------------------------------------------------------------------------- */

static int with_base(u64 base, u32 id)
{
	struct hvm_hw_lapic l = apic;

	l.apic_base_msr = base;
	return hvm_check_apic(&l, apic_regs(), id);
}

/* In one mode or the other. */
static bool takes(bool x2, u32 offset, u32 val)
{
	struct hvm_hw_lapic_regs r = *apic_regs();
	struct hvm_hw_lapic l = apic;

	if (!x2)
		l.apic_base_msr &= ~APICBASE_EXTD;
	set_reg(&r, offset, val);
	return !hvm_check_apic(&l, &r, 0);
}

/* Each bit of each register, and whether it may be set: by SDM vol. 3 chapter 11. */
static void apic_bits(void)
{
	static const struct { u32 offset, page, x2; } regs[] = {
		{ APIC_TPR, 0xff, 0xff }, { APIC_LDR, 0xff000000, ~0u }, { APIC_SVR, 0x1ff, 0x1ff },
		{ APIC_ESR, 0xff, 0xff }, { APIC_ICR, 0xcdfff, 0xcdfff },
		{ APIC_ICR_HI, 0xff000000, ~0u }, { APIC_LVTT, 0x710ff, 0x710ff },
		{ APIC_LVTTHMR, 0x117ff, 0x117ff }, { APIC_LVTPC, 0x117ff, 0x117ff },
		{ APIC_LVT0, 0x1b7ff, 0x1b7ff }, { APIC_LVT1, 0x1b7ff, 0x1b7ff },
		{ APIC_LVTERR, 0x110ff, 0x110ff }, { APIC_TMICT, ~0u, ~0u },
		{ APIC_TDCR, 0xb, 0xb },
		{ APIC_TMR, 0, 0 }, { APIC_TMR + 0x70, 0, 0 }, { APIC_ISR, ~0xffffu, ~0xffffu },
		{ APIC_IRR, ~0xffffu, ~0xffffu }, { APIC_IRR + 0x70, ~0u, ~0u },
		{ APIC_ISR + 0x10, ~0u, ~0u }, { APIC_TMCCT, ~0u, ~0u }, { APIC_ID, ~0u, ~0u },
	};

	for (unsigned i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		for (unsigned bit = 0; bit < 32; bit++) {
			check(takes(false, regs[i].offset, 1u << bit) ==
			      (regs[i].page >> bit & 1), "%#x: bit %u", regs[i].offset, bit);
			check(takes(true, regs[i].offset, 1u << bit) ==
			      (regs[i].x2 >> bit & 1), "x2 %#x: bit %u", regs[i].offset, bit);
		}
	check(!takes(false, APIC_DFR, ~1u) && takes(true, APIC_DFR, 0) &&
	      takes(false, APIC_DFR, 0x0fffffff), "DFR");
	all_ok("bits of an APIC's registers that there are, are taken, and no others");
}

static void apics(void)
{
	const u64 on = VLAPIC_BASE | APICBASE_ENABLE;
	struct hvm_hw_lapic_regs r = *apic_regs();
	struct hvm_hw_lapic l = apic;

	ok(!with_base(on | APICBASE_BSP, 0) && !with_base(on, 1) &&
	   !with_base(on | APICBASE_EXTD, 1) && !with_base(VLAPIC_BASE, 1), "an APIC's modes");
	ok(with_base(on, 0) && with_base(on | APICBASE_BSP, 1) &&
	   with_base(VLAPIC_BASE | APICBASE_EXTD, 1) && with_base(on | 1, 1) &&
	   with_base(on + 4096, 1) && with_base(on | 1ul << 40, 1),
	   "no x2APIC that is off, nowhere else, no boot processor but the first");
	l.tdt_msr = 1;
	ok(hvm_check_apic(&l, apic_regs(), 0) == -EPERM,
	   "no deadline of the TSC's in another mode");
	set_reg(&r, APIC_LVTT, APIC_LVT_MASKED | VLAPIC_DEADLINE);
	ok(!hvm_check_apic(&l, &r, 0), "in its mode there is one");
	apic_bits();
	begin();
	put(HVM_SAVE_CODE(LAPIC), 0, &apic, sizeof(apic));
	put(HVM_SAVE_CODE(LAPIC_REGS), 0, apic_regs(), sizeof(struct hvm_hw_lapic_regs));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(!take_list()->rc, "both records of one are taken");
	list[nr_bytes - 8 - sizeof(struct hvm_hw_lapic_regs) + APIC_TDCR] = 4;
	ok(refused(), "not with a bit that there is none of");
	begin();
	put(HVM_SAVE_CODE(LAPIC), 0, &apic, sizeof(apic));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(refused(), "nor one without the other");
	begin();
	put(HVM_SAVE_CODE(LAPIC_REGS), 1, apic_regs(), sizeof(struct hvm_hw_lapic_regs));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(refused(), "nor the other without it");
}

/* ---- FPU images, and what says nothing ------------------------------------------------------- */

#define BODY	(8 + sizeof(struct hvm_save_header) + 8)
static int one(u16 type, const void *body, u32 length)
{
	begin();
	put(type, 1, body, length);
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	return take_list()->rc;
}

static void images(void)
{
	static u8 large[12288];
	const struct taken *t;

	make_xsave();
	ok(!one(CPU_XSAVE_CODE, &xsave, sizeof(xsave)), "an FPU image is taken");
	t = take_list();
	ok(t->in[1].xcr0 == 7 && !memcmp(t->image[1][0], xsave.image, IMAGE_BYTES) &&
	   !t->image[1][0][IMAGE_BYTES], "as it is");
	xsave.image[FX_BYTES + 16] = 1;
	ok(one(CPU_XSAVE_CODE, &xsave, sizeof(xsave)) == -EPERM, "its header's rest is zeros");
	make_xsave();
	xsave.image[FX_BYTES] = 8;
	ok(one(CPU_XSAVE_CODE, &xsave, sizeof(xsave)) == -EPERM, "no component that is not there");
	make_xsave();
	xsave.image[FX_BYTES + 15] = 0x80;
	ok(one(CPU_XSAVE_CODE, &xsave, sizeof(xsave)) == -EPERM, "none that is compacted");
	make_xsave();
	xsave.xcr0 = 2;
	ok(one(CPU_XSAVE_CODE, &xsave, sizeof(xsave)) == -EPERM, "XCR0 has x87");
	make_xsave();
	ok(one(CPU_XSAVE_CODE, &xsave, sizeof(xsave) - 1) == -EPERM &&
	   one(CPU_XSAVE_CODE, &xsave, 24 + 575) == -EPERM && one(CPU_XSAVE_CODE, &xsave, 7) ==
	   -EPERM && one(CPU_XSAVE_CODE, &xsave, 0) == -EPERM, "nor one that is too short");
	ok(one(CPU_XSAVE_CODE, xsave.image, 23) == -EPERM && !times_read[BODY] &&
	   one(CPU_XSAVE_CODE, large, 24 + 8193) == -EPERM && !times_read[BODY],
	   "nor too long; of such nothing is read");
}

static void of_nothing(void)
{
	static struct { u32 count, pad; struct hvm_one_msr msr[2]; } msrs;
	struct hvm_tsc_adjust t = { 0 };
	u8 byte[64] = { 1 };

	ok(!one(HVM_SAVE_CODE(PCI_IRQ), byte, 16) && !one(HVM_SAVE_CODE(ISA_IRQ), byte, 8) &&
	   !one(HVM_SAVE_CODE(PCI_LINK), byte, 8) && !one(HVM_SAVE_CODE(VMCE_VCPU), byte, 32),
	   "records of devices that there are none of");
	ok(one(HVM_SAVE_CODE(PCI_IRQ), byte, 15) == -EPERM, "but of their length");
	ok(!one(HVM_SAVE_CODE(TSC_ADJUST), &t, sizeof(t)), "a TSC that is not adjusted");
	t.tsc_adjust = 1;
	ok(one(HVM_SAVE_CODE(TSC_ADJUST), &t, sizeof(t)) == -EPERM, "not one that is");
	ok(!one(CPU_MSR_CODE, &msrs, 8), "no MSR");
	msrs.count = 2;
	ok(!one(CPU_MSR_CODE, &msrs, sizeof(msrs)), "MSRs that are 0");
	msrs.count = 1;
	ok(one(CPU_MSR_CODE, &msrs, sizeof(msrs)) == -EPERM, "not fewer than the record has");
	msrs.count = 2;
	ok(one(CPU_MSR_CODE, &msrs, sizeof(msrs) - 16) == -EPERM &&
	   one(CPU_MSR_CODE, &msrs, 4) == -EPERM, "as many as are said");
	msrs.count = 0x10000002;
	ok(one(CPU_MSR_CODE, &msrs, sizeof(msrs)) == -EPERM, "and no more");
	msrs.count = 2;
	msrs.msr[1].val = 1;
	ok(one(CPU_MSR_CODE, &msrs, sizeof(msrs)) == -EPERM, "not one that is not");
	msrs.msr[1].index = MSR_MISC_FEATURES;
	ok(!one(CPU_MSR_CODE, &msrs, sizeof(msrs)) && take_list()->in[1].misc_features == 1,
	   "but of those that there are");
	msrs.msr[1].val = 3;
	ok(one(CPU_MSR_CODE, &msrs, sizeof(msrs)) == -EPERM, "with bits that there are");
	msrs.msr[1].val = 1;
	msrs.msr[0].index = MSR_MISC_FEATURES;
	msrs.msr[0]._rsvd = 1;
	ok(one(CPU_MSR_CODE, &msrs, sizeof(msrs)) == -EPERM, "and nothing beside them");
	ok(one(HVM_SAVE_CODE(PIT), byte, HVM_SAVE_LENGTH(PIT)) == -EPERM, "no timers of a PC's");
}

int main(void)
{
	lists();
	damaged();
	processors();
	mtrrs();
	apics();
	images();
	of_nothing();
	return done();
}
