/* SPDX-License-Identifier: MIT */
/*
 * Unpackers that have gone over to the other side: in the place of the real one, each tells the
 * hypervisor something else that it must not take. EVIL says which.
 */
#include <isola/unpack_record.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/xen.h>

extern struct unpack_record record;
extern const char virt_base[], hypercall_page[];
long hypercall_sched_op(unsigned long cmd, void *arg);
void unpacker_main(const start_info_t *si);

static long call(unsigned nr, u64 a, u64 b, u64 c)
{
	const char *at = hypercall_page + nr * 32;
	long rc;

	asm volatile ("call *%[at]" : "=a"(rc), "+D"(a), "+S"(b), "+d"(c) : [at] "r"(at)
		      : "rcx", "r11", "memory");
	return rc;
}

/* Given back to the hypervisor, mapped or not. */
static void give_away(const start_info_t *si, u64 pfn)
{
	u64 mfn = ((const u64 *)si->mfn_list)[pfn];
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	set_xen_guest_handle(r.extent_start, &mfn);
	call(__HYPERVISOR_update_va_mapping, (u64)virt_base + pfn * 4096, 0,
	     UVMF_INVLPG | UVMF_ALL);
	if (call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&r, 0) != 1)
		for (;;)
			;
}

static u64 heap_of(const start_info_t *si)
{
	u64 n = 0;

	for (const signed char *s = si->cmd_line + 5; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + *s - '0';
	return n;
}

static void tell(u64 status, u64 pfn, u64 bytes)
{
	record.status = status;
	record.pfn = pfn;
	record.bytes = bytes;
	record.magic = UNPACK_MAGIC;
}

void unpacker_main(const start_info_t *si)
{
	struct sched_shutdown op = { .reason = SHUTDOWN_poweroff };
	u64 last = si->nr_pages - 1;

	(void)heap_of;
	(void)give_away;
	(void)tell;
	(void)last;
	EVIL;
	for (;;)
		hypercall_sched_op(SCHEDOP_shutdown, &op);
}
