/* SPDX-License-Identifier: MIT */
/*
 * The keeper: asm/keeper.h.
 */
#include <asm/keeper.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/softirq.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <asm/build_plan.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/pv_domain.h>
#include <asm/window.h>

static struct domain *keeper;
static mfn_t list = { ~0ul };
static unsigned list_order;
static bool (*do_work)(void);
static bool is_woken;			/* since the loop looked last */

/* At its vcpu's first turn, and again after each switch back to it: interrupts off. */
static void __noreturn keeper_loop(void)
{
	irq_enable();
	for (;;) {
		if (READ_ONCE(this_cpu.pub->softirq_pending))
			softirq_run();
		__atomic_store_n(&is_woken, false, __ATOMIC_SEQ_CST);
		if (do_work())
			continue;
		vcpu_sleep(VCPU_BLOCKED);
		/* Who wakes it from now on finds it asleep; who did before has left word. */
		if (__atomic_load_n(&is_woken, __ATOMIC_SEQ_CST))
			vcpu_unblock(current);
	}
}

void keeper_wake(void)
{
	__atomic_store_n(&is_woken, true, __ATOMIC_SEQ_CST);
	vcpu_unblock(keeper->vcpu[0]);
}

mfn_t *keeper_list(void)
{
	return window_ptr(list);
}

static void make_keeper(void)
{
	if (domain_create(DOMID_IDLE, false, &keeper))
		fatal("not enough memory for what builds domains anew");
	keeper->max_vcpus = 1;
	keeper->max_pages = ~0u;
	if (pv_domain_make_parts(keeper) || pv_domain_make_vcpus(keeper))
		fatal("not enough memory for what builds domains anew");
	keeper->vcpu[0]->loop = keeper_loop;
}

/* The frames from @first on, which nobody has, in the window, too. */
static void adopt(mfn_t first, unsigned order)
{
	if (domain_assign_pages(keeper, first, order))
		fatal("not enough memory to keep what domains are built of");
}

void keeper_need(u64 nr_pages)
{
	unsigned order = build_scratch_order(nr_pages);

	if (!keeper)
		make_keeper();
	if (mfn_is_valid_num(list) && order <= list_order)
		return;
	list = page_alloc(ALLOC_DOMAIN, order, 0);
	if (!mfn_is_valid_num(list))
		fatal("not enough memory in one piece for a list of %lu pages", nr_pages);
	list_order = order;
	adopt(list, order);
}

void keeper_keep_module(unsigned i)
{
	struct boot_module *m = &boot_info.module[i];

	if (i == NO_MODULE)
		return;
	m->is_kept = true;
	for (u64 at = ROUNDDOWN(m->start, PAGE_SIZE); at < m->end; at += PAGE_SIZE)
		adopt(maddr_to_mfn(at), 0);
}

void keeper_start(bool (*work)(void))
{
	do_work = work;
	if (keeper)
		vcpu_up(keeper->vcpu[0]);
}
