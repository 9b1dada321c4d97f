/* SPDX-License-Identifier: MIT */
/*
 * PV kernels as ELF files: a good one with every note, a table of refusals each with its sentence,
 * and the good one cut at every byte and damaged at random.
 *
 * Sources: common/lib/elf.c common/lib/elf_notes.c
 */
#include "fuzz.h"

#include "elf_build.h"
#include "elf_refusals.h"

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

/* ---- What must be refused. ------------------------------------------------------------------- */

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

/* By its first bytes alone, and only within its length. */
static void test_packed(void)
{
	static const char *const packed[] = {
		"\x1f\x8b.....", "\xfd" "7zXZ\0.", "\x28\xb5\x2f\xfd...",
		"\x02\x21\x4c\x18...",
	};
	static const char *const others[] = {
		"BZh....", "\x04\x22\x4d\x18...", "070701.", "MZ.....",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(packed); i++)
		check(elf_is_packed(packed[i], 7) && !elf_is_packed(packed[i], 1), "packed %u", i);
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		check(!elf_is_packed(others[i], 7), "other %u", i);
	check(elf_is_packed("\x5d\0\0....", 7), "lzma");
	elf_good();
	check(!elf_is_packed(e.bytes, e.size), "an ELF file");
	bzimage();
	check(elf_is_packed(e.bytes, 0x206) && !elf_is_packed(e.bytes, 0x205), "a bzImage");
	all_ok("the unpacker is given a bzImage, gzip, xz, zstd, lz4, lzma, and nothing else");
}

int main(void)
{
	test_good();
	test_packed();
	test_takes();
	test_refusals();
	test_fuzz();
	return done();
}
