/* SPDX-License-Identifier: MIT */
/*
 * Records of machine checks: asm/mca_record.h.
 */
#include <asm/mca_record.h>
#include <asm/percpu.h>
#include <isola/clock.h>
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/lock_order.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/timer.h>
#include <isola/vcpu.h>
#include <xen/arch-x86/xen-mca.h>

#define NR_KEPT		32u
#define POLL_NS		SECONDS(8)	/* Xen's, while there is nothing to find */

static struct mca_queue {
	struct mce_record record[NR_KEPT];	/* that of number n at n % NR_KEPT */
	u64 first, next;			/* numbers: the oldest, of the next */
} mca_queues[2];

static spinlock_t mca_lock = SPINLOCK_INIT(LOCK_NONE);	/* nothing is taken inside it */
static struct timer mca_timer;

/* What is loaded, and its domain, are public objects, and stay while they are loaded. */
static void name_guest(struct mce_record *m)
{
	const struct vcpu *v = current;
	bool is_guests = v && !v->is_idle;

	m->domid = is_guests ? v->domain->domid : (domid_t)DOMID_INVALID;
	m->vcpu = (u16)(is_guests ? v->id : MCE_NO_VCPU);
}

static void keep_for_dom0(const struct mce_record *m)
{
	struct mca_queue *q = &mca_queues[m->how == MCE_EXCEPTION];

	spin_lock(&mca_lock);
	if (q->next - q->first < NR_KEPT)
		q->record[q->next++ % NR_KEPT] = *m;
	spin_unlock(&mca_lock);
	raise_global_virq(VIRQ_MCA);
}

u64 mca_record_oldest(bool is_urgent, struct mce_record *m)
{
	const struct mca_queue *q = &mca_queues[is_urgent];
	u64 id = 0;

	spin_lock(&mca_lock);
	if (q->first != q->next) {
		id = q->first;
		*m = q->record[id % NR_KEPT];
	}
	spin_unlock(&mca_lock);
	return id;
}

void mca_record_done(bool is_urgent, u64 id)
{
	struct mca_queue *q = &mca_queues[is_urgent];

	spin_lock(&mca_lock);
	if (q->first != q->next && id == q->first)
		q->first++;
	spin_unlock(&mca_lock);
}

/* Each CPU sees its own banks alone. */
static void look_everywhere(void *data __maybe_unused)
{
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		softirq_raise_on(cpu, SOFTIRQ_MCE);
	timer_set(&mca_timer, now_ns() + POLL_NS);
}

void mca_init(void)
{
	static const struct mce_hooks hooks = { name_guest, keep_for_dom0 };

	/* A number is an id, of one queue only. */
	mca_queues[0].first = mca_queues[0].next = 1;
	mca_queues[1].first = mca_queues[1].next = 1ul << 32;
	mce_init(&hooks);
}

void mca_start(void)
{
	timer_init(&mca_timer, look_everywhere, NULL);
	if (mce_capabilities())
		timer_set(&mca_timer, now_ns() + POLL_NS);
}
