/* SPDX-License-Identifier: MIT */
/*
 * The unpacker led by libFuzzer: whatever comes in, what comes out lies in the file or in the room,
 * a refusal is a sentence, and a wish is for more than there is. The libraries are Debian's and
 * have no coverage: what leads is ours.
 */
#include "unpack/unpack.h"
#include <stdlib.h>
#include <string.h>

#define ROOM_BYTES	(4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes);

static void must(int holds)
{
	if (!holds)
		abort();
}

static void must_be_sentence(const char *s)
{
	must(strlen(s) >= 8 && strlen(s) < WHY_BYTES);
	for (; *s; s++)
		must(*s >= ' ' && *s <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes)
{
	static uint8_t *memory;
	struct unpacked u;
	struct room room;

	if (!memory)
		memory = aligned_alloc(4096, ROOM_BYTES);
	room_init(&room, memory, ROOM_BYTES);
	switch (unpack(in, bytes, &room, &u)) {
	case END_DONE:
		must((u.image >= in && u.image + u.bytes <= in + bytes) ||
		     (u.image >= memory && u.image + u.bytes <= memory + ROOM_BYTES));
		break;
	case END_LACKS:
		must(u.bytes > ROOM_BYTES);
		break;
	case END_REFUSES:
		must_be_sentence(u.why);
		break;
	}
	return 0;
}
