/* SPDX-License-Identifier: MIT */
/*
 * rest: a vCPU that has been taken down, and one that has left its CPU.
 *
 * The rule: VCPUOP_down answers at once, while the other may still be in the middle of a call on
 * its own CPU; whoever then does what wants it at rest waits for it. The guest takes a vCPU down
 * that pins and unpins tables all the time, asks, and brings it up again, where it goes on.
 */
#define TOPIC "rest"
#include "../big_tree.h"
#include "../claim.h"
#include "../clock.h"
#include "../memory.h"
#include "../sibling.h"

static void pin_and_unpin(void)
{
	while (!stop) {
		mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0);
		mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0);
	}
}

/* Isola's recount of every reference, where it is built; -ENOSYS elsewhere. */
static long audit(void)
{
	return hypercall_bare(__HYPERVISOR_arch_7, 0, 0, 0, 0, 0);
}

static void pinning_begins(void)
{
	big_build();
	other_start();
	stop = false;
	job = pin_and_unpin;
}

static void pinning_ends(void)
{
	stop = true;
	other_stop();
	big_plain();
}

CLAIM(audit, "the recount of all references waits for a vCPU that is on its way down, and finds "
	     "them right")
{
	if (audit() == -XEN_ENOSYS)
		skip("there is none in this hypervisor");
	pinning_begins();
	CHECK_ERR(audit(), XEN_EBUSY);
	for (unsigned int round = 0; round < 100; round++) {
		for (volatile unsigned int i = round * 37 % 1000; i; i--)
			;
		CHECK_OK(HC3(vcpu_op, VCPUOP_down, OTHER, 0));
		CHECK_OK(audit());
		CHECK_OK(HC3(vcpu_op, VCPUOP_up, OTHER, 0));
	}
	pinning_ends();
}

static void spin(void)
{
	while (!stop)
		asm volatile("pause");
}

CLAIM(register_vcpu_info, "a vCPU's vcpu_info can be registered as soon as it has been taken down")
{
	static uint8_t page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
	struct vcpu_register_vcpu_info r = { .mfn = mfn_of(page) };

	other_start();
	stop = false;
	job = spin;
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, OTHER, &r), XEN_EINVAL);
	CHECK_OK(HC3(vcpu_op, VCPUOP_down, OTHER, 0));
	CHECK_OK(HC3(vcpu_op, VCPUOP_register_vcpu_info, OTHER, &r));
	CHECK_OK(HC3(vcpu_op, VCPUOP_up, OTHER, 0));
	stop = true;
	other_stop();
}
