/* SPDX-License-Identifier: MIT */
/*
 * Servers of device models, as their models see them: made, given ranges, asked, ended. See
 * asm/ioreq.h; what a vcpu does with them is in hvm/requests.c.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lock_order.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/hvm_domain.h>
#include <asm/ioreq.h>
#include <asm/mapcache.h>
#include <asm/page_ref.h>
#include <asm/precondition.h>
#include <asm/percpu.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

static_assert(MAX_VCPUS * sizeof(struct ioreq) <= PAGE_SIZE, "one page of slots");
static_assert(sizeof(struct buffered_iopage) <= PAGE_SIZE, "and one for the ring");
static_assert(RANGES_MAX * sizeof(struct range) == PAGE_SIZE, "ranges of a type");

void ioreq_servers_init(struct ioreq_servers *s)
{
	spin_lock_init(&s->lock, LOCK_IOREQ);
}

/* ---- What a server is of --------------------------------------------------------------------- */

static mfn_t make_page(struct domain *d)
{
	mfn_t m;

	if (domain_prepare_special_page(d, &m))
		return INVALID_MFN;
	domain_adopt_special_page(d, m);
	return m;
}

/*
 * The model's entries keep it, if there are any; else it is free (MEM-5). A dying @d frees all.
 * It stays special meanwhile: the type reference it was adopted with goes with the frame.
 */
static void free_page(struct domain *d, mfn_t m)
{
	u32 list = 0;

	if (!mfn_is_valid_num(m))
		return;
	page_put(page_of(m));
	/* No memory to take it out of the window: it is the domain's for its life, and nowhere. */
	if (!domain_withdraw_page(d, m, &list))
		domain_expel_pages(d, &list);
	domain_release_flush(d);
}

static int make_pages(struct domain *d, struct ioreq_server *s)
{
	s->page = make_page(d);
	if (s->buffers)
		s->buffer = make_page(d);
	if (!mfn_is_valid_num(s->page) || (s->buffers && !mfn_is_valid_num(s->buffer)))
		return -ENOMEM;
	return 0;
}

static int open_port(struct domain *d, const struct vcpu *v, const struct ioreq_server *s,
		     u32 *port)
{
	long rc = evtchn_consumed_open(d, v, s->model->domid);

	if (rc < 0)
		return rc;
	*port = rc;
	return 0;
}

static int open_ports(struct domain *d, struct ioreq_server *s)
{
	int rc = s->buffers ? open_port(d, d->vcpu[0], s, &s->buffer_port) : 0;

	for (unsigned i = 0; i < d->nr_vcpus && !rc; i++)
		rc = open_port(d, d->vcpu[i], s, &s->port[i]);
	return rc;
}

/* All of it, or what there is: port 0 is none. */
static void free_server(struct domain *d, struct ioreq_server *s)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (s->port[i])
			evtchn_consumed_close(d, s->port[i], s->model);
	if (s->buffer_port)
		evtchn_consumed_close(d, s->buffer_port, s->model);
	free_page(d, s->page);
	free_page(d, s->buffer);
	for (unsigned i = 0; i < NR_IO_RANGE_TYPES; i++)
		if (s->ranges[i].range)
			free_public_page(s->ranges[i].range);
	put_domain(s->model);
	public_free(s);
}

static struct ioreq_server *make_server(struct domain *d, u8 buffers)
{
	struct ioreq_server *s = public_alloc(sizeof(*s)); /* public: device models */
	bool whole = s;

	if (!s)
		return NULL;
	s->model = current->domain;
	get_knownalive_domain(s->model);
	s->buffers = buffers;
	s->page = s->buffer = INVALID_MFN;
	spin_lock_init(&s->ring_lock, LOCK_NONE);
	for (unsigned i = 0; i < NR_IO_RANGE_TYPES; i++) {
		s->ranges[i].range = alloc_public_page(); /* public: device models */
		whole &= s->ranges[i].range != NULL;
	}
	if (whole && !make_pages(d, s) && !open_ports(d, s))
		return s;
	free_server(d, s);
	return NULL;
}

/* ---- Changes: @d's vcpus wait ---------------------------------------------------------------- */

/* False: it has none yet, that could wait. */
static bool begin(struct domain *d)
{
	if (!READ_ONCE(d->nr_vcpus))
		return false;
	domain_pause(d);
	spin_lock(&d->hvm->ioreq.lock);
	return true;
}

static void end(struct domain *d)
{
	spin_unlock(&d->hvm->ioreq.lock);
	domain_unpause(d);	/* those that were paused: they come all at once, and stay */
}

/* Lock held. *@s: server @id, the current domain's. */
static int find(struct domain *d, u32 id, struct ioreq_server **s)
{
	ASSERT_LOCKED(&d->hvm->ioreq.lock);
	*s = NULL;
	if (id < MAX_IOREQ_SERVERS)
		*s = d->hvm->ioreq.server[index_nospec(id, MAX_IOREQ_SERVERS)];
	if (!*s)
		return -ENOENT;
	return (*s)->model == current->domain ? 0 : -EPERM;
}

/* Lock held. The lowest place that is free; NULL: none, nor any more of a domain that dies. */
static struct ioreq_server **free_place(struct ioreq_servers *all)
{
	ASSERT_LOCKED(&all->lock);
	for (u32 id = 0; id < MAX_IOREQ_SERVERS && !all->closed; id++)
		if (!all->server[id])
			return &all->server[id];
	return NULL;
}

int ioreq_server_create(struct domain *d, u8 buffers, u16 *id)
{
	struct ioreq_server **place;
	int rc = -ENOSPC;

	if (buffers > HVM_IOREQSRV_BUFIOREQ_ATOMIC || !begin(d))
		return -EINVAL;
	place = free_place(&d->hvm->ioreq);
	if (place) {
		*place = make_server(d, buffers);
		*id = place - d->hvm->ioreq.server;
		rc = *place ? 0 : -ENOMEM;
	}
	end(d);
	return rc;
}

/* Lock held. */
static void disable(struct domain *d, u32 id)
{
	ASSERT_LOCKED(&d->hvm->ioreq.lock);
	d->hvm->ioreq.enabled &= ~(1u << id);
	/* Who waits for it looks again, and finds that it will not answer. */
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		vcpu_answered(d->vcpu[i]);
}

int ioreq_server_destroy(struct domain *d, u16 id)
{
	struct ioreq_server *s = NULL;
	int rc;

	if (!begin(d))
		return -ENOENT;
	rc = find(d, id, &s);
	if (!rc) {
		disable(d, id);
		d->hvm->ioreq.server[index_nospec(id, MAX_IOREQ_SERVERS)] = NULL;
		free_server(d, s);
	}
	end(d);
	return rc;
}

/* Which port each slot's is: the model reads it there, and we never do. */
static void write_ports(const struct domain *d, const struct ioreq_server *s)
{
	struct shared_iopage *p = map_domain_page(s->page);

	for (unsigned i = 0; i < d->nr_vcpus; i++)
		WRITE_ONCE(p->vcpu_ioreq[i].vp_eport, s->port[i]);
	unmap_domain_page(p);
}

int ioreq_server_enable(struct domain *d, u16 id, bool on)
{
	struct ioreq_server *s;
	int rc;

	if (!begin(d))
		return -ENOENT;
	rc = find(d, id, &s);
	if (!rc && on) {
		write_ports(d, s);
		d->hvm->ioreq.enabled |= 1u << id;
	} else if (!rc) {
		disable(d, id);
	}
	end(d);
	return rc;
}

static int change_range(struct ioreq_server *s, u32 type, u64 first, u64 last, bool add)
{
	struct ranges *r;

	if (type >= NR_IO_RANGE_TYPES)
		return -EINVAL;
	r = &s->ranges[index_nospec(type, NR_IO_RANGE_TYPES)];
	return add ? ranges_add(r, first, last) : ranges_remove(r, first, last);
}

int ioreq_server_range(struct domain *d, u16 id, u32 type, u64 first, u64 last, bool add)
{
	struct ioreq_server *s;
	int rc;

	if (first > last)
		return -EINVAL;
	if (!begin(d))
		return -ENOENT;
	rc = find(d, id, &s);
	if (!rc)
		rc = change_range(s, type, first, last, add);
	end(d);
	return rc;
}

void ioreq_servers_end(struct domain *d)
{
	struct ioreq_servers *all = &d->hvm->ioreq;

	spin_lock(&all->lock);
	all->closed = true;
	all->enabled = 0;
	for (unsigned i = 0; i < MAX_IOREQ_SERVERS; i++) {
		if (all->server[i])
			free_server(d, all->server[i]);
		all->server[i] = NULL;
	}
	spin_unlock(&all->lock);
}

/* ---- What it is told ------------------------------------------------------------------------- */

/* ABI: pages by gfn there are for a domain that has gfns for them; ours has none: -ENOMEM. */
static int info(const struct ioreq_server *s, struct xen_dm_op_get_ioreq_server_info *op)
{
	if (!(op->flags & XEN_DMOP_no_gfns))
		return s->is_mapped ? -EPERM : -ENOMEM;
	if (s->buffers)
		op->bufioreq_port = s->buffer_port;
	return 0;
}

int ioreq_server_info(struct domain *d, struct xen_dm_op_get_ioreq_server_info *op)
{
	struct ioreq_server *s;
	int rc;

	spin_lock(&d->hvm->ioreq.lock);
	rc = find(d, op->id, &s);
	if (!rc)
		rc = info(s, op);
	spin_unlock(&d->hvm->ioreq.lock);
	return rc;
}

static int frame(struct ioreq_server *s, u64 n, mfn_t *m)
{
	if (n > XENMEM_resource_ioreq_server_frame_ioreq(0))
		return -EINVAL;
	s->is_mapped = true;
	*m = n == XENMEM_resource_ioreq_server_frame_bufioreq ? s->buffer : s->page;
	return mfn_is_valid_num(*m) ? 0 : -ENOENT;
}

int ioreq_server_frame(struct domain *d, u32 id, u64 n, mfn_t *m)
{
	struct ioreq_server *s;
	int rc;

	spin_lock(&d->hvm->ioreq.lock);
	rc = find(d, id, &s);
	if (!rc)
		rc = frame(s, n, m);
	spin_unlock(&d->hvm->ioreq.lock);
	return rc;
}
