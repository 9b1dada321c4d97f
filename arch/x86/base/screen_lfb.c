/* SPDX-License-Identifier: MIT */
/*
 * A linear frame buffer, of 15 to 32 bits a pixel. It is only written to: what is read from there
 * is slow.
 *
 * The font is made at build time from GRUB's (tools/mkfont). On screens of twice the usual size
 * each of its dots is four.
 */
#include <isola/screen.h>
#include <isola/lib/string.h>
#include <asm/fixmap.h>
#include <generated/font.h>

#define GREY            0xaau           /* of each colour, of 0xff */
#define LARGE_WIDTH     2560u           /* from there on dots are doubled */

static volatile u8 *frame_buffer;
static u64 frame_buffer_bytes;
static u32 pitch, pixel_bytes, grey;
static unsigned scale;

static struct screen_painter lfb_screen;

static void put_pixel(volatile u8 *at, u32 colour)
{
	switch (pixel_bytes) {
	case 4:
		*(volatile u32 *)at = colour;
		return;
	case 3:
		at[2] = colour >> 16;
		at[1] = colour >> 8;
		at[0] = colour;
		return;
	default:
		*(volatile u16 *)at = colour;
	}
}

/* The usual case: 32 bits a pixel. */
static void paint_line_of_words(volatile u32 *at, u8 dots)
{
	for (unsigned x = 0; x < FONT_COLUMNS; x++)
		at[x] = dots & 0x80 >> x ? grey : 0;
}

/* One line of dots of a character's, scale times as wide. */
static void paint_line(volatile u8 *at, u8 dots)
{
	if (pixel_bytes == 4 && scale == 1) {
		paint_line_of_words((volatile u32 *)at, dots);
		return;
	}
	for (unsigned x = 0; x < FONT_COLUMNS * scale; x++, at += pixel_bytes)
		put_pixel(at, dots << x / scale & 0x80 ? grey : 0);
}

static void paint(unsigned column, unsigned row, char c)
{
	const u8 *glyph = font[(u8)c - FONT_FIRST];
	volatile u8 *at = frame_buffer + (u64)row * FONT_LINES * scale * pitch +
			  column * FONT_COLUMNS * scale * pixel_bytes;

	for (unsigned y = 0; y < FONT_LINES * scale; y++, at += pitch)
		paint_line(at, glyph[y / scale]);
}

/* By words of eight bytes where they are aligned; what is behind the last one by single ones. */
static void clear(void)
{
	volatile u8 *at = frame_buffer, *end = at + frame_buffer_bytes;

	for (; (u64)at % sizeof(u64) && at < end; at++)
		*at = 0;
	for (; end - at >= (long)sizeof(u64); at += sizeof(u64))
		*(volatile u64 *)at = 0;
	for (; at < end; at++)
		*at = 0;
}

/* GREY of a colour that has @size bits from @pos on. */
static u32 shade(u8 pos, u8 size)
{
	return size && size <= 8 && pos < 32 ? GREY >> (8 - size) << pos : 0;
}

const struct screen_painter *screen_lfb_find(const struct boot_video *v, const char **why)
{
	u64 bytes = (u64)v->pitch_bytes * v->height;

	pixel_bytes = (v->bpp + 7u) / 8;
	*why = "the frame buffer is not one that we can write to";
	if (v->bpp < 15 || v->bpp > 32 || (u64)v->width * pixel_bytes > v->pitch_bytes)
		return NULL;
	scale = v->width >= LARGE_WIDTH ? 2 : 1;
	lfb_screen = (struct screen_painter){ .columns = v->width / (FONT_COLUMNS * scale),
					      .rows = v->height / (FONT_LINES * scale),
					      .paint = paint, .clear = clear };
	*why = "the frame buffer is too small for a line";
	if (lfb_screen.columns < 40 || lfb_screen.rows < 4)
		return NULL;
	frame_buffer = fixmap_frame_buffer(v->maddr, bytes, why);
	if (!frame_buffer)
		return NULL;
	frame_buffer_bytes = bytes;
	pitch = v->pitch_bytes;
	grey = shade(v->red_pos, v->red_size) | shade(v->green_pos, v->green_size) |
	       shade(v->blue_pos, v->blue_size);
	return &lfb_screen;
}
