/* SPDX-License-Identifier: MIT */
/*
 * Xen notes: what a PV kernel's ELF file says about itself, and whether we can give it that.
 *
 * Notes are looked for in PT_NOTE segments, then, if those hold none of owner "Xen", in SHT_NOTE
 * sections. A later note of one type replaces an earlier one. Types that we do not know are
 * skipped.
 */
#include "elf_format.h"

#include <isola/errno.h>
#include <isola/lib/format.h>
#include <xen/elfnote.h>
#include <xen/features.h>

#define MAX_NOTES	256	/* per segment or section */
#define MAX_SECTIONS	4096

enum note_form {
	FORM_NUMBER,		/* 1, 2, 4 or 8 bytes, into a u64 */
	FORM_FLAG,		/* the same, into a bool: not zero */
	FORM_STRING,		/* into a char array, cut to fit */
	FORM_PAE,
	FORM_FEATURES,
	FORM_FEATURE_BITS,
	FORM_MASK_VALUE,
};

#define NOTES(member)	offsetof(struct pv_notes, member)
#define NONE		SIZE_MAX

static const struct note_kind {
	u32 type;
	const char *name;
	enum note_form form;
	size_t value, size;	/* where the value goes in struct pv_notes */
	size_t has;		/* where its presence is noted, or NONE */
} kinds[] = {
	{ XEN_ELFNOTE_ENTRY, "ENTRY", FORM_NUMBER, NOTES(entry), 8, NOTES(has_entry) },
	{ XEN_ELFNOTE_HYPERCALL_PAGE, "HYPERCALL_PAGE", FORM_NUMBER, NOTES(hypercall_page), 8,
	  NOTES(has_hypercall_page) },
	{ XEN_ELFNOTE_VIRT_BASE, "VIRT_BASE", FORM_NUMBER, NOTES(virt_base), 8,
	  NOTES(has_virt_base) },
	{ XEN_ELFNOTE_PADDR_OFFSET, "PADDR_OFFSET", FORM_NUMBER, NOTES(paddr_offset), 8,
	  NOTES(has_paddr_offset) },
	{ XEN_ELFNOTE_XEN_VERSION, "XEN_VERSION", FORM_STRING, NOTES(xen_version),
	  sizeof(((struct pv_notes *)0)->xen_version), NONE },
	{ XEN_ELFNOTE_GUEST_OS, "GUEST_OS", FORM_STRING, NOTES(guest_os),
	  sizeof(((struct pv_notes *)0)->guest_os), NONE },
	{ XEN_ELFNOTE_GUEST_VERSION, "GUEST_VERSION", FORM_STRING, NOTES(guest_version),
	  sizeof(((struct pv_notes *)0)->guest_version), NONE },
	{ XEN_ELFNOTE_LOADER, "LOADER", FORM_STRING, NOTES(loader),
	  sizeof(((struct pv_notes *)0)->loader), NONE },
	{ XEN_ELFNOTE_PAE_MODE, "PAE_MODE", FORM_PAE, NOTES(pae_extended_cr3), 1, NONE },
	{ XEN_ELFNOTE_FEATURES, "FEATURES", FORM_FEATURES, NOTES(features), 0, NONE },
	{ XEN_ELFNOTE_HV_START_LOW, "HV_START_LOW", FORM_NUMBER, NOTES(hv_start_low), 8, NONE },
	{ XEN_ELFNOTE_L1_MFN_VALID, "L1_MFN_VALID", FORM_MASK_VALUE, 0, 0, NONE },
	{ XEN_ELFNOTE_SUSPEND_CANCEL, "SUSPEND_CANCEL", FORM_FLAG, NOTES(suspend_cancel), 1, NONE },
	{ XEN_ELFNOTE_INIT_P2M, "INIT_P2M", FORM_NUMBER, NOTES(init_p2m), 8, NOTES(has_init_p2m) },
	{ XEN_ELFNOTE_MOD_START_PFN, "MOD_START_PFN", FORM_FLAG, NOTES(mod_start_pfn), 1, NONE },
	{ XEN_ELFNOTE_SUPPORTED_FEATURES, "SUPPORTED_FEATURES", FORM_FEATURE_BITS, NOTES(features),
	  0, NOTES(has_supported_features) },
	{ XEN_ELFNOTE_PHYS32_ENTRY, "PHYS32_ENTRY", FORM_NUMBER, NOTES(phys32_entry), 8,
	  NOTES(has_phys32_entry) },
};

static const char *const feature_names[] = {
	[XENFEAT_writable_page_tables] = "writable_page_tables",
	[XENFEAT_writable_descriptor_tables] = "writable_descriptor_tables",
	[XENFEAT_auto_translated_physmap] = "auto_translated_physmap",
	[XENFEAT_supervisor_mode_kernel] = "supervisor_mode_kernel",
	[XENFEAT_pae_pgdir_above_4gb] = "pae_pgdir_above_4gb",
	[XENFEAT_mmu_pt_update_preserve_ad] = "mmu_pt_update_preserve_ad",
	[XENFEAT_highmem_assist] = "highmem_assist",
	[XENFEAT_gnttab_map_avail_bits] = "gnttab_map_avail_bits",
	[XENFEAT_hvm_callback_vector] = "hvm_callback_vector",
	[XENFEAT_hvm_safe_pvclock] = "hvm_safe_pvclock",
	[XENFEAT_hvm_pirqs] = "hvm_pirqs",
	[XENFEAT_dom0] = "dom0",
	[XENFEAT_memory_op_vnode_supported] = "memory_op_vnode_supported",
	[XENFEAT_ARM_SMCCC_supported] = "ARM_SMCCC_supported",
	[XENFEAT_linux_rsdp_unrestricted] = "linux_rsdp_unrestricted",
	[XENFEAT_not_direct_mapped] = "not_direct_mapped",
	[XENFEAT_direct_mapped] = "direct_mapped",
};

static int feature_index(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(feature_names); i++)
		if (feature_names[i] && strlen(feature_names[i]) == len &&
		    !memcmp(s, feature_names[i], len))
			return (int)i;
	return -1;
}

/* [!]name|[!]name...: an unknown name matters only if it is required. */
static int parse_features(const char *s, size_t len, struct elf_image *out, const char **why)
{
	struct pv_features *f = &out->notes.features;
	size_t pos = 0;

	while (pos < len && s[pos]) {
		size_t end = pos;
		bool required = s[pos] == '!';
		int i;

		while (end < len && s[end] && s[end] != '|')
			end++;
		pos += required;
		i = feature_index(s + pos, end - pos);
		if (i < 0 && required)
			return elf_fail(-ENOEXEC, "requires feature \"%.*s\", which is unknown",
					(int)min(end - pos, (size_t)40), s + pos);
		if (i >= 0) {
			f->supported |= (u32)BIT(i);
			if (required)
				f->required |= (u32)BIT(i);
		}
		pos = end < len && s[end] == '|' ? end + 1 : end;
	}
	return 0;
}

static int read_number(const struct note_kind *k, const u8 *desc, u32 len, u64 *value,
		       struct elf_image *out, const char **why)
{
	*value = 0;
	if (len != 1 && len != 2 && len != 4 && len != 8)
		return elf_fail(-EINVAL, "has note %s of %u bytes, which is no number", k->name,
				len);
	memcpy(value, desc, len);
	return 0;
}

static int read_mask_value(const u8 *desc, u32 len, struct elf_image *out)
{
	if (len >= 16) {
		memcpy(&out->notes.l1_mfn_valid_mask, desc, 8);
		memcpy(&out->notes.l1_mfn_valid_value, desc + 8, 8);
	}
	return 0;
}

static void copy_string(char *to, size_t size, const u8 *desc, u32 len)
{
	size_t n = min(strnlen((const char *)desc, len), size - 1);

	memcpy(to, desc, n);
	to[n] = '\0';
	elf_make_printable(to);
}

/* [@desc, @desc + @len) lies inside the file. */
static int read_note(const struct note_kind *k, const u8 *desc, u32 len, struct elf_image *out,
		     const char **why)
{
	char *to = (char *)&out->notes + k->value;
	u64 number = 0;
	int rc = 0;

	if (k->form == FORM_NUMBER || k->form == FORM_FLAG || k->form == FORM_FEATURE_BITS) {
		rc = read_number(k, desc, len, &number, out, why);
		if (rc)
			return rc;
	}
	if (k->has != NONE)
		*((char *)&out->notes + k->has) = true;

	switch (k->form) {
	case FORM_NUMBER:
		memcpy(to, &number, sizeof(number));
		break;
	case FORM_FLAG:
		*(bool *)to = number != 0;
		break;
	case FORM_STRING:
		copy_string(to, k->size, desc, len);
		break;
	case FORM_PAE:
		*(bool *)to = len >= 3 && !memcmp(desc, "yes", 3) && (len == 3 || !desc[3]);
		break;
	case FORM_FEATURES:
		rc = parse_features((const char *)desc, len, out, why);
		break;
	case FORM_FEATURE_BITS:
		out->notes.features.supported |= (u32)number;
		break;
	case FORM_MASK_VALUE:
		rc = read_mask_value(desc, len, out);
		break;
	}
	return rc;
}

static const struct note_kind *find_kind(u32 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static u64 pad4(u32 n)
{
	return ROUNDUP((u64)n, 4);
}

/*
 * Walk the notes in [@offset, @offset + @len), which lies inside the file. Returns how many were
 * Xen's, or an error. Each step moves on by at least a note header, so the length bounds the loop
 * too.
 */
static int walk_notes(const struct elf_file *f, u64 offset, u64 len, struct elf_image *out,
		      const char **why)
{
	int nr_xen = 0;

	for (unsigned int i = 0; len >= sizeof(struct elf_note_header); i++) {
		struct elf_note_header h;
		const struct note_kind *k;
		u64 name = offset + sizeof(h), desc;
		int rc;

		if (i == MAX_NOTES)
			return elf_fail(-EINVAL, "has more than %u notes", MAX_NOTES);
		if (!elf_read(f, offset, &h, sizeof(h)))
			return -EINVAL;
		desc = name + pad4(h.namesz);
		/* The last note's padding may be missing; nothing else may. */
		if (sizeof(h) + pad4(h.namesz) + h.descsz > len)
			return elf_fail(-EINVAL, "has note %u, which reaches past its segment or"
					" section", i);

		if (h.namesz == 4 && !memcmp(f->base + name, "Xen", 4)) {
			k = find_kind(h.type);
			rc = k ? read_note(k, f->base + desc, h.descsz, out, why) : 0;
			if (rc)
				return rc;
			nr_xen++;
		}
		len -= min(len, sizeof(h) + pad4(h.namesz) + pad4(h.descsz));
		offset = desc + pad4(h.descsz);
	}
	return nr_xen;
}

static int notes_from_segments(const struct elf_file *f, struct elf_image *out, const char **why)
{
	int sum = 0;

	for (unsigned int i = 0; i < f->header.e_phnum; i++) {
		struct elf64_phdr ph;
		int rc;

		if (!elf_read_phdr(f, i, &ph))
			return -EINVAL;
		if (ph.p_type != PT_NOTE)
			continue;
		if (!elf_has(f, ph.p_offset, ph.p_filesz))
			return elf_fail(-EINVAL, "has program header %u (notes), which reaches past"
					" the end of the file", i);
		rc = walk_notes(f, ph.p_offset, ph.p_filesz, out, why);
		if (rc < 0)
			return rc;
		sum += rc;
	}
	return sum;
}

static int notes_from_sections(const struct elf_file *f, struct elf_image *out, const char **why)
{
	int sum = 0;

	if (f->header.e_shnum > MAX_SECTIONS)
		return elf_fail(-EINVAL, "has %u sections, more than %u", f->header.e_shnum,
				MAX_SECTIONS);
	for (unsigned int i = 0; i < f->header.e_shnum; i++) {
		struct elf64_shdr sh;
		int rc;

		if (!elf_read_shdr(f, i, &sh))
			return -EINVAL;
		if (sh.sh_type != SHT_NOTE)
			continue;
		if (!elf_has(f, sh.sh_offset, sh.sh_size))
			return elf_fail(-EINVAL, "has section %u (notes), which reaches past the"
					" end of the file", i);
		rc = walk_notes(f, sh.sh_offset, sh.sh_size, out, why);
		if (rc < 0)
			return rc;
		sum += rc;
	}
	return sum;
}

/* Kernels older than Xen 3.0.4 describe themselves in a string section instead. */
static bool has_legacy_section(const struct elf_file *f)
{
	static const char name[] = "__xen_guest";
	struct elf64_shdr strings, sh;

	if (f->header.e_shstrndx >= f->header.e_shnum ||
	    !elf_read_shdr(f, f->header.e_shstrndx, &strings) ||
	    !elf_has(f, strings.sh_offset, strings.sh_size))
		return false;
	for (unsigned int i = 0; i < min_t(unsigned int, f->header.e_shnum, MAX_SECTIONS); i++)
		if (elf_read_shdr(f, i, &sh) && sh.sh_name < strings.sh_size &&
		    strings.sh_size - sh.sh_name >= sizeof(name) &&
		    !memcmp(f->base + strings.sh_offset + sh.sh_name, name, sizeof(name)))
			return true;
	return false;
}

int elf_notes_read(const struct elf_file *f, struct elf_image *out, const char **why)
{
	int nr = notes_from_segments(f, out, why);

	if (!nr)
		nr = notes_from_sections(f, out, why);
	if (nr < 0)
		return nr;
	if (nr)
		return 0;
	*why = has_legacy_section(f)
		       ? "describes itself in a __xen_guest section, a form older than Xen 3.0.4"
		       : "has no Xen notes: it is not a PV kernel";
	return -ENOEXEC;
}

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* The result's own buffer serves for this text too: the parse is over. */
int elf_check_pv(struct elf_image *out, u32 offered, bool dom0, const char **why)
{
	const struct pv_notes *n = &out->notes;
	u32 missing = n->features.required & ~offered;

	if (!n->xen_version[0]) {
		*why = n->has_phys32_entry
			       ? "has a PVH entry only (no XEN_VERSION note): it is not a PV kernel"
			       : "has no XEN_VERSION note";
		return -ENOEXEC;
	}
	if (!starts_with(n->xen_version, "xen-3.0"))
		return elf_fail(-ENOEXEC, "is built for \"%s\", not for xen-3.0 (XEN_VERSION note)",
				n->xen_version);
	if (!starts_with(n->loader, "generic") && !starts_with(n->guest_os, "linux"))
		return elf_fail(-ENOEXEC, "asks for loader \"%s\" and guest OS \"%s\", neither"
				" generic nor linux", n->loader, n->guest_os);
	if (missing) {
		unsigned int i = (unsigned int)__builtin_ctz(missing);

		return elf_fail(-ENOEXEC, "requires feature \"%s\", which is not offered",
				i < ARRAY_SIZE(feature_names) ? feature_names[i] : "?");
	}
	if (dom0 && n->has_supported_features &&
	    !(n->features.supported & (u32)BIT(XENFEAT_dom0))) {
		*why = "cannot be a dom0 (SUPPORTED_FEATURES lacks bit 11)";
		return -ENOEXEC;
	}
	return 0;
}
