/* SPDX-License-Identifier: MIT */
/*
 * The console: where the hypervisor's lines and dom0's text leave the machine, and where dom0's
 * input comes from.
 *
 * The ports' state and the ring are public. The ring holds hypervisor lines only, until they have
 * been sent and after; guest text passes from the caller's stack straight to the ports, and input
 * waits in a page that no root shows until dom0 reads it. Who waits for a port has interrupts on,
 * but while booting, with `sync_console', and at the end.
 */
#pragma once

#include <isola/types.h>
#include <isola/lib/string.h>
#include <isola/frame_num.h>

/* Guest text that no line of the hypervisor comes between, unless the guest dawdles. */
#define CONSOLE_CHUNK_BYTES 128

/*
 * Write one line of the hypervisor's own, without its end: it starts at the left margin, is
 * prefixed, and is kept in the ring. Any context but NMI and #MC.
 */
void console_write_line(const char *text, size_t len);

/*
 * Write of @text, the rest of a chunk of guest text, what the ports take now: as it is, but a lone
 * newline goes out as CR LF. Does not wait. Returns how many bytes that was; 0 too while somebody
 * else's turn is not over. @who: says whose chunk it is. Task context, interrupts on.
 */
size_t console_write_guest(const void *who, const char *text, size_t len);
/* The same of the start of a line that is to stand at the left margin, whoever wrote last. */
size_t console_write_guest_line(const void *who, const char *text, size_t len);
/*
 * The same of the rest of such a line. CONSOLE_BROKEN, and nothing is written: somebody else has
 * written since @who did.
 */
#define CONSOLE_BROKEN (~(size_t)0)
size_t console_write_guest_rest(const void *who, const char *text, size_t len);

/*
 * Take up to @size bytes of what has been typed for dom0. Returns the number taken. Task context,
 * interrupts on.
 */
size_t console_read(char *buf, size_t size);

/* Guest text was in there: zero, and the stores are made whoever reads them. */
static inline void console_wipe(void *p, size_t n)
{
	memset(p, 0, n);
	asm volatile ("" :: "r"(p) : "memory");
}

/*
 * Boot, when the command line has been read: open the ports it chose, or, if none of those answers,
 * another one; what was written until now leaves by them.
 */
void console_open(void);
/*
 * Boot, while one CPU runs: as much of the log as conring_size= says is kept from now on (common/
 * console_log.c): in public memory of @bytes, a power of two, more than CONSOLE_RING_BYTES.
 */
#define CONSOLE_RING_BYTES KIB(16)
void console_log_grow(void);
void console_use_ring(char *larger, u64 bytes);

/* Boot, before dom0 begins: the screen is its own, unless vga=keep. */
void console_leave_screen(void);
/* Boot, when softirqs run: from now on nobody waits for a line to be sent. */
void console_start_async(void);
/*
 * Before the machine goes off: everything has left, and what is written from now on is waited for.
 */
void console_drain(void);

/* Boot, after console_open(): name what the console uses, so that no guest gets it. */
void console_claim_io(void (*claim)(u16 first, u16 last));
void console_claim_memory(void (*claim)(mfn_t first, mfn_t last));
/* The same of its lines, ISA's by their ISA numbers: can interrupts of that one be taken? */
void console_claim_irqs(bool (*claim)(u8 irq));

/*
 * The machine's end, interrupts off: who is sending has come to an end of that, or hangs, and
 * nobody else begins. console_force() is to follow once the other CPUs have stopped.
 */
void console_seize(void);
/* panic(): from now on take no lock. The other CPUs have been told to stop. */
void console_force(void);

/*
 * The hypervisor's lines that are still in the ring, by bytes counted from the first ever: where
 * they start; up to @size of them from *@index on, which moves (from the start, if it is not among
 * them), and how many that was; forget all before @index. Task context.
 */
u32 console_log_start(void);
u32 console_log_read(u32 *index, char *buf, u32 size);
void console_log_clear(u32 index);
/* Have lines been added since *@seen was brought up to date, as it is here? Any context. */
bool console_log_grew(u64 *seen);

/*
 * console_input.c. Boot, when the domains have been built: from now on what is typed is taken, and
 * goes to dom0, if there is one, until it is switched.
 */
void console_input_start(void);
/*
 * console_receive.c. A line that a port may be behind has interrupted. Interrupts off, any root.
 */
void console_interrupt(void);

/*
 * Bytes of the ring that are free for lines: who has much to tell waits for its lines to leave.
 */
u32 console_log_room(void);
