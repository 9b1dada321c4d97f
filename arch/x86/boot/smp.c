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
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/smp.h>
#include <asm/switch.h>
#include <asm/window.h>

/* As trampoline.S lays them out. */
struct trampoline_words {
	u64 entry;
	u32 cr3, jump_offset;
	u16 jump_selector, gdt_limit;
	u32 gdt_base;
} __packed;

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
	if (root_create_idle(v, cpu))
		fatal("not enough memory for CPU %u's idle root", cpu);
}

/* First C on another CPU: startup root, interrupts off. */
static void __noreturn ap_start(void)
{
	this_cpu.curr = this_cpu.pub->idle_vcpu;
	root_load(this_cpu.curr);
	desc_init_cpu();
	cpu_init();
	apic_init_cpu();
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

static void write_trampoline(u64 page, u64 cr3)
{
	u8 *to = (u8 *)VA_WINDOW + page;
	struct trampoline_words *w = (void *)(to + (trampoline_words - trampoline_start));

	memcpy(to, trampoline_start, trampoline_end - trampoline_start);
	w->entry = (u64)ap_start;
	w->cr3 = cr3;
	w->jump_offset = page + trampoline_64_offset;
	w->gdt_base = page + trampoline_gdt_offset;
}

static bool wait_online(unsigned cpu, unsigned ms)
{
	for (unsigned i = 0; i < ms * 10; i++) {
		if (__atomic_load_n(&cpu_public[cpu].online, __ATOMIC_ACQUIRE))
			return true;
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

	apic_send_init(apic_id);
	udelay(10000);
	apic_send_startup(apic_id, page >> PAGE_SHIFT);
	if (wait_online(cpu, 1))
		return true;
	apic_send_startup(apic_id, page >> PAGE_SHIFT);
	return wait_online(cpu, 1000);
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

		if (!c->enabled || c->apic_id == apic_id())
			continue;
		if (start_cpu(nr_cpus, c->apic_id, page, public_ptr(root), slot0)) {
			pr_info("CPU %u up, APIC id %u", nr_cpus, c->apic_id);
			nr_cpus++;
		} else {
			pr_warn("the CPU with APIC id %u does not answer: left out", c->apic_id);
		}
	}
	pr_info("%u CPUs", nr_cpus);
}
