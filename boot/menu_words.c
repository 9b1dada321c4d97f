/* SPDX-License-Identifier: MIT */
/*
 * Words that boot menus put on a hypervisor's line whatever stands there, and that say nothing to
 * Isola. GRUB's 20_linux_xen writes `placeholder' for loaders that drop the first word, and where
 * firmware is no BIOS `no-real-mode edd=off': nothing in real mode is to be asked of it. Isola asks
 * nothing anyway.
 */
#include <isola/lib/cmdline.h>

static int says_nothing(const char *value __maybe_unused)
{
	return 0;
}
CMDLINE_CUSTOM("placeholder", says_nothing);
CMDLINE_CUSTOM("real-mode", says_nothing);
CMDLINE_CUSTOM("edd", says_nothing);
