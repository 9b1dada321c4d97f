/* SPDX-License-Identifier: MIT */
/*
 * The screen: see isola/screen.h.
 *
 * Invariant: shown[][] is what stands on the screen, or NOTHING where that is not known. A screen
 * that is full goes up by several lines at once: it is repainted once for all of them, so n lines
 * cost no more than n / SCROLL_LINES screens.
 */
#include <isola/screen.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>

#define SCROLL_LINES 8u
#define NOTHING      0
#define EGA_MADDR    0xb8000
#define EGA_COLUMNS  80
#define EGA_ROWS     25

static struct boot_video found;
static const struct screen_painter *painter;
static char wanted[SCREEN_ROWS][SCREEN_COLUMNS], shown[SCREEN_ROWS][SCREEN_COLUMNS];
static unsigned column, row;                    /* where the next character comes */

static unsigned nr_rows(void)
{
	return min(painter->rows, (unsigned)SCREEN_ROWS);
}

static unsigned nr_columns(void)
{
	return min(painter->columns, (unsigned)SCREEN_COLUMNS);
}

static void paint_cell(unsigned x, unsigned y)
{
	if (shown[y][x] == wanted[y][x])
		return;
	painter->paint(x, y, wanted[y][x]);
	shown[y][x] = wanted[y][x];
}

static void paint_all(void)
{
	for (unsigned y = 0; y < nr_rows(); y++)
		for (unsigned x = 0; x < nr_columns(); x++)
			paint_cell(x, y);
}

static void show_cursor(void)
{
	if (painter->cursor)
		painter->cursor(column, row);
}

static void scroll(void)
{
	unsigned lines = min(SCROLL_LINES, nr_rows() / 2), rest = nr_rows() - lines;

	memmove(wanted[0], wanted[lines], rest * sizeof(wanted[0]));
	memset(wanted[rest], ' ', lines * sizeof(wanted[0]));
	row -= lines;
	paint_all();
}

static void next_line(void)
{
	column = 0;
	if (++row == nr_rows())
		scroll();
	show_cursor();
}

void screen_put(char c)
{
	if (c == '\n') {
		next_line();
		return;
	}
	if (column == nr_columns())
		next_line();
	wanted[row][column] = c >= ' ' && c <= '~' ? c : '?';
	paint_cell(column++, row);
}

static void clear(void)
{
	column = row = 0;
	memset(wanted, ' ', sizeof(wanted));
	memset(shown, painter->clear ? ' ' : NOTHING, sizeof(shown));
	if (painter->clear)
		painter->clear();
	paint_all();
	show_cursor();
}

/* A PC whose loader says nothing of the screen is in the mode in which its firmware starts. */
void screen_found(const struct boot_video *v, bool is_efi)
{
	found = *v;
	if (found.type == BOOT_VIDEO_NONE && !is_efi)
		found = (struct boot_video){ .type = BOOT_VIDEO_TEXT, .maddr = EGA_MADDR,
					     .pitch_bytes = EGA_COLUMNS * 2, .width = EGA_COLUMNS,
					     .height = EGA_ROWS };
}

bool screen_open(const char **why)
{
	*why = "the loader tells of none";
	if (!painter && found.type == BOOT_VIDEO_TEXT)
		painter = screen_text_find(&found, why);
	else if (!painter && found.type == BOOT_VIDEO_RGB)
		painter = screen_lfb_find(&found, why);
	if (painter)
		clear();
	return painter != NULL;
}

void screen_describe(char *buf, size_t size)
{
	if (found.type == BOOT_VIDEO_TEXT)
		snprintf(buf, size, "text-%ux%u", found.width, found.height);
	else
		snprintf(buf, size, "gfx-%ux%ux%u", found.width, found.height, found.bpp);
}
