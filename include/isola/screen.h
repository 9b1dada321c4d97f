/* SPDX-License-Identifier: MIT */
/*
 * The screen: the hypervisor's lines as characters, on a text screen or in a frame buffer.
 *
 * It holds what stands there, so that nothing is ever read back, and repaints what differs. No
 * guest's text comes here, for its cells are public. All of it is the transmitter's owner's
 * (common/base/console.c), as the ports are.
 */
#pragma once

#include <isola/boot_video.h>

/* The greatest screen; of a larger one the rest is left dark. */
#define SCREEN_COLUMNS 240
#define SCREEN_ROWS    80

/* How one kind of screen shows characters; its cells are counted from the upper left. */
struct screen_painter {
	unsigned columns, rows;
	/* All of it dark. NULL: by painting blanks. */
	void (*clear)(void);
	/* @c: printable. */
	void (*paint)(unsigned column, unsigned row, char c);
	/* Where the next one comes, which may be a column too far. NULL: that is not shown. */
	void (*cursor)(unsigned column, unsigned row);
};

/*
 * arch/x86/base/screen_text.c, screen_lfb.c: the painter of such a screen, whose memory can be
 * reached from now on. NULL, and why it cannot.
 */
const struct screen_painter *screen_text_find(const struct boot_video *v, const char **why);
const struct screen_painter *screen_lfb_find(const struct boot_video *v, const char **why);

/* Boot, before console_open(): what the loader told. @is_efi: there is none beside. */
void screen_found(const struct boot_video *v, bool is_efi);
/* Clear it, and write from its upper left corner on. False, and why there is none. */
bool screen_open(const char **why);
void screen_put(char c);
/* Its mode in the words of vga=. */
void screen_describe(char *buf, size_t size);
