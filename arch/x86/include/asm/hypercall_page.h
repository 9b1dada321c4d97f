/* SPDX-License-Identifier: MIT */
/*
 * The hypercall page (ABI): 128 stubs of 32 bytes, one for each number, by which a kernel may make
 * its calls.
 */
#pragma once

#include <isola/types.h>

/*
 * Fill @page, a whole one. Each stub: push rcx; push r11; mov eax,n; syscall; pop r11; pop rcx;
 * ret. iret keeps rax, too, and does not come back.
 */
void hypercall_page_fill(u8 *page);
