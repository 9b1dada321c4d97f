/* SPDX-License-Identifier: MIT */
/*
 * The boot list: from head.S to the first guest instruction. Each line says why it stands where it
 * does.
 */
#include <isola/memmap.h>
#include <isola/console.h>
#include <isola/console_stamp.h>
#include <isola/domain.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/panic.h>
#include <isola/printk.h>
#include <isola/screen.h>
#include <isola/sched.h>
#include <isola/spinlock.h>
#include <isola/time.h>
#include <isola/timer.h>
#include <isola/version.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/asi_policy.h>
#include <asm/bootmem.h>
#include <asm/console_line.h>
#include <asm/cpu_ids.h>
#include <asm/cpu_init.h>
#include <asm/cpu_watch.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/debug_keys.h>
#include <asm/desc.h>
#include <asm/efi.h>
#include <asm/efi_runtime.h>
#include <asm/entry.h>
#include <asm/firmware.h>
#include <asm/firmware_root.h>
#include <asm/fixmap.h>
#include <asm/hvm_domain.h>
#include <asm/insn.h>
#include <asm/iomem.h>
#include <asm/ioport_keep.h>
#include <asm/ipi.h>
#include <asm/mca_record.h>
#include <asm/paging.h>
#include <asm/pci_mmcfg.h>
#include <asm/percpu.h>
#include <asm/pirq.h>
#include <asm/numa.h>
#include <asm/orphan.h>
#include <asm/power.h>
#include <asm/pt_check.h>
#include <asm/pv_domain.h>
#include <asm/pvclock.h>
#include <asm/reset.h>
#include <asm/root.h>
#include <asm/shadow.h>
#include <asm/smp.h>
#include <asm/spec_ctrl.h>
#include <asm/switch.h>
#include <asm/tlb.h>
#include <asm/ucode.h>

#define MBI_MAX_BYTES MIB(1)

static struct acpi_info acpi;
static struct efi_info efi;
static struct efi_runtime efi_services;

void start(u32 magic, u32 mbi, u64 image);

/*
 * head.S's root shows all of the low 4 GiB at VA_PUBLIC: firmware's tables are read before
 * paging_init() takes that away.
 */
static const void *map_low(u64 maddr, size_t len)
{
	return maddr < GIB(4) && len <= GIB(4) - maddr ? (const void *)(VA_PUBLIC + maddr) : NULL;
}

/* The first word that was to keep a guest within bounds and cannot be read. */
static char lost_limit[CMDLINE_MAX_WORD];

static void report_option(const char *word, const char *why, bool limit)
{
	pr_warn("command line: \"%s\": %s", word, why);
	if (limit && !lost_limit[0])
		strlcpy(lost_limit, word, sizeof(lost_limit));
}

/* After the whole line, so that the console is where the line puts it. */
static void check_limits(void)
{
	if (lost_limit[0])
		fatal("command line: \"%s\" cannot be read, and without it dom0 would get more "
		      "than was meant", lost_limit);
}

/* Is @maddr in a range that firmware calls anything but reserved? */
static bool is_memory(u64 maddr)
{
	const struct boot_memmap *map = &boot_info.memmap;

	for (unsigned i = 0; i < map->nr; i++)
		if (maddr >= map->range[i].start && maddr < map->range[i].end)
			return map->range[i].type != BOOT_MEM_RESERVED;
	return false;
}

/* dom0 may look at what the console has in memory, and not write it, as on Xen. */
static void iomem_keep(mfn_t first, mfn_t last)
{
	iomem_limit(first, last, IOMEM_READ);
}

static void read_loader(u32 magic, u32 mbi)
{
	const char *why;

	if (multiboot2_parse(magic, map_low(mbi, 0), min_t(u64, MBI_MAX_BYTES, GIB(4) - mbi),
			     &boot_info, &why))
		fatal("%s", why);
	cmdline_parse(boot_info.cmdline, __cmdline_options_start, __cmdline_options_end,
		      report_option);
	fixmap_is_memory = is_memory;
	screen_found(&boot_info.video, boot_info.efi != BOOT_NO_EFI);
	console_open();
	pr_info("loaded by %s at %lx, command line: %s", boot_info.loader, image_maddr,
		boot_info.cmdline);
	check_limits();
}

static void read_acpi(void)
{
	const char *why;

	if (acpi_parse(boot_info.has_rsdp ? boot_info.rsdp : NULL, sizeof(boot_info.rsdp), map_low,
		       &acpi, &why))
		fatal("%s", why);
}

/* Not fatal: dom0 is then told as little as on a BIOS. */
static void read_efi(void)
{
	const char *why = "EFI: tables of 32-bit firmware are not read";

	if (boot_info.efi == BOOT_NO_EFI)
		return;
	if (boot_info.efi == BOOT_EFI32 ||
	    efi_parse(boot_info.efi_system_table, map_low, &efi, &why))
		pr_warn("%s; dom0 is not told of EFI", why);
	else if (efi_parse_runtime(efi.runtime_maddr, map_low, &efi_services, &why))
		pr_warn("%s; none is called", why);
}

/* The firmware knows what clock there is, and a machine without an RTC has no other. */
static void read_clock(void)
{
	u64 seconds = efi_runtime_seconds();

	if (seconds)
		wallclock_begin(seconds, "EFI");
	else
		wallclock_init(&acpi);
}

static void boot_cpu_idle(void)
{
	this_cpu.curr = cpu_public[0].idle_vcpu;
	WRITE_ONCE(cpu_public[0].online, true);
	spin_debug_start();
}

static u64 wall_ns(void)
{
	return wallclock_base_ns() + now_ns();
}

/* On a stack of its own: packed kernels may have been unpacked in between. */
static void begin_domains(void)
{
	if (dom0)
		console_leave_screen();
	console_start_async();		/* who prints for a guest no longer waits for the port */
	debug_keys_start();
	mca_start();
	cpu_watch_start();
	console_input_start();		/* who is built can be typed to */
	pv_start_domains();
	switch_leave_boot_root();	/* the idle loop's first softirq switches to one */
}

void start(u32 magic, u32 mbi, u64 image)
{
	this_cpu.pub = &cpu_public[0];
	image_maddr = image;
	pr_info("Isola " ISOLA_VERSION ", built with " __VERSION__);
	pr_info("to guests and tools: Xen version %u.%u%s", ABI_VERSION >> 16,
		ABI_VERSION & 0xffff, ABI_EXTRAVERSION);
	read_loader(magic, mbi);	/* memory map, modules, command line; then the console */
	asi_policy_resolve();		/* before any root is made */
	cpu_init_boot();		/* what the CPU can do decides the rest */
	read_acpi();			/* while low memory is in sight */
	read_efi();
	memmap_init();
	numa_init(&acpi.numa);		/* whose memory it is that is handed out */
	bootmem_init();			/* RAM, less image and modules */
	paging_init();			/* frame table, boot root, page allocator */
	smp_make_idle(0);		/* `current' from here on */
	boot_cpu_idle();
	desc_init_idt();		/* exceptions have somewhere to go */
	desc_init_cpu();
	if (ucode_init())		/* before anybody asks what the CPU is affected by */
		cpu_init_boot();
	mca_init();			/* where machine checks are told */
	cpu_init();	/* CR0, CR4, PAT, XCR0: guarded MSRs need the IDT */
	spec_ctrl_init();		/* what else it can be made to read */
	smap_patch();			/* while the text can be written through the boot root */
	verw_patch();
	iomem_init(&acpi, cpu_has_hypertransport());	/* which frames no guest may map */
	pt_check_init();
	pt_check_refuse_absent(spec_ctrl.l1tf_domu, spec_ctrl.l1tf_dom0);
	cpu_ids_init(&acpi);		/* what dom0 may ask about the machine */
	firmware_init(&efi);		/* and about its firmware */
	firmware_root_init(&boot_info, &efi_services);	/* which can be called */
	efi_runtime_init();
	ioport_keep_acpi(&acpi);	/* which ports stay ours */
	console_claim_io(ioport_keep);
	console_claim_memory(iomem_keep);
	power_init(&acpi);		/* how it ends */
	reset_init(&acpi);		/* or begins anew */
	apic_init_boot(acpi.lapic_maddr);
	apic_init_cpu();		/* interrupts can come */
	pirq_init(&acpi);		/* but none from devices yet */
	console_line_init(&acpi);	/* from the console's when input can go somewhere */
	pci_mmcfg_init(&acpi);		/* whose registers dom0 may write by our leave */
	ipi_init();
	tlb_init();
	root_init();
	shadow_init();
	pvclock_init();
	orphan_init();
	timer_subsys_init();
	time_init(&acpi);		/* calibrates: a while with interrupts off */
	time_init_cpu();
	read_clock();
	console_wall_ns = wall_ns;	/* the log may tell it */
	console_log_grow();		/* while no other CPU adds to it */
	sched_init();
	sched_init_cpu();
	pv_init();			/* hooks of the lower floors */
	irq_enable();
	smp_boot_cpus(&acpi);
	cpuid_policy_init();		/* what guests see: of what all CPUs have */
	hvm_init();			/* and in which ways they can run */
	panic_stop_others = apic_send_nmi_all_others;
	pv_build_domains(begin_domains);	/* does not return */
}
