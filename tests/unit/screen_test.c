/* SPDX-License-Identifier: MIT */
/*
 * The screen against a model: text screens and frame buffers of every depth and of odd sizes, in
 * memory that ends where the screen does. Claims: what is written stands there, the last line last;
 * nothing is written beside the screen; what cannot be one is refused; a line costs a bounded
 * number of cells.
 *
 * Sources: common/base/screen.c arch/x86/base/screen_text.c arch/x86/base/screen_lfb.c
 * Flags: -Itests/unit/console/include
 */
#include "tap_case.h"
#include <isola/screen.h>
#include <asm/fixmap.h>
#include <asm/insn.h>
#include <generated/font.h>
#include <string.h>

/* ---- What the painters stand on ------------------------------------------------------------- */

static u8 *memory;                      /* ends before a page that cannot be touched */
static size_t memory_bytes;
static const char *refused;
static u8 crtc[256], crtc_index;

static void *make_memory(size_t bytes)
{
	size_t whole = (bytes + 4095) / 4096 * 4096;
	u8 *p = mmap(NULL, whole + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);

	mprotect(p + whole, 4096, PROT_NONE);
	memory = p + whole - bytes;
	memory_bytes = bytes;
	memset(memory, 0x11, bytes);
	return memory;
}

volatile void *fixmap_device(enum fixmap which, u64 maddr, const char **why)
{
	*why = refused;
	return refused ? NULL : memory;
}

volatile void *fixmap_frame_buffer(u64 maddr, u64 bytes, const char **why)
{
	*why = refused;
	return refused ? NULL : make_memory(bytes);
}

void outb(u8 val, u16 port)
{
	if (port == 0x3d4)
		crtc_index = val;
	else
		crtc[crtc_index] = val;
}

u8 inb(u16 port) { return 0; }
u64 irq_save(void) { return 0; }
void irq_restore(u64 flags) {}
void cpu_relax(void) {}

/* ---- Reading a screen ----------------------------------------------------------------------- */

static struct boot_video v;
static unsigned scale = 1;

static u32 pixel(unsigned x, unsigned y)
{
	unsigned bytes = (v.bpp + 7) / 8;
	u32 value = 0;

	memcpy(&value, memory + (size_t)y * v.pitch_bytes + x * bytes, bytes);
	return value;
}

/* The character of a cell; 0: none, or a colour that is not grey. */
static char read_lfb(unsigned column, unsigned row, u32 grey)
{
	for (unsigned c = FONT_FIRST; c <= FONT_LAST; c++) {
		bool same = true;

		for (unsigned y = 0; same && y < FONT_LINES * scale; y++)
			for (unsigned x = 0; same && x < FONT_COLUMNS * scale; x++)
				same = pixel(column * FONT_COLUMNS * scale + x,
					     row * FONT_LINES * scale + y) ==
				       (font[c - FONT_FIRST][y / scale] << x / scale & 0x80 ? grey
											    : 0);
		if (same)
			return c;
	}
	return 0;
}

static void writes(const char *text)
{
	while (*text)
		screen_put(*text++);
}

static void opens(const struct boot_video *video, bool is_efi)
{
	const char *why = NULL;

	screen_found(video, is_efi);
	if (!screen_open(&why))
		printf("Bail out! no screen: %s\n", why);
}

/* Lines 0 .. @nr - 1; then line n stands in row n of what is left, and the last is the last. */
static void log_of(unsigned nr, unsigned columns, unsigned rows, u32 grey)
{
	char line[300], want[300];
	unsigned last = 0;

	for (unsigned i = 0; i < nr; i++) {
		snprintf(line, sizeof(line), "line %u of %u\n", i, nr);
		writes(line);
	}
	for (unsigned row = 0; row < rows; row++) {
		unsigned n = 0;

		for (unsigned x = 0; x < min(columns, 30u); x++)
			line[n++] = grey ? read_lfb(x, row, grey)
					 : (char)memory[row * v.pitch_bytes + 2 * x];
		line[n] = '\0';
		while (n && line[n - 1] == ' ')
			line[--n] = '\0';
		if (!n)
			break;
		if (!row && sscanf(line, "line %u of", &last) != 1)
			break;
		snprintf(want, sizeof(want), "line %u of %u", last++, nr);
		check(!strcmp(line, want), "row %u is \"%s\", not \"%s\"", row, line, want);
	}
	check(last == nr, "the last line is %u of %u", last, nr);
}

/* ---- Cases ---------------------------------------------------------------------------------- */

static void text_screen(void)
{
	const char *why;

	v = (struct boot_video){ .type = BOOT_VIDEO_TEXT, .maddr = 0xb8000, .pitch_bytes = 160,
				 .width = 80, .height = 25 };
	make_memory(4000);
	opens(&(struct boot_video){ 0 }, false);
	check(memory[0] == ' ' && memory[1] == 7 && memory[3998] == ' ', "it is not blank");
	log_of(500, 80, 25, 0);
	check((crtc[0x0e] << 8 | crtc[0x0f]) % 80 == 0, "the cursor is not at a line's start");
	all_ok("a PC whose loader says nothing: 500 lines on 80x25, the cursor behind them");
	memset(memory, 0x11, 4000);
	check(screen_open(&why), "no");
	writes("a\001\200\tb\n");
	check(memory[0] == 'a' && memory[2] == '?' && memory[4] == '?' && memory[6] == '?' &&
	      memory[8] == 'b', "what cannot be printed");
	for (int i = 0; i < 81; i++)
		screen_put('x');
	check(memory[160 + 158] == 'x' && memory[320] == 'x' && memory[322] == ' ', "a long line");
	all_ok("opened again it is blank; long lines go on in the next; the rest is ?");
}

static void no_text_screen(void)
{
	static const struct boot_video bad[] = {
		{ .type = BOOT_VIDEO_TEXT, .pitch_bytes = 160, .width = 80, .height = 0 },
		{ .type = BOOT_VIDEO_TEXT, .pitch_bytes = 160, .width = 0, .height = 25 },
		{ .type = BOOT_VIDEO_TEXT, .pitch_bytes = 158, .width = 80, .height = 25 },
		{ .type = BOOT_VIDEO_TEXT, .pitch_bytes = 161, .width = 80, .height = 25 },
		{ .type = BOOT_VIDEO_TEXT, .pitch_bytes = 160, .width = 80, .height = 60 },
		{ .type = BOOT_VIDEO_TEXT, .pitch_bytes = 0xffffffff, .width = 80, .height = 25 },
	};
	const char *why;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		screen_found(&bad[i], false);
		check(!screen_open(&why) && why, "text screen %u is taken", i);
	}
	screen_found(&(struct boot_video){ 0 }, true);
	check(!screen_open(&why), "EFI has a text screen");
	all_ok("what is no text screen is refused; EFI has none");
}

static const struct lfb {
	struct boot_video v;
	u32 grey;
	unsigned scale;
} lfbs[] = {
#define RGB(w, h, pitch, depth, ...) { .type = BOOT_VIDEO_RGB, .maddr = 0x80000000, .width = (w), \
		.height = (h), .pitch_bytes = (pitch), .bpp = (depth), __VA_ARGS__ }
#define BGRX .red_pos = 16, .red_size = 8, .green_pos = 8, .green_size = 8, .blue_size = 8
	{ RGB(640, 480, 2560, 32, BGRX), 0xaaaaaa, 1 },
	{ RGB(1280, 801, 5376, 32, BGRX), 0xaaaaaa, 1 },
	{ RGB(803, 607, 2412, 24, BGRX), 0xaaaaaa, 1 },
	{ RGB(800, 600, 1600, 16, .red_pos = 11, .red_size = 5, .green_pos = 5, .green_size = 6,
	      .blue_size = 5), 0xad55, 1 },
	{ RGB(800, 600, 1600, 15, .red_pos = 10, .red_size = 5, .green_pos = 5, .green_size = 5,
	      .blue_size = 5), 0x56b5, 1 },
	{ RGB(3840, 2160, 15360, 32, BGRX), 0xaaaaaa, 2 },
	{ RGB(320, 64, 1280, 32, BGRX), 0xaaaaaa, 1 },
};

static unsigned which;

static void lfb(void)
{
	const struct lfb *l = &lfbs[which];
	char mode[40];
	unsigned columns, rows;

	v = l->v;
	scale = l->scale;
	opens(&v, true);
	columns = min(v.width / 8 / scale, 240u);
	rows = min(v.height / 16 / scale, 80u);
	log_of(7, columns, rows, l->grey);
	log_of(300, columns, rows, l->grey);
	for (unsigned i = 0; i < columns + 3; i++)
		screen_put('#');
	screen_describe(mode, sizeof(mode));
	all_ok(mode);
}

static void no_lfb(void)
{
	static const struct boot_video bad[] = {
		RGB(640, 480, 2560, 8, BGRX), RGB(640, 480, 2560, 40, BGRX),
		RGB(640, 480, 2559, 32, BGRX), RGB(300, 480, 2560, 32, BGRX),
		RGB(640, 63, 2560, 32, BGRX), RGB(0, 0, 0, 32, BGRX),
		RGB(0xffffffff, 480, 0xffffffff, 32, BGRX),
	};
	const char *why;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		screen_found(&bad[i], true);
		check(!screen_open(&why) && why, "frame buffer %u is taken", i);
	}
	refused = "that is RAM";
	screen_found(&lfbs[0].v, true);
	check(!screen_open(&why) && !strcmp(why, "that is RAM"), "%s", why);
	all_ok("what is no frame buffer is refused");
}

/* ---- Cost: painted cells, counted by what the screen's memory has to be told ---------------- */

static void cost(void)
{
	char line[64];
	unsigned long painted = 0;

	v = (struct boot_video){ .type = BOOT_VIDEO_TEXT, .maddr = 0xb8000, .pitch_bytes = 160,
				 .width = 80, .height = 25 };
	make_memory(4000);
	opens(&v, false);
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned at = 0; at < 4000; at += 2)
			memory[at + 1] = 0;
		snprintf(line, sizeof(line), "%u %-50u\n", i, i * 7919);
		writes(line);
		for (unsigned at = 0; at < 4000; at += 2)
			painted += memory[at + 1] != 0;
	}
	ok(painted < 1000 * 300, "1000 lines of 55 characters: %lu cells are painted for each",
	   painted / 1000);
}

int main(void)
{
	run_case(text_screen);
	run_case(no_text_screen);
	for (which = 0; which < sizeof(lfbs) / sizeof(lfbs[0]); which++)
		run_case(lfb);
	run_case(no_lfb);
	run_case(cost);
	return done();
}
