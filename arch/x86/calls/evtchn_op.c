/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: a function for each operation, its argument copied in once, and back where it
 * holds a result.
 */
#include <asm/hypercall.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/evtchn_fifo.h>
#include <isola/nospec.h>
#include <asm/hvm_domain.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/visit.h>
#include <xen/event_channel.h>

/*
 * Each by its structure: it is copied in, worked on under the lock (@operand: what the function
 * takes of it), and on success it is copied @back FROM a member to its end. OP: about the caller;
 * OP_TARGET: about the domain that it names by op.dom.
 */
#define OP(name, operand, back)						\
static long do_##name(u64 cmd __maybe_unused, u64 arg)			\
{									\
	struct domain *d = current->domain;				\
	struct evtchn_##name op;					\
	long rc;							\
									\
	if (unlikely(copy_from_guest(&op, arg, sizeof(op))))		\
		return -EFAULT;						\
	spin_lock(&d->evtchn_lock);					\
	rc = evtchn_##name(d, operand);					\
	spin_unlock(&d->evtchn_lock);					\
	return rc ? rc : back;						\
}
#define OP_TARGET(name, back)						\
static long do_##name(u64 cmd __maybe_unused, u64 arg)			\
{									\
	struct evtchn_##name op;					\
	struct domain *d;						\
	long rc;							\
									\
	if (unlikely(copy_from_guest(&op, arg, sizeof(op))))		\
		return -EFAULT;						\
	rc = get_target_domain(MAY_evtchn_##name, op.dom, &d);		\
	if (rc)								\
		return rc;						\
	spin_lock(&d->evtchn_lock);					\
	rc = evtchn_##name(d, &op);					\
	spin_unlock(&d->evtchn_lock);					\
	put_named_domain(d);						\
	return rc ? rc : back;						\
}
#define FROM(member)							\
	copy_to_guest(arg + offsetof(typeof(op), member),		\
		      (char *)&op + offsetof(typeof(op), member),	\
		      sizeof(op) - offsetof(typeof(op), member))
OP_TARGET(alloc_unbound, FROM(port))
OP_TARGET(status, FROM(dom))
OP(bind_virq, &op, FROM(port))
OP(bind_pirq, &op, FROM(port))
OP(bind_ipi, &op, FROM(port))
OP(bind_vcpu, &op, 0)
OP(unmask, op.port, 0)
OP(set_priority, &op, 0)

/* Anybody may name anybody: the port says who may bind it. */
static long do_bind_interdomain(u64 cmd __maybe_unused, u64 arg)
{
	struct domain *d = current->domain, *rd;
	struct evtchn_bind_interdomain op;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rd = get_named_domain(op.remote_dom);
	if (!rd)
		return -ESRCH;
	spin_lock_pair(&d->evtchn_lock, &rd->evtchn_lock);
	rc = evtchn_bind_interdomain(d, rd, &op);
	spin_unlock_pair(&d->evtchn_lock, &rd->evtchn_lock);
	put_named_domain(rd);
	return rc ? rc : FROM(local_port);
}
#undef FROM
#undef OP_TARGET
#undef OP

static long do_close(u64 cmd __maybe_unused, u64 arg)
{
	struct evtchn_close op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	return evtchn_close(current->domain, op.port);
}

static __always_inline long send(u64 arg)
{
	struct evtchn_send op;
	long rc;

	if (unlikely(copy_from_guest(&op, arg, sizeof(op))))
		return -EFAULT;
	rc = evtchn_send(current->domain, op.port);
	return likely(rc != -ERESTART) ? rc :
		       hypercall_continue(event_channel_op, EVTCHNOP_send, arg);
}

/* ---- FIFO: pages that the guest gives, held with type writable. ----------------------------- */

/* *@pg: frame @gfn of the caller's, held. -EINVAL: it is none, or cannot be written to. */
static int get_page(u64 gfn, struct page_info **pg)
{
	*pg = page_get_named(current->domain, gfn);
	if (!*pg)
		return -EINVAL;
	if (page_type_get(*pg, PGT_writable)) {
		page_put(*pg);
		return -EINVAL;
	}
	return 0;
}

static long do_init_control(u64 cmd __maybe_unused, u64 arg)
{
	struct domain *d = current->domain;
	struct evtchn_init_control op;
	struct page_info *pg;
	struct vcpu *v;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	v = vcpu_by_id(d, op.vcpu);
	if (!v)
		return -ENOENT;
	if (op.offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || op.offset % 8)
		return -EINVAL;
	rc = get_page(op.control_gfn, &pg);
	if (rc)
		return rc;
	spin_lock(&d->evtchn_lock);
	rc = evtchn_fifo_control(v, mfn_to_maddr(page_mfn(pg)) + op.offset);
	spin_unlock(&d->evtchn_lock);
	if (rc) {
		page_put_and_type(pg);
		return rc;
	}
	op.link_bits = EVTCHN_FIFO_LINK_BITS;
	return copy_to_guest(arg, &op, sizeof(op));
}

static long do_expand_array(u64 cmd __maybe_unused, u64 arg)
{
	struct domain *d = current->domain;
	struct evtchn_expand_array op;
	struct page_info *pg;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	spin_lock(&d->evtchn_lock);
	rc = evtchn_fifo_may_expand(d);
	spin_unlock(&d->evtchn_lock);
	if (!rc)
		rc = get_page(op.array_gfn, &pg);
	if (rc)
		return rc;
	spin_lock(&d->evtchn_lock);
	rc = evtchn_fifo_expand(d, page_mfn(pg));
	spin_unlock(&d->evtchn_lock);
	if (rc)
		page_put_and_type(pg);
	return rc;
}

/* What FIFO has held of @d, which is loaded or visited. */
static void put_fifo(const struct domain *d, struct evtchn_fifo *f)
{
	for (u32 i = 0; i < f->nr_words / FIFO_WORDS_PER_PAGE; i++)
		page_put_and_type(page_of(f->words[i]));
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (f->vcpu[i].control)
			page_put_and_type(page_of(maddr_to_mfn(f->vcpu[i].control)));
	evtchn_fifo_free(f);
}

/* @arg: has it begun? */
static int reset(struct domain *d, void *arg)
{
	bool *has_begun = arg;
	struct evtchn_fifo *fifo = NULL;
	int rc = evtchn_reset(d, *has_begun, &fifo);

	*has_begun = true;
	if (fifo)
		put_fifo(d, fifo);
	return rc;
}

/* Another domain's, only while the control domain has it paused. */
static int reset_other(struct domain *d, bool *has_begun)
{
	return READ_ONCE(d->control_pauses) ? visit(d, reset, has_begun) : -EINVAL;
}

/*
 * What goes on with a reset is a command of its own, as in Xen: a second one that comes in between
 * is told so.
 */
#define RESET_GOES_ON 14

static long do_reset(u64 cmd, u64 arg)
{
	bool has_begun = cmd == RESET_GOES_ON;
	struct evtchn_reset op;
	struct domain *d;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_target_domain(MAY_evtchn_reset, op.dom, &d);
	if (rc)
		return rc;
	rc = d == current->domain ? reset(d, &has_begun) : reset_other(d, &has_begun);
	put_named_domain(d);
	if (rc != -ERESTART)
		return rc;
	return hypercall_continue(event_channel_op, has_begun ? RESET_GOES_ON : EVTCHNOP_reset,
				  arg);
}

/* All but send. As many as a mask can tell apart (nospec.h). */
static long (*const ops[16])(u64 cmd, u64 arg) = {
	[EVTCHNOP_bind_interdomain] = do_bind_interdomain,
	[EVTCHNOP_bind_virq] = do_bind_virq,
	[EVTCHNOP_bind_pirq] = do_bind_pirq,
	[EVTCHNOP_close] = do_close,
	[EVTCHNOP_status] = do_status,
	[EVTCHNOP_alloc_unbound] = do_alloc_unbound,
	[EVTCHNOP_bind_ipi] = do_bind_ipi,
	[EVTCHNOP_bind_vcpu] = do_bind_vcpu,
	[EVTCHNOP_unmask] = do_unmask,
	[EVTCHNOP_reset] = do_reset,
	[RESET_GOES_ON] = do_reset,
	[EVTCHNOP_init_control] = do_init_control,
	[EVTCHNOP_expand_array] = do_expand_array,
	[EVTCHNOP_set_priority] = do_set_priority,
};

long hc_event_channel_op(u64 cmd, u64 arg)
{
	if (likely((u32)cmd == EVTCHNOP_send))
		return send(arg);
	if ((u32)cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = index_nospec((u32)cmd, ARRAY_SIZE(ops));
	return ops[cmd] ? ops[cmd](cmd, arg) : -ENOSYS;
}
