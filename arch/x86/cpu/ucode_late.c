/* SPDX-License-Identifier: MIT */
/*
 * Microcode while guests run. All CPUs come together first, so that no thread runs anything while
 * its sibling loads; then each loads in its turn.
 *
 * Who has come in keeps interrupts on until all have: one that is on its way may wait for an answer
 * (locking.md). From then on nobody holds a lock or waits: interrupts are off.
 */
#include <isola/clock.h>
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/ucode.h>

#define COME_NS MILLISECS(1000)

static bool busy;			/* atomically: one update at a time */
static const struct ucode_copy *update;
static u32 nr_in, nr_ready, nr_out;	/* CPUs beside the caller's; atomically */
static u32 turn;			/* the CPU that loads; after the last, none */
static bool begin, given_up;
static u32 nr_failed;			/* of those whose turn it has been */

static u32 load(const u32 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void count(u32 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

/* Interrupts off: the others before, this CPU, the others behind. */
static void take_turn(void)
{
	while (load(&turn) != smp_cpu_id())
		cpu_relax();
	if (!ucode_load(update))
		count(&nr_failed);
	count(&turn);
	while (load(&turn) < nr_cpus)
		cpu_relax();
}

/* SOFTIRQ_UCODE. Who comes when all is over, or after the caller has given up, leaves. */
static void come(void)
{
	u64 flags;

	count(&nr_in);
	while (!__atomic_load_n(&begin, __ATOMIC_ACQUIRE)) {
		if (__atomic_load_n(&given_up, __ATOMIC_ACQUIRE)) {
			count(&nr_out);
			return;
		}
		cpu_relax();
	}
	flags = irq_save();
	count(&nr_ready);
	take_turn();
	count(&nr_out);
	irq_restore(flags);
}

static void wait_until_out(void)
{
	while (load(&nr_out) != load(&nr_in))
		cpu_relax();
}

/* Interrupts on. False: somebody has not come in time, and all may go. */
static bool gather(void)
{
	u64 end = now_ns() + COME_NS;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (cpu != smp_cpu_id())
			softirq_raise_on(cpu, SOFTIRQ_UCODE);
	while (load(&nr_in) != nr_cpus - 1) {
		if (now_ns() > end) {
			__atomic_store_n(&given_up, true, __ATOMIC_RELEASE);
			return false;
		}
		cpu_relax();
	}
	return true;
}

static void load_all(void)
{
	u64 flags;

	__atomic_store_n(&begin, true, __ATOMIC_RELEASE);
	flags = irq_save();
	while (load(&nr_ready) != nr_cpus - 1)
		cpu_relax();
	__atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
	take_turn();
	irq_restore(flags);
}

static long on_all_cpus(void)
{
	nr_in = nr_ready = nr_out = nr_failed = 0;
	begin = given_up = false;
	turn = ~0u;
	softirq_register(SOFTIRQ_UCODE, come);
	if (!gather()) {
		/* Late ones would meet the next update: there is none while somebody is missing. */
		pr_warn("microcode: not every CPU stopped for an update");
		return -EBUSY;
	}
	load_all();
	wait_until_out();
	if (nr_failed)
		pr_warn("microcode: %u of %u CPUs have not taken revision 0x%x", nr_failed,
			nr_cpus, update->revision);
	else
		pr_info("microcode: revision 0x%x on %u CPUs", update->revision, nr_cpus);
	return nr_failed ? -EIO : 0;
}

long ucode_update(const u8 *file, u32 bytes)
{
	struct ucode_copy *u;
	long rc;

	if (__atomic_exchange_n(&busy, true, __ATOMIC_SEQ_CST))
		return -EBUSY;
	u = ucode_find(file, bytes, &rc);
	if (u) {
		update = u;
		rc = on_all_cpus();
		public_free(u);
	}
	if (rc != -EBUSY)
		__atomic_store_n(&busy, false, __ATOMIC_RELEASE);
	return rc;
}
