/* SPDX-License-Identifier: MIT */
/*
 * dm_op: what a device model asks of the domain that it is for. <xen/hvm/dm_op.h>.
 *
 * The list of buffers is read once, and so is the first of them, which says what is asked; what it
 * says and who asks is checked before any of it is looked at (HVM-4).
 */
#define __XEN_TOOLS__ 1
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/privilege.h>
#include <asm/hypercall.h>
#include <asm/hvm_domain.h>
#include <asm/ioreq.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <xen/hvm/dm_op.h>

#define MAX_BUFFERS	2u

static int create(struct domain *d, struct xen_dm_op *op)
{
	struct xen_dm_op_create_ioreq_server *c = &op->u.create_ioreq_server;

	if (c->pad[0] || c->pad[1] || c->pad[2])
		return -EINVAL;
	return ioreq_server_create(d, c->handle_bufioreq, &c->id);
}

static int get_info(struct domain *d, struct xen_dm_op *op)
{
	if (op->u.get_ioreq_server_info.flags & ~XEN_DMOP_no_gfns)
		return -EINVAL;
	return ioreq_server_info(d, &op->u.get_ioreq_server_info);
}

static int change_range(struct domain *d, const struct xen_dm_op_ioreq_server_range *r, bool add)
{
	return r->pad ? -EINVAL : ioreq_server_range(d, r->id, r->type, r->start, r->end, add);
}

static int map_range(struct domain *d, struct xen_dm_op *op)
{
	return change_range(d, &op->u.map_io_range_to_ioreq_server, true);
}

static int unmap_range(struct domain *d, struct xen_dm_op *op)
{
	return change_range(d, &op->u.unmap_io_range_from_ioreq_server, false);
}

static int set_state(struct domain *d, struct xen_dm_op *op)
{
	const struct xen_dm_op_set_ioreq_server_state *s = &op->u.set_ioreq_server_state;

	return s->pad ? -EINVAL : ioreq_server_enable(d, s->id, s->enabled);
}

static int destroy(struct domain *d, struct xen_dm_op *op)
{
	const struct xen_dm_op_destroy_ioreq_server *s = &op->u.destroy_ioreq_server;

	return s->pad ? -EINVAL : ioreq_server_destroy(d, s->id);
}

static int remote_shutdown(struct domain *d, struct xen_dm_op *op)
{
	domain_shutdown(d, op->u.remote_shutdown.reason);
	return 0;
}

static int nr_vcpus(struct domain *d, struct xen_dm_op *op)
{
	op->u.nr_vcpus.vcpus = d->max_vcpus;
	return 0;
}

/* By number. Those without a function are Xen's, and not built: only their size is looked at. */
#define BODY(member)	sizeof(((struct xen_dm_op *)0)->u.member)
static const struct row {
	u8 bytes;
	bool has_result;
	int (*fn)(struct domain *d, struct xen_dm_op *op);
} ops[] = {
	[XEN_DMOP_create_ioreq_server] = { BODY(create_ioreq_server), true, create },
	[XEN_DMOP_get_ioreq_server_info] = { BODY(get_ioreq_server_info), true, get_info },
	[XEN_DMOP_map_io_range_to_ioreq_server] = { BODY(map_io_range_to_ioreq_server), false,
						    map_range },
	[XEN_DMOP_unmap_io_range_from_ioreq_server] = { BODY(unmap_io_range_from_ioreq_server),
							false, unmap_range },
	[XEN_DMOP_set_ioreq_server_state] = { BODY(set_ioreq_server_state), false, set_state },
	[XEN_DMOP_destroy_ioreq_server] = { BODY(destroy_ioreq_server), false, destroy },
	[XEN_DMOP_track_dirty_vram] = { BODY(track_dirty_vram), false, NULL },
	[XEN_DMOP_set_pci_intx_level] = { BODY(set_pci_intx_level), false, NULL },
	[XEN_DMOP_set_isa_irq_level] = { BODY(set_isa_irq_level), false, NULL },
	[XEN_DMOP_set_pci_link_route] = { BODY(set_pci_link_route), false, NULL },
	[XEN_DMOP_modified_memory] = { BODY(modified_memory), false, NULL },
	[XEN_DMOP_set_mem_type] = { BODY(set_mem_type), false, NULL },
	[XEN_DMOP_inject_event] = { BODY(inject_event), false, NULL },
	[XEN_DMOP_inject_msi] = { BODY(inject_msi), false, NULL },
	[XEN_DMOP_map_mem_type_to_ioreq_server] = { BODY(map_mem_type_to_ioreq_server), false,
						    NULL },
	[XEN_DMOP_remote_shutdown] = { BODY(remote_shutdown), false, remote_shutdown },
	[XEN_DMOP_relocate_memory] = { BODY(relocate_memory), false, NULL },
	[XEN_DMOP_pin_memory_cacheattr] = { BODY(pin_memory_cacheattr), false, NULL },
	[XEN_DMOP_nr_vcpus] = { BODY(nr_vcpus), true, nr_vcpus },
};

/* *@op: its head, then as much as its number has; *@row: that number's. */
static int get(const struct xen_dm_op_buf *b, struct xen_dm_op *op, const struct row **row)
{
	const u64 head = offsetof(struct xen_dm_op, u), at = (u64)b->h.p;

	if (b->size < head || copy_from_guest(op, at, head))
		return -EFAULT;
	if (op->op >= ARRAY_SIZE(ops))
		return -EOPNOTSUPP;
	*row = &ops[index_nospec(op->op, ARRAY_SIZE(ops))];
	if (b->size < head + (*row)->bytes || copy_from_guest(&op->u, at + head, (*row)->bytes))
		return -EFAULT;
	return op->pad ? -EINVAL : 0;
}

static int do_op(struct domain *d, const struct xen_dm_op_buf *b)
{
	const struct row *row = NULL;
	struct xen_dm_op op;
	int rc = get(b, &op, &row);

	if (!rc)
		rc = row->fn ? row->fn(d, &op) : -EOPNOTSUPP;
	if (!rc && row->has_result)
		rc = copy_to_guest((u64)b->h.p + offsetof(struct xen_dm_op, u), &op.u, row->bytes);
	return rc;
}

/*
 * -EPERM not the caller's to name; -E2BIG too many buffers, -EINVAL none (XSA-506); -EFAULT;
 * -ESRCH, or -EPERM for oneself; -EINVAL no HVM domain; -EOPNOTSUPP not built; the operation's own.
 */
long hc_dm_op(u64 domid, u64 nr, u64 list)
{
	struct xen_dm_op_buf buf[MAX_BUFFERS];
	struct domain *d;
	long rc;

	if (!domain_may(current->domain, MAY_dm_op))
		return -EPERM;
	if ((u32)nr > MAX_BUFFERS)
		return -E2BIG;
	if (!(u32)nr)
		return -EINVAL;
	if (copy_from_guest(buf, list, (u32)nr * sizeof(buf[0])))
		return -EFAULT;
	if ((domid_t)domid == current->domain->domid)
		return -EPERM;
	d = get_domain_by_id(domid);
	if (!d)
		return -ESRCH;
	rc = d->hvm ? do_op(d, &buf[0]) : -EINVAL;
	put_domain(d);
	return rc;
}
