/* SPDX-License-Identifier: MIT */
/*
 * The boot root: the first root of ours, and the only one that shows all RAM when isolation is on.
 * Domains are built on it.
 */
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/memmap.h>
#include <asm/bootmem.h>
#include <asm/cpu_area.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/hyper_pt.h>
#include <asm/insn.h>
#include <asm/paging.h>
#include <asm/root.h>
#include <asm/spec_ctrl.h>
#include <asm/vcpu_area.h>

extern const char boot_bss_start[], _ebss[];

static pte_t *make_boot_root(void)
{
	pte_t *root = bootmem_public_page(); /* public: boot root */

	hyper_fill_root(root, true);
	root[L4_SLOT_CPU] = pte_make(cpu_public[0].area_l3, PAGE_HV_TABLE);
	root[L4_SLOT_VCPU] = pte_make(idle_area_l3, PAGE_HV_TABLE);
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		root[L4_SLOT_WINDOW_FIRST + i] = window_all_ram[i];
	return root;
}

/*
 * Load @cr3, whose CPU area has other frames behind this very stack: they must hold the same bytes
 * at that instant. @stack: the new frames' first, CPU_STACK_PAGES in a row or not, at public_ptr().
 */
static void change_stack_frames(u64 cr3, const mfn_t *frame)
{
	u64 clobber;

	/* One asm statement: nothing is pushed between the copy and the load. */
	asm volatile ("1:	mov	(%[frame]), %%rdi\n"
		      "	shl	$12, %%rdi\n"
		      "	add	%[public], %%rdi\n"
		      "	mov	$512, %%ecx\n"
		      "	rep movsq\n"
		      "	add	$8, %[frame]\n"
		      "	dec	%[nr]\n"
		      "	jnz	1b\n"
		      "	mov	%[cr3], %%cr3"
		      : [frame] "+r"(frame), "=S"(clobber)
		      : "1"(VA_CPU_STACK), [nr] "r"(CPU_STACK_PAGES), [public] "r"(VA_PUBLIC),
			[cr3] "r"(cr3)
		      : "rcx", "rdi", "memory", "cc");
}

void paging_init(void)
{
	mfn_t stack[CPU_STACK_PAGES];
	pte_t *boot_l4 = public_ptr(maddr_to_mfn(read_cr3()));	/* head.S's root */
	pte_t keep = boot_l4[L4_SLOT_PUBLIC], *root;
	u64 cr3;

	hyper_pt_init();
	hyper_fill_root(boot_l4, true);
	boot_l4[L4_SLOT_PUBLIC] = keep;
	frametable_init();
	window_init();
	vcpu_area_init_idle();
	BUG_ON(cpu_area_create(0));
	root = make_boot_root();
	hyper_pt_map_boot_blocks();

	cr3 = mfn_to_maddr(public_mfn(root));
	for (unsigned i = 0; i < CPU_STACK_PAGES; i++)
		stack[i] = cpu_area_frame(0, CPU_PAGE_STACK + i);
	change_stack_frames(cr3, stack);
	boot_root_cr3 = cr3;
	root_adopt(cr3);
	page_alloc_open();
	pr_info("memory: %lu MiB, of which %lu MiB free; public heap %lu KiB", max_page >> 8,
		nr_free_pages() >> 8, nr_public_pages() << 2);
}

/* The text itself is never writable: the bytes change through the boot root's window. */
static void patch_text(const s32 *site, const u8 *bytes, size_t len)
{
	memcpy((u8 *)VA_WINDOW + image_va_to_maddr((const u8 *)site + *site), bytes, len);
}

struct smap_site { s32 offset; u32 opcode; };
extern const struct smap_site smap_sites_start[], smap_sites_end[];
extern const s32 verw_sites_start[], verw_sites_end[];

void smap_patch(void)
{
	if (!cpu_has(SMAP))
		return;
	cpu_need(XEN_X86_FEATURE_SMAP, "SMAP",
		 "STAC and CLAC stand in the code (smap=off to do without)");
	for (const struct smap_site *s = smap_sites_start; s < smap_sites_end; s++)
		patch_text(&s->offset, (u8[]){ 0x0f, 0x01, s->opcode }, 3);
}

void verw_patch(void)
{
	static const u8 nop[7] = { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 };

	for (const s32 *s = verw_sites_start; !spec_ctrl.verw && s < verw_sites_end; s++)
		patch_text(s, nop, sizeof(nop));
}
