/* SPDX-License-Identifier: MIT */
/*
 * A context's records: see asm/hvm_records.h.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/hvm_records.h>
#include <asm/fpu.h>
#include <asm/insn.h>

static int take(struct hvm_reader *r, void *to, size_t n)
{
	int rc;

	if (r->size - r->at < n)
		return -EPERM;
	rc = r->read(r, r->at, to, n);
	if (!rc)
		r->at += n;
	return rc;
}

int hvm_read_descriptor(struct hvm_reader *r, struct hvm_save_descriptor *desc)
{
	int rc = take(r, desc, sizeof(*desc));

	return rc ? rc : desc->typecode != HVM_SAVE_CODE(END);
}

int hvm_read_body(struct hvm_reader *r, const struct hvm_save_descriptor *desc, void *body,
		  size_t size, bool may_be_short)
{
	if (desc->length > size || (desc->length < size && !may_be_short))
		return -EPERM;
	memset(body, 0, size);
	return take(r, body, desc->length);
}

int hvm_read_header(struct hvm_reader *r)
{
	struct hvm_save_descriptor desc;
	struct hvm_save_header head;
	int rc = hvm_read_descriptor(r, &desc);

	if (rc != 1)
		return rc ? rc : -EPERM;
	if (desc.typecode != HVM_SAVE_CODE(HEADER))
		return -EPERM;
	rc = hvm_read_body(r, &desc, &head, sizeof(head), false);
	if (rc)
		return rc;
	return head.magic == HVM_FILE_MAGIC && head.version == HVM_FILE_VERSION ? 0 : -EPERM;
}

/* ---- A processor ----------------------------------------------------------------------------- */

#define CR0_DEFINED	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | \
			 CR0_NW | CR0_CD | CR0_PG)
#define CR3_RESERVED	0xfff0000000000000ul
#define SEGMENT_LD	0x600u		/* both L and D of a code segment */

/* ABI: older ones have the flags of a segment where its descriptor has them. */
static void fold(u32 *flags)
{
	if (*flags & 0xf000 && !(*flags & 0x0f00))
		*flags = (*flags & 0xff) | (*flags >> 4 & 0xf00);
}

/* One that is to be delivered: an interrupt, an NMI or an exception. */
static bool event_is_valid(const struct hvm_hw_cpu *c)
{
	if (!c->pending_valid)
		return true;
	return !c->pending_reserved &&
	       (c->pending_type == 0 || (c->pending_type == 2 && c->pending_vector == 2) ||
		(c->pending_type == 3 && c->pending_vector < 32 && c->pending_vector != 2));
}

static bool paging_is_valid(const struct hvm_hw_cpu *c)
{
	bool on = c->cr0 & CR0_PG, is_long = c->msr_efer & EFER_LMA;

	if (on && !(c->cr0 & CR0_PE))
		return false;
	if (is_long != (on && c->msr_efer & EFER_LME))
		return false;
	return !is_long || (c->cr4 & CR4_PAE && (c->cs_arbytes & SEGMENT_LD) != SEGMENT_LD);
}

int hvm_check_cpu(struct hvm_hw_cpu *c, u64 cr4_valid, u64 efer_valid)
{
	u32 *const flags[] = { &c->cs_arbytes, &c->ds_arbytes, &c->es_arbytes, &c->fs_arbytes,
			       &c->gs_arbytes, &c->ss_arbytes, &c->tr_arbytes, &c->ldtr_arbytes };
	const u64 canonical[] = { c->fs_base, c->gs_base, c->shadow_gs, c->tr_base, c->ldtr_base,
				  c->idtr_base, c->gdtr_base, c->msr_lstar, c->msr_cstar,
				  c->sysenter_esp, c->sysenter_eip };

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		fold(flags[i]);
	if (c->cr0 & ~(u64)CR0_DEFINED || (c->cr0 & CR0_NW && !(c->cr0 & CR0_CD)) ||
	    c->cr4 & ~cr4_valid || c->msr_efer & ~efer_valid || c->cr3 & CR3_RESERVED)
		return -EPERM;
	if (!paging_is_valid(c) || !event_is_valid(c) || c->dr6 >> 32 || c->dr7 >> 32 ||
	    c->msr_syscall_mask >> 32 || c->msr_tsc_aux >> 32)
		return -EPERM;
	for (unsigned i = 0; i < ARRAY_SIZE(canonical); i++)
		if (!is_canonical(canonical[i]))
			return -EPERM;
	return 0;
}

bool hvm_pat_is_valid(u64 val)
{
	for (unsigned i = 0; i < 8; i++, val >>= 8)
		if ((val & 0xff) > 7 || (val & 0xff) == 2 || (val & 0xff) == 3)
			return false;
	return true;
}

#define MTRR_DEF_TYPE	0xcfful		/* type, FE, E */

int hvm_check_mtrr(const struct hvm_hw_mtrr *m)
{
	u64 type = m->msr_mtrr_def_type & 0xff;

	if (!hvm_pat_is_valid(m->msr_pat_cr) || m->msr_mtrr_def_type & ~MTRR_DEF_TYPE ||
	    type > 6 || type == 2 || type == 3 || (m->msr_mtrr_cap & 0xff) > MTRR_VCNT)
		return -EPERM;
	return 0;
}

/* ---- One after the other --------------------------------------------------------------------- */

static int check_cpu(struct hvm_incoming *in, const struct hvm_valid *valid)
{
	return hvm_check_cpu(&in->cpu, valid->cr4, valid->efer);
}

static int check_mtrr(struct hvm_incoming *in, const struct hvm_valid *valid __maybe_unused)
{
	return hvm_check_mtrr(&in->mtrr);
}

#define INTO(type, part, may_be_short, check)						\
	{ HVM_SAVE_CODE(type), offsetof(struct hvm_incoming, part),			\
	  sizeof(((struct hvm_incoming *)0)->part), may_be_short, check }
static const struct {
	u16 code, at, size;
	bool may_be_short;
	int (*check)(struct hvm_incoming *in, const struct hvm_valid *valid);
} kept[] = {
	INTO(CPU, cpu, true, check_cpu), INTO(MTRR, mtrr, false, check_mtrr),
	INTO(LAPIC, lapic, false, NULL), INTO(LAPIC_REGS, regs, false, NULL),
};

/* ABI: Xen has these of each domain; of devices that there are none of, whatever they say. */
#define OF_NOTHING(type) { HVM_SAVE_CODE(type), HVM_SAVE_LENGTH(type) }
static const struct { u16 code, size; } ignored[] = {
	OF_NOTHING(PCI_IRQ), OF_NOTHING(ISA_IRQ), OF_NOTHING(PCI_LINK), OF_NOTHING(VMCE_VCPU),
};

/* Nobody can have set it. */
static int read_tsc_adjust(struct hvm_reader *r, const struct hvm_save_descriptor *desc)
{
	struct hvm_tsc_adjust t;
	int rc = hvm_read_body(r, desc, &t, sizeof(t), false);

	return rc ? rc : t.tsc_adjust ? -EPERM : 0;
}

/* 0 is what MSRs are that guests have not got. */
static int take_msr(const struct hvm_one_msr *msr, const struct hvm_valid *valid,
		    struct hvm_incoming *in)
{
	u64 can = msr->index == MSR_MISC_FEATURES ? valid->misc_features : 0;

	if (msr->_rsvd || msr->val & ~can)
		return -EPERM;
	if (msr->index == MSR_MISC_FEATURES)
		in->misc_features = msr->val;
	return 0;
}

static int read_msrs(struct hvm_reader *r, const struct hvm_save_descriptor *desc,
		     const struct hvm_valid *valid, struct hvm_incoming *in)
{
	u64 count;
	int rc = -EPERM;

	if (desc->length >= sizeof(count))
		rc = take(r, &count, sizeof(count));
	if (rc)
		return rc;
	count = (u32)count;
	if (desc->length != sizeof(count) + count * sizeof(struct hvm_one_msr))
		return -EPERM;
	while (!rc && count--) {
		struct hvm_one_msr msr;

		rc = take(r, &msr, sizeof(msr));
		if (!rc)
			rc = take_msr(&msr, valid, in);
	}
	return rc;
}

#define XSAVE_HEAD	offsetof(struct hvm_hw_cpu_xsave, save_area)

/* The image, behind which its pages are zeros. */
static int read_image(struct hvm_reader *r, u64 bytes, void *const image[HVM_IMAGE_PAGES])
{
	int rc = 0;

	for (unsigned i = 0; i < HVM_IMAGE_PAGES && !rc; i++) {
		u64 some = min(bytes, (u64)PAGE_SIZE);

		memset(image[i], 0, PAGE_SIZE);
		rc = take(r, image[i], some);
		bytes -= some;
	}
	return rc;
}

static int read_xsave(struct hvm_reader *r, const struct hvm_save_descriptor *desc,
		      struct hvm_incoming *in, void *const image[HVM_IMAGE_PAGES])
{
	u64 head[XSAVE_HEAD / sizeof(u64)], bytes = desc->length - XSAVE_HEAD;
	const u64 *bits = image[0] + FX_BYTES;
	int rc = -EPERM;

	/* Of a record without all of the numbers it is huge. */
	if (bytes <= HVM_IMAGE_PAGES * PAGE_SIZE)
		rc = take(r, head, sizeof(head));
	if (!rc)
		rc = read_image(r, bytes, image);
	if (rc)
		return rc;
	/* SDM vol. 1 §13.4.2 */
	for (unsigned i = 2; i < XSAVE_HEADER / sizeof(u64); i++)
		if (bits[i])
			return -EPERM;
	in->xcr0 = head[1];
	return fpu_check_image(head[1], head[2], bits[0], bits[1], bytes) ? -EPERM : 0;
}

static int read_kept(struct hvm_reader *r, const struct hvm_save_descriptor *desc,
		     const struct hvm_valid *valid, struct hvm_incoming *in)
{
	u8 scratch[64];

	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
		int rc;

		if (kept[i].code != desc->typecode)
			continue;
		rc = hvm_read_body(r, desc, (u8 *)in + kept[i].at, kept[i].size,
				   kept[i].may_be_short);
		return rc || !kept[i].check ? rc : kept[i].check(in, valid);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
		if (ignored[i].code == desc->typecode)
			return hvm_read_body(r, desc, scratch, ignored[i].size, false);
	return -EPERM;
}

int hvm_keep(struct hvm_reader *r, const struct hvm_save_descriptor *desc,
	     const struct hvm_valid *valid, struct hvm_incoming *in,
	     void *const image[HVM_IMAGE_PAGES])
{
	int rc;

	switch (desc->typecode) {
	case CPU_XSAVE_CODE:
		rc = read_xsave(r, desc, in, image);
		break;
	case HVM_SAVE_CODE(TSC_ADJUST):
		rc = read_tsc_adjust(r, desc);
		break;
	case CPU_MSR_CODE:
		rc = read_msrs(r, desc, valid, in);
		break;
	default:
		rc = read_kept(r, desc, valid, in);
	}
	if (!rc)
		in->has |= 1u << desc->typecode;
	return rc;
}

int hvm_check_whole(const struct hvm_incoming *in, u32 id)
{
	bool apic = hvm_has(in, HVM_SAVE_CODE(LAPIC));

	if (apic != hvm_has(in, HVM_SAVE_CODE(LAPIC_REGS)))
		return -EPERM;
	return apic ? hvm_check_apic(&in->lapic, &in->regs, id) : 0;
}
