/* SPDX-License-Identifier: MIT */
/*
 * The hypercall page: what a kernel that has a note for it calls in place of SYSCALL.
 */
#include <asm/hypercall_page.h>
#include <asm/layout.h>
#include <isola/lib/string.h>
#include <xen/xen.h>

#define STUB_BYTES 32

static const u8 stub[] = {
	0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3,
};
#define STUB_NUMBER 4			/* where the number of the call stands in it */

static const u8 iret_stub[] = {
	0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0, 0x0f, 0x05,
};

void hypercall_page_fill(u8 *page)
{
	memset(page, 0xcc, PAGE_SIZE);
	for (unsigned i = 0; i < PAGE_SIZE / STUB_BYTES; i++) {
		memcpy(page + i * STUB_BYTES, stub, sizeof(stub));
		page[i * STUB_BYTES + STUB_NUMBER] = i;
	}
	memset(page + __HYPERVISOR_iret * STUB_BYTES, 0xcc, STUB_BYTES);
	memcpy(page + __HYPERVISOR_iret * STUB_BYTES, iret_stub, sizeof(iret_stub));
}
