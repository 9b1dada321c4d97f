/* SPDX-License-Identifier: MIT */
/*
 * Records for an auditor outside the machine (asi/audit_offsets.c): in a section of the ELF that is
 * never loaded, eight bytes of value and a name that ends in NUL, each.
 */
#pragma once

#include <isola/types.h>

#define VALUE(name, value) \
	asm volatile (".pushsection .audit_offsets,\"\",@progbits\n\t" \
		      ".long %c0, %c1\n\t.asciz \"" name "\"\n\t.popsection" \
		      :: "i"((s32)(u64)(value)), "i"((s32)((u64)(value) >> 32)))
#define CONST(name)		VALUE(#name, name)
#define OFFSET(type, member)	VALUE(#type "." #member, offsetof(struct type, member))
#define SIZE(type)		VALUE("sizeof " #type, sizeof(struct type))
