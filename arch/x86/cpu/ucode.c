/* SPDX-License-Identifier: MIT */
/*
 * Microcode: which update, and the way into a processor. Files are ucode_file.h's.
 *
 * SDM vol. 3, 9.11.6 (WRMSR 79H takes the address of the data, a multiple of 16; MSR 8BH has the
 * revision after CPUID); AMD: MSR C001_0020h and 8Bh, BIOS and Kernel Developer's Guides.
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>
#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/ucode.h>
#include <asm/ucode_file.h>
#include <asm/window.h>

#define MSR_PLATFORM_ID		0x17
#define MSR_INTEL_UPDATE	0x79
#define MSR_REVISION		0x8b
#define MSR_AMD_UPDATE		0xc0010020

static bool opt_scan;
static s64 opt_module;			/* 0: none; below 0: from the end */

static struct ucode_copy *boot_update;	/* what the boot CPU has taken; NULL */

/* ---- ucode= ---- */

static bool take_number(const char *s, const char *end)
{
	bool negative = *s == '-';
	u64 n;

	if (cmdline_parse_u64(s + negative, end, &n) || !n || n > BOOT_MAX_MODULES)
		return false;
	opt_module = negative ? -(s64)n : (s64)n;
	return true;
}

static void take_word(const char *s, const char *end)
{
	int is = cmdline_parse_boolean("scan", s, end);

	if (is >= 0)
		opt_scan = is;
	else if (cmdline_parse_boolean("nmi", s, end) >= 0)
		return;		/* late updates keep interrupts off in any case */
	else if (s == end || !take_number(s, end))
		pr_warn("command line: ucode=: \"%.*s\" is neither a module's number, from 1, nor "
			"scan", (int)(end - s), s);
}

static int parse_ucode(const char *value)
{
	return cmdline_each_item(value, take_word);
}
CMDLINE_CUSTOM("ucode", parse_ucode);

/* ---- The processor ---- */

bool ucode_is_known(void)
{
	return (cpu_facts.vendor == VENDOR_INTEL && cpu_facts.family >= 6) ||
	       (cpu_facts.vendor == VENDOR_AMD && cpu_facts.family >= 0x10);
}

/* Of the calling CPU. Intel's says it after CPUID only. */
static u32 revision(void)
{
	bool intel = cpu_facts.vendor == VENDOR_INTEL;
	u64 val;

	if (intel && !wrmsr_safe(MSR_REVISION, 0))
		cpuid(1, 0);
	if (rdmsr_safe(MSR_REVISION, &val))
		return 0;
	return intel ? val >> 32 : (u32)val;
}

static u32 platform(void)
{
	u64 val;

	if (cpu_facts.vendor != VENDOR_INTEL || rdmsr_safe(MSR_PLATFORM_ID, &val))
		return 0;
	return 1u << (val >> 50 & 7);
}

bool ucode_load(const struct ucode_copy *u)
{
	u32 msr = cpu_facts.vendor == VENDOR_INTEL ? MSR_INTEL_UPDATE : MSR_AMD_UPDATE;

	/* A sibling thread may have taken it for both. */
	if (revision() == u->revision)
		return true;
	asm volatile ("wbinvd" ::: "memory");
	return !wrmsr_safe(msr, (u64)u->data) && revision() == u->revision;
}

/* ---- The file ---- */

static struct ucode_copy *copy_of(const struct ucode_update *u)
{
	struct ucode_copy *copy;

	/* Whole pages: the data is aligned as it must be. */
	copy = public_alloc(ROUNDUP(sizeof(*copy) + u->bytes, PAGE_SIZE)); /* public: microcode */
	if (!copy)
		return NULL;
	copy->bytes = u->bytes;
	copy->revision = u->revision;
	memcpy(copy->data, u->data, u->bytes);
	return copy;
}

struct ucode_copy *ucode_find(const u8 *file, u32 bytes, long *rc)
{
	const struct ucode_cpu me = {
		.signature = cpu_facts.signature, .family = cpu_facts.family,
		.platform = platform(), .revision = revision(),
	};
	ucode_find_fn *find = cpu_facts.vendor == VENDOR_INTEL ? ucode_find_intel : ucode_find_amd;
	struct ucode_update u;
	struct ucode_copy *copy;
	const char *why;

	*rc = find(file, bytes, &me, &u, &why);
	if (*rc == -EINVAL)
		pr_warn("microcode: %s: nothing of it is used", why);
	else if (*rc)
		pr_info("microcode: nothing in the file for signature 0x%x is newer than revision "
			"0x%x", me.signature, me.revision);
	if (*rc)
		return NULL;
	copy = copy_of(&u);
	if (!copy)
		*rc = -ENOMEM;
	return copy;
}

/* All of RAM is in sight on the boot root. */
static const u8 *module_data(const struct boot_module *m)
{
	return (const u8 *)VA_WINDOW + m->start;
}

static bool scan_module(const struct boot_module *m, const u8 **file, u32 *bytes)
{
	const char *name = cpu_facts.vendor == VENDOR_INTEL ?
		"kernel/x86/microcode/GenuineIntel.bin" :
		"kernel/x86/microcode/AuthenticAMD.bin";

	return ucode_find_file(module_data(m), m->end - m->start, name, file, bytes);
}

/* The kernel is no microcode. */
static bool scan_modules(const u8 **file, u32 *bytes)
{
	for (unsigned i = 1; i < boot_info.nr_modules; i++)
		if (scan_module(&boot_info.module[i], file, bytes))
			return true;
	pr_info("microcode: no module begins with an archive that has some");
	return false;
}

static bool find_module(const u8 **file, u32 *bytes)
{
	s64 i = opt_module < 0 ? (s64)boot_info.nr_modules + opt_module : opt_module;
	struct boot_module *m;

	if (i < 1 || i >= (s64)boot_info.nr_modules) {
		pr_warn("microcode: ucode=%ld: there is no such module beside the kernel",
			opt_module);
		return false;
	}
	m = &boot_info.module[i];
	m->is_microcode = true;
	if (m->end - m->start > GIB(1)) {
		pr_warn("microcode: module %ld is too large", i);
		return false;
	}
	*file = module_data(m);
	*bytes = (u32)(m->end - m->start);
	return true;
}

static bool find_file(const u8 **file, u32 *bytes)
{
	if (opt_module)
		return find_module(file, bytes);
	return opt_scan && scan_modules(file, bytes);
}

bool ucode_init(void)
{
	struct ucode_copy *u;
	const u8 *file;
	u32 before, bytes;
	long rc;

	if ((!opt_module && !opt_scan) || !find_file(&file, &bytes))
		return false;
	if (!ucode_is_known()) {
		pr_info("microcode: files for this processor are not known");
		return false;
	}
	u = ucode_find(file, bytes, &rc);
	if (!u)
		return false;
	before = revision();
	if (!ucode_load(u)) {
		pr_warn("microcode: the processor does not take revision 0x%x, and stays at 0x%x",
			u->revision, revision());
		public_free(u);
		return false;
	}
	pr_info("microcode: from revision 0x%x to 0x%x", before, u->revision);
	boot_update = u;
	return true;
}

void ucode_init_cpu(void)
{
	if (boot_update && !ucode_load(boot_update))
		pr_warn("microcode: CPU %u does not take revision 0x%x, and stays at 0x%x",
			smp_cpu_id(), boot_update->revision, revision());
}
