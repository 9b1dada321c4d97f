/* SPDX-License-Identifier: MIT */
/*
 * The firmware's root: the one on which EFI's runtime services run, and their buffer.
 *
 * It shows, at their machine addresses, what EFI's memory map wants there at run time, and one
 * buffer of the hypervisor's; in slots 256 to 271 what an idle root shows. No guest's memory is in
 * it. The firmware is ring 0 code all the same: docs/isolation.md says what that means.
 *
 * One CPU at a time is in the firmware; it has the caller's primary stack, interrupts as the caller
 * has them, and the FPU. A fault there ends the call, and all calls.
 */
#pragma once

#include <asm/efi.h>

struct boot_info;
struct regs;

/* Pages of the buffer, contiguous, at the same address on that root as in machine memory. */
#define FIRMWARE_BUFFER_ORDER 5
#define FIRMWARE_BUFFER_PAGES (1u << FIRMWARE_BUFFER_ORDER)

/* Make it: from then on there is what @efi offers, unless efi= says no-rs. Boot, after paging. */
void firmware_root_init(const struct boot_info *info, const struct efi_runtime *efi);

/* The revision of the services that can be called; 0: none can. */
u32 firmware_revision(void);

/*
 * Nobody else calls or has the buffer in between. Interrupts on; a guest's kernel root, or boot.
 * Order: LOCK_EFI.
 */
void firmware_begin(void);
void firmware_end(void);

/* Page @i of the buffer here, until firmware_unmap(); and its address for the firmware. */
void *firmware_map(unsigned i);
void firmware_unmap(const void *p);
u64 firmware_buffer(void);

/*
 * Call @which: its status. EFI_UNSUPPORTED where it is not there; EFI_DEVICE_ERROR where it has
 * faulted, and from then on firmware_revision() is 0.
 */
#define EFI_ERROR_BIT		(1ul << 63)
#define EFI_UNSUPPORTED		(EFI_ERROR_BIT | 3)
#define EFI_DEVICE_ERROR	(EFI_ERROR_BIT | 7)
#define EFI_NOT_FOUND		(EFI_ERROR_BIT | 14)
u64 firmware_call(enum efi_service which, const u64 argument[5]);

/*
 * An exception in ring 0: was it the firmware's? Then @r goes on behind the call. From the
 * exception's handler, interrupts off.
 */
bool firmware_fault(struct regs *r);
