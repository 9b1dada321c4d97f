/* SPDX-License-Identifier: MIT */
/*
 * What dom0 may ask of the firmware: XENPF_firmware_info and XENPF_efi_runtime_call.
 */
#pragma once

#include <isola/types.h>

struct efi_info;
struct xenpf_firmware_info;
struct xenpf_efi_runtime_call;

/* Keep what of @efi dom0 will be told: nothing, with a line, if its tables lie in RAM. Boot. */
void firmware_init(const struct efi_info *efi);

/*
 * Both answer in place, for a caller that has decided on privilege and copied in, and copies out on
 * 0. Context: the kernel root.
 *
 * 0; -ENOSYS not known, or no EFI here; -EINVAL no such item; -ESRCH nothing of that name;
 * -EFAULT a place for the answer that cannot be written.
 */
long firmware_info(struct xenpf_firmware_info *op);
/* The same; -EOPNOTSUPP what only the firmware's code could do. */
long firmware_runtime_call(struct xenpf_efi_runtime_call *op);
