/* SPDX-License-Identifier: MIT */
/*
 * console_io: dom0's text out and input in.
 *
 * Invariant: guest bytes pass through a buffer on this CPU's stack, which is wiped before the call
 * returns; they never reach the public ring. Input stays in the port until dom0 asks for it.
 */
#include <asm/hypercall.h>
#include <isola/console.h>
#include <isola/errno.h>
#include <isola/privilege.h>
#include <isola/vcpu.h>
#include <isola/lib/string.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>

/*
 * Send @n bytes as the ports take them, with interrupts on. Fewer if something else is due on this
 * CPU.
 */
static u32 send_chunk(const char *buf, u32 n)
{
	u32 sent = 0;

	for (;;) {
		sent += console_write_guest(current, buf + sent, n - sent);
		if (sent == n || hypercall_preempt_check())
			return sent;
		cpu_relax();
	}
}

/* Chunk by chunk; what is due in between is served, and the call goes on where it was. */
static long console_write_op(u32 count, u64 from)
{
	char buf[CONSOLE_CHUNK_BYTES];
	long rc = 0;

	while (count) {
		u32 n = min_t(u32, count, sizeof(buf));

		if (copy_from_guest(buf, from, n)) {
			rc = -EFAULT;
			break;
		}
		n = send_chunk(buf, n);
		count -= n;
		from += n;
		if (count && hypercall_preempt_check()) {
			rc = hypercall_continue(console_io, CONSOLEIO_write, count,
						from);
			break;
		}
	}
	console_wipe(buf, sizeof(buf));
	return rc;
}

static long console_read_op(u32 count, u64 to)
{
	char buf[CONSOLE_CHUNK_BYTES];
	size_t n;
	long rc;

	if (count > 0x7fffffff)
		return -E2BIG;
	if (!guest_range_ok(to, count))
		return -EFAULT;
	n = console_read(buf, min_t(u32, count, sizeof(buf)));
	rc = copy_to_guest(to, buf, n) ? -EFAULT : (long)n;
	console_wipe(buf, sizeof(buf));
	return rc;
}

long hc_console_io(u64 cmd, u64 count, u64 buf)
{
	if (!domain_may(current->domain, MAY_console_io))
		return -EPERM;
	switch ((u32)cmd) {
	case CONSOLEIO_write:
		return console_write_op(count, buf);
	case CONSOLEIO_read:
		return console_read_op(count, buf);
	default:
		return -ENOSYS;
	}
}
