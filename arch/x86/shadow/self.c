/* SPDX-License-Identifier: MIT */
/*
 * An absent entry that names RAM, where those are not taken (SPC-5), and a vcpu that shadows its
 * own domain for good to have one.
 *
 * The call that finds the entry holds locks, and stops for what is due (-ERESTART); its vcpu is due
 * to come here (SOFTIRQ_SHADOW), before its guest runs on or another vcpu takes the CPU. Here it
 * holds nothing. Siblings wait off their CPUs; visit_keep_off() lets one in at a time, a vcpu of
 * the domain's or a control domain's. Who is not let in, or has been stopped for something else,
 * has its call come back here. Model: tests/models/self.pml.
 */
#include <asm/loaded.h>
#include <asm/percpu.h>
#include <asm/pt_check.h>
#include <asm/shadow.h>
#include <asm/visit.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/softirq.h>

/* What has failed once is refused once. */
static int ask(void)
{
	struct vcpu *v = current;
	bool fails = v->shadow.absent == ABSENT_FAILED;

	if (fails || v->domain->is_privileged) {
		v->shadow.absent = ABSENT_NONE;
		return -EINVAL;
	}
	v->shadow.absent = ABSENT_ASKED;
	softirq_raise(SOFTIRQ_SHADOW);
	return -ERESTART;
}

int shadow_hides_absent(struct domain *d)
{
	if (READ_ONCE(d->log.for_good))
		return 0;
	if (d == current->domain)
		return ask();
	WRITE_ONCE(d->log.absent_refused, true);
	return -EINVAL;
}

/* Siblings are waited for as a control domain waits: none of them waits for this one. */
static void shadow_own(struct vcpu *v)
{
	struct domain *d = v->domain;

	domain_pause(d);
	if (shadow_make_for_good(d) == -ENOMEM) {
		v->shadow.absent = ABSENT_FAILED;
		guest_warn("an absent entry names RAM, and is refused: no memory for a shadow");
	}
	domain_unpause(d);
}

/* SOFTIRQ_SHADOW */
static void answer(void)
{
	struct vcpu *v = current;

	if (v->shadow.absent != ABSENT_ASKED)
		return;
	ASSERT_KERNEL_ROOT();
	v->shadow.absent = ABSENT_NONE;
	if (!visit_keep_off(v->domain))
		return;
	shadow_own(v);
	visit_allow(v->domain);
}

void shadow_init(void)
{
	softirq_register(SOFTIRQ_SHADOW, answer);
}
