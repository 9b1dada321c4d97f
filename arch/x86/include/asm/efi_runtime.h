/* SPDX-License-Identifier: MIT */
/*
 * XENPF_efi_runtime_call: the control domain has EFI's runtime services called.
 */
#pragma once

#include <isola/types.h>

struct xenpf_efi_runtime_call;

/*
 * Answers in place. 0, and then the firmware's own word in @op->status; -EINVAL flags that are not
 * known; -ENOSYS no such function; -EOPNOTSUPP nothing can be called, or not of this revision;
 * -EFAULT a buffer of the guest's; -ENOMEM one that is too large. Context: the kernel root.
 */
long efi_runtime_call(struct xenpf_efi_runtime_call *op);

/* Ask how much room there is for variables, for who asks what that was at boot. Boot. */
void efi_runtime_init(void);

/* The clock, as seconds since 1970: 0 where there is none. Boot. */
u64 efi_runtime_seconds(void);
