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

/* The header, which is the first record: 0, -EPERM, -EFAULT. */
int __must_check hvm_read_header(struct hvm_reader *r);
/* The next record's descriptor, of which the body is to be read: 1; 0: it was the last. */
int __must_check hvm_read_descriptor(struct hvm_reader *r, struct hvm_save_descriptor *desc);
/* Its body, @size bytes; or, @may_be_short, fewer, and zeros. */
int __must_check hvm_read_body(struct hvm_reader *r, const struct hvm_save_descriptor *desc,
			       void *body, size_t size, bool may_be_short);

/*
 * Can a processor be in the state @c, with no other bits in CR4 and EFER than these? Then, what is
 * written in an older way in it is rewritten. 0 or -EPERM.
 */
int __must_check hvm_check_cpu(struct hvm_hw_cpu *c, u64 cr4_valid, u64 efer_valid);
/* MTRRs: memory is write-back whatever they say, but they may not be such as there are none. */
int __must_check hvm_check_mtrr(const struct hvm_hw_mtrr *m);
/* The types of a PAT that there are (SDM vol. 3 table 12-10). */
bool hvm_pat_is_valid(u64 val);
