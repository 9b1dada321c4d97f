/* SPDX-License-Identifier: MIT */
/*
 * The fixmap: pages of devices that the hypervisor uses on every CPU and every root, from the first
 * line of C on. It is the last L1 table of the image's GiB.
 */
#pragma once

#include <isola/types.h>

enum fixmap { FIXMAP_COM1, FIXMAP_COM2, NR_FIXMAPS };

/*
 * Hook of the floor above, set when the memory map has been read: is @maddr anything but a device?
 */
extern bool (*fixmap_is_memory)(u64 maddr);

/*
 * Map the page that holds @maddr, uncached, as page @which. The address of that byte; NULL with a
 * reason in *@why: RAM, or nothing that this CPU can address. Boot, after the loader's memory map
 * has been read; once for each page.
 */
volatile void *fixmap_device(enum fixmap which, u64 maddr, const char **why);
