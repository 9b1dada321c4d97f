/* SPDX-License-Identifier: MIT */
/*
 * Files of microcode: which update in them is for this processor, and newer than what it has.
 *
 * Pure code, for hostile input: bytes are read by copies out of [@file, @file + @bytes), and
 * nothing of a file is taken unless all of it holds together.
 * Sources: Intel SDM vol. 3, 9.11 (format, checksums, extended signatures); AMD's containers have
 * no public description: the layout is that of what linux-firmware ships.
 */
#pragma once

#include <isola/types.h>

struct ucode_cpu {
	u32 signature;			/* CPUID leaf 1, EAX */
	u32 family;
	u32 platform;			/* Intel: the platform's bit, of MSR 17h; or 0 */
	u32 revision;			/* what runs */
};

struct ucode_update {
	const u8 *data;			/* inside the file: what is given to WRMSR */
	u32 bytes;
	u32 revision;
};

/*
 * Returns   0, with the newest update of the file in *@out; -ENOENT nothing in it is for this
 *           processor, or newer; -EINVAL, with a fragment at *@why: it does not hold together.
 */
typedef int ucode_find_fn(const u8 *file, u32 bytes, const struct ucode_cpu *cpu,
			  struct ucode_update *out, const char **why);
ucode_find_fn ucode_find_intel, ucode_find_amd;

/*
 * The file @name in the archive (cpio, newc) that [@archive, @archive + @bytes) begins with. False:
 * it does not begin with one, or there is no such file in what can be read of it.
 */
bool ucode_find_file(const u8 *archive, u64 bytes, const char *name, const u8 **file, u32 *size);
