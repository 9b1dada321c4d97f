/* SPDX-License-Identifier: MIT */
/*
 * CPU areas.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/bootmem.h>
#include <asm/cpu_area.h>
#include <asm/insn.h>
#include <asm/pgentry.h>
#include <asm/window.h>

mfn_t cpu_areas_l3;

/* Which pages an area has, and nothing else is present below the windows. */
static const struct { u8 page, nr; } area_pages[] = {
	{ CPU_PAGE_PRIVATE, 1 },
	{ CPU_PAGE_TSS, 1 },
	{ CPU_PAGE_STACK, CPU_STACK_PAGES },
	{ CPU_PAGE_STACK_DF, 1 },
	{ CPU_PAGE_STACK_NMI, 1 },
	{ CPU_PAGE_STACK_MC, 1 },
	{ CPU_PAGE_STACK_DB, 1 },
};

static pte_t *area_l1(unsigned cpu)
{
	pte_t *l3 = public_ptr(cpu_public[cpu].area_l3);
	pte_t *l2 = public_ptr(pte_mfn(l3[pt_index(VA_CPU, 3)]));

	return public_ptr(pte_mfn(l2[0]));
}

mfn_t cpu_area_frame(unsigned cpu, unsigned page)
{
	return pte_mfn(area_l1(cpu)[page]);
}

static void *alloc_table(void)
{
	/* public: area tables */
	return alloc_public_page_early();
}

/* The image's L2, shared by every area: what the loaded root has, the first time head.S's. */
static mfn_t image_l2(void)
{
	const pte_t *l4 = public_ptr(maddr_to_mfn(read_cr3()));
	const pte_t *l3 = public_ptr(pte_mfn(l4[L4_SLOT_CPU]));

	return pte_mfn(l3[pt_index(VA_IMAGE, 3)]);
}

/* Entered always, shown only by roots that cpu-stack=off made so. */
static int show_to_all(unsigned cpu, const pte_t *l2)
{
	if (!mfn_x(cpu_areas_l3)) {
		void *l3 = alloc_table();

		if (!l3)
			return -ENOMEM;
		cpu_areas_l3 = public_mfn(l3);
	}
	pte_write((pte_t *)public_ptr(cpu_areas_l3) + cpu, pte_make(public_mfn(l2), PAGE_HV_TABLE));
	return 0;
}

static_assert(CONFIG_NR_CPUS <= PT_ENTRIES, "one GiB of slot 261 for each CPU");

int cpu_area_create(unsigned cpu)
{
	pte_t *l3 = alloc_table(), *l2 = alloc_table(), *l1 = alloc_table();
	struct cpu_private *priv;

	if (!l3 || !l2 || !l1)
		return -ENOMEM;
	pte_write(&l3[pt_index(VA_IMAGE, 3)], pte_make(image_l2(), PAGE_HV_TABLE));
	pte_write(&l3[pt_index(VA_CPU, 3)], pte_make(public_mfn(l2), PAGE_HV_TABLE));
	pte_write(&l2[0], pte_make(public_mfn(l1), PAGE_HV_TABLE));
	for (unsigned i = 0; i < ARRAY_SIZE(area_pages); i++)
		for (unsigned p = 0; p < area_pages[i].nr; p++) {
			mfn_t m = alloc_cpu_page();

			if (!mfn_is_valid_num(m))
				return -ENOMEM;
			pte_write(&l1[area_pages[i].page + p], pte_make(m, PAGE_HV_RW));
		}
	cpu_public[cpu].area_l3 = public_mfn(l3);
	if (show_to_all(cpu, l2))
		return -ENOMEM;

	/*
	 * The boot root before ours shows low memory at public_ptr(), ours all of it in the window.
	 */
	priv = bootmem_done() ? window_ptr(pte_mfn(l1[CPU_PAGE_PRIVATE]))
			      : public_ptr(pte_mfn(l1[CPU_PAGE_PRIVATE]));
	*priv = (struct cpu_private){
		.id = cpu,
		.pub = &cpu_public[cpu],
		.area_l3 = public_mfn(l3),
		.window_l1 = l1 + CPU_PAGE_WINDOW,
	};
	return 0;
}
