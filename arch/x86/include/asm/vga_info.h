/* SPDX-License-Identifier: MIT */
/* What dom0 is told of the screen. */
#pragma once
#include <isola/types.h>
#include <xen/xen.h>

struct boot_video;

/*
 * Describe @v, the screen of a machine whose firmware is EFI or not (@is_efi), in @to, all of which
 * is written.
 *
 * Returns   the bytes that count, for start_info's info_size: 0 if there is no screen, or none that
 *           can be described. Nothing but @v and @to is touched; no locks.
 */
size_t vga_info_fill(const struct boot_video *v, bool is_efi, dom0_vga_console_info_t *to);
