/* SPDX-License-Identifier: MIT */
/*
 * Other CPUs, one after the other: area, idle vcpu, idle root, INIT, two startup IPIs, and they
 * come to ap_start().
 *
 * The startup root is a copy of the CPU's idle root with one page more: the trampoline's, at its
 * machine address, executable and read-only. It lies below 4 GiB and is used by one CPU at a time;
 * a CPU leaves it in its first C function.
 */
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>
#include <isola/memmap.h>
#include <isola/panic.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/time.h>
#include <isola/vcpu.h>
#include <asm/apic.h>
#include <asm/cpu_area.h>
#include <asm/cpu_init.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/entry.h>
#include <asm/insn.h>
#include <asm/iomem.h>
#include <asm/ipi.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/smp.h>
#include <asm/switch.h>
#include <asm/ucode.h>
#include <asm/window.h>

/* As trampoline.S lays them out. */
struct trampoline_words {
	u64 entry;
	u32 cr3, jump_offset;
	u16 jump_selector, gdt_limit;
	u32 gdt_base;
	u32 unfit;			/* written by the CPU: it has no 64-bit mode, or no NX */
};

extern const u8 trampoline_start[], trampoline_end[], trampoline_words[];
extern const u32 trampoline_64_offset, trampoline_gdt_offset;

static unsigned opt_maxcpus = CONFIG_NR_CPUS;

/* As Xen's: 0 is no limit. */
static int parse_maxcpus(const char *value)
{
	u64 nr;

	if (cmdline_parse_u64(value, NULL, &nr))
		return -EINVAL;
	opt_maxcpus = nr ? min(nr, (u64)CONFIG_NR_CPUS) : CONFIG_NR_CPUS;
	return 0;
}
CMDLINE_LIMIT("maxcpus", parse_maxcpus);

void smp_make_idle(unsigned cpu)
{
	struct vcpu *v = public_alloc(sizeof(*v)); /* public: vcpus */

	if (!v)
		fatal("not enough memory for CPU %u's idle vcpu", cpu);
	v->id = cpu;
	v->cpu = cpu;
	v->is_idle = true;
	v->state = VCPU_RUNNABLE;
	cpu_public[cpu].idle_vcpu = v;
	cpu_public[cpu].running = v;
	if (root_create_idle(v, cpu) || root_create_visit(cpu))
		fatal("not enough memory for CPU %u's idle root", cpu);
}

/* What the CPU that is being started has to say first. It writes, the boot CPU reads. */
static struct {
	bool said;			/* what follows is there */
	const char *refusal;		/* a sentence: it cannot be used */
	u32 apic_id;			/* else: its own id, which is not the one that was called */
} arrival;

static void __noreturn report_and_stop(const char *refusal)
{
	arrival.refusal = refusal;
	arrival.apic_id = refusal ? 0 : apic_id();
	__atomic_store_n(&arrival.said, true, __ATOMIC_RELEASE);
	cpu_stop();
}

/* First C on another CPU: startup root, interrupts off. */
static void __noreturn ap_start(void)
{
	const char *refusal;

	this_cpu.curr = this_cpu.pub->idle_vcpu;
	root_load(this_cpu.curr);
	desc_init_cpu();
	ucode_init_cpu();
	refusal = cpu_join();
	if (refusal)
		report_and_stop(refusal);
	cpu_init();
	apic_init_cpu();
	if (apic_id() != this_cpu.pub->apic_id)
		report_and_stop(NULL);
	time_init_cpu();
	sched_init_cpu();
	__atomic_store_n(&this_cpu.pub->online, true, __ATOMIC_RELEASE);
	reset_stack_and_call(idle_loop);
}

/* A page of RAM below 640 KiB, not the first. 0: there is none. */
static u64 find_low_page(void)
{
	for (u64 at = 0x8000; at < 0x90000; at += PAGE_SIZE)
		if (memmap_frame_is_ram(maddr_to_mfn(at)))
			return at;
	return 0;
}

/* The startup root's slot 0: the trampoline page alone. */
static pte_t identity_slot(u64 page)
{
	/* public: startup root */
	pte_t *l3 = alloc_public_page(), *l2 = alloc_public_page(), *l1 = alloc_public_page();

	if (!l3 || !l2 || !l1)
		fatal("not enough memory to start other CPUs");
	l3[0] = pte_make(public_mfn(l2), PAGE_HV_TABLE);
	l2[0] = pte_make(public_mfn(l1), PAGE_HV_TABLE);
	l1[pt_index(page, 1)] = pte_make(maddr_to_mfn(page), PAGE_HV_RX);
	return pte_make(public_mfn(l3), PAGE_HV_TABLE);
}

static struct trampoline_words *words_of(u64 page)
{
	return (void *)((u8 *)VA_WINDOW + page + (trampoline_words - trampoline_start));
}

static void write_trampoline(u64 page, u64 cr3)
{
	u8 *to = (u8 *)VA_WINDOW + page;
	struct trampoline_words *w = words_of(page);

	memcpy(to, trampoline_start, trampoline_end - trampoline_start);
	w->entry = (u64)ap_start;
	w->cr3 = cr3;
	w->jump_offset = page + trampoline_64_offset;
	w->gdt_base = page + trampoline_gdt_offset;
}

/*
 * A CPU that runs already and is started again has lost what it was doing: nothing can go on. One
 * that never ran is left out.
 */
static void judge_stranger(u32 called)
{
	for (unsigned i = 0; i < nr_cpus; i++)
		if (cpu_public[i].apic_id == arrival.apic_id)
			fatal("CPU %u, APIC id %u, has answered as the CPU with APIC id %u too: "
			      "the firmware's list of CPUs (MADT) names it twice", i,
			      arrival.apic_id, called);
	pr_warn("the CPU with APIC id %u calls itself %u", called, arrival.apic_id);
}

/* Has the CPU said anything that ends its start? */
static bool has_reported(u32 called, u64 page)
{
	if (__atomic_load_n(&words_of(page)->unfit, __ATOMIC_ACQUIRE))
		fatal("the CPU with APIC id %u lacks NX or 64-bit mode: no page may be writable "
		      "and executable, on any CPU", called);
	if (!__atomic_load_n(&arrival.said, __ATOMIC_ACQUIRE))
		return false;
	if (arrival.refusal)
		fatal("%s", arrival.refusal);
	judge_stranger(called);
	return true;
}

static bool wait_online(unsigned cpu, u64 page, unsigned ms)
{
	for (unsigned i = 0; i < ms * 10; i++) {
		if (__atomic_load_n(&cpu_public[cpu].online, __ATOMIC_ACQUIRE))
			return true;
		if (has_reported(cpu_public[cpu].apic_id, page))
			return false;
		udelay(100);
	}
	return false;
}

static bool start_cpu(unsigned cpu, u32 apic_id, u64 page, pte_t *root, pte_t slot0)
{
	cpu_public[cpu].apic_id = apic_id;
	if (cpu_area_create(cpu))
		fatal("not enough memory for CPU %u's area", cpu);
	smp_make_idle(cpu);
	memcpy(root, public_ptr(cpu_public[cpu].idle_root), PAGE_SIZE);
	root[0] = slot0;
	write_trampoline(page, mfn_to_maddr(public_mfn(root)));
	arrival.said = false;

	apic_send_init(apic_id);
	udelay(10000);
	apic_send_startup(apic_id, page >> PAGE_SHIFT);
	if (wait_online(cpu, page, 1))
		return true;
	apic_send_startup(apic_id, page >> PAGE_SHIFT);
	if (wait_online(cpu, page, 1000))
		return true;
	/* The next one gets its number, area and root: it must not come late. */
	apic_send_init(apic_id);
	udelay(10000);
	return false;
}

static bool may_start(const struct acpi_cpu *c)
{
	if (!c->enabled || c->apic_id == apic_id())
		return false;
	if (c->apic_id <= apic_max_id())
		return true;
	pr_warn("the CPU with APIC id %u is out of this APIC's reach, which ends at %u: left out",
		c->apic_id, apic_max_id());
	return false;
}

static void apply_features(const u64 *payload __maybe_unused)
{
	cpu_init_again();
}

/* All CPUs are up, and idle: those that came before one with less give up what they have more. */
static void level_features(void)
{
	u64 others[IPI_CPU_WORDS] = { 0 };
	u64 flags;

	if (!cpus_differ())
		return;
	for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
		others[cpu / 64] |= BIT(cpu % 64);
	ipi_set_function(IPI_CPU_FEATURES, apply_features);
	ipi_call(others, IPI_CPU_FEATURES, NULL, 0);
	flags = irq_save();
	cpu_init_again();
	irq_restore(flags);
}

void smp_boot_cpus(const struct acpi_info *acpi)
{
	u64 page = find_low_page();
	mfn_t root = page_alloc(ALLOC_PUBLIC, 0, 32); /* public: startup root */
	pte_t slot0;

	if (!page || !mfn_is_valid_num(root)) {
		pr_warn("no memory low enough to start other CPUs: running on one");
		return;
	}
	iomem_limit(maddr_to_mfn(page), maddr_to_mfn(page), IOMEM_NONE);
	slot0 = identity_slot(page);
	for (unsigned i = 0; i < acpi->nr_cpus && nr_cpus < opt_maxcpus; i++) {
		const struct acpi_cpu *c = &acpi->cpu[i];

		if (!may_start(c))
			continue;
		if (start_cpu(nr_cpus, c->apic_id, page, public_ptr(root), slot0)) {
			pr_info("CPU %u up, APIC id %u", nr_cpus, c->apic_id);
			nr_cpus++;
		} else {
			pr_warn("the CPU with APIC id %u does not answer: left out", c->apic_id);
		}
	}
	level_features();
	pr_info("%u CPUs", nr_cpus);
}
