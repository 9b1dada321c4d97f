/* SPDX-License-Identifier: MIT */
/*
 * The screen as the loader left it, in dom0's words: struct dom0_vga_console_info of <xen/xen.h>,
 * behind start_info in its page. Linux takes a screen of 80x25 for granted if it is told nothing,
 * which on UEFI is a dead one.
 */
#include <asm/vga_info.h>
#include <isola/boot_info.h>
#include <isola/lib/string.h>

#define EGA_FONT_HEIGHT	16
#define LFB_SIZE_UNIT	KIB(64)

/* In bits. */
static unsigned colours_size(const struct boot_video *v)
{
	return (unsigned)v->red_size + v->green_size + v->blue_size;
}

/* Is it one that the 16-bit fields can tell? A loader's screen that is none is told as none. */
static bool can_be_told(const struct boot_video *v)
{
	return v->width && v->height && !((v->width | v->height | v->pitch_bytes) >> 16) &&
	       v->bpp >= 15 && v->bpp <= 32 &&
	       (u64)v->width * v->bpp <= (u64)v->pitch_bytes * 8 && colours_size(v) <= v->bpp;
}

static void tell_frame_buffer(const struct boot_video *v, bool is_efi, dom0_vga_console_info_t *to)
{
	u64 bytes = (u64)v->pitch_bytes * v->height;

	to->video_type = is_efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
	to->u.vesa_lfb.width = (u16)v->width;
	to->u.vesa_lfb.height = (u16)v->height;
	to->u.vesa_lfb.bytes_per_line = (u16)v->pitch_bytes;
	to->u.vesa_lfb.bits_per_pixel = v->bpp;
	to->u.vesa_lfb.lfb_base = (u32)v->maddr;
	to->u.vesa_lfb.ext_lfb_base = (u32)(v->maddr >> 32);
	to->u.vesa_lfb.lfb_size = (u32)(ROUNDUP(bytes, LFB_SIZE_UNIT) / LFB_SIZE_UNIT);
	to->u.vesa_lfb.red_pos = v->red_pos;
	to->u.vesa_lfb.red_size = v->red_size;
	to->u.vesa_lfb.green_pos = v->green_pos;
	to->u.vesa_lfb.green_size = v->green_size;
	to->u.vesa_lfb.blue_pos = v->blue_pos;
	to->u.vesa_lfb.blue_size = v->blue_size;
	to->u.vesa_lfb.rsvd_pos = (u8)colours_size(v);
	to->u.vesa_lfb.rsvd_size = (u8)(v->bpp - colours_size(v));
}

size_t vga_info_fill(const struct boot_video *v, bool is_efi, dom0_vga_console_info_t *to)
{
	memset(to, 0, sizeof(*to));
	if (v->type == BOOT_VIDEO_RGB && can_be_told(v)) {
		tell_frame_buffer(v, is_efi, to);
		return sizeof(*to);
	}
	if (v->type == BOOT_VIDEO_TEXT && v->height && !((v->width | v->height) >> 8)) {
		to->video_type = XEN_VGATYPE_TEXT_MODE_3;
		to->u.text_mode_3.font_height = EGA_FONT_HEIGHT;
		to->u.text_mode_3.cursor_y = (u16)(v->height - 1);
		to->u.text_mode_3.rows = (u16)v->height;
		to->u.text_mode_3.columns = (u16)v->width;
		return sizeof(*to);
	}
	return 0;
}
