/* SPDX-License-Identifier: MIT */
/*
 * Speculation control: what is done beside the roots against a processor that reads ahead, chosen
 * once at boot from what the part is affected by, what it offers, and spec-ctrl= and pv-l1tf=.
 *
 *   on the way out to a guest       VERW                    entry/return.S, patched out if not due
 *   where the guest domain changes  L1D flush, IBPB, RSB    spec_ctrl_domain_change()
 *   always                          IBRS, STIBP, SSBD       MSRs set once by spec_ctrl_init_cpu()
 *   in guests' page tables          L1TF                    mm/pt_check.c
 */
#pragma once

#include <asm/cpu_bugs.h>

/* What the command line said: 1 on, 0 off, -1 nothing. */
struct spec_wanted {
	s8 verw, rsb;                   /* of PV guests */
	s8 ibpb, l1d_flush, ibrs, stibp, ssbd;
	s8 l1tf_dom0, l1tf_domu;
};

extern struct spec_wanted spec_wanted;

/* What is done. */
struct spec_ctrl {
	bool verw;
	bool rsb, ibpb, l1d_flush;
	bool auto_ibrs;                 /* EFER.AIBRSE */
	u64 msr;                        /* SPEC_CTRL; 0: it is never written */
	bool l1tf_dom0, l1tf_domu;      /* absent entries that name RAM are not taken */
};

extern struct spec_ctrl spec_ctrl;

/* Bits of spec_offers(). */
enum spec_offer {
	OFFERS_VERW,                    /* VERW clears what this part leaks */
	OFFERS_IBPB, OFFERS_L1D_FLUSH,
	OFFERS_IBRS,                    /* set once and for all: IBRS_ALL, or AMD's automatic one */
	OFFERS_STIBP, OFFERS_SSBD,
	NR_SPEC_OFFERS,
};

u32 spec_offers(const struct cpu_bug_facts *f);

/*
 * The choice for a part, with a line for each wish that is refused (the part does not offer it).
 * Pure but for those lines.
 */
struct spec_ctrl spec_choose(const struct cpu_bug_facts *f, const struct spec_wanted *wanted);

/* Bits 1 << enum cpu_bug: what nothing here or in the roots answers. Pure. */
u32 spec_not_covered(const struct cpu_bug_facts *f, const struct spec_ctrl *c);

/*
 * Choose for this machine, say so in the log, and set the boot CPU's MSRs. Boot CPU, once; the
 * command line is parsed, the IDT loaded.
 */
void spec_ctrl_init(void);

/* Every other CPU, when it starts: IBRS, STIBP, SSBD. Interrupts off. */
void spec_ctrl_init_cpu(void);

/*
 * This CPU is about to run a vcpu of another guest domain than the last one (idle does not count).
 * Interrupts off; the coming vcpu's root loaded, stacks zeroed.
 */
void spec_ctrl_domain_change(void);

/*
 * For guests in the processor's guest mode, whose tables nobody checks: is the part affected by
 * L1TF, can its L1D cache be flushed, and has nobody said l1d-flush=no? Says so if it cannot. Boot,
 * when all CPUs are up.
 */
bool spec_l1d_flush_is_due(void);
/* Interrupts on or off. */
void spec_flush_l1d(void);
