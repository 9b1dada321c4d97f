/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by linear address: the guest's own tables, walked in software, each step of which
 * goes through the p2m. All of it is the domain's own, so it is read through its window, with a
 * reference while it is.
 *
 * As its kernel sees it: P at each level, RW where it writes and CR0.WP is set. A and D bits are
 * not set, keys and SMAP not asked (docs/limits.md).
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/layout.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/uaccess.h>

/* A paging mode: how many levels, how wide an entry, at which level one may map directly. */
struct mode {
	unsigned levels, bits, bytes;
	unsigned large;			/* the highest level that may; 1: none but the last */
	u64 root;
};

/* False: paging is off. */
static bool read_mode(struct mode *m)
{
	u64 cr3 = hvm->get(HVM_CR3), cr4 = hvm->get(HVM_CR4);

	if (!(hvm->get(HVM_CR0) & CR0_PG))
		return false;
	/* LMA is LME and PG; Bochs has cleared it when it stops at the write that clears PG. */
	if (hvm->get(HVM_EFER) & EFER_LME)
		*m = (struct mode){ 4, 9, 8, 3, cr3 & PTE_ADDR };
	else if (cr4 & CR4_PAE)
		*m = (struct mode){ 3, 9, 8, 2, cr3 & 0xffffffe0 };
	else
		*m = (struct mode){ 2, 10, 4, cr4 & CR4_PSE ? 2 : 1, cr3 & 0xfffff000 };
	return true;
}

/* Where the entry @e of @level says that @linear is, if it maps it directly. */
static u64 leaf_address(const struct mode *m, u64 e, unsigned level, u64 linear)
{
	unsigned shift = L1_SHIFT + m->bits * (level - 1);
	u64 low = (1ul << shift) - 1, address = e & PTE_ADDR;

	if (m->bytes == 4) {
		address = e & 0xfffff000;
		if (level == 2)		/* PSE-36: bits 13 to 20 are 32 to 39 */
			address |= (e >> 13 & 0xff) << 32;
	}
	return (address & ~low) | (linear & low);
}

static int walk(const struct mode *m, u64 linear, bool write, u64 *gpa)
{
	bool check_rw = write && hvm->get(HVM_CR0) & CR0_WP;
	u64 table = m->root;

	for (unsigned level = m->levels;; level--) {
		unsigned shift = L1_SHIFT + m->bits * (level - 1);
		u64 index = linear >> shift & ((1ul << m->bits) - 1), e = 0;
		/* PAE's top level has four entries, without rights. */
		bool is_pdpte = m->levels == 3 && level == 3;

		if (is_pdpte)
			index &= 3;
		if (hvm_copy_phys(table + index * m->bytes, &e, m->bytes, false) || !(e & PTE_P) ||
		    (check_rw && !is_pdpte && !(e & PTE_RW)))
			return -EFAULT;
		if (level == 1 || (level <= m->large && e & PTE_PS)) {
			*gpa = leaf_address(m, e, level, linear);
			return 0;
		}
		table = m->bytes == 4 ? e & 0xfffff000 : e & PTE_ADDR;
	}
}

int hvm_translate(u64 linear, bool write, u64 *gpa)
{
	struct mode m;

	if (!read_mode(&m)) {
		*gpa = (u32)linear;
		return 0;
	}
	if (m.levels < 4)
		linear = (u32)linear;
	else if (!is_canonical(linear))
		return -EFAULT;
	return walk(&m, linear, write, gpa);
}

/* Page by page. Bytes not copied. */
static size_t copy(u64 linear, void *buf, size_t len, bool write)
{
	while (len) {
		size_t n = min(len, PAGE_SIZE - (linear & ~PAGE_MASK));
		u64 gpa;

		if (hvm_translate(linear, write, &gpa) || hvm_copy_phys(gpa, buf, n, write))
			break;
		linear += n;
		buf += n;
		len -= n;
	}
	return len;
}

size_t hvm_copy_from_linear(void *to, u64 linear, size_t len)
{
	return copy(linear, to, len, false);
}

size_t hvm_copy_to_linear(u64 linear, const void *from, size_t len)
{
	return copy(linear, (void *)from, len, true);
}

/*
 * The hook: a copy by which a hypercall's body has found nothing, as it finds nothing by the
 * address of an HVM guest, whose root shows no guest slots. Nor does it on another's root.
 */
size_t uaccess_elsewhere(u64 guest, void *local, size_t len, bool write)
{
	size_t left = len;

	if (!vcpu_is_idle(current) && is_hvm_domain(current->domain) &&
	    this_cpu.cr3 == current->cr3_kernel)
		left = copy(guest, local, len, write);
	if (!write)
		memset(local + len - left, 0, left);
	return left;
}
