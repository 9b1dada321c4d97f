/* SPDX-License-Identifier: MIT */
/*
 * PV kernels that must be refused: what is changed about the good one, and the sentence about it.
 */
#pragma once
#include "elf_build.h"

#include <errno.h>
#include <xen/features.h>
#include <xen/xen.h>

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
	  "is a compressed kernel (bzImage), and that more than once" },
	{ "a gzip file", gzip, -ENOEXEC, "is compressed (gzip), and that too often" },
	{ "an xz file", xz, -ENOEXEC, "is compressed (xz), and that too often" },
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
