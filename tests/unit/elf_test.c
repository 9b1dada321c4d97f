/* SPDX-License-Identifier: MIT */
/*
 * PV kernels as ELF files: a good one with every note, a table of refusals each with its sentence,
 * and the good one cut at every byte and damaged at random.
 *
 * Sources: common/lib/elf.c common/lib/elf_notes.c
 */
#include "fuzz.h"

#include "elf_build.h"

#include <errno.h>
#include <xen/features.h>
#include <xen/xen.h>

static struct elf_image out;
static const char *why;
static bool as_dom0 = true;

#define OFFERED ((u32)(BIT(XENFEAT_writable_page_tables) | BIT(XENFEAT_pae_pgdir_above_4gb)))

/* As the domain builder does: parse, then compare with what is on offer. */
static int parse(const void *image, size_t size)
{
	int rc;

	why = NULL;
	rc = elf_parse(image, size, &out, &why);
	return rc ? rc : elf_check_pv(&out, OFFERED, as_dom0, &why);
}

/* ---- What must be understood. ---------------------------------------------------------------- */

static void test_good(void)
{
	const struct pv_notes *n = &out.notes;

	elf_good();
	ok(!parse(e.bytes, e.size), "a sound kernel is taken (%s)", why ? why : "no complaint");
	ok(out.nr_segments == 3 && out.segment[0].paddr == 0x1000000 &&
		   out.segment[1].paddr == 0x1004000 && out.segment[2].paddr == 0x1008000,
	   "three segments in order of physical address");
	ok(out.segment[1].bytes == e.bytes + ELF_BYTES + 0x100 &&
		   out.segment[1].file_size == 0x100 && out.segment[1].mem_size == 0x3000,
	   "with their bytes");
	ok(out.mem_start == 0x1000000 && out.mem_end == 0x1008100, "the extent");
	ok(out.virt_start == ELF_VIRT_BASE + 0x1000000 && out.virt_end == ELF_VIRT_BASE + 0x1008100,
	   "its virtual place follows from p_paddr, not p_vaddr");
	ok(n->has_entry && n->entry == ELF_ENTRY, "ENTRY goes before e_entry");
	ok(n->has_virt_base && n->virt_base == ELF_VIRT_BASE && n->has_paddr_offset &&
		   !n->paddr_offset,
	   "VIRT_BASE, PADDR_OFFSET");
	ok(n->has_init_p2m && n->init_p2m == 0x8000000000 && n->mod_start_pfn &&
		   n->suspend_cancel && n->pae_extended_cr3,
	   "INIT_P2M, MOD_START_PFN, SUSPEND_CANCEL, PAE_MODE");
	ok(n->has_hypercall_page && n->hypercall_page == ELF_VIRT_BASE + 0x1002000,
	   "HYPERCALL_PAGE");
	ok(!strcmp(n->xen_version, "xen-3.0") && !strcmp(n->guest_os, "linux") &&
		   !strcmp(n->loader, "generic") && !strcmp(n->guest_version, "2.6"),
	   "the strings");
	ok(n->features.required == BIT(XENFEAT_writable_page_tables), "the features required");
	ok(n->has_supported_features && n->features.supported ==
	   (0x8801 | BIT(XENFEAT_writable_page_tables) | BIT(XENFEAT_pae_pgdir_above_4gb)),
	   "the features supported: the string's and the number's");
	ok(n->l1_mfn_valid_mask == 1 && n->l1_mfn_valid_value == 1 &&
		   n->hv_start_low == 0xffff800000000000 && n->has_phys32_entry,
	   "the rest");
}

static void no_entry_note(void) { elf_linux_notes(XEN_ELFNOTE_ENTRY); }
static void no_hypercall_page(void) { elf_linux_notes(XEN_ELFNOTE_HYPERCALL_PAGE); }
static void no_features(void) { elf_linux_notes(XEN_ELFNOTE_FEATURES); }
static void no_supported(void) { elf_linux_notes(XEN_ELFNOTE_SUPPORTED_FEATURES); }
static void no_loader(void) { elf_linux_notes(XEN_ELFNOTE_LOADER); }
static void no_guest_os(void) { elf_linux_notes(XEN_ELFNOTE_GUEST_OS); }
static void no_init_p2m(void) { elf_linux_notes(XEN_ELFNOTE_INIT_P2M); }
static void no_paddr_offset(void) { elf_linux_notes(XEN_ELFNOTE_PADDR_OFFSET); }

static void notes_in_section(void)
{
	elf_linux_notes(0);
	elf_phdr(0)->p_type = 0;
}

static void no_sections(void)
{
	elf_linux_notes(0);
	elf_ehdr()->e_shnum = 0;
	elf_ehdr()->e_shoff = ~0UL;
}

static void short_numbers(void)
{
	u32 base = 0;

	elf_linux_notes(XEN_ELFNOTE_PADDR_OFFSET);
	elf_note("Xen", XEN_ELFNOTE_PADDR_OFFSET, &base, 4);
}

static void later_note_wins(void)
{
	elf_note_string(XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
	elf_linux_notes(0);
}

static void unknown_optional_feature(void)
{
	elf_linux_notes(XEN_ELFNOTE_FEATURES);
	elf_note_string(XEN_ELFNOTE_FEATURES, "flying|!writable_page_tables||dom0|");
}

static void unknown_note(void)
{
	elf_linux_notes(0);
	elf_note("Xen", 12345, "what is this", 12);
	elf_note("Xenon", XEN_ELFNOTE_XEN_VERSION, "xen-9.9", 8);
}

static void version_with_suffix(void)
{
	elf_linux_notes(XEN_ELFNOTE_XEN_VERSION);
	elf_note_string(XEN_ELFNOTE_XEN_VERSION,
			"xen-3.0-x86_64 and a tail that is far too long for its room");
}

static void padding_missing(void)
{
	elf_linux_notes(XEN_ELFNOTE_LOADER);
	elf_note("Xen", XEN_ELFNOTE_LOADER, "generic", 7);
	elf_phdr(0)->p_filesz -= 1;
}

static void empty_segment(void)
{
	elf_linux_notes(0);
	elf_phdr(3)->p_filesz = elf_phdr(3)->p_memsz = 0;
	elf_phdr(3)->p_paddr = ~0UL;
}

static void paddr_is_vaddr(void)
{
	elf_linux_notes(XEN_ELFNOTE_PADDR_OFFSET);
	elf_note_u64(XEN_ELFNOTE_PADDR_OFFSET, ELF_VIRT_BASE);
	for (int i = 1; i <= 3; i++)
		elf_phdr(i)->p_paddr += ELF_VIRT_BASE;
}

static void low_kernel(void)
{
	elf_note_string(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	elf_note_string(XEN_ELFNOTE_LOADER, "generic");
	elf_ehdr()->e_entry = 0x1000000;
}

static const struct {
	const char *claim;
	void (*notes)(void);
} takes[] = {
	{ "no ENTRY note", no_entry_note },
	{ "no HYPERCALL_PAGE note", no_hypercall_page },
	{ "no FEATURES note", no_features },
	{ "no SUPPORTED_FEATURES note: nothing says that it could not be a dom0", no_supported },
	{ "no LOADER note, but GUEST_OS linux", no_loader },
	{ "no GUEST_OS note, but LOADER generic", no_guest_os },
	{ "no INIT_P2M note", no_init_p2m },
	{ "no PADDR_OFFSET note", no_paddr_offset },
	{ "notes only in a section", notes_in_section },
	{ "no sections", no_sections },
	{ "four-byte numbers", short_numbers },
	{ "a note given twice: the later counts", later_note_wins },
	{ "an unknown feature that is not required", unknown_optional_feature },
	{ "notes of unknown type and owner", unknown_note },
	{ "a version with a long tail", version_with_suffix },
	{ "a last note without its padding", padding_missing },
	{ "an empty segment anywhere", empty_segment },
	{ "physical addresses that are virtual ones", paddr_is_vaddr },
	{ "a kernel at VIRT_BASE 0 with the least of notes", low_kernel },
};

static void test_takes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(takes); i++) {
		elf_begin();
		takes[i].notes();
		ok(!parse(e.bytes, e.size), "taken: %s%s%s", takes[i].claim, why ? ": " : "",
		   why ? why : "");
	}
	elf_begin();
	no_entry_note();
	ok(!parse(e.bytes, e.size) && out.notes.entry == ELF_ENTRY + 0x10,
	   "without ENTRY, e_entry is the entry");
	elf_begin();
	version_with_suffix();
	ok(!parse(e.bytes, e.size) &&
		   strlen(out.notes.xen_version) == sizeof(out.notes.xen_version) - 1,
	   "a long string is cut");
	elf_good();
	elf_note_string(XEN_ELFNOTE_GUEST_OS, "\033[2Jlinux");
	ok(!parse(e.bytes, e.size) && !strcmp(out.notes.guest_os, "?[2Jlinux"),
	   "control characters are taken out");
	elf_begin();
	paddr_is_vaddr();
	ok(!parse(e.bytes, e.size) && out.segment[0].paddr == 0x1000000,
	   "PADDR_OFFSET is taken off");
}

/* ---- What must be refused. Each starts from the good file. ----------------------------------- */

static void empty(void) { e.size = 0; }
static void text(void) { memcpy(e.bytes, "#!/bin/sh\n", 10); }
static void bzimage(void) { memcpy(e.bytes, "MZ", 2); memcpy(e.bytes + 0x202, "HdrS", 4); }
static void gzip(void) { memcpy(e.bytes, "\x1f\x8b\x08", 3); }
static void xz(void) { memcpy(e.bytes, "\xfd" "7zXZ", 6); }
static void cpio(void) { memcpy(e.bytes, "070701", 6); }
static void efi_program(void) { memcpy(e.bytes, "MZ", 2); }
static void class32(void) { e.bytes[4] = 1; }
static void big_endian(void) { e.bytes[5] = 2; }
static void header_cut(void) { e.size = 63; }
static void bad_version(void) { elf_ehdr()->e_version = 2; }
static void arm(void) { elf_ehdr()->e_machine = 183; }
static void i386(void) { elf_ehdr()->e_machine = 3; }
static void relocatable(void) { elf_ehdr()->e_type = 1; }
static void shared(void) { elf_ehdr()->e_type = 3; }
static void core(void) { elf_ehdr()->e_type = 4; }
static void no_phdrs(void) { elf_ehdr()->e_phnum = 0; }
static void many_phdrs(void) { elf_ehdr()->e_phnum = 0xffff; }
static void phentsize(void) { elf_ehdr()->e_phentsize = 32; }
static void phoff_past(void) { elf_ehdr()->e_phoff = ELF_SIZE - 8; }
static void phoff_wraps(void) { elf_ehdr()->e_phoff = ~0UL - 20; }
static void shentsize(void) { elf_ehdr()->e_shentsize = 40; }
static void shoff_past(void) { elf_ehdr()->e_shoff = ELF_SIZE - 100; }
static void shoff_wraps(void) { elf_ehdr()->e_shoff = ~0UL - 100; }
static void seg_past(void) { elf_phdr(2)->p_offset = ELF_SIZE - 0xff; }
static void seg_offset_wraps(void) { elf_phdr(2)->p_offset = ~0UL - 0x10; }
static void seg_filesz_huge(void) { elf_phdr(2)->p_filesz = ~0UL; elf_phdr(2)->p_memsz = ~0UL; }
static void seg_memsz_less(void) { elf_phdr(2)->p_memsz = 0xff; }
static void seg_memsz_huge(void) { elf_phdr(3)->p_memsz = 1UL << 62; }
static void seg_memsz_wraps(void) { elf_phdr(3)->p_memsz = ~0UL; }
static void seg_paddr_huge(void) { elf_phdr(3)->p_paddr = 1UL << 50; }
static void seg_paddr_wraps(void) { elf_phdr(3)->p_paddr = ~0UL - 0x10; }
static void seg_overlap(void) { elf_phdr(2)->p_memsz = 0x4001; }
static void seg_same(void) { elf_phdr(1)->p_paddr = 0x1000000; elf_phdr(2)->p_memsz = 0x100; }
static void no_segments(void) { for (int i = 1; i <= 3; i++) elf_phdr(i)->p_type = 0; }

static void many_segments(void)
{
	elf_ehdr()->e_phoff = 0x2000;
	elf_ehdr()->e_phnum = 18;
	memcpy(e.bytes + 0x2000, elf_phdr(0), 56);
	for (int i = 1; i < 18; i++) {
		struct elf64_phdr ph = *elf_phdr(2);

		ph.p_memsz = 0x100;
		ph.p_paddr += (u64)i << 12;
		memcpy(e.bytes + 0x2000 + i * 56, &ph, 56);
	}
	e.size = 0x3000;
}

static void no_notes(void)
{
	elf_phdr(0)->p_type = 0;
	elf_shdr(1)->sh_type = 0;
}

static void foreign_notes_only(void)
{
	elf_begin();
	elf_note("GNU", 3, "0123456789012345678", 20);
}

static void legacy(void)
{
	no_notes();
	memcpy(e.bytes + ELF_STRINGS + 0x20, "__xen_guest", 12);
	elf_shdr(2)->sh_size = 0x40;
	elf_shdr(3)->sh_name = 0x20;
}

static void legacy_no_strings(void)
{
	legacy();
	elf_ehdr()->e_shstrndx = 99;
}

/* A name that the file's end cuts off is not read past it. */
static void legacy_cut(void)
{
	no_notes();
	memcpy(e.bytes + ELF_SIZE - 5, "__xen", 5);
	elf_shdr(2)->sh_offset = ELF_SIZE - 0x20;
	elf_shdr(2)->sh_size = 0x20;
	elf_shdr(3)->sh_name = 0x20 - 5;
}

static void notes_past(void) { elf_phdr(0)->p_filesz = 0x10000; }
static void note_section_past(void) { elf_phdr(0)->p_type = 0; elf_shdr(1)->sh_size = 0x10000; }
static void note_past(void) { elf_phdr(0)->p_filesz -= 8; }
static void note_name_huge(void) { memset(e.bytes + ELF_NOTES, 0xff, 4); }
static void note_desc_huge(void) { memset(e.bytes + ELF_NOTES + 4, 0xff, 4); }

static void note_section_bad(void)
{
	elf_phdr(0)->p_type = 0;
	memset(e.bytes + ELF_NOTES + 4, 0xff, 4);
}

static void many_notes(void)
{
	elf_phdr(0)->p_offset = 0x2000;
	elf_phdr(0)->p_filesz = 300 * 12;
	e.size = 0x4000;
}

static void number_of_3_bytes(void) { elf_note("Xen", XEN_ELFNOTE_ENTRY, "abc", 3); }
static void number_of_none(void) { elf_note("Xen", XEN_ELFNOTE_VIRT_BASE, "", 0); }
static void flag_of_5_bytes(void) { elf_note("Xen", XEN_ELFNOTE_MOD_START_PFN, "abcde", 5); }

static void without(u32 type)
{
	elf_begin();
	elf_linux_notes(type);
}

static void no_xen_version(void) { without(XEN_ELFNOTE_XEN_VERSION); }
static void no_virt_base(void) { without(XEN_ELFNOTE_VIRT_BASE); }
static void wrong_xen_version(void) { elf_note_string(XEN_ELFNOTE_XEN_VERSION, "xen-4.0"); }
static void empty_xen_version(void) { elf_note_string(XEN_ELFNOTE_XEN_VERSION, ""); }
static void rude_xen_version(void) { elf_note_string(XEN_ELFNOTE_XEN_VERSION, "\033[2J\n(oops)"); }

static void pvh_only(void)
{
	u32 entry = 0x1000000;

	elf_begin();
	elf_note("Xen", XEN_ELFNOTE_PHYS32_ENTRY, &entry, 4);
	elf_ehdr()->e_entry = 0x1000000;
}

static void version_only_missing(void)
{
	elf_begin();
	elf_note_string(XEN_ELFNOTE_LOADER, "generic");
	elf_ehdr()->e_entry = 0x1000000;
}

static void wrong_loader(void)
{
	elf_note_string(XEN_ELFNOTE_LOADER, "special");
	elf_note_string(XEN_ELFNOTE_GUEST_OS, "plan9");
}

static void no_loader_no_os(void)
{
	elf_begin();
	elf_note_string(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	elf_ehdr()->e_entry = 0x1000000;
}

static void unknown_required(void) { elf_note_string(XEN_ELFNOTE_FEATURES, "dom0|!time_travel"); }
static void rude_required(void) { elf_note_string(XEN_ELFNOTE_FEATURES, "!\033[31m\n"); }
static void translated(void) { elf_note_string(XEN_ELFNOTE_FEATURES, "!auto_translated_physmap"); }
static void not_dom0(void) { without(XEN_ELFNOTE_SUPPORTED_FEATURES); u32 b = 1;
			     elf_note("Xen", XEN_ELFNOTE_SUPPORTED_FEATURES, &b, 4); }
static void virt_base_odd(void) { elf_note_u64(XEN_ELFNOTE_VIRT_BASE, ELF_VIRT_BASE + 8); }
static void virt_base_hole(void) { elf_note_u64(XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_START); }
static void virt_base_below_hole(void)
{
	elf_note_u64(XEN_ELFNOTE_VIRT_BASE, HYPERVISOR_VIRT_START - 0x1000000);
}
static void virt_base_wraps(void) { elf_note_u64(XEN_ELFNOTE_VIRT_BASE, ~0xfffUL); }
static void virt_base_not_canonical(void) { elf_note_u64(XEN_ELFNOTE_VIRT_BASE, 1UL << 47); }
static void virt_end_not_canonical(void)
{
	elf_note_u64(XEN_ELFNOTE_VIRT_BASE, (1UL << 47) - 0x1001000);
}
static void entry_below(void) { elf_note_u64(XEN_ELFNOTE_ENTRY, ELF_VIRT_BASE + 0xffffff); }
static void entry_at_end(void) { elf_note_u64(XEN_ELFNOTE_ENTRY, ELF_VIRT_BASE + 0x1008100); }
static void entry_in_hypervisor(void) { elf_note_u64(XEN_ELFNOTE_ENTRY, HYPERVISOR_VIRT_START); }
static void hypercall_outside(void) { elf_note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_VIRT_BASE); }
static void hypercall_odd(void)
{
	elf_note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_VIRT_BASE + 0x1002800);
}
static void hypercall_half(void)
{
	elf_note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_VIRT_BASE + 0x1008000);
}
static void hypercall_past(void)
{
	elf_note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_VIRT_BASE + 0x1009000);
}
static void hypercall_hv(void) { elf_note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, HYPERVISOR_VIRT_START); }
static void p2m_inside(void) { elf_note_u64(XEN_ELFNOTE_INIT_P2M, ELF_VIRT_BASE + 0x1001000); }
static void p2m_at_base(void) { elf_note_u64(XEN_ELFNOTE_INIT_P2M, ELF_VIRT_BASE); }
static void p2m_odd(void) { elf_note_u64(XEN_ELFNOTE_INIT_P2M, 0x8000000001); }
static void p2m_hole(void) { elf_note_u64(XEN_ELFNOTE_INIT_P2M, HYPERVISOR_VIRT_START + 0x1000); }
static void p2m_top(void) { elf_note_u64(XEN_ELFNOTE_INIT_P2M, ~0xfffUL); }
static void below_offset(void) { elf_note_u64(XEN_ELFNOTE_PADDR_OFFSET, 0x1000001); }

static const struct {
	const char *claim;
	void (*damage)(void);
	int rc;
	const char *why;
} refusals[] = {
	{ "an empty file", empty, -ENOEXEC, "is empty" },
	{ "a text file", text, -ENOEXEC, "is not an ELF file" },
	{ "a bzImage", bzimage, -ENOEXEC,
	  "is a compressed kernel (bzImage); unpack it (tools/isola-run does)" },
	{ "a gzip file", gzip, -ENOEXEC, "is compressed (gzip); unpack it" },
	{ "an xz file", xz, -ENOEXEC, "is compressed (xz); unpack it" },
	{ "an initrd", cpio, -ENOEXEC, "is a cpio archive" },
	{ "an EFI program", efi_program, -ENOEXEC, "is an EFI or DOS program" },
	{ "a 32-bit ELF file", class32, -ENOEXEC, "is not a 64-bit ELF file (class 1)" },
	{ "a big-endian ELF file", big_endian, -ENOEXEC,
	  "is not a little-endian ELF file (encoding 2)" },
	{ "63 bytes of header", header_cut, -EINVAL,
	  "is cut off inside its ELF header (63 bytes)" },
	{ "ELF version 2", bad_version, -EINVAL, "has unknown ELF version 2" },
	{ "an ARM kernel", arm, -ENOEXEC, "is for another machine (ELF machine 183, not x86-64)" },
	{ "an i386 kernel in class 64", i386, -ENOEXEC, "is for another machine (ELF machine 3" },
	{ "an object file", relocatable, -ENOEXEC, "is not an executable (ELF type 1)" },
	{ "a shared object", shared, -ENOEXEC, "is not an executable (ELF type 3)" },
	{ "a core dump", core, -ENOEXEC, "is not an executable (ELF type 4)" },
	{ "no program headers", no_phdrs, -EINVAL, "has no program headers" },
	{ "65535 program headers", many_phdrs, -EINVAL,
	  "has 65535 program headers, more than 128" },
	{ "32-byte program headers", phentsize, -EINVAL,
	  "has program headers of 32 bytes, not 56" },
	{ "program headers past the end", phoff_past, -EINVAL,
	  "program header table that reaches past the end" },
	{ "program headers that wrap", phoff_wraps, -EINVAL,
	  "program header table that reaches past the end" },
	{ "40-byte section headers", shentsize, -EINVAL,
	  "has section headers of 40 bytes, not 64" },
	{ "section headers past the end", shoff_past, -EINVAL,
	  "section header table that reaches past the end" },
	{ "section headers that wrap", shoff_wraps, -EINVAL,
	  "section header table that reaches past the end" },
	{ "a segment past the end", seg_past, -EINVAL,
	  "program header 2, which reaches past the end of the file" },
	{ "a segment whose offset wraps", seg_offset_wraps, -EINVAL,
	  "program header 2, which reaches past" },
	{ "a segment of 16 EiB in the file", seg_filesz_huge, -EINVAL,
	  "program header 2, which reaches past" },
	{ "a segment larger in the file", seg_memsz_less, -EINVAL,
	  "program header 2, larger in the file" },
	{ "a segment of 4 EiB", seg_memsz_huge, -EINVAL,
	  "program header 3 with an impossible address or size" },
	{ "a segment of 16 EiB", seg_memsz_wraps, -EINVAL,
	  "program header 3 with an impossible address or size" },
	{ "a segment at 1 PiB", seg_paddr_huge, -EINVAL,
	  "program header 3 with an impossible address or size" },
	{ "a segment at the top", seg_paddr_wraps, -EINVAL,
	  "program header 3 with an impossible address or size" },
	{ "segments that overlap by a byte", seg_overlap, -EINVAL,
	  "overlapping segments at 0x1000000 and 0x1004000" },
	{ "segments at one address", seg_same, -EINVAL,
	  "overlapping segments at 0x1000000 and 0x1000000" },
	{ "no loadable segment", no_segments, -EINVAL, "has no loadable segment" },
	{ "17 segments", many_segments, -EINVAL, "has more than 16 loadable segments" },
	{ "no notes", no_notes, -ENOEXEC, "has no Xen notes: it is not a PV kernel" },
	{ "notes of others only", foreign_notes_only, -ENOEXEC, "has no Xen notes" },
	{ "a __xen_guest section", legacy, -ENOEXEC, "describes itself in a __xen_guest section" },
	{ "a __xen_guest section without names", legacy_no_strings, -ENOEXEC, "has no Xen notes" },
	{ "a section name cut off by the file's end", legacy_cut, -ENOEXEC, "has no Xen notes" },
	{ "note segment past the end", notes_past, -EINVAL,
	  "program header 0 (notes), which reaches past the end" },
	{ "note section past the end", note_section_past, -EINVAL,
	  "section 1 (notes), which reaches past the end" },
	{ "a note past its segment", note_past, -EINVAL,
	  "which reaches past its segment or section" },
	{ "a note with a name of 4 GiB", note_name_huge, -EINVAL,
	  "note 0, which reaches past its segment" },
	{ "a note of 4 GiB", note_desc_huge, -EINVAL, "note 0, which reaches past its segment" },
	{ "the same in a section", note_section_bad, -EINVAL,
	  "note 0, which reaches past its segment" },
	{ "300 notes", many_notes, -EINVAL, "has more than 256 notes" },
	{ "an ENTRY of 3 bytes", number_of_3_bytes, -EINVAL,
	  "has note ENTRY of 3 bytes, which is no number" },
	{ "a VIRT_BASE of 0 bytes", number_of_none, -EINVAL, "note VIRT_BASE of 0 bytes" },
	{ "a MOD_START_PFN of 5 bytes", flag_of_5_bytes, -EINVAL, "note MOD_START_PFN of 5 bytes" },
	{ "no XEN_VERSION", no_xen_version, -ENOEXEC,
	  "has a PVH entry only (no XEN_VERSION note)" },
	{ "XEN_VERSION xen-4.0", wrong_xen_version, -ENOEXEC,
	  "is built for \"xen-4.0\", not for xen-3.0" },
	{ "an empty XEN_VERSION", empty_xen_version, -ENOEXEC, "XEN_VERSION note" },
	{ "a XEN_VERSION with control characters", rude_xen_version, -ENOEXEC,
	  "is built for \"?[2J?(oops)\"" },
	{ "a PVH kernel", pvh_only, -ENOEXEC, "has a PVH entry only" },
	{ "only XEN_VERSION missing", version_only_missing, -ENOEXEC, "has no XEN_VERSION note" },
	{ "LOADER special, GUEST_OS plan9", wrong_loader, -ENOEXEC,
	  "asks for loader \"special\" and guest OS \"plan9\"" },
	{ "neither LOADER nor GUEST_OS", no_loader_no_os, -ENOEXEC,
	  "asks for loader \"\" and guest OS \"\"" },
	{ "an unknown feature required", unknown_required, -ENOEXEC,
	  "requires feature \"time_travel\", which is unknown" },
	{ "a required feature with control characters", rude_required, -ENOEXEC,
	  "requires feature \"?[31m?\"" },
	{ "a required feature not on offer", translated, -ENOEXEC,
	  "requires feature \"auto_translated_physmap\", which is not offered" },
	{ "no dom0 bit", not_dom0, -ENOEXEC, "cannot be a dom0" },
	{ "no VIRT_BASE", no_virt_base, -EINVAL, "and no VIRT_BASE note" },
	{ "VIRT_BASE not aligned", virt_base_odd, -EINVAL, "which is not page-aligned" },
	{ "VIRT_BASE in the hypervisor", virt_base_hole, -EINVAL,
	  "VIRT_BASE 0xffff800000000000, which puts it" },
	{ "VIRT_BASE just below", virt_base_below_hole, -EINVAL,
	  "which puts it where no PV guest may be" },
	{ "VIRT_BASE that wraps", virt_base_wraps, -EINVAL,
	  "which puts it where no PV guest may be" },
	{ "VIRT_BASE not canonical", virt_base_not_canonical, -EINVAL,
	  "which puts it where no PV guest may be" },
	{ "an end that is not canonical", virt_end_not_canonical, -EINVAL,
	  "which puts it where no PV guest may be" },
	{ "an entry below the kernel", entry_below, -EINVAL,
	  "entry point 0xffffffff80ffffff outside itself" },
	{ "an entry at its end", entry_at_end, -EINVAL,
	  "entry point 0xffffffff81008100 outside itself" },
	{ "an entry in the hypervisor", entry_in_hypervisor, -EINVAL,
	  "entry point 0xffff800000000000 outside" },
	{ "a hypercall page below", hypercall_outside, -EINVAL,
	  "HYPERCALL_PAGE 0xffffffff80000000, which is no page" },
	{ "a hypercall page not aligned", hypercall_odd, -EINVAL,
	  "which is no page inside itself" },
	{ "a hypercall page that sticks out", hypercall_half, -EINVAL,
	  "which is no page inside itself" },
	{ "a hypercall page past the end", hypercall_past, -EINVAL,
	  "which is no page inside itself" },
	{ "a hypercall page in the hypervisor", hypercall_hv, -EINVAL,
	  "which is no page inside itself" },
	{ "INIT_P2M inside the kernel", p2m_inside, -EINVAL,
	  "INIT_P2M 0xffffffff81001000 inside its own" },
	{ "INIT_P2M at the base", p2m_at_base, -EINVAL,
	  "INIT_P2M 0xffffffff80000000 inside its own" },
	{ "INIT_P2M not aligned", p2m_odd, -EINVAL, "INIT_P2M 0x8000000001, where no PV guest" },
	{ "INIT_P2M in the hypervisor", p2m_hole, -EINVAL, "where no PV guest may have a page" },
	{ "INIT_P2M in the top page", p2m_top, -EINVAL, "where no PV guest may have a page" },
	{ "a segment below PADDR_OFFSET", below_offset, -EINVAL,
	  "program header 2 below PADDR_OFFSET 0x1000001" },
};

static void test_refusals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		void *exact;
		int rc;

		elf_good();
		refusals[i].damage();
		exact = malloc(e.size ? e.size : 1);
		memcpy(exact, e.bytes, e.size);
		rc = parse(exact, e.size);
		free(exact);
		ok(rc == refusals[i].rc && why && strstr(why, refusals[i].why) &&
			   fuzz_is_sentence(why),
		   "refused: %s: %s", refusals[i].claim, why ? why : "(taken)");
	}
	elf_good();
	not_dom0();
	as_dom0 = false;
	ok(!parse(e.bytes, e.size), "no dom0 bit is fine for another domain");
	as_dom0 = true;
}

/* ---- Whatever the bytes: an answer that keeps elf.h's promises, or a sentence. --------------- */

static void fuzz(const void *input, size_t len)
{
	volatile u8 sink = 0;

	if (parse(input, len)) {
		check(fuzz_is_sentence(why), "refused with \"%s\"", why ? why : "(nothing)");
		return;
	}
	check(out.nr_segments >= 1 && out.nr_segments <= ELF_MAX_SEGMENTS, "%u segments",
	      out.nr_segments);
	for (unsigned int i = 0; i < out.nr_segments; i++) {
		const struct elf_segment *s = &out.segment[i];

		check(s->file_size <= s->mem_size && s->mem_size, "segment %u's sizes", i);
		check(s->paddr >= out.mem_start && s->paddr + s->mem_size <= out.mem_end,
		      "segment %u's place", i);
		check(!i || s->paddr >= s[-1].paddr + s[-1].mem_size, "segment %u overlaps", i);
		if (s->file_size) /* touch both ends: the sanitizer knows whether they are there */
			sink = (u8)(sink + *(const u8 *)s->bytes +
				    ((const u8 *)s->bytes)[s->file_size - 1]);
	}
	check(out.virt_start < out.virt_end &&
		      out.virt_end - out.virt_start == out.mem_end - out.mem_start,
	      "extent");
	check(out.virt_end <= 1UL << 47 || out.notes.virt_base >= HYPERVISOR_VIRT_END,
	      "virtual place");
	check(out.notes.entry >= out.virt_start && out.notes.entry < out.virt_end, "entry");
	check(!out.notes.has_hypercall_page || (out.notes.hypercall_page >= out.virt_start &&
	      out.notes.hypercall_page + 4096 <= out.virt_end), "hypercall page");
}

static void test_fuzz(void)
{
	static u8 good[ELF_SIZE];

	elf_good();
	memcpy(good, e.bytes, ELF_SIZE);
	for (u32 n = 0; n < ELF_SIZE; n++) {
		fuzz_one(good, n, fuzz);
		check(!why == (n >= ELF_STRINGS), "cut at 0x%x", n);
	}
	all_ok("the good file, cut at every byte: refused, unless only names of sections are "
	       "missing");
	fuzz_damages(good, ELF_SIZE, 200000, NULL, fuzz);
	all_ok("200000 damaged files");
	elf_begin();
	notes_in_section();
	memcpy(good, e.bytes, ELF_SIZE);
	fuzz_damages(good, ELF_SIZE, 100000, NULL, fuzz);
	all_ok("100000 more, with the notes in a section");
}

int main(void)
{
	test_good();
	test_takes();
	test_refusals();
	test_fuzz();
	return done();
}
