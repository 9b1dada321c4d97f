/* SPDX-License-Identifier: MIT */
/*
 * The unpacker's file (unpack/), as data: the builder loads it as it loads any kernel.
 */
	.section .rodata.unpacker, "a", @progbits
	.balign	8
	.globl	unpacker_image, unpacker_image_end
unpacker_image:
	.incbin	UNPACKER
unpacker_image_end:

	.section .note.GNU-stack, "", @progbits
