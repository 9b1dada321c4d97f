/* SPDX-License-Identifier: MIT */
/*
 * Preconditions: each is silent where it holds and ends the machine where it does not. The lock's
 * is asked of the real locks.
 *
 * Flags: -Itests/unit/mm/include -DCONFIG_DEBUG
 * Sources: common/base/spinlock.c
 */
#include "ends.h"
#include "tap.h"

#include <isola/domain.h>
#include <isola/lock_order.h>
#include <asm/loaded.h>
#include <asm/precondition.h>

struct cpu_private this_cpu;
bool world_irq_off;

void cpu_relax(void) { }

#define KERNEL_ROOT 0x1000u
#define USER_ROOT 0x2000u

static struct domain ours, theirs;
static struct vcpu v = { .domain = &ours, .cr3_kernel = KERNEL_ROOT, .cr3_user = USER_ROOT };
static struct vcpu idle = { .is_idle = true, .cr3_kernel = 0x3000 };

static void locks(void)
{
	static spinlock_t lock = SPINLOCK_INIT(LOCK_EVTCHN);

	ok(!ENDS(ASSERT_LOCKED(&lock)), "nothing is asked before locks are checked");
	spin_debug_start();
	ok(ENDS(ASSERT_LOCKED(&lock)), "a lock that nobody holds");
	spin_lock(&lock);
	ok(!ENDS(ASSERT_LOCKED(&lock)), "a lock that is held here");
	this_cpu.id = 1;
	ok(ENDS(ASSERT_LOCKED(&lock)), "a lock that another CPU holds");
	this_cpu.id = 0;
	spin_unlock(&lock);
	ok(ENDS(ASSERT_LOCKED(&lock)), "a lock that has been given back");
	ok(spin_trylock(&lock) && !ENDS(ASSERT_LOCKED(&lock)), "a lock that was tried for");
	spin_unlock(&lock);
}

static void interrupts(void)
{
	world_irq_off = false;
	ok(ENDS(ASSERT_IRQS_OFF()) && !ENDS(ASSERT_IRQS_ON()), "interrupts are on");
	world_irq_off = true;
	ok(!ENDS(ASSERT_IRQS_OFF()) && ENDS(ASSERT_IRQS_ON()), "interrupts are off");
}

static void roots(void)
{
	current = &v;
	this_cpu.cr3 = KERNEL_ROOT;
	ok(!ENDS(ASSERT_KERNEL_ROOT()) && !ENDS(ASSERT_OWNER_LOADED(&ours)), "the kernel root");
	ok(ENDS(ASSERT_OWNER_LOADED(&theirs)), "another domain's kernel root");
	this_cpu.cr3 = USER_ROOT;
	ok(ENDS(ASSERT_KERNEL_ROOT()) && ENDS(ASSERT_OWNER_LOADED(&ours)), "the user root");
	current = &idle;
	this_cpu.cr3 = idle.cr3_kernel;
	ok(!ENDS(ASSERT_OWNER_LOADED(&ours)), "a domain that is being built");
}

int main(void)
{
	locks();
	interrupts();
	roots();
	done();
	return 0;
}
