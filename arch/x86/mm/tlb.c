/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes and flush clocks. CR4.PGE is 0: a CR3 write flushes everything of this CPU (SDM vol.
 * 3 §4.10.4). Of a shadowed vcpu there are two TLBs to be flushed, and its CPU's clock knows of the
 * hardware's alone (asm/shadow.h).
 */
#include <isola/printk.h>
#include <isola/vcpu.h>
#include <asm/insn.h>
#include <asm/ipi.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/shadow.h>
#include <asm/tlb.h>

#define FLUSH_ALL ~0ul

u64 tlb_clock = 1;

u32 tlb_stamp_now(void)
{
	return __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);
}

/* Interrupts off. */
static __always_inline void write_cr3_again(void)
{
	u64 clock = tlb_clock_read();

	write_cr3(this_cpu.cr3);
	tlb_clock_flushed(clock);
}

void tlb_flush_local(void)
{
	ASSERT(irq_is_enabled());
	if (unlikely(this_cpu.shadowed)) {
		root_reload();
		return;
	}
	irq_disable();
	write_cr3_again();
	irq_enable();
}

/*
 * Has CPU @cpu flushed since stamp @stamp was given out? Nobody knows while its record names a vcpu
 * with a shadow, which forgets nothing at a switch of roots though the clock moves (SHD-2). Stamps
 * are the clock's low half: the answer is yes only when the CPU's clock is recent enough (2^30) for
 * the comparison to be sure.
 */
static bool flushed_since(unsigned cpu, u32 stamp)
{
	u64 clock = __atomic_load_n(&cpu_public[cpu].flush_clock, __ATOMIC_ACQUIRE);

	if (shadow_runs_on(&cpu_public[cpu].loaded))
		return false;
	return tlb_clock_read() - clock < 1ul << 30 && (u32)clock - stamp < 1u << 31;
}

static bool is_one_of(const struct vcpu *v, const struct domain *d, u64 vcpu_mask)
{
	return v && v->domain == d && (vcpu_mask >> v->id & 1);
}

/*
 * Does CPU @cpu run a vcpu of @d that @vcpu_mask names, or has it not yet written CR3 since? In
 * this order: asi/root.c stores the one it leaves before the one it comes to. Or does it visit @d?
 */
static bool cpu_runs(unsigned cpu, const struct domain *d, u64 vcpu_mask)
{
	const struct cpu_loaded *rec = &cpu_public[cpu].loaded;

	return is_one_of(READ_ONCE(rec->vcpu), d, vcpu_mask) ||
	       is_one_of(READ_ONCE(rec->leaving_vcpu), d, vcpu_mask) ||
	       READ_ONCE(rec->visited) == d;
}

static void flush_ipi(const u64 *payload)
{
	if (payload[0] == FLUSH_ALL)
		root_reload();
	else
		guest_invlpg(payload[0]);
}

static void cache_ipi(const u64 *payload __maybe_unused)
{
	asm volatile ("wbinvd" ::: "memory");
}

void cache_flush_all(void)
{
	u64 others[IPI_CPU_WORDS] = { 0 };

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (cpu != smp_cpu_id())
			others[cpu / 64] |= 1ul << cpu % 64;
	cache_ipi(NULL);
	ipi_call(others, IPI_FLUSH_CACHE, NULL, 0);
}

void tlb_init(void)
{
	ipi_set_function(IPI_FLUSH_CACHE, cache_ipi);
	ipi_set_function(IPI_FLUSH_TLB, flush_ipi);
}

/* Flush the CPUs for which @due, which gets @arg, says so. */
static __always_inline void flush_cpus(const struct domain *d,
				       bool (*due)(unsigned cpu, const struct domain *d, u64 arg),
				       u64 arg, u64 va)
{
	u64 others[IPI_CPU_WORDS] = { 0 };
	bool any = false;

	/*
	 * The entries that are to be flushed have been changed before it is asked who may hold
	 * them.
	 */
	smp_mb();
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		if (!due(cpu, d, arg))
			continue;
		if (cpu != smp_cpu_id()) {
			others[cpu / 64] |= 1ul << cpu % 64;
			any = true;
		} else if (va == FLUSH_ALL) {
			tlb_flush_local();
		} else {
			guest_invlpg(va);
		}
	}
	if (any)
		ipi_call(others, IPI_FLUSH_TLB, &(u64){ va }, 1);
}

/* @d NULL: whosever vcpu it runs. */
static bool due_since(unsigned cpu, const struct domain *d, u64 stamp)
{
	return (!d || cpu_runs(cpu, d, ~0ul)) && !flushed_since(cpu, stamp);
}

void tlb_flush_stamped(const struct domain *d, u32 stamp)
{
	flush_cpus(d, due_since, stamp, FLUSH_ALL);
}

static __noinline void flush_running(const struct domain *d, u64 vcpu_mask, u64 va)
{
	flush_cpus(d, cpu_runs, vcpu_mask, va);
}

void tlb_flush_vcpus(const struct domain *d, u64 vcpu_mask, u64 va)
{
	/* Here it costs less than to ask, and there may be nobody else. */
	if (nr_cpus == 1 && va == FLUSH_ALL)
		tlb_flush_local();
	else
		flush_running(d, vcpu_mask, va);
}
