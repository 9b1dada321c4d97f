/* SPDX-License-Identifier: MIT */
/*
 * A PV kernel's ELF file under construction: three program headers, notes, three segments' bytes,
 * and sections.
 *
 * The layout is fixed, so a case can name what it changes: headers at ELF_PHDR(i), notes at
 * ELF_NOTES.
 */
#pragma once
#include "../../common/lib/elf_format.h"

#include <xen/elfnote.h>

#define ELF_PHDR(i)	(64 + (i) * 56)
#define ELF_NR_PHDRS	4
#define ELF_NOTES	0x200
#define ELF_NOTES_ROOM	0x400
#define ELF_BYTES	0x600
#define ELF_SHDRS	0x900
#define ELF_NR_SHDRS	4
#define ELF_STRINGS	0xa00
#define ELF_SIZE	0xa40

#define ELF_VIRT_BASE	0xffffffff80000000UL
#define ELF_ENTRY	(ELF_VIRT_BASE + 0x1000100)

static struct elf_builder {
	u8 bytes[0x8000];
	u32 size, notes_len;
} e;

static inline struct elf64_ehdr *elf_ehdr(void)
{
	return (struct elf64_ehdr *)e.bytes;
}

static inline struct elf64_phdr *elf_phdr(int i)
{
	return (struct elf64_phdr *)(e.bytes + ELF_PHDR(i));
}

static inline struct elf64_shdr *elf_shdr(int i)
{
	return (struct elf64_shdr *)(e.bytes + ELF_SHDRS) + i;
}

/* Add a note; both places that describe the notes grow with it. */
static inline void elf_note(const char *owner, u32 type, const void *desc, u32 len)
{
	struct elf_note_header h = { .namesz = (u32)strlen(owner) + 1,
				     .descsz = len,
				     .type = type };
	u8 *p = e.bytes + ELF_NOTES + e.notes_len;

	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), owner, h.namesz);
	memcpy(p + sizeof(h) + ROUNDUP(h.namesz, 4), desc, len);
	e.notes_len += (u32)sizeof(h) + ROUNDUP(h.namesz, 4) + ROUNDUP(len, 4);
	elf_phdr(0)->p_filesz = elf_phdr(0)->p_memsz = e.notes_len;
	elf_shdr(1)->sh_size = e.notes_len;
}

static inline void elf_note_u64(u32 type, u64 value)
{
	elf_note("Xen", type, &value, 8);
}

static inline void elf_note_string(u32 type, const char *s)
{
	elf_note("Xen", type, s, (u32)strlen(s) + 1);
}

/* Everything but notes. */
static inline void elf_begin(void)
{
	static const char strings[] = "\0.note\0.shstrtab\0.text";

	memset(&e, 0, sizeof(e));
	e.size = ELF_SIZE;
	memset(e.bytes + ELF_BYTES, 0xcc, 0x300);
	*elf_ehdr() = (struct elf64_ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = ELF_ENTRY + 0x10,
		.e_phoff = ELF_PHDR(0),
		.e_shoff = ELF_SHDRS,
		.e_ehsize = 64,
		.e_phentsize = 56,
		.e_phnum = ELF_NR_PHDRS,
		.e_shentsize = 64,
		.e_shnum = ELF_NR_SHDRS,
		.e_shstrndx = 2,
	};
	*elf_phdr(0) = (struct elf64_phdr){ .p_type = PT_NOTE, .p_offset = ELF_NOTES };
	/*
	 * Out of order on purpose; the last has an odd virtual address, as Linux's per-CPU segment
	 * does.
	 */
	*elf_phdr(1) = (struct elf64_phdr){ .p_type = PT_LOAD,
					    .p_offset = ELF_BYTES + 0x100,
					    .p_filesz = 0x100,
					    .p_vaddr = ELF_VIRT_BASE + 0x1004000,
					    .p_paddr = 0x1004000,
					    .p_memsz = 0x3000 };
	*elf_phdr(2) = (struct elf64_phdr){ .p_type = PT_LOAD,
					    .p_offset = ELF_BYTES,
					    .p_filesz = 0x100,
					    .p_vaddr = ELF_VIRT_BASE + 0x1000000,
					    .p_paddr = 0x1000000,
					    .p_memsz = 0x4000 };
	*elf_phdr(3) = (struct elf64_phdr){ .p_type = PT_LOAD,
					    .p_offset = ELF_BYTES + 0x200,
					    .p_filesz = 0x100,
					    .p_vaddr = 0,
					    .p_paddr = 0x1008000,
					    .p_memsz = 0x100 };
	*elf_shdr(1) =
		(struct elf64_shdr){ .sh_name = 1, .sh_type = SHT_NOTE, .sh_offset = ELF_NOTES };
	*elf_shdr(2) = (struct elf64_shdr){ .sh_name = 7, .sh_type = 3, .sh_offset = ELF_STRINGS,
		.sh_size = sizeof(strings) };
	*elf_shdr(3) = (struct elf64_shdr){
		.sh_name = 17, .sh_type = 1, .sh_offset = ELF_BYTES, .sh_size = 0x100
	};
	memcpy(e.bytes + ELF_STRINGS, strings, sizeof(strings));
}

/* The notes of a Debian kernel, all of them, but for @without. */
static inline void elf_linux_notes(u32 without)
{
	u64 pair[2] = { 1, 1 };
	u32 one = 1, bits = 0x8801;

#define WANT(type) if (without != (type))
	WANT(XEN_ELFNOTE_GUEST_OS) elf_note_string(XEN_ELFNOTE_GUEST_OS, "linux");
	WANT(XEN_ELFNOTE_GUEST_VERSION) elf_note_string(XEN_ELFNOTE_GUEST_VERSION, "2.6");
	elf_note("GNU", 3, "0123456789012345678", 20);
	WANT(XEN_ELFNOTE_XEN_VERSION) elf_note_string(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	WANT(XEN_ELFNOTE_VIRT_BASE) elf_note_u64(XEN_ELFNOTE_VIRT_BASE, ELF_VIRT_BASE);
	WANT(XEN_ELFNOTE_INIT_P2M) elf_note_u64(XEN_ELFNOTE_INIT_P2M, 0x8000000000);
	WANT(XEN_ELFNOTE_ENTRY) elf_note_u64(XEN_ELFNOTE_ENTRY, ELF_ENTRY);
	WANT(XEN_ELFNOTE_HYPERCALL_PAGE)
	elf_note_u64(XEN_ELFNOTE_HYPERCALL_PAGE, ELF_VIRT_BASE + 0x1002000);
	WANT(XEN_ELFNOTE_FEATURES)
	elf_note_string(XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb");
	WANT(XEN_ELFNOTE_SUPPORTED_FEATURES)
	elf_note("Xen", XEN_ELFNOTE_SUPPORTED_FEATURES, &bits, 4);
	WANT(XEN_ELFNOTE_PAE_MODE) elf_note_string(XEN_ELFNOTE_PAE_MODE, "yes");
	WANT(XEN_ELFNOTE_LOADER) elf_note_string(XEN_ELFNOTE_LOADER, "generic");
	WANT(XEN_ELFNOTE_L1_MFN_VALID) elf_note("Xen", XEN_ELFNOTE_L1_MFN_VALID, pair, 16);
	WANT(XEN_ELFNOTE_SUSPEND_CANCEL) elf_note("Xen", XEN_ELFNOTE_SUSPEND_CANCEL, &one, 4);
	WANT(XEN_ELFNOTE_MOD_START_PFN) elf_note("Xen", XEN_ELFNOTE_MOD_START_PFN, &one, 4);
	WANT(XEN_ELFNOTE_HV_START_LOW) elf_note_u64(XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000);
	WANT(XEN_ELFNOTE_PADDR_OFFSET) elf_note_u64(XEN_ELFNOTE_PADDR_OFFSET, 0);
	WANT(XEN_ELFNOTE_PHYS32_ENTRY) elf_note("Xen", XEN_ELFNOTE_PHYS32_ENTRY, &one, 4);
#undef WANT
}

static inline void elf_good(void)
{
	elf_begin();
	elf_linux_notes(0);
}
