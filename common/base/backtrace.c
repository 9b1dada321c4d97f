/* SPDX-License-Identifier: MIT */
/*
 * Back traces: the chain of saved frame pointers, and names for text addresses.
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
 * May the 16 bytes of a frame at @rbp be read? The image counts because the first stack of boot is
 * in its data.
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
void backtrace(u64 rip, u64 rbp)
{
	static const char title[] = "Call trace:";
	char name[96], line[128];

	console_write_line(title, sizeof(title) - 1);
	for (unsigned i = 0; i < BACKTRACE_FRAMES && is_text(rip); i++) {
		const u64 *frame = (const u64 *)rbp;
		u64 next;

		/*
		 * A return address may be the first byte of the next function: the call is before
		 * it.
		 */
		symbol_format(name, sizeof(name), i ? rip - 1 : rip);
		console_write_line(line, scnprintf(line, sizeof(line), "   [%u] %s", i, name));
		if (!is_frame(rbp))
			break;
		next = frame[0];
		rip = frame[1];
		if (next <= rbp)
			next = 0;
		rbp = next;
	}
}
