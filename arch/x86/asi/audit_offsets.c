/* SPDX-License-Identifier: MIT */
/*
 * What an auditor outside the machine must know to read our structures: offsets and constants, as
 * data in a section of the ELF that is never loaded. tools/isola-audit reads it; nothing in the
 * hypervisor does.
 *
 * Each record is eight bytes of value and a name that ends in NUL. Invariant: every value comes
 * from the headers that the code itself is built with.
 */
#include <isola/domain.h>
#include <isola/vcpu.h>
#include <asm/asi_policy.h>
#include <asm/audit_record.h>
#include <asm/cpu_window.h>
#include <asm/fixmap.h>
#include <asm/frametable.h>
#include <asm/layout.h>
#include <asm/percpu.h>
#include <asm/shadow.h>

void audit_offsets(void);

/* Never called: its body is the table. */
void audit_offsets(void)
{
	CONST(VA_M2P);
	CONST(VA_CPU);
	CONST(VA_IMAGE);
	CONST(VA_FIXMAP);
	CONST(NR_FIXMAPS);
	CONST(VA_SCREEN);
	CONST(SCREEN_BYTES);
	CONST(VA_VCPU);
	CONST(VA_PUBLIC);
	CONST(VA_FRAMETABLE);
	CONST(VA_M2P_RW);
	CONST(VA_WINDOW);
	CONST(VA_CPU_PRIVATE);
	CONST(VA_CPU_WINDOW);
	CONST(CPU_NR_WINDOWS);
	CONST(WINDOW_APIC);
	CONST(WINDOW_IOAPIC);
	CONST(WINDOW_MSIX);
	CONST(VA_MAPCACHE);
	CONST(VA_SHADOW);
	CONST(SHADOW_SPLIT);
	CONST(VA_VCPU_TABLES);
	CONST(VCPU_MAPCACHE_SLOTS);
	CONST(VCPU_PRIVATE_PAGES);
	CONST(CPU_PAGE_PRIVATE);
	CONST(CPU_PAGE_TSS);
	CONST(CPU_PAGE_STACK);
	CONST(CPU_STACK_PAGES);
	CONST(CPU_PAGE_STACK_DF);
	CONST(CPU_PAGE_STACK_NMI);
	CONST(CPU_PAGE_STACK_MC);
	CONST(CPU_PAGE_STACK_DB);

	SIZE(page_info);
	OFFSET(page_info, count_info);
	OFFSET(page_info, type_info);
	OFFSET(page_info, owner);
	OFFSET(page_info, next);
	CONST(PGC_allocated);
	CONST(PGC_leaving);
	CONST(PGC_hv);
	CONST(PGT_type_shift);
	CONST(PGT_l1);
	CONST(PGT_seg_desc);
	CONST(PGT_validated);
	CONST(PGT_locked);
	CONST(PGT_clean);
	CONST(PGT_count_mask);
	CONST(DOMID_IO);
	CONST(DOMID_INVALID);

	SIZE(cpu_public);
	OFFSET(cpu_public, online);
	OFFSET(cpu_public, apic_id);
	OFFSET(cpu_public, area_l3);
	OFFSET(cpu_public, idle_root);
	OFFSET(cpu_public, visit_root);
	OFFSET(cpu_public, loaded.visited);
	OFFSET(cpu_public, idle_vcpu);
	OFFSET(cpu_private, id);
	OFFSET(cpu_private, curr);
	OFFSET(cpu_private, domain_changes);

	OFFSET(domain, domid);
	OFFSET(domain, next_in_list);
	OFFSET(domain, is_privileged);
	OFFSET(domain, page_lock);
	OFFSET(domain, nr_pages);
	OFFSET(domain, leaving_list);
	OFFSET(domain, nr_vcpus);
	OFFSET(domain, vcpu);
	OFFSET(domain, static_nr);
	OFFSET(domain, grants);
	OFFSET(vcpu, domain);
	OFFSET(vcpu, id);
	OFFSET(vcpu, root_kernel);
	OFFSET(vcpu, root_user);
	OFFSET(vcpu, area_l3);
	OFFSET(vcpu, private_mfn);

	OFFSET(asi_policy, pv);
	OFFSET(asi_policy, dom0);
	OFFSET(asi_class, vcpu_pt);
	OFFSET(asi_class, cpu_stack);
}
