/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by guest-physical address. All of it is the domain's own, so it is read through its
 * window, with a reference while it is.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/hvm.h>
#include <asm/p2m_touch.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/window.h>

int hvm_copy_phys(u64 gpa, void *buf, size_t len, bool write)
{
	struct domain *d = current->domain;
	struct page_info *pg = p2m_get_page(d, &d->hvm->p2m, _gfn(gpa >> PAGE_SHIFT));
	u8 *at;

	if (!pg)
		return -EFAULT;
	at = (u8 *)window_ptr(page_mfn(pg)) + (gpa & ~PAGE_MASK);
	if (write) {
		memcpy(at, buf, len);
		p2m_written(&d->hvm->p2m, _gfn(gpa >> PAGE_SHIFT), pg);
	} else {
		memcpy(buf, at, len);
	}
	page_put(pg);
	return 0;
}
