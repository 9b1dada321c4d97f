/* SPDX-License-Identifier: MIT */
/*
 * The fixmap: pages of devices that the hypervisor uses on every CPU and every root, from the first
 * line of C on. It is the last L1 table of the image's GiB; a frame buffer has large pages there
 * too, from VA_SCREEN on.
 */
#pragma once

#include <asm/layout.h>

#define VA_SCREEN    (VA_IMAGE + MIB(256))
#define SCREEN_BYTES MIB(128)

enum fixmap { FIXMAP_COM1, FIXMAP_COM2, FIXMAP_SCREEN, NR_FIXMAPS };

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
/* The same of the @bytes from there on, write-combining, at VA_SCREEN. Once. */
volatile void *fixmap_frame_buffer(u64 maddr, u64 bytes, const char **why);
