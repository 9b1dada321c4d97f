/* SPDX-License-Identifier: MIT */
/*
 * ELF: from the bytes of a file to the segments of a PV kernel.
 *
 * Invariants (BOOT-1): the file is reached only through elf_read() and elf_has(); sums are formed
 * only where they have been shown not to wrap; every loop runs over a count that has been bounded.
 */
#include "elf_format.h"

#include <isola/errno.h>
#include <isola/lib/format.h>
#include <xen/xen.h>

#define MAX_PHDRS	128
#define MAX_PADDR	GIB(1024)	/* no kernel lies higher; no later sum can wrap */

/* Files that people hand us by mistake, by their first bytes. */
static const struct {
	u64 offset;
	const char *magic;
	u64 len;
	const char *what;
	bool unpackable;	/* the unpacker's: what is left of it then is packed too often */
} strangers[] = {
	{ 0x202, "HdrS", 4, "is a compressed kernel (bzImage), and that more than once", true },
	{ 0, "\x1f\x8b", 2, "is compressed (gzip), and that too often", true },
	{ 0, "\xfd" "7zXZ", 6, "is compressed (xz), and that too often", true },
	{ 0, "\x28\xb5\x2f\xfd", 4, "is compressed (zstd), and that too often", true },
	{ 0, "\x02\x21\x4c\x18", 4, "is compressed (lz4), and that too often", true },
	{ 0, "\x04\x22\x4d\x18", 4, "is compressed (lz4's frame format); unpack it", false },
	{ 0, "BZh", 3, "is compressed (bzip2); unpack it", false },
	{ 0, "\x5d\0\0", 3, "is compressed (lzma), and that too often", true },
	{ 0, "070701", 6, "is a cpio archive (an initrd?), not a kernel", false },
	{ 0, "MZ", 2, "is an EFI or DOS program, not a PV kernel", false },
};

/* The index of what the file is; ARRAY_SIZE(strangers): none of them. */
static size_t find_stranger(const struct elf_file *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strangers); i++)
		if (elf_has(f, strangers[i].offset, strangers[i].len) &&
		    !memcmp(f->base + strangers[i].offset, strangers[i].magic, strangers[i].len))
			break;
	return i;
}

static const char *name_stranger(const struct elf_file *f)
{
	size_t i = find_stranger(f);

	if (!f->size)
		return "is empty";
	return i < ARRAY_SIZE(strangers) ? strangers[i].what : "is not an ELF file";
}

bool elf_is_packed(const void *image, size_t size)
{
	struct elf_file f = { .base = image, .size = size };
	size_t i = find_stranger(&f);

	return i < ARRAY_SIZE(strangers) && strangers[i].unpackable;
}

static int read_header(struct elf_file *f, struct elf_image *out, const char **why)
{
	struct elf64_ehdr *h = &f->header;

	if (!elf_has(f, 0, 4) || memcmp(f->base, ELF_MAGIC, 4)) {
		*why = name_stranger(f);
		return -ENOEXEC;
	}
	if (elf_has(f, 0, 5) && f->base[4] != ELFCLASS64)
		return elf_fail(-ENOEXEC, "is not a 64-bit ELF file (class %u)", f->base[4]);
	if (!elf_read(f, 0, h, sizeof(*h)))
		return elf_fail(-EINVAL, "is cut off inside its ELF header (%lu bytes)", f->size);
	if (h->e_ident[5] != ELFDATA2LSB)
		return elf_fail(-ENOEXEC, "is not a little-endian ELF file (encoding %u)",
				h->e_ident[5]);
	if (h->e_ident[6] != EV_CURRENT || h->e_version != EV_CURRENT)
		return elf_fail(-EINVAL, "has unknown ELF version %u", h->e_version);
	if (h->e_machine != EM_X86_64)
		return elf_fail(-ENOEXEC, "is for another machine (ELF machine %u, not x86-64)",
				h->e_machine);
	if (h->e_type != ET_EXEC)
		return elf_fail(-ENOEXEC, "is not an executable (ELF type %u)", h->e_type);
	return 0;
}

static int check_tables(const struct elf_file *f, struct elf_image *out, const char **why)
{
	const struct elf64_ehdr *h = &f->header;

	if (!h->e_phnum) {
		*why = "has no program headers";
		return -EINVAL;
	}
	if (h->e_phnum > MAX_PHDRS)
		return elf_fail(-EINVAL, "has %u program headers, more than %u", h->e_phnum,
				MAX_PHDRS);
	if (h->e_phentsize != sizeof(struct elf64_phdr))
		return elf_fail(-EINVAL, "has program headers of %u bytes, not %zu", h->e_phentsize,
				sizeof(struct elf64_phdr));
	if (!elf_has(f, h->e_phoff, h->e_phnum * sizeof(struct elf64_phdr))) {
		*why = "has a program header table that reaches past the end of the file";
		return -EINVAL;
	}
	if (!h->e_shnum)
		return 0;
	if (h->e_shentsize != sizeof(struct elf64_shdr))
		return elf_fail(-EINVAL, "has section headers of %u bytes, not %zu", h->e_shentsize,
				sizeof(struct elf64_shdr));
	if (!elf_has(f, h->e_shoff, h->e_shnum * sizeof(struct elf64_shdr))) {
		*why = "has a section header table that reaches past the end of the file";
		return -EINVAL;
	}
	return 0;
}

/* Insert in order of address; a tie is an overlap and is found later. */
static void add_segment(struct elf_image *out, struct elf_segment s)
{
	unsigned int i = out->nr_segments++;

	for (; i && out->segment[i - 1].paddr > s.paddr; i--)
		out->segment[i] = out->segment[i - 1];
	out->segment[i] = s;
}

static int read_segment(const struct elf_file *f, unsigned int i, const struct elf64_phdr *ph,
			struct elf_image *out, const char **why)
{
	u64 offset = out->notes.paddr_offset;

	if (!elf_has(f, ph->p_offset, ph->p_filesz))
		return elf_fail(-EINVAL,
				"has program header %u, which reaches past the end of the file", i);
	if (ph->p_filesz > ph->p_memsz)
		return elf_fail(-EINVAL, "has program header %u, larger in the file than in memory",
				i);
	if (!ph->p_memsz)
		return 0;
	if (ph->p_paddr < offset)
		return elf_fail(-EINVAL, "has program header %u below PADDR_OFFSET 0x%lx", i,
				offset);
	if (ph->p_paddr - offset >= MAX_PADDR || ph->p_memsz > MAX_PADDR - (ph->p_paddr - offset))
		return elf_fail(-EINVAL, "has program header %u with an impossible address or size"
				" (0x%lx, 0x%lx bytes)", i, ph->p_paddr, ph->p_memsz);
	if (out->nr_segments == ELF_MAX_SEGMENTS)
		return elf_fail(-EINVAL, "has more than %u loadable segments", ELF_MAX_SEGMENTS);

	add_segment(out, (struct elf_segment){
		.bytes = f->base + ph->p_offset,
		.file_size = ph->p_filesz,
		.mem_size = ph->p_memsz,
		.paddr = ph->p_paddr - offset,
	});
	return 0;
}

static int read_segments(const struct elf_file *f, struct elf_image *out, const char **why)
{
	for (unsigned int i = 0; i < f->header.e_phnum; i++) {
		struct elf64_phdr ph;
		int rc;

		if (!elf_read_phdr(f, i, &ph))
			return -EINVAL;
		if (ph.p_type != PT_LOAD)
			continue;
		rc = read_segment(f, i, &ph, out, why);
		if (rc)
			return rc;
	}
	if (!out->nr_segments) {
		*why = "has no loadable segment";
		return -EINVAL;
	}
	for (unsigned int i = 1; i < out->nr_segments; i++) {
		const struct elf_segment *a = &out->segment[i - 1], *b = &out->segment[i];

		if (b->paddr - a->paddr < a->mem_size)
			return elf_fail(-EINVAL, "has overlapping segments at 0x%lx and 0x%lx",
					a->paddr + out->notes.paddr_offset,
					b->paddr + out->notes.paddr_offset);
	}
	out->mem_start = out->segment[0].paddr;
	out->mem_end = out->segment[out->nr_segments - 1].paddr +
		       out->segment[out->nr_segments - 1].mem_size;
	return 0;
}

/* Is [@start, @end) an address range that a 64-bit PV guest may use for itself? */
static bool is_guest_range(u64 start, u64 end)
{
	const u64 low_end = 1UL << 47;

	if (start >= end)
		return false;
	return end <= low_end || start >= HYPERVISOR_VIRT_END;
}

static int check_addresses(struct elf_image *out, const char **why)
{
	const struct pv_notes *n = &out->notes;

	if (!IS_ALIGNED(n->virt_base, 4096))
		return elf_fail(-EINVAL, "has VIRT_BASE 0x%lx, which is not page-aligned",
				n->virt_base);
	out->virt_start = n->virt_base + out->mem_start;
	out->virt_end = n->virt_base + out->mem_end;
	if (out->virt_start < n->virt_base || !is_guest_range(n->virt_base, out->virt_end))
		return elf_fail(-EINVAL,
				"has VIRT_BASE 0x%lx, which puts it where no PV guest may be",
				n->virt_base);
	if (n->entry < out->virt_start || n->entry >= out->virt_end)
		return elf_fail(-EINVAL, "has entry point 0x%lx outside itself (0x%lx-0x%lx)%s",
				n->entry, out->virt_start, out->virt_end,
				n->has_virt_base ? "" : " and no VIRT_BASE note");
	if (n->has_hypercall_page &&
	    (!IS_ALIGNED(n->hypercall_page, 4096) || n->hypercall_page < out->virt_start ||
	     n->hypercall_page >= out->virt_end || out->virt_end - n->hypercall_page < 4096))
		return elf_fail(-EINVAL, "has HYPERCALL_PAGE 0x%lx, which is no page inside itself",
				n->hypercall_page);
	if (n->has_init_p2m &&
	    (!IS_ALIGNED(n->init_p2m, 4096) || !is_guest_range(n->init_p2m, n->init_p2m + 4096)))
		return elf_fail(-EINVAL, "has INIT_P2M 0x%lx, where no PV guest may have a page",
				n->init_p2m);
	if (n->has_init_p2m && n->init_p2m >= n->virt_base && n->init_p2m < out->virt_end)
		return elf_fail(-EINVAL, "has INIT_P2M 0x%lx inside its own initial mapping",
				n->init_p2m);
	return 0;
}

int elf_parse(const void *image, size_t size, struct elf_image *out, const char **why)
{
	struct elf_file f = { .base = image, .size = size };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_header(&f, out, why);
	if (!rc)
		rc = check_tables(&f, out, why);
	if (!rc)
		rc = elf_notes_read(&f, out, why);
	if (rc)
		return rc;
	if (!out->notes.has_entry)
		out->notes.entry = f.header.e_entry;

	rc = read_segments(&f, out, why);
	if (!rc)
		rc = check_addresses(out, why);
	return rc;
}
