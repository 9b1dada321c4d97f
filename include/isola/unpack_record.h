/* SPDX-License-Identifier: MIT */
/*
 * What the unpacker (unpack/) tells the hypervisor: its first page, pfn 0, begins with a record,
 * which is complete when it shuts down. Whatever stands there is a guest's: read once, checked.
 */
#pragma once
#include <isola/types.h>

#define UNPACK_MAGIC		0x6b63617061756e75ul
#define UNPACK_WHY_BYTES	112
#define UNPACK_MOST_BYTES	MIB(512)	/* of what is unpacked: no kernel is larger */
#define UNPACK_MOST_HEAP	GIB(1)		/* of what it may work in */

enum unpack_status {
	UNPACK_DONE = 1,	/* @bytes from the beginning of page @pfn on */
	UNPACK_LACKS,		/* with a heap of @bytes it could go on; it has changed nothing */
	UNPACK_REFUSES,		/* @why */
};

struct unpack_record {
	u64 magic;
	u64 status;
	u64 pfn, bytes;
	char why[UNPACK_WHY_BYTES];	/* a sentence's end: "its gzip data is damaged" */
};
