/* SPDX-License-Identifier: MIT */
/*
 * Machine checks: what the processor's banks say of an error of the hardware.
 */
#pragma once

#include <isola/types.h>
#include <xen/xen.h>

struct regs;

#define MCE_NO_VCPU 0xffffu

enum mce_how {
	MCE_AT_BOOT,			/* in the bank when the CPU was started */
	MCE_POLLED,			/* found there later */
	MCE_EXCEPTION,			/* #MC */
};

/* One bank's error: public, the hardware's words alone. */
struct mce_record {
	u64 status, addr, misc;		/* the bank's; addr, misc 0 where there is none */
	u64 global;			/* MCG_STATUS; 0 without an exception */
	u64 tsc;			/* when it was found */
	u32 cpu, bank;
	enum mce_how how;
	domid_t domid;			/* who was loaded; DOMID_INVALID, MCE_NO_VCPU: nobody */
	u16 vcpu;
};

/* What the floor above does. */
struct mce_hooks {
	/* Says in @m who is loaded. From #MC, on any root. */
	void (*name_guest)(struct mce_record *m);
	/* Has @m after its line, from a softirq, or as a CPU starts. */
	void (*told)(const struct mce_record *m);
};

/* Where the lines come from. Boot CPU, once, before mce_init_cpu(). */
void mce_init(const struct mce_hooks *hooks);
/* All errors are reported from now on; what is in the banks already is told. Every CPU. */
void mce_init_cpu(void);

/* MCG_CAP; 0: the CPU has no banks. */
u64 mce_capabilities(void);

bool mce_is_uncorrected(const struct mce_record *m);
bool mce_has_address(const struct mce_record *m);

/*
 * #MC, which interrupted @r: read the banks, clear them, have them told of (SOFTIRQ_MCE, which
 * looks for corrected errors, too); or panic, if nothing can go on. On any root, from #MC only.
 */
void mce_take(const struct regs *r);
