/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes: one per CPU, public. A caller owns the target's box from "taken" until it has seen
 * "done" and set it free again. Callers of several CPUs take boxes in the order of CPU numbers, so
 * no two wait for each other; targets always serve.
 */
#include <isola/lib/string.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include <asm/apic.h>
#include <asm/insn.h>
#include <asm/ipi.h>
#include <asm/irq.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

enum box_state { BOX_FREE, BOX_TAKEN, BOX_FULL, BOX_DONE };

struct mailbox {
	/* enum box_state; FREE -> TAKEN by compare-and-swap, DONE by the target */
	u32 state;
	u32 function;
	u64 payload[IPI_PAYLOAD_WORDS];
} __aligned(64);

static_assert(sizeof(struct mailbox) == 64, "one mailbox, one cache line");

static struct mailbox mailbox[CONFIG_NR_CPUS];
static void (*functions[NR_IPI_FUNCTIONS])(const u64 *payload);

void ipi_set_function(enum ipi_function fn, void (*handler)(const u64 *))
{
	functions[fn] = handler;
}

/* Interrupts off: do what stands in this CPU's box. */
static void serve(void)
{
	struct mailbox *box = &mailbox[smp_cpu_id()];

	ASSERT_IRQS_OFF();
	if (__atomic_load_n(&box->state, __ATOMIC_ACQUIRE) != BOX_FULL)
		return;
	functions[box->function](box->payload);
	__atomic_store_n(&box->state, BOX_DONE, __ATOMIC_RELEASE);
}

static void wait_until(struct mailbox *box, u32 state)
{
	while (__atomic_load_n(&box->state, __ATOMIC_ACQUIRE) != state) {
		u64 flags = irq_save();

		serve();
		irq_restore(flags);
		cpu_relax();
	}
}

static void post(unsigned cpu, enum ipi_function fn, const u64 *payload, unsigned nr)
{
	struct mailbox *box = &mailbox[cpu];
	u32 expected = BOX_FREE;

	ASSERT(cpu != smp_cpu_id() && nr <= IPI_PAYLOAD_WORDS);
	while (!__atomic_compare_exchange_n(&box->state, &expected, BOX_TAKEN, false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		wait_until(box, BOX_FREE);
		expected = BOX_FREE;
	}
	box->function = fn;
	for (unsigned i = 0; i < nr; i++) {
		/* By value: an address of ours would mean something else over there. */
		ASSERT(payload[i] < VA_CPU || payload[i] >= VA_PUBLIC);
		box->payload[i] = payload[i];
	}
	__atomic_store_n(&box->state, BOX_FULL, __ATOMIC_RELEASE);
	apic_send_ipi(cpu_public[cpu].apic_id, VECTOR_MAILBOX);
}

static void wait_done(unsigned cpu)
{
	struct mailbox *box = &mailbox[cpu];

	wait_until(box, BOX_DONE);
	__atomic_store_n(&box->state, BOX_FREE, __ATOMIC_RELEASE);
}

void ipi_call(const u64 cpus[IPI_CPU_WORDS], enum ipi_function fn, const u64 *payload, unsigned nr)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (cpus[cpu / 64] >> cpu % 64 & 1)
			post(cpu, fn, payload, nr);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (cpus[cpu / 64] >> cpu % 64 & 1)
			wait_done(cpu);
}

/* The interrupt itself is the message: the CPU passes its exit checks, or leaves HLT. */
static void kicked(void)
{
}

static void kick_cpu(unsigned cpu)
{
	apic_send_ipi(cpu_public[cpu].apic_id, VECTOR_EVENT_CHECK);
}

void ipi_init(void)
{
	irq_set_handler(VECTOR_EVENT_CHECK, kicked);
	softirq_kick_cpu = kick_cpu;
	irq_set_handler(VECTOR_MAILBOX, serve);
}
