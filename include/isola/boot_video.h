/* SPDX-License-Identifier: MIT */
/*
 * The screen as the loader has left it.
 */
#pragma once

#include <isola/types.h>

enum boot_video_type {
	BOOT_VIDEO_NONE,
	BOOT_VIDEO_TEXT,		/* EGA text: address, columns, rows */
	BOOT_VIDEO_RGB,			/* linear frame buffer */
};

struct boot_video {
	enum boot_video_type type;
	u64 maddr;
	u32 pitch_bytes, width, height;	/* text: characters */
	u8 bpp;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};
