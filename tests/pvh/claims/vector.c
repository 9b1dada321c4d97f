/* SPDX-License-Identifier: MIT */
/*
 * Upcalls by a vector of the vcpu's own: an edge of its local APIC's. The last claims: nothing
 * takes such a vector back.
 */
#define TOPIC "vector"
#include "claim.h"
#include "machine.h"
#include "text.h"
#include <xen/vcpu.h>

#define VECTOR 0x70

static void clear(unsigned v)
{
	if (v != VECTOR)
		return;
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
	shared->vcpu_info[0].evtchn_pending_sel = 0;
}

#define WINDOW() asm volatile("sti; nop; nop; nop; cli" : : : "memory")

CLAIM(upcall, "an event is one interrupt by it, whoever is told of it how often")
{
	struct xen_hvm_evtchn_upcall_vector op = { .vcpu = 0, .vector = 5 };
	struct evtchn_bind_ipi bind = { .vcpu = 0 };
	struct evtchn_send send;

	if (!shared)
		CHECK_OK(events_init());
	if (rdmsr(0x1b) & 1 << 10) {
		wrmsr(0x1b, 0xfee00100);
		wrmsr(0x1b, 0xfee00900);
	}
	apic_write(0xf0, 0x1ff);
	interrupt_hook = clear;
	CHECK_ERR(HC2(hvm_op, HVMOP_set_evtchn_upcall_vector, &op), XEN_EINVAL);
	op.vector = VECTOR;
	op.vcpu = 77;
	CHECK_ERR(HC2(hvm_op, HVMOP_set_evtchn_upcall_vector, &op), XEN_ENOENT);
	op.vcpu = 0;
	CHECK_OK(HC2(hvm_op, HVMOP_set_evtchn_upcall_vector, &op));
	WINDOW();
	CHECK_EQ(interrupts[VECTOR], 1);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_ipi, &bind));
	shared->evtchn_mask[bind.port / 64] &= ~(1ul << bind.port % 64);
	send.port = bind.port;
	for (unsigned i = 0; i < 10; i++) {
		shared->evtchn_pending[bind.port / 64] = 0;
		interrupts[VECTOR] = 0;
		CHECK_OK(HC2(event_channel_op, EVTCHNOP_send, &send));
		CHECK_OK(HC2(event_channel_op, EVTCHNOP_send, &send));
		CHECK_EQ(interrupts[VECTOR], 0);
		WINDOW();
		CHECK_EQ(interrupts[VECTOR], 1);
		WINDOW();
		CHECK_EQ(interrupts[VECTOR], 1);
	}
}

CLAIM(place, "vcpu_info moves to a place in a page of ours, once, and everything is pending there")
{
	struct vcpu_register_vcpu_info op = { .mfn = 0xfffff, .offset = 64 };
	volatile struct vcpu_info *info = (void *)((char *)page_alloc() + 64);
	uint32_t mul = shared->vcpu_info[0].time.tsc_to_system_mul;

	interrupt_hook = NULL;
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &op), XEN_EINVAL);
	op.mfn = (uint64_t)info >> 12;
	op.offset = 4090;
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &op), XEN_ENXIO);
	op.offset = 64;
	CHECK_OK(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &op));
	CHECK_EQ(info->time.tsc_to_system_mul, mul);
	CHECK_EQ(info->evtchn_upcall_pending, 1);
	CHECK_EQ(info->evtchn_pending_sel, ~0ul);
	interrupts[VECTOR] = 0;
	info->evtchn_upcall_pending = 0;
	WINDOW();
	CHECK_ERR(HC3(vcpu_op, VCPUOP_register_vcpu_info, 0, &op), XEN_EINVAL);
}
