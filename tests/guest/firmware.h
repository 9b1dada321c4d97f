/* SPDX-License-Identifier: MIT */
/*
 * The machine's firmware, as dom0 is told of it (claims/efi.c).
 */
#pragma once

#include "claim.h"

/* Is @mfn code or data of runtime services of EFI's, which the hypervisor calls? */
bool is_called_firmware(uint64_t mfn);
