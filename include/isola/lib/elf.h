/* SPDX-License-Identifier: MIT */
/*
 * ELF: the file of a 64-bit PV kernel, read without trusting a byte of it.
 *
 * What is loaded where is decided by p_paddr alone: a segment belongs at pfn-space address p_paddr
 * - paddr_offset, and the guest sees that at virt_base above it. p_vaddr is not used (Linux has a
 * segment at 0).
 * After elf_parse() has returned 0: every segment's file bytes lie inside the image, file_size <=
 * mem_size, no two segments overlap, [virt_start, virt_end) is canonical and clear of the
 * hypervisor's range, and entry, and the hypercall page if there is one, lie inside it. What
 * remains to be checked needs the domain's size: that mem_end fits, and that the p2m list at
 * init_p2m stays clear of the initial mapping.
 */
#pragma once
#include <isola/types.h>

#define ELF_MAX_SEGMENTS	16

struct elf_segment {
	const void *bytes;	/* inside the image */
	u64 file_size;		/* bytes to copy */
	u64 mem_size;		/* bytes it occupies; the tail is zero */
	u64 paddr;		/* p_paddr - paddr_offset: pseudo-physical */
};

/* One bit per feature index of <xen/features.h>, submap 0. */
struct pv_features {
	u32 supported;
	u32 required;
};

/* The notes of owner "Xen" (<xen/elfnote.h>), checked for form, not for what we can grant. */
struct pv_notes {
	u64 entry;		/* ENTRY, or e_entry without one */
	u64 virt_base;
	u64 paddr_offset;
	u64 hv_start_low;	/* 0: no such note */
	u64 init_p2m;
	u64 hypercall_page;
	u64 phys32_entry;
	u64 l1_mfn_valid_mask, l1_mfn_valid_value;	/* 0: no such note */
	bool has_entry, has_virt_base, has_paddr_offset, has_init_p2m, has_hypercall_page;
	bool has_phys32_entry;	/* PHYS32_ENTRY, a PVH entry by physical address */
	bool mod_start_pfn;	/* the initrd may stay unmapped, its start given as a pfn */
	bool suspend_cancel;
	bool pae_extended_cr3;	/* PAE_MODE "yes" */
	struct pv_features features;
	bool has_supported_features;	/* SUPPORTED_FEATURES was there */
	char xen_version[16];
	char guest_os[32];
	char guest_version[32];
	char loader[16];
};

struct elf_image {
	unsigned int nr_segments;
	struct elf_segment segment[ELF_MAX_SEGMENTS];	/* sorted by paddr */
	u64 mem_start, mem_end;		/* pseudo-physical extent of all segments, end exclusive */
	u64 virt_start, virt_end;	/* the same in the guest's virtual space */
	struct pv_notes notes;
	char fault[160];		/* where a refusal with numbers in it is put together */
};

/*
 * Is @image, by its first bytes and no others, a packed kernel that the unpacker can be given
 * (unpack/)?
 */
bool elf_is_packed(const void *image, size_t size);

/*
 * Read a PV kernel's ELF file.
 *
 * @image    the file, @size bytes, any content.
 * @out      overwritten; points into @image; meaningful only on 0.
 * @why      on error, one English fragment naming the thing at fault.
 * Returns   0, or -EINVAL (damaged or hostile), -ENOEXEC (a sound file of a kind that we do not
 *           run).
 */
int __must_check elf_parse(const void *image, size_t size, struct elf_image *out, const char **why);

/*
 * Check what elf_parse() found against what is on offer to a domain: the ABI generation, the
 * features that the kernel requires, and, for @dom0, that it claims to be able to be one.
 *
 * @offered  bit per feature index, submap 0. Emulated page-table writes count as
 *           writable_page_tables here.
 * Returns   0, or -ENOEXEC with @why.
 */
int __must_check elf_check_pv(struct elf_image *out, u32 offered, bool dom0, const char **why);
