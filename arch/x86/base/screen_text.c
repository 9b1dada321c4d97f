/* SPDX-License-Identifier: MIT */
/*
 * A text screen of the EGA kind: a character and its colours in two bytes each, and a cursor whose
 * place is in two registers of the CRT controller.
 */
#include <isola/screen.h>
#include <asm/fixmap.h>
#include <asm/insn.h>
#include <asm/layout.h>

#define GREY_ON_BLACK   (0x07 << 8)
#define CRTC_INDEX      0x3d4
#define CRTC_DATA       0x3d5
#define CURSOR_HIGH     0x0e
#define CURSOR_LOW      0x0f

static volatile u16 *cells;
static unsigned cells_a_row;

static void paint(unsigned column, unsigned row, char c)
{
	cells[row * cells_a_row + column] = GREY_ON_BLACK | (u8)c;
}

static void cursor(unsigned column, unsigned row)
{
	unsigned at = row * cells_a_row + column;

	outb(CURSOR_HIGH, CRTC_INDEX);
	outb(at >> 8, CRTC_DATA);
	outb(CURSOR_LOW, CRTC_INDEX);
	outb(at, CRTC_DATA);
}

static struct screen_painter text_screen = { .paint = paint, .cursor = cursor };

/* Where there is no adapter, nothing keeps what is written. */
static bool keeps(volatile u16 *cell)
{
	u16 was = *cell;
	bool is_kept;

	*cell = 0x55aa;
	is_kept = *cell == 0x55aa;
	*cell = 0xaa55;
	is_kept = is_kept && *cell == 0xaa55;
	*cell = was;
	return is_kept;
}

const struct screen_painter *screen_text_find(const struct boot_video *v, const char **why)
{
	u64 pitch = v->pitch_bytes;

	*why = "a text screen of such a size is not one page";
	if (!v->width || !v->height || pitch % 2 || pitch < v->width * 2ul ||
	    v->maddr % PAGE_SIZE + pitch * v->height > PAGE_SIZE)
		return NULL;
	cells = fixmap_device(FIXMAP_SCREEN, v->maddr, why);
	if (!cells)
		return NULL;
	*why = "no text screen answers";
	if (!keeps(cells))
		return NULL;
	cells_a_row = pitch / 2;
	text_screen.columns = v->width;
	text_screen.rows = v->height;
	return &text_screen;
}
