/* SPDX-License-Identifier: MIT */
/*
 * A context as the tools have it, a list of records (<xen/hvm/save.h>): read one by one, each byte
 * once, and the checks of what is in them. Pure but for the reader's function.
 *
 * Whatever is wrong with one is -EPERM, as Xen says it of all: out of data, another first record
 * than a header of this format's, a type that is not known, a body of another size, and what no
 * processor has.
 */
#pragma once

#include <isola/types.h>
#include <xen/xen.h>
#include <xen/hvm/save.h>

/*
 * The record of a processor has its segments as an array of each part, @part, in this order: CS,
 * DS, ES, FS, GS, SS, TR, LDTR, IDTR, GDTR, of which the last two have neither selector nor flags.
 */
#define HVM_HW_SELECTORS 8u
#define HVM_HW_SEGMENT(c, part, type, i)						\
	(*(type *)((u8 *)(c) + HVM_HW_PART_##part + (i) * sizeof(type)))
#define HVM_HW_PART_sel		offsetof(struct hvm_hw_cpu, cs_sel)
#define HVM_HW_PART_limit	offsetof(struct hvm_hw_cpu, cs_limit)
#define HVM_HW_PART_base	offsetof(struct hvm_hw_cpu, cs_base)
#define HVM_HW_PART_arbytes	offsetof(struct hvm_hw_cpu, cs_arbytes)
static_assert(offsetof(struct hvm_hw_cpu, ldtr_sel) == HVM_HW_PART_sel + 7 * 4 &&
	      offsetof(struct hvm_hw_cpu, gdtr_limit) == HVM_HW_PART_limit + 9 * 4 &&
	      offsetof(struct hvm_hw_cpu, gdtr_base) == HVM_HW_PART_base + 9 * 8 &&
	      offsetof(struct hvm_hw_cpu, ldtr_arbytes) == HVM_HW_PART_arbytes + 7 * 4,
	      "in this order");

struct hvm_reader {
	u64 size, at;			/* bytes in all, and of them read */
	/* @n bytes at @at. 0 or -EFAULT. */
	int (*read)(const struct hvm_reader *r, u64 at, void *to, size_t n);
	u64 from;			/* what it needs to know */
};

#define HVM_IMAGE_PAGES	2u	/* of an FPU image: FPU_IMAGE_MAX */

/*
 * What is set of one vcpu, until all of it has been found good (hvm/context.c). A record's body is
 * there if its type's bit is.
 */
struct hvm_incoming {
	u32 has;			/* bit n: a record of type n */
	struct hvm_hw_cpu cpu;
	struct hvm_hw_mtrr mtrr;
	struct hvm_hw_lapic lapic;
	struct hvm_hw_lapic_regs regs;
	u64 xcr0;			/* of CPU_XSAVE, whose image has pages of its own */
	u64 misc_features;		/* of CPU_MSR */
};

static inline bool hvm_has(const struct hvm_incoming *in, u32 type) { return in->has >> type & 1; }

/* The header, which is the first record: 0, -EPERM, -EFAULT. */
int __must_check hvm_read_header(struct hvm_reader *r);
/* The next record's descriptor, of which the body is to be read: 1; 0: it was the last. */
int __must_check hvm_read_descriptor(struct hvm_reader *r, struct hvm_save_descriptor *desc);
/* Its body, @size bytes; or, @may_be_short, fewer, and zeros. */
int __must_check hvm_read_body(struct hvm_reader *r, const struct hvm_save_descriptor *desc,
			       void *body, size_t size, bool may_be_short);

/* Bits that a processor of the domain can have in these registers. */
struct hvm_valid { u64 cr4, efer, misc_features; };
#define MSR_MISC_FEATURES	0x140u	/* SDM vol. 4: bit 0, CPUID faulting */
/*
 * The record that begins with @desc joins @in, its FPU image @image; checked as far as it can be
 * alone. Of what is not built (lines of devices, TSC_ADJUST, most MSRs) records are taken that say
 * nothing. 0, -EPERM, -EFAULT.
 */
int __must_check hvm_keep(struct hvm_reader *r, const struct hvm_save_descriptor *desc,
			  const struct hvm_valid *valid, struct hvm_incoming *in,
			  void *const image[HVM_IMAGE_PAGES]);
/* And when all have: is what there is of vcpu @id whole? 0, -EPERM. */
int __must_check hvm_check_whole(const struct hvm_incoming *in, u32 id);

/*
 * Can a processor be in the state @c, with no other bits in CR4 and EFER than these? Then, what is
 * written in an older way in it is rewritten. 0 or -EPERM.
 */
int __must_check hvm_check_cpu(struct hvm_hw_cpu *c, u64 cr4_valid, u64 efer_valid);
/* MTRRs: memory is write-back whatever they say, but they may not be such as there are none. */
int __must_check hvm_check_mtrr(const struct hvm_hw_mtrr *m);
/*
 * Can the local APIC of vcpu @id have these registers (SDM vol. 3 chapter 11, as far as there are
 * lines: nothing is level-triggered, and nobody has a TSC deadline)? 0 or -EPERM.
 */
int __must_check hvm_check_apic(const struct hvm_hw_lapic *l, const struct hvm_hw_lapic_regs *r,
				u32 id);
/* The types of a PAT that there are (SDM vol. 3 table 12-10). */
bool hvm_pat_is_valid(u64 val);
