/* SPDX-License-Identifier: MIT */
/*
 * What dom0 is told of the screen, field by field, at the offsets of <xen/xen.h>'s record that
 * Linux reads; and that a screen that cannot be told is none.
 *
 * Sources: arch/x86/pv/builder/vga_info.c
 */
#include "tap.h"
#include <asm/vga_info.h>
#include <isola/boot_info.h>
#include <string.h>

/* 1024 x 768, 32 bits a pixel, above 4 GiB. */
static const struct boot_video good = {
	.type = BOOT_VIDEO_RGB,
	.maddr = 0x2fd000000,
	.pitch_bytes = 4096,
	.width = 1024,
	.height = 768,
	.bpp = 32,
	.red_pos = 16,
	.red_size = 8,
	.green_pos = 8,
	.green_size = 8,
	.blue_size = 8,
};

static union {
	dom0_vga_console_info_t info;
	u8 byte[sizeof(dom0_vga_console_info_t)];
} told;

static u32 le(unsigned at, unsigned bytes)
{
	u32 v = 0;

	memcpy(&v, told.byte + at, bytes);
	return v;
}

static size_t tell(struct boot_video v, bool is_efi)
{
	memset(&told, 0xa5, sizeof(told));
	return vga_info_fill(&v, is_efi, &told.info);
}

static void frame_buffers(void)
{
	ok(tell(good, true) == sizeof(told) && told.byte[0] == 0x70, "EFI's frame buffer");
	ok(le(4, 2) == 1024 && le(6, 2) == 768 && le(8, 2) == 4096 && le(10, 2) == 32,
	   "size, pitch, depth");
	ok(le(12, 4) == 0xfd000000 && le(36, 4) == 2, "address, both halves");
	ok(le(16, 4) == 48, "size in units of 64 KiB");
	ok(le(20, 2) == 0x0810 && le(22, 2) == 0x0808 && le(24, 2) == 0x0800 && le(26, 2) == 0x0818,
	   "red, green, blue and what is left: place and size");
	ok(!le(1, 3) && !le(28, 4) && !le(32, 4), "what is not known is zero");
	ok(tell(good, false) == sizeof(told) && told.byte[0] == 0x23, "BIOS: a VESA one");
}

static void text(void)
{
	struct boot_video v = { .type = BOOT_VIDEO_TEXT, .width = 80, .height = 25 };

	ok(tell(v, false) == sizeof(told) && told.byte[0] == 3, "a text screen");
	ok(le(4, 2) == 16 && le(8, 2) == 24 && le(10, 2) == 25 && le(12, 2) == 80,
	   "font, cursor in the last row, rows, columns");
	v.height = 0;
	ok(!tell(v, false), "one without rows is none");
	v.height = 256;
	ok(!tell(v, false), "nor is one with 256");
}

#define BAD(what, field, value)                                                     \
	do {                                                                        \
		struct boot_video v = good;                                         \
		v.field = (value);                                                  \
		ok(!tell(v, true) && !le(0, 4) && !le(36, 4), "none is told: " what); \
	} while (0)

static void that_cannot_be_told(void)
{
	BAD("no screen", type, BOOT_VIDEO_NONE);
	BAD("no width", width, 0);
	BAD("no height", height, 0);
	BAD("65,536 columns", width, 65536);
	BAD("65,536 rows", height, 65536);
	BAD("a pitch of 65,536", pitch_bytes, 65536);
	BAD("rows that do not fit the pitch", pitch_bytes, 4095);
	BAD("8 bits a pixel", bpp, 8);
	BAD("64 bits a pixel", bpp, 64);
	BAD("colours wider than a pixel", red_size, 17);
	BAD("colours far wider than a pixel", red_size, 248);
}

int main(void)
{
	frame_buffers();
	text();
	that_cannot_be_told();
	return done();
}
