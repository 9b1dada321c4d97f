/* SPDX-License-Identifier: MIT */
/*
 * What a domain and a vcpu know of the log of what the domain writes (control/log_dirty.c), and of
 * shadows (asm/shadow.h). Numbers alone.
 */
#pragma once

#include <isola/types.h>

/* Changes by domctl, one at a time. */
struct domain_log {
	bool on;
	bool for_good;                  /* all vcpus are shadowed, and stay so: for_good.c */
	bool absent_refused;            /* to a visitor, an absent entry that names RAM */
	u8 op;                          /* the operation that is under way; 0: none */
	u32 nr_dirty;                   /* frames it has found */
	u32 faults;                     /* of the vcpus' shadows, when the log was last cleaned */
	u64 bytes;                      /* of the caller's bitmap that it has cleared */
	u64 at;                         /* the next frame, or gfn, that it looks at */
};

/* What has become of an absent entry of a vcpu's that names RAM, and was not taken: self.c. */
enum absent_entry { ABSENT_NONE, ABSENT_ASKED, ABSENT_FAILED };

/* Its own CPU's, interrupts off; or nobody's, when it is made. */
struct vcpu_shadow {
	bool on;                        /* changes while it is loaded nowhere, or runs self.c */
	u8 absent;                      /* enum absent_entry */
	u16 nr_used[2];                 /* pages of each tree: [0] kernel, [1] user */
	u32 faults;                     /* that were the shadow's own; wraps */
};
