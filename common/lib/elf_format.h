/* SPDX-License-Identifier: MIT */
/*
 * The ELF64 file format, as far as a kernel loader reads it, and the cursor that all reading goes
 * through.
 *
 * Source: System V ABI, chapters 4 and 5; AMD64 supplement. Fields keep the standard's names.
 * Structures are copied out of the file before use: a file need not be aligned, nor stay the same
 * while it is read.
 */
#pragma once
#include <isola/lib/elf.h>
#include <isola/lib/string.h>

#define ELF_MAGIC		"\177ELF"
#define ELFCLASS64		2
#define ELFDATA2LSB		1
#define EV_CURRENT		1
#define ET_EXEC			2
#define EM_X86_64		62
#define PT_LOAD			1
#define PT_NOTE			4
#define SHT_NOTE		7

struct elf64_ehdr {
	u8 e_ident[16];		/* magic, class, data, version, ABI */
	u16 e_type, e_machine;
	u32 e_version;
	u64 e_entry, e_phoff, e_shoff;
	u32 e_flags;
	u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct elf64_phdr {
	u32 p_type, p_flags;
	u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

struct elf64_shdr {
	u32 sh_name, sh_type;
	u64 sh_flags, sh_addr, sh_offset, sh_size;
	u32 sh_link, sh_info;
	u64 sh_addralign, sh_entsize;
};

struct elf_note_header {
	u32 namesz, descsz, type;
};

static_assert(sizeof(struct elf64_ehdr) == 64, "ELF64 file header");
static_assert(sizeof(struct elf64_phdr) == 56, "ELF64 program header");
static_assert(sizeof(struct elf64_shdr) == 64, "ELF64 section header");

/* The file: every access is checked against this one length. */
struct elf_file {
	const u8 *base;
	u64 size;
	struct elf64_ehdr header;	/* valid once elf_parse has read it */
};

static inline bool elf_has(const struct elf_file *f, u64 offset, u64 len)
{
	return offset <= f->size && len <= f->size - offset;
}

static inline bool __must_check elf_read(const struct elf_file *f, u64 offset, void *to, u64 len)
{
	if (!elf_has(f, offset, len))
		return false;
	memcpy(to, f->base + offset, len);
	return true;
}

/* Entry @i of the program (section) header table, whose bounds have been checked. */
static inline bool __must_check elf_read_phdr(const struct elf_file *f, unsigned int i,
					      struct elf64_phdr *ph)
{
	return elf_read(f, f->header.e_phoff + (u64)i * sizeof(*ph), ph, sizeof(*ph));
}

static inline bool __must_check elf_read_shdr(const struct elf_file *f, unsigned int i,
					      struct elf64_shdr *sh)
{
	return elf_read(f, f->header.e_shoff + (u64)i * sizeof(*sh), sh, sizeof(*sh));
}

/*
 * Text from the file is on its way to a console: nothing in it may be taken for a control
 * character.
 */
static inline void elf_make_printable(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

/* Set *@why to a text with numbers in it, put together in @out. Evaluates to @rc. */
#define elf_fail(rc, ...)						\
	(snprintf(out->fault, sizeof(out->fault), __VA_ARGS__),		\
	 elf_make_printable(out->fault), *why = out->fault, (rc))

/*
 * Find the Xen notes and read them into out->notes.
 *
 * Returns   0, or -EINVAL or -ENOEXEC with @why. Program and section header tables have been
 *           bounds-checked.
 */
int __must_check elf_notes_read(const struct elf_file *f, struct elf_image *out, const char **why);
