/* SPDX-License-Identifier: MIT */
/*
 * The firmware's root: asm/firmware_root.h. UEFI Specification 2.9, 7.2 (memory map), 2.3.4
 * (calling convention), 8 (runtime services).
 *
 * Slot 257 names the CPU area of whoever is in the firmware, and nobody's else. No address map is
 * given to the firmware (SetVirtualAddressMap): all stands at its machine address.
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/panic.h>
#include <isola/printk.h>
#include <isola/spinlock.h>
#include <isola/vcpu.h>
#include <isola/lib/cmdline.h>
#include <asm/audit_record.h>
#include <asm/firmware_root.h>
#include <asm/fpu.h>
#include <asm/hyper_pt.h>
#include <asm/insn.h>
#include <asm/iomem.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/regs.h>
#include <asm/reset.h>
#include <asm/root.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>

#define RUNTIME_CODE	5
#define RUNTIME_DATA	6
#define ATTR_UC		0x1
#define ATTR_WC		0x2
#define ATTR_WT		0x4
#define ATTR_WB		0x8
#define ATTR_WP		0x1000
#define ATTR_XP		0x4000
#define ATTR_RO		0x20000
#define LARGEST_PAGES	(GIB(1) >> PAGE_SHIFT)	/* of one range: more is no firmware */

extern const char _stext[], _etext[];
extern const char firmware_faulted[];
u64 firmware_enter(u64 function, const u64 argument[5]);
extern u64 firmware_sp;

static spinlock_t lock = SPINLOCK_INIT(LOCK_EFI);
static struct efi_runtime runtime;	/* revision 0: nothing can be called */
static mfn_t efi_root, efi_buffer;	/* for tools/isola-audit too; 0: none */
static u32 inside;			/* 1 + the CPU that is in the firmware */
static struct { bool is_new; u32 vector; u64 rip, cr2; } fault;	/* its last */

static bool opt_rs = true, opt_attr_uc;

static void take_word(const char *s, const char *end)
{
	const char *value;
	int is = cmdline_parse_boolean("rs", s, end);

	if (is >= 0)
		opt_rs = is;
	else if (cmdline_has_value(s, end, "attr", &value) && cmdline_is(value, end, "uc"))
		opt_attr_uc = true;
	else if (cmdline_has_value(s, end, "attr", &value) && cmdline_is(value, end, "no"))
		opt_attr_uc = false;
	else
		pr_warn("command line: efi=: \"%.*s\" is not known", (int)(end - s), s);
}

static int parse_efi(const char *value)
{
	return cmdline_each_item(value, take_word);
}
CMDLINE_CUSTOM("efi", parse_efi);

/* ---- The root. Public pages, at public_ptr() on any. ----------------------------------------- */

/* The table below, made if it is not there; NULL: no memory. */
static pte_t *table_below(pte_t *pe)
{
	pte_t *t;

	if (pte_present(*pe))
		return public_ptr(pte_mfn(*pe));
	t = alloc_public_page(); /* public: firmware's tables */
	if (t)
		pte_write(pe, pte_make(public_mfn(t), PAGE_HV_TABLE));
	return t;
}

static int map_page(u64 maddr, u64 flags)
{
	pte_t *t = public_ptr(efi_root);

	for (unsigned level = 4; level > 1; level--) {
		t = table_below(&t[pt_index(maddr, level)]);
		if (!t)
			return -ENOMEM;
	}
	pte_write(&t[pt_index(maddr, 1)], pte_make(maddr_to_mfn(maddr), flags));
	return 0;
}

/* 0: not to be mapped. Code may be written too: it has its variables there. */
static u64 flags_of(const struct boot_efi_range *e)
{
	u64 flags = PTE_P | PTE_A | PTE_D;

	if (!(e->attr & (ATTR_WP | ATTR_RO)))
		flags |= PTE_RW;
	if (e->type != RUNTIME_CODE || e->attr & ATTR_XP)
		flags |= PTE_NX;
	if (e->attr & ATTR_WB)
		return flags;
	if (e->attr & (ATTR_WT | ATTR_WC | ATTR_UC) || opt_attr_uc)
		return flags | PTE_PCD | PTE_PWT;
	return 0;
}

/* What no firmware can want, or has no right to. */
static bool is_impossible(const struct boot_efi_range *e)
{
	u64 first = e->start >> PAGE_SHIFT;

	if (e->start % PAGE_SIZE || !e->nr_pages || e->nr_pages > LARGEST_PAGES ||
	    e->start >> 46 || memmap_frame_is_ram(_mfn(first)))
		return true;
	for (u64 i = 1; i < e->nr_pages; i++)
		if (memmap_frame_is_ram(_mfn(first + i)))
			return true;
	return false;
}

static int map_range(const struct boot_efi_range *e)
{
	u64 flags = flags_of(e);

	if (!flags)
		return 0;
	if (is_impossible(e)) {
		pr_warn("EFI: %lu pages for runtime services at 0x%lx cannot be, or lie in RAM: "
			"left out", e->nr_pages, e->start);
		return 0;
	}
	for (u64 i = 0; i < e->nr_pages; i++)
		if (map_page(e->start + (i << PAGE_SHIFT), flags))
			return -ENOMEM;
	/* Who writes to it writes what ring 0 executes. */
	if (e->type == RUNTIME_CODE || e->type == RUNTIME_DATA)
		iomem_limit(maddr_to_mfn(e->start),
			    mfn_add(maddr_to_mfn(e->start), e->nr_pages - 1), IOMEM_READ);
	return 0;
}

static int map_ranges(const struct boot_info *info)
{
	int rc = 0;

	for (unsigned i = 0; i < info->nr_efi_ranges && !rc; i++)
		if (info->efi_range[i].attr & EFI_RANGE_RUNTIME)
			rc = map_range(&info->efi_range[i]);
	for (unsigned i = 0; i < FIRMWARE_BUFFER_PAGES && !rc; i++)
		rc = map_page(firmware_buffer() + ((u64)i << PAGE_SHIFT), PAGE_HV_RW);
	return rc;
}

/* What is left of a root that could not be made whole stays: nothing loads it. */
static int make_root(const struct boot_info *info)
{
	pte_t *root = alloc_public_page(); /* public: roots */
	mfn_t buffer = page_alloc(ALLOC_CPU, FIRMWARE_BUFFER_ORDER, 0);

	if (!root || !mfn_is_valid_num(buffer))
		return -ENOMEM;
	efi_root = public_mfn(root);
	efi_buffer = buffer;
	hyper_fill_root(root, false);
	pte_write(&root[L4_SLOT_VCPU], pte_make(idle_area_l3, PAGE_HV_TABLE));
	return map_ranges(info);
}

static void report(const struct boot_info *info)
{
	u64 pages = 0;

	for (unsigned i = 0; i < info->nr_efi_ranges; i++)
		if (info->efi_range[i].attr & EFI_RANGE_RUNTIME)
			pages += info->efi_range[i].nr_pages;
	pr_info("EFI: runtime services %u.%u, %lu KiB", runtime.revision >> 16,
		(runtime.revision & 0xffff) / 10, pages << 2);
}

static bool reset_system(bool warm);

void firmware_root_init(const struct boot_info *info, const struct efi_runtime *efi)
{
	if (!efi->revision || !opt_rs)
		return;
	if (info->efi_ranges_cut || !info->nr_efi_ranges) {
		pr_warn("EFI: the loader's copy of the memory map is not whole: "
			"runtime services are not called");
		return;
	}
	if (make_root(info)) {
		pr_warn("EFI: no memory for a root: runtime services are not called");
		return;
	}
	runtime = *efi;
	reset_by_efi = reset_system;
	report(info);
}

void firmware_audit_offsets(void);

/* As asi/audit_offsets.c's: never called. */
void firmware_audit_offsets(void)
{
	CONST(FIRMWARE_BUFFER_PAGES);
}

u32 firmware_revision(void)
{
	return READ_ONCE(runtime.revision);
}

/* ---- The buffer ------------------------------------------------------------------------------ */

u64 firmware_buffer(void)
{
	return mfn_to_maddr(efi_buffer);
}

void *firmware_map(unsigned i)
{
	mfn_t m = mfn_add(efi_buffer, i);

	return boot_root_loaded() ? window_ptr(m) : map_domain_page(m);
}

void firmware_unmap(const void *p)
{
	if (!boot_root_loaded())
		unmap_domain_page(p);
}

/* ---- In and out ------------------------------------------------------------------------------ */

void firmware_begin(void)
{
	spin_lock(&lock);
}

void firmware_end(void)
{
	spin_unlock(&lock);
}

static void save_guest(void)
{
	static const u32 mxcsr = 0x1f80;

	if (!vcpu_is_idle(current))
		fpu_save(this_vcpu_fpu);
	fpu_set_ts(false);
	asm volatile ("fninit; ldmxcsr %0" :: "m"(mxcsr));
}

static void restore_guest(void)
{
	if (vcpu_is_idle(current))
		return;
	/* It was saved here: the processor takes it. */
	BUG_ON(fpu_restore(this_vcpu_fpu));
	fpu_load_xcr0(this_vcpu.xcr0);
	fpu_set_ts(this_vcpu.ts);
}

/* Interrupts off around both; on or off in between. */
static u64 enter(void)
{
	u64 before = this_cpu.cr3;
	pte_t *root = public_ptr(efi_root);

	pte_write(&root[L4_SLOT_CPU], pte_make(this_cpu.area_l3, PAGE_HV_TABLE));
	fault.is_new = false;
	WRITE_ONCE(inside, smp_cpu_id() + 1);
	root_adopt(mfn_to_maddr(efi_root));
	return before;
}

static void leave(u64 before)
{
	pte_t *root = public_ptr(efi_root);

	root_adopt(before);
	WRITE_ONCE(inside, 0);
	pte_write(&root[L4_SLOT_CPU], 0);
}

static void give_up(void)
{
	WRITE_ONCE(runtime.revision, 0);
	reset_by_efi = NULL;
	pr_err("EFI: exception %u in the firmware at %016lx, address %016lx: runtime services are "
	       "not called any more", fault.vector, fault.rip, fault.cr2);
}

u64 firmware_call(enum efi_service which, const u64 argument[5])
{
	u64 function = runtime.service[which], flags, before, status;

	if (!firmware_revision() || !function)
		return EFI_UNSUPPORTED;
	flags = irq_save();
	save_guest();
	before = enter();
	irq_restore(flags);
	status = firmware_enter(function, argument);
	irq_disable();
	leave(before);
	restore_guest();
	irq_restore(flags);
	if (!fault.is_new)
		return status;
	give_up();
	return EFI_DEVICE_ERROR;
}

bool firmware_fault(struct regs *r)
{
	if (READ_ONCE(inside) != smp_cpu_id() + 1)
		return false;
	/* An interrupt's handler of ours is no firmware. */
	if (r->rip >= (u64)_stext && r->rip < (u64)_etext)
		return false;
	fault.is_new = true;
	fault.vector = r->vector;
	fault.cr2 = r->vector == TRAP_PF ? read_cr2() : 0;
	fault.rip = r->rip;
	r->rip = (u64)firmware_faulted;
	r->rsp = firmware_sp;
	r->rflags &= ~(u64)(EFLAGS_DF | EFLAGS_TF | EFLAGS_AC | EFLAGS_NT);
	return true;
}

/* At the machine's end, on any root, interrupts off; who was in the firmware has been stopped. */
static bool reset_system(bool warm)
{
	const u64 argument[5] = { warm ? 1 : 0 };
	u64 before;

	if (READ_ONCE(inside) || !firmware_revision())
		return false;
	fpu_set_ts(false);
	before = enter();
	firmware_enter(runtime.service[EFI_RESET_SYSTEM], argument);
	leave(before);
	return !fault.is_new;
}
