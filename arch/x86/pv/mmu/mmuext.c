/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_mmuext_op: pins, base pointers, flushes, LDT and whole-page operations, as a list. A
 * table of functions; the list itself is mmu_op.h's.
 */
#include <asm/foreign.h>
#include <asm/guest_flush.h>
#include <asm/hypercall.h>
#include <asm/ldt.h>
#include <asm/mmu_op.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/pt_check.h>
#include <asm/root.h>
#include <asm/tlb.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <asm/visit.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/privilege.h>
#include <isola/lib/string.h>
#include <isola/nospec.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

static_assert(sizeof(struct mmuext_op) == 24, "the ABI's element");

/* ---- Pins and base pointers ---- */

static int op_pin(struct domain *pg_owner, const struct mmuext_op *op)
{
	unsigned level = op->cmd - MMUEXT_PIN_L1_TABLE + 1;

	static_assert(MMUEXT_PIN_L4_TABLE - MMUEXT_PIN_L1_TABLE == 3, "levels in order");
	return page_pin(pg_owner, _mfn(op->arg1.mfn), level_type(level));
}

static int op_unpin(struct domain *pg_owner, const struct mmuext_op *op)
{
	return page_unpin(pg_owner, _mfn(op->arg1.mfn));
}

static __always_inline int get_l4(struct domain *d, mfn_t m)
{
	int rc;

	if (unlikely(!mfn_has_page(m)))
		return -EINVAL;
	rc = page_get_and_type(page_of(m), d, PGT_l4);
	return unlikely(rc == -EBUSY) ? -EINVAL : rc;
}

static void put_l4(mfn_t m)
{
	if (mfn_is_valid_num(m))
		page_put_and_type(page_of(m));
}

/* The root is in step with the new table, and reloaded, before the old one's reference goes. */
static int op_new_baseptr(struct domain *d, const struct mmuext_op *op)
{
	mfn_t new = _mfn(op->arg1.mfn), old = this_vcpu.kernel_l4;
	bool is_other = !mfn_eq(new, old);
	int rc = is_other ? get_l4(d, new) : 0;

	if (rc)
		return rc;
	ldt_unmap();			/* its pages were found through the old table */
	root_set_kernel(new);
	if (is_other)
		put_l4(old);
	return 0;
}

static int op_new_user_baseptr(struct domain *d, const struct mmuext_op *op)
{
	mfn_t new = op->arg1.mfn ? _mfn(op->arg1.mfn) : INVALID_MFN, old = this_vcpu.user_l4;
	int rc = 0;

	if (op->arg1.mfn && !mfn_is_valid_num(new))
		return -EINVAL;
	if (mfn_eq(new, old))
		return 0;
	if (mfn_is_valid_num(new))
		rc = get_l4(d, new);
	if (rc)
		return rc;
	root_set_user(new);
	put_l4(old);
	return 0;
}

/* ---- Flushes ---- */

static int op_tlb_flush_local(struct domain *d __maybe_unused,
			      const struct mmuext_op *op __maybe_unused)
{
	guest_flush_local(FLUSH_EVERYTHING);
	return 0;
}

static int op_invlpg_local(struct domain *d __maybe_unused, const struct mmuext_op *op)
{
	if (guest_range_ok(op->arg1.linear_addr, 1))
		guest_flush_local(op->arg1.linear_addr);
	return 0;
}

/* An unreadable list is -EINVAL here, as in Xen. */
static int op_tlb_flush_multi(struct domain *d __maybe_unused, const struct mmuext_op *op)
{
	return guest_flush_listed((u64)op->arg2.vcpumask.p, FLUSH_EVERYTHING) ? -EINVAL : 0;
}

static int op_invlpg_multi(struct domain *d __maybe_unused, const struct mmuext_op *op)
{
	if (!guest_range_ok(op->arg1.linear_addr, 1))
		return 0;
	return guest_flush_listed((u64)op->arg2.vcpumask.p, op->arg1.linear_addr) ? -EINVAL : 0;
}

static int op_tlb_flush_all(struct domain *d __maybe_unused,
			    const struct mmuext_op *op __maybe_unused)
{
	guest_flush_all(FLUSH_EVERYTHING);
	return 0;
}

static int op_invlpg_all(struct domain *d __maybe_unused, const struct mmuext_op *op)
{
	if (guest_range_ok(op->arg1.linear_addr, 1))
		guest_flush_all(op->arg1.linear_addr);
	return 0;
}

/*
 * Only who drives devices maps anything but write-back (COH-1), and has something to write back.
 * This CPU's caches.
 */
static int op_flush_cache(struct domain *d, const struct mmuext_op *op __maybe_unused)
{
	if (!domain_may(d, MAY_flush_caches))
		return -EACCES;
	asm volatile ("wbinvd" ::: "memory");
	return 0;
}

/* The same on every CPU: the guest may have written anywhere. */
static int op_flush_cache_global(struct domain *d, const struct mmuext_op *op __maybe_unused)
{
	if (!domain_may(d, MAY_flush_caches))
		return -EACCES;
	cache_flush_all();
	return 0;
}

/* ---- The rest ---- */

static int op_set_ldt(struct domain *d __maybe_unused, const struct mmuext_op *op)
{
	return ldt_set(op->arg1.linear_addr, op->arg2.nr_ents);
}

/* A frame for the caller to write to, with general and writable reference. */
static int get_writable(struct domain *d, u64 mfn, struct page_info **pg)
{
	if (!mfn_has_page(_mfn(mfn)))
		return -EINVAL;
	*pg = page_of(_mfn(mfn));
	return page_get_and_type(*pg, d, PGT_writable) ? -EINVAL : 0;
}

static int op_clear_page(struct domain *d, const struct mmuext_op *op)
{
	struct page_info *pg;
	int rc = get_writable(d, op->arg1.mfn, &pg);

	if (rc)
		return rc;
	memset(window_ptr(page_mfn(pg)), 0, PAGE_SIZE);
	page_put_and_type(pg);
	return 0;
}

static int op_copy_page(struct domain *d, const struct mmuext_op *op)
{
	struct page_info *src = page_get_from_mfn(_mfn(op->arg2.src_mfn), d), *dst;
	int rc;

	if (!src)
		return -EINVAL;
	rc = get_writable(d, op->arg1.mfn, &dst);
	if (!rc) {
		memmove(window_ptr(page_mfn(dst)), window_ptr(page_mfn(src)), PAGE_SIZE);
		page_put_and_type(dst);
	}
	page_put(src);
	return rc;
}

static int op_unsupported(struct domain *d __maybe_unused,
			  const struct mmuext_op *op __maybe_unused)
{
	return -EOPNOTSUPP;
}

/* a power of two: quicker to keep speculation inside */
#define NR_OPS 32u

typedef int op_fn(struct domain *pg_owner, const struct mmuext_op *op);

/*
 * @foreign_ok: the frame named may belong to @pg_owner, on a visit to it; all others work on the
 * caller alone (-EPERM).
 */
static const struct {
	op_fn *fn;
	bool foreign_ok;
} ops[NR_OPS] = {
	[MMUEXT_PIN_L1_TABLE]      = { op_pin, true },
	[MMUEXT_PIN_L2_TABLE]      = { op_pin, true },
	[MMUEXT_PIN_L3_TABLE]      = { op_pin, true },
	[MMUEXT_PIN_L4_TABLE]      = { op_pin, true },
	[MMUEXT_UNPIN_TABLE]       = { op_unpin, true },
	[MMUEXT_NEW_BASEPTR]       = { op_new_baseptr, false },
	[MMUEXT_TLB_FLUSH_LOCAL]   = { op_tlb_flush_local, false },
	[MMUEXT_INVLPG_LOCAL]      = { op_invlpg_local, false },
	[MMUEXT_TLB_FLUSH_MULTI]   = { op_tlb_flush_multi, false },
	[MMUEXT_INVLPG_MULTI]      = { op_invlpg_multi, false },
	[MMUEXT_TLB_FLUSH_ALL]     = { op_tlb_flush_all, false },
	[MMUEXT_INVLPG_ALL]        = { op_invlpg_all, false },
	[MMUEXT_FLUSH_CACHE]       = { op_flush_cache, false },
	[MMUEXT_SET_LDT]           = { op_set_ldt, false },
	[MMUEXT_NEW_USER_BASEPTR]  = { op_new_user_baseptr, false },
	[MMUEXT_CLEAR_PAGE]        = { op_clear_page, true },
	[MMUEXT_COPY_PAGE]         = { op_copy_page, true },
	[MMUEXT_FLUSH_CACHE_GLOBAL] = { op_flush_cache_global, false },
	[MMUEXT_MARK_SUPER]        = { op_unsupported, true },
	[MMUEXT_UNMARK_SUPER]      = { op_unsupported, true },
};

struct visited_op {
	op_fn *fn;
	const struct mmuext_op *op;
};

static int do_visited(struct domain *d, void *arg)
{
	const struct visited_op *v = arg;

	return v->fn(d, v->op);
}

static __noinline int one_op_of_another(struct domain *pg_owner, op_fn *fn, bool foreign_ok,
					const struct mmuext_op *op)
{
	if (!foreign_ok)
		return -EPERM;
	if (is_nobody(pg_owner))		/* who has no frame that could be meant */
		return -EINVAL;
	return visit_whole(pg_owner, &(struct visit_op){ op->cmd, _mfn(op->arg1.mfn), do_visited,
							 &(struct visited_op){ fn, op } });
}

static __always_inline int one_op(void *state, u64 va)
{
	struct domain *pg_owner = state;
	struct mmuext_op op;
	int rc = copy_from_guest(&op, va, sizeof(op));
	u64 cmd;

	if (unlikely(rc))
		return rc;
	cmd = op.cmd;
	if (unlikely(cmd >= NR_OPS))
		return -ENOSYS;
	cmd = index_nospec(cmd, NR_OPS);
	if (unlikely(!ops[cmd].fn))
		return -ENOSYS;
	if (unlikely(pg_owner != current->domain))
		return one_op_of_another(pg_owner, ops[cmd].fn, ops[cmd].foreign_ok, &op);
	return ops[cmd].fn(pg_owner, &op);
}

long hc_mmuext_op(u64 list, u64 count, u64 done_ptr, u64 domid)
{
	struct mmu_op_call c = { __HYPERVISOR_mmuext_op, sizeof(struct mmuext_op), list, count,
				 done_ptr, domid };
	struct domain *pg_owner;
	u32 done = 0, handled;
	long left;
	int rc;

	if (mmu_op_begin(&c, &done, &left))
		return left;
	rc = get_page_owner(domid, false, &pg_owner);
	if (unlikely(rc))
		return rc;
	rc = mmu_op_all(&c, &handled, one_op, pg_owner);
	put_page_owner(pg_owner);
	return mmu_op_end(&c, rc, handled, done);
}
