/* SPDX-License-Identifier: MIT */
/*
 * Microcode: loaded while booting, from a module or from what stands before the initial RAM disk,
 * or later, when dom0 brings a file.
 */
#pragma once

#include <isola/types.h>

struct ucode_update;

/*
 * Find the update that ucode= asks for and load it. Boot CPU, before other CPUs: once. True: the
 * processor is another than it was.
 */
bool ucode_init(void);
/* The same update for another CPU, before it says what it is. */
void ucode_init_cpu(void);

/* Are files for this maker's processors known? */
bool ucode_is_known(void);

/*
 * The file's newest update for this processor, on all CPUs. @file: public memory.
 *
 * 0; -EINVAL the file does not hold together; -ENOENT it has nothing newer; -ENOMEM; -EBUSY another
 * update is under way, or some CPU did not stop for it; -EIO a CPU has not taken it.
 */
long ucode_update(const u8 *file, u32 bytes);

/* ---- For ucode_late.c. ---- */

/* The newest in a file for this CPU, as a copy that every CPU can read, or NULL and why not. */
struct ucode_copy {
	u32 bytes, revision;
	u8 data[] __aligned(16);
};
struct ucode_copy *ucode_find(const u8 *file, u32 bytes, long *rc);
/* Give it to the calling CPU: has it taken it? One that has as new a one has. Interrupts off. */
bool ucode_load(const struct ucode_copy *u);
