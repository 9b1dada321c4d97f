/* SPDX-License-Identifier: MIT */
/*
 * Records of an HVM context: lists that are right and lists that are damaged, each read as the
 * hypervisor does and by a second reader that has the list whole; and what a processor may be in.
 * No byte is read twice, nor one beyond the list.
 *
 * Sources: arch/x86/hvm/records.c
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <asm/hvm_records.h>
#include <asm/insn.h>
#include <asm/regs.h>
#include <isola/errno.h>

#define MOST		8192u
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

struct taken {
	int rc;
	unsigned cpus, mtrrs;
};

/* A list as the hypervisor reads it (hvm/context.c), of a domain with two vcpus. */
static struct taken take_all(void)
{
	struct hvm_reader r = { .size = nr_bytes, .read = read_list };
	struct hvm_save_descriptor desc;
	struct taken t = { 0 };
	struct hvm_hw_mtrr m;
	struct hvm_hw_cpu c;

	memset(times_read, 0, sizeof(times_read));
	t.rc = hvm_read_header(&r);
	while (!t.rc) {
		t.rc = hvm_read_descriptor(&r, &desc);
		if (t.rc != 1)
			break;
		t.rc = -EPERM;
		if (desc.instance > 1)
			break;
		if (desc.typecode == HVM_SAVE_CODE(CPU)) {
			t.rc = hvm_read_body(&r, &desc, &c, sizeof(c), true);
			if (!t.rc)
				t.rc = hvm_check_cpu(&c, CR4_VALID, EFER_VALID);
			t.cpus += !t.rc;
		} else if (desc.typecode == HVM_SAVE_CODE(MTRR)) {
			t.rc = hvm_read_body(&r, &desc, &m, sizeof(m), false);
			if (!t.rc)
				t.rc = hvm_check_mtrr(&m);
			t.mtrrs += !t.rc;
		}
	}
	return t;
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
	struct taken t;
	u8 byte = 0;

	whole_list();
	t = take_all();
	ok(!t.rc && t.cpus == 1 && t.mtrrs == 2, "xl's list is taken");
	begin();
	put(HVM_SAVE_CODE(CPU), 0, &start, sizeof(start));
	t = take_all();
	ok(t.rc == -EPERM, "a list without an end is refused");
	begin();
	put(HVM_SAVE_CODE(CPU), 1, &start, offsetof(struct hvm_hw_cpu, msr_tsc_aux));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	t = take_all();
	ok(!t.rc && t.cpus == 1, "an old, short processor is taken");
	begin();
	put(HVM_SAVE_CODE(MTRR), 0, &mtrr, sizeof(mtrr) - 1);
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(take_all().rc == -EPERM, "short MTRRs are not");
	begin();
	put(HVM_SAVE_CODE_MAX, 0, &byte, 1);
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(take_all().rc == -EPERM, "nor a type that is not known");
	nr_bytes = 0;
	put(HVM_SAVE_CODE(CPU), 0, &start, sizeof(start));
	put(HVM_SAVE_CODE(END), 0, NULL, 0);
	ok(take_all().rc == -EPERM, "nor a list without a header");
	nr_bytes = 0;
	ok(take_all().rc == -EPERM, "nor one of nothing");
	whole_list();
	fault_at = nr_bytes - 9;
	ok(take_all().rc == -EFAULT, "what cannot be read is -EFAULT");
}

/* Lengths, types and bytes changed at random; the states in them stay good. */
static void damaged(void)
{
	unsigned good = 0, bad = 0;

	for (unsigned n = 0; n < 200000; n++) {
		u64 r = tap_random();
		static const u16 places[] = { 0, 4, 8, 12, 32, 34, 36 };
		struct taken t;

		whole_list();
		if (r & 1)
			nr_bytes = (r >> 8) % (nr_bytes + 1);
		if (r & 2)
			list[places[(r >> 24) % 7]] ^= 1u << (r >> 40 & 7);
		if (r & 4)
			memcpy(list + 36, &(u32){ (u32)(r >> 32) }, 4);
		t = take_all();
		check((t.rc == 0) == is_well_shaped() && (!t.rc || t.rc == -EPERM),
		      "a list of %lu bytes is %d", nr_bytes, t.rc);
		good += !t.rc;
		bad += t.rc != 0;
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

int main(void)
{
	lists();
	damaged();
	processors();
	mtrrs();
	return done();
}
