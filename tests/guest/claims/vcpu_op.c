/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op: which vCPUs there are, where their records live, their timers.
 *
 * Registering a vcpu_info is possible once per vCPU and for good, so the claim about it moves the
 * harness's own record as well; everything after it runs on the new one.
 */
#define TOPIC "vcpu_op"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

CLAIM(is_up, "vCPU 0 is up; a vCPU beyond the last is -ENOENT, for every number up to 8191")
{
	CHECK_EQ(HC3(vcpu_op, VCPUOP_is_up, 0, 0), 1);
	for (unsigned int v = 64; v < 8192; v++)
		CHECK_ERR(HC3(vcpu_op, VCPUOP_is_up, v, 0), XEN_ENOENT);
	CHECK_ERR(HC3(vcpu_op, VCPUOP_is_up, 0x7fffffff, 0), XEN_ENOENT);
	CHECK_ERR(HC3(vcpu_op, VCPUOP_is_up, -1, 0), XEN_ENOENT);
}

CLAIM(no_such_vcpu, "every operation on a vCPU that does not exist is -ENOENT, before its argument "
      "is looked at")
{
	static const uint8_t ops[] = {
		VCPUOP_initialise, VCPUOP_up, VCPUOP_down, VCPUOP_is_up, VCPUOP_get_runstate_info,
		VCPUOP_register_runstate_memory_area, VCPUOP_set_periodic_timer,
		VCPUOP_stop_periodic_timer, VCPUOP_set_singleshot_timer,
		VCPUOP_stop_singleshot_timer, VCPUOP_register_vcpu_info, VCPUOP_send_nmi,
	};

	for (unsigned int i = 0; i < sizeof(ops); i++) {
		long rc = HC3(vcpu_op, ops[i], 8191, HYPERVISOR_POINTER);

		CHECK_SAY(rc == -XEN_ENOENT, "operation %u answered %ld", ops[i], rc);
	}
}

CLAIM(unknown, "an unknown vcpu_op is -ENOSYS")
{
	CHECK_ERR(HC3(vcpu_op, 14, 0, 0), XEN_ENOSYS);
	CHECK_ERR(HC3(vcpu_op, 100, 0, 0), XEN_ENOSYS);
}

CLAIM(initialise_running, "initialising a vCPU that is initialised is -EEXIST, and its context is "
      "untouched")
{
	struct vcpu_guest_context *c = page_alloc();

	page_alloc();			/* the structure is longer than a page */
	CHECK_ERR(HC3(vcpu_op, VCPUOP_initialise, 0, c), XEN_EEXIST);
}

CLAIM(up_running, "bringing up a vCPU that is up is 0")
{
	CHECK_OK(HC3(vcpu_op, VCPUOP_up, 0, 0));
}

CLAIM(runstate_info, "get_runstate_info says running, and its times add up to about the age of the "
      "vCPU")
{
	struct vcpu_runstate_info r = { .state = 99 };
	uint64_t before = clock_ns();

	CHECK_OK(HC3(vcpu_op, VCPUOP_get_runstate_info, 0, &r));
	CHECK_EQ(r.state, RUNSTATE_running);
	CHECK(r.state_entry_time <= before);
	CHECK(r.time[RUNSTATE_running] > 0);
	CHECK(r.time[0] + r.time[1] + r.time[2] + r.time[3] <= clock_ns());
}

CLAIM(runstate_area, "a registered runstate area is filled at once and kept up to date over a "
      "block")
{
	static volatile struct vcpu_runstate_info area;
	struct vcpu_register_runstate_memory_area a = { .addr.v = (void *)&area };
	uint64_t blocked;

	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
	area.state = 99;
	CHECK_OK(HC3(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &a));
	CHECK_EQ(area.state, RUNSTATE_running);
	/* On a busy machine the timer may fire before we sleep: try again. */
	for (unsigned int i = 0; i < 10; i++) {
		blocked = area.time[RUNSTATE_blocked];
		CHECK_OK(timer_set(clock_ns() + 20 * MS_NS));
		CHECK_OK(HC2(sched_op, SCHEDOP_block, 0));
		if (area.time[RUNSTATE_blocked] >= blocked + 5 * MS_NS)
			break;
	}
	CHECK_EQ(area.state, RUNSTATE_running);
	CHECK(area.time[RUNSTATE_blocked] >= blocked + 5 * MS_NS);
	CHECK(area.time[RUNSTATE_running] > 0);
	a.addr.v = NULL;
	HC3(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &a);
}

CLAIM(runstate_area_bad, "a runstate area nobody can write is refused or ignored, and harms nobody")
{
	struct vcpu_register_runstate_memory_area a = { .addr.v = (void *)HYPERVISOR_POINTER };

	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &a), XEN_EFAULT);
	a.addr.v = UNMAPPED_POINTER;
	HC3(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &a);
	HC2(sched_op, SCHEDOP_yield, 0);
	a.addr.v = NULL;
	HC3(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &a);
}

CLAIM(register_vcpu_info_refusals, "register_vcpu_info refuses misaligned and crossing offsets, "
      "and frames that are not ours")
{
	struct vcpu_register_vcpu_info r = { .mfn = mfn_of(page_alloc()), .offset = 4 };

	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r), XEN_ENXIO);
	r.offset = PAGE_BYTES - 56;
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r), XEN_ENXIO);
	r.offset = ~7u;
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r), XEN_ENXIO);
	r.offset = 0;
	r.mfn = ~0ul;
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r), XEN_EINVAL);
	r.mfn = mfn_of((void *)start->pt_base);	/* a page table can never be writable */
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r), XEN_EINVAL);
}

/* Register a vcpu_info of ours for vCPU 0 if that has not happened yet; the page. */
static struct vcpu_info *register_once(void)
{
	static struct vcpu_info *record;
	struct vcpu_register_vcpu_info r = { .offset = 64 };
	uint8_t *page;

	if (record)
		return record;
	page = page_alloc();
	r.mfn = mfn_of(page);
	upcalls_mask();
	CHECK_OK(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r));
	record = vcpu_info = (void *)(page + 64);
	return record;
}

CLAIM(register_vcpu_info, "register_vcpu_info moves the record: mask kept, time valid, everything "
      "pending")
{
	struct vcpu_info *v = register_once();

	CHECK_EQ(v->evtchn_upcall_mask, 1);
	CHECK_EQ(v->evtchn_upcall_pending, 1);
	CHECK_EQ(v->evtchn_pending_sel, ~0ul);
	CHECK(v->time.tsc_to_system_mul != 0);
	CHECK_EQ(v->time.version & 1, 0);
	CHECK(v->time.system_time != 0);
}

CLAIM(register_vcpu_info_twice, "registering a vcpu_info a second time is -EINVAL, and the first "
      "stays in use")
{
	struct vcpu_info *v = register_once();
	struct vcpu_register_vcpu_info r = { .mfn = mfn_of(page_alloc()) };
	uint64_t word;

	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &r), XEN_EINVAL);
	try_read((void *)0x00007f0000777000ul, &word);
	CHECK_EQ(v->arch.cr2, 0x00007f0000777000ul);
}

CLAIM(vcpu_info_page_stays_writable, "a page that holds a vcpu_info cannot become a page table")
{
	struct vcpu_info *v = register_once();

	CHECK_OK(make_readonly((void *)((unsigned long)v & ~(PAGE_BYTES - 1))));
	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(v), 0), XEN_EINVAL);
	CHECK_OK(make_writable((void *)((unsigned long)v & ~(PAGE_BYTES - 1))));
}

CLAIM(get_physid, "get_physid answers 0 or -EINVAL, and writes no more than 8 bytes")
{
	struct {
		struct vcpu_get_physid id;
		uint64_t behind;
	} p = { .behind = 0x5a };
	long rc = HC3(vcpu_op, VCPUOP_get_physid, 0, &p);

	CHECK(rc == 0 || rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
	CHECK_EQ(p.behind, 0x5a);
}
