/* SPDX-License-Identifier: MIT */
/*
 * The unpacker as a domain: the file is its initrd, the memory behind its stack, of which the
 * command line says how much ("heap=BYTES"), is its room, and what comes of it stands in its first
 * page when it shuts down. It touches nothing else, and makes two calls.
 */
#include "unpack.h"
#include <isola/unpack_record.h>
#include <string.h>
#include <xen/sched.h>
#include <xen/xen.h>

static_assert(WHY_BYTES == UNPACK_WHY_BYTES && MOST_BYTES == UNPACK_MOST_BYTES, "as the record's");

extern struct unpack_record record;
extern const char virt_base[];

long hypercall_sched_op(unsigned long cmd, void *arg);		/* head.S */
void unpacker_main(const start_info_t *si) __attribute__((noreturn));

static uint64_t read_heap(const char *s)
{
	uint64_t n = 0;

	if (strncmp(s, "heap=", 5))
		return 0;
	for (s += 5; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (*s - '0');
	return n;
}

static void tell(enum unpack_end end, const struct unpacked *u)
{
	static const uint64_t status[] = {
		[END_DONE] = UNPACK_DONE, [END_LACKS] = UNPACK_LACKS,
		[END_REFUSES] = UNPACK_REFUSES,
	};

	record.status = status[end];
	record.bytes = u->bytes;
	if (end == END_DONE)
		record.pfn = (u->image - (const uint8_t *)virt_base) >> 12;
	memcpy(record.why, u->why, sizeof(record.why));
	record.magic = UNPACK_MAGIC;
}

void unpacker_main(const start_info_t *si)
{
	struct sched_shutdown op = { .reason = SHUTDOWN_poweroff };
	/* Behind the bootstrap tables, and the page of stack behind those. */
	uint64_t heap = si->pt_base + (si->nr_pt_frames + 1) * 4096;
	struct unpacked u;
	struct room room;

	room_init(&room, (void *)heap, read_heap((const char *)si->cmd_line));
	tell(unpack((const void *)si->mod_start, si->mod_len, &room, &u), &u);
	for (;;)
		hypercall_sched_op(SCHEDOP_shutdown, &op);
}
