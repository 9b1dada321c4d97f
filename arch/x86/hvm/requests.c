/* SPDX-License-Identifier: MIT */
/*
 * What the current vcpu asks of device models: accesses to what they have claimed, and that they
 * forget what they remember of its domain's memory when pages have left.
 *
 * A slot of the server's page is the vcpu's: NONE; READY, when a request is there, and the model is
 * told; INPROCESS; RESP_READY, when its answer is. The vcpu sleeps meanwhile, can be paused and
 * ended, and goes on when all whom it has asked have answered or are there no more. The page is the
 * model's to write at any time (HVM-4): a request is written to it as a whole from what is kept
 * here, and of the answer only .state, which never goes back, and .data are read.
 *
 * Pages that leave (HVM-9): whoever takes one sets each vcpu's bit of p2m.left, and none of them
 * enters its guest again before it has taken its own bit, asked each server that is enabled to
 * forget, and been answered. So the bit is looked at where the stamp has moved (turns.c), not at
 * each exit: a leaf is taken away in calls, this vcpu's or others', and each moves the stamp and
 * sends whoever runs an interrupt. Model: tests/models/invalidate.pml.
 */
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/nospec.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <asm/hvm.h>
#include <asm/ioreq.h>
#include <asm/loaded.h>
#include <asm/percpu.h>
#include <asm/window.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/ioreq.h>

#define STATE_MASK	0xfu		/* of the slot's byte */

/* Where .state is, which C has no address of. */
#define STATE_BYTE	(offsetof(struct ioreq, _pad0) + sizeof(((struct ioreq *)0)->_pad0))

static struct ioreq_servers *servers(void)
{
	return &current->domain->hvm->ioreq;
}

static struct ioreq *slot(const struct ioreq_server *s)
{
	struct shared_iopage *p = window_ptr(s->page);

	ASSERT_KERNEL_ROOT();
	return &p->vcpu_ioreq[current->id];
}

static u8 *state_of(const struct ioreq_server *s)
{
	return (u8 *)slot(s) + STATE_BYTE;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static void write_slot(const struct ioreq_server *s, const struct ioreq *r)
{
	union { struct ioreq r; u64 word[sizeof(struct ioreq) / 8]; } whole = { .r = *r };
	u64 *to = (u64 *)slot(s);

	whole.r.state = STATE_IOREQ_NONE;
	whole.r.vp_eport = s->port[current->id];
	for (unsigned i = 0; i < ARRAY_SIZE(whole.word); i++)
		WRITE_ONCE(to[i], whole.word[i]);
	whole.r.state = STATE_IOREQ_READY;
	/* x86 keeps the order of stores; so does the compiler that of volatile ones. */
	WRITE_ONCE(*state_of(s), ((u8 *)&whole.r)[STATE_BYTE]);
}

/* Server @id, whose slot nothing of ours is in, is asked. */
static void ask(u32 id, const struct ioreq *r)
{
	const struct ioreq_server *s = servers()->server[id];

	ASSERT(!(this_hvm.io.asked >> id & 1));
	write_slot(s, r);
	this_hvm.io.asked |= 1u << id;
	this_hvm.io.seen[id] = STATE_IOREQ_READY;
	evtchn_consumed_notify(current->domain, s->port[current->id]);
}

/* ---- Whom ------------------------------------------------------------------------------------ */

/* The newest that is enabled and has all of @first to @last; MAX_IOREQ_SERVERS: none. */
static u32 choose(u32 type, u64 first, u64 last)
{
	const struct ioreq_servers *all = servers();

	for (u32 id = MAX_IOREQ_SERVERS; id--;)
		if (all->enabled >> id & 1 &&
		    ranges_have(&all->server[id]->ranges[type], first, last))
			return id;
	return MAX_IOREQ_SERVERS;
}

#define PCI_ADDRESS	0xcf8u
#define PCI_DATA	0xcfcu
#define PCI_ENABLED	(1u << 31)

/* Is it an access of PCI configuration space, by its data port? Then @r says so. */
static bool is_pci(struct ioreq *r)
{
	u32 cf8 = READ_ONCE(servers()->pci_address);

	if (r->type != IOREQ_TYPE_PIO || (r->addr & ~3ul) != PCI_DATA || !(cf8 & PCI_ENABLED) ||
	    (r->addr & 3) + r->size > 4)
		return false;
	r->type = IOREQ_TYPE_PCI_CONFIG;
	r->addr = (u64)(cf8 >> 8 & 0xffff) << 32 | (cf8 & 0xfc) | (r->addr & 3);
	return true;
}

/* Who has claimed it; @r becomes what that one is asked. */
static u32 choose_for(struct ioreq *r)
{
	struct ioreq pci = *r;
	u32 id;

	if (is_pci(&pci)) {
		id = choose(XEN_DMOP_IO_RANGE_PCI, pci.addr >> 32, pci.addr >> 32);
		if (id < MAX_IOREQ_SERVERS)
			*r = pci;
		return id;
	}
	return choose(r->type == IOREQ_TYPE_PIO ? XEN_DMOP_IO_RANGE_PORT
						: XEN_DMOP_IO_RANGE_MEMORY,
		      r->addr, r->addr + r->size - 1);
}

/* The same, where there are some. */
static __noinline bool ask_any(const struct hvm_access *a)
{
	struct ioreq r = { .type = a->is_port ? IOREQ_TYPE_PIO : IOREQ_TYPE_COPY, .addr = a->addr,
			   .data = a->data, .size = a->bytes, .count = 1,
			   .dir = a->is_read ? IOREQ_READ : IOREQ_WRITE };
	u32 id = choose_for(&r);

	if (id == MAX_IOREQ_SERVERS)
		return false;
	if (hvm_buffer_write(servers()->server[id], a)) {
		hvm_end_access(a, 0);
		return true;
	}
	this_hvm.io.access = *a;
	this_hvm.io.data = ~0ul;
	this_hvm.io.is_access = true;
	ask(id, &r);
	return true;
}

bool hvm_ask_model(const struct hvm_access *a)
{
	struct ioreq_servers *all = servers();

	if (a->is_port && a->addr == PCI_ADDRESS && a->bytes == 4 && !a->is_read)
		WRITE_ONCE(all->pci_address, a->data);
	return unlikely(all->enabled) && ask_any(a);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Server @id, which is enabled. True: it has answered, or has been made anew meanwhile. */
static bool has_answered(u32 id)
{
	const struct ioreq_server *s = servers()->server[id];
	u8 byte = READ_ONCE(*state_of(s)), state = byte & STATE_MASK;

	if (state == STATE_IOREQ_NONE)
		return true;
	if (state < this_hvm.io.seen[id] || state > STATE_IORESP_READY) {
		domain_crash(current->domain, "its device model %u makes state %u of state %u", id,
			     state, this_hvm.io.seen[id]);
		return true;
	}
	this_hvm.io.seen[id] = state;
	if (state != STATE_IORESP_READY)
		return false;
	/* x86 keeps the order of loads. */
	this_hvm.io.data = READ_ONCE(slot(s)->data);
	WRITE_ONCE(*state_of(s), byte & ~STATE_MASK);
	return true;
}

/* Server @id will not answer: what it was asked is not there any more if it comes back. */
static bool is_gone(u32 id)
{
	const struct ioreq_server *s = servers()->server[id];

	if (servers()->enabled >> id & 1)
		return false;
	if (s)
		WRITE_ONCE(*state_of(s), STATE_IOREQ_NONE);
	return true;
}

/* Have all been answered? */
static bool collect(void)
{
	for (u32 id = 0; id < MAX_IOREQ_SERVERS; id++)
		if (this_hvm.io.asked >> id & 1 && (is_gone(id) || has_answered(id)))
			this_hvm.io.asked &= ~(1u << id);
	return !this_hvm.io.asked;
}

/* The vcpu sleeps if not: it looks again when one of them says something, or anything else. */
static bool all_answered(void)
{
	struct vcpu *v = current;

	if (collect())
		return true;
	WRITE_ONCE(v->awaits_model, true);
	vcpu_sleep(VCPU_BLOCKED);	/* a full barrier: then once more */
	if (!collect())
		return false;
	vcpu_unblock(v);
	return true;
}

/* ---- Pages that have left -------------------------------------------------------------------- */

/* Taken before anybody is asked: what leaves from now on sets it anew. */
static bool take_left(void)
{
	u32 *left = &current->domain->hvm->p2m.left, bit = 1u << current->id;

	return READ_ONCE(*left) & bit &&
	       __atomic_fetch_and(left, ~bit, __ATOMIC_SEQ_CST) & bit;
}

static void ask_all_to_forget(void)
{
	const struct ioreq r = { .type = IOREQ_TYPE_INVALIDATE, .size = 4, .dir = IOREQ_WRITE,
				 .data = ~0ul };

	for (u32 id = 0; id < MAX_IOREQ_SERVERS; id++)
		if (servers()->enabled >> id & 1)
			ask(id, &r);
}

bool hvm_has_left_none(void)
{
	struct p2m *p = &current->domain->hvm->p2m;

	if (likely(!(READ_ONCE(p->left) >> current->id & 1)))
		return true;
	/* Somebody is between setting it and moving the stamp; his interrupt is to come. */
	spin_lock(&p->lock);
	spin_unlock(&p->lock);
	return __atomic_load_n(&p->stamp, __ATOMIC_SEQ_CST) != this_hvm.p2m_stamp;
}

/* ---- Going on -------------------------------------------------------------------------------- */

static void finish_access(void)
{
	if (!this_hvm.io.is_access)
		return;
	this_hvm.io.is_access = false;
	hvm_end_access(&this_hvm.io.access, this_hvm.io.data);
}

void hvm_await_models(void)
{
	if (!all_answered())
		return;
	WRITE_ONCE(current->awaits_model, false);
	finish_access();
	if (this_hvm.io.has_left && take_left())
		ask_all_to_forget();
	this_hvm.io.has_left = false;
}
