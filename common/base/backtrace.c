/* SPDX-License-Identifier: MIT */
/*
 * Back traces: the chain of saved frame pointers, or what looks like one, and names for text
 * addresses.
 *
 * Invariant: a word is read only if it lies within one of this CPU's stacks or in the image, at an
 * address above the one before, so a damaged chain ends and never faults. The symbol table is what
 * tools/mksyms links in; it is empty without CONFIG_SYMBOLS.
 */
#include <isola/panic.h>
#include <isola/console.h>
#include <isola/lib/format.h>
#include <asm/layout.h>

extern const u32 symbols_count;
extern const u32 symbols_offsets[], symbols_names[];
extern const char symbols_blob[];
extern const char _stext[], _etext[], _image_end[];

struct span {
	u64 start, end;
};

static const struct span stacks[] = {
	{ VA_CPU_STACK, VA_CPU_STACK_TOP },
	{ VA_CPU_STACK_DF_TOP - PAGE_SIZE, VA_CPU_STACK_DF_TOP },
	{ VA_CPU_STACK_NMI_TOP - PAGE_SIZE, VA_CPU_STACK_NMI_TOP },
	{ VA_CPU_STACK_MC_TOP - PAGE_SIZE, VA_CPU_STACK_MC_TOP },
	{ VA_CPU_STACK_DB_TOP - PAGE_SIZE, VA_CPU_STACK_DB_TOP },
};

static bool is_text(u64 addr)
{
	return addr >= (u64)_stext && addr < (u64)_etext;
}

/*
 * May the 16 bytes at @rbp be read, a frame's or from a word of the stack on? The image counts
 * because the first stack of boot is in its data.
 */
static bool is_frame(u64 rbp)
{
	if (rbp & 7)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(stacks); i++)
		if (rbp >= stacks[i].start && rbp <= stacks[i].end - 16)
			return true;
	return rbp >= (u64)_etext && rbp <= (u64)_image_end - 16;
}

void symbol_format(char *buf, size_t size, u64 addr)
{
	u32 low = 0, high = symbols_count, offset;

	if (!is_text(addr) || !symbols_count || addr - (u64)_stext < symbols_offsets[0]) {
		snprintf(buf, size, "0x%016lx", addr);
		return;
	}
	offset = addr - (u64)_stext;
	while (high - low > 1) { /* symbols_offsets[low] <= offset < symbols_offsets[high] */
		u32 mid = low + (high - low) / 2;

		if (symbols_offsets[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	snprintf(buf, size, "0x%016lx %s+0x%x", addr, symbols_blob + symbols_names[low],
		 offset - symbols_offsets[low]);
}

/* Straight to the console, not through the log levels: nobody asks for less of a panic. */
static void print_caller(unsigned n, const char *mark, u64 addr)
{
	char name[96], line[128];

	symbol_format(name, sizeof(name), addr);
	console_write_line(line, scnprintf(line, sizeof(line), "   [%u] %s%s", n, mark, name));
}

#ifdef CONFIG_FRAME_POINTER

/* A return address may be the first byte of the next function: the call is before it. */
static void print_callers(const struct regs *r)
{
	u64 rbp = r->rbp;

	for (unsigned n = 1; n < BACKTRACE_FRAMES && is_frame(rbp); n++) {
		const u64 *frame = (const u64 *)rbp;

		if (!is_text(frame[1]))
			break;
		print_caller(n, "", frame[1] - 1);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

#else

#define SCAN_BYTES (CPU_STACK_PAGES * PAGE_SIZE)

/*
 * Every word of the stack that could be a return address: those of the callers, and what calls that
 * are over have left between them.
 */
static void print_callers(const struct regs *r)
{
	unsigned n = 1;

	for (u64 at = r->rsp; n < BACKTRACE_FRAMES && at - r->rsp < SCAN_BYTES && is_frame(at);
	     at += 8) {
		u64 word = *(const u64 *)at;

		if (is_text(word))
			print_caller(n++, "? ", word - 1);
	}
}

#endif

void backtrace(const struct regs *r)
{
	static const char title[] = "Call trace:";

	console_write_line(title, sizeof(title) - 1);
	if (!is_text(r->rip))
		return;
	print_caller(0, "", r->rip);
	print_callers(r);
}
