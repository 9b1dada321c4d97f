/* SPDX-License-Identifier: MIT */
/*
 * What an auditor outside must know besides (asi/audit_offsets.c): to find whatever holds
 * references on frames, which are the roots of audit.c, and to read their counts.
 */
#include <isola/domain.h>
#include <isola/evtchn_fifo.h>
#include <isola/vcpu.h>
#include <asm/audit_record.h>
#include <asm/frametable.h>
#include <asm/gnttab.h>
#include <asm/preempt.h>
#include <asm/vcpu_private.h>

void audit_counts(void);

/* Never called: its body is the table. */
void audit_counts(void)
{
	OFFSET(page_info, nr_validated);
	CONST(PGC_own_mask);
	CONST(PGC_foreign_mask);
	CONST(PGC_foreign_one);
	CONST(PGT_none);
	CONST(PGT_l4);
	CONST(PGT_writable);
	CONST(PGT_type_mask);
	CONST(PGT_pinned);
	CONST(PGT_partial);
	CONST(PGT_special);

	OFFSET(vcpu_private, kernel_l4);
	OFFSET(vcpu_private, user_l4);
	OFFSET(vcpu_private, gdt_frame);
	OFFSET(vcpu_private, ldt_frame);
	OFFSET(vcpu_private, old_guest_table);
	CONST(PV_GDT_FRAMES);
	CONST(PV_LDT_FRAMES);
	CONST(NR_PARKED);
	OFFSET(vcpu, initialised);
	OFFSET(vcpu, vcpu_info_maddr);

	OFFSET(domain, is_dying);
	OFFSET(domain, visit_parked);
	OFFSET(domain, shared_info_mfn);
	OFFSET(domain, console_mfn);
	OFFSET(domain, pirq_eoi_maddr);
	OFFSET(domain, evtchn_fifo);
	OFFSET(grant_table, frame);
	OFFSET(evtchn_fifo, nr_words);
	OFFSET(evtchn_fifo, words);
	OFFSET(evtchn_fifo, vcpu);
	SIZE(fifo_vcpu);
	OFFSET(fifo_vcpu, control);
	CONST(FIFO_WORDS_PER_PAGE);
}
