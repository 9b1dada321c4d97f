/* SPDX-License-Identifier: MIT */
/*
 * Operations on vCPUs: their lives, and where the hypervisor is to enter them. What would leave a
 * vCPU without a way in is repaired by vcpu_repair() before the next operation.
 */
#include "ops.h"
#include <xen/vcpu.h>

static bool is_fuzzing(unsigned int v)
{
	return v < nr_cpus;
}

long op_vcpu(struct me *m, unsigned int cmd)
{
	static struct vcpu_guest_context contexts[MAX_CPUS];
	struct vcpu_guest_context *c = &contexts[m->id];
	unsigned int v = any_vcpu(m);
	struct vcpu_register_vcpu_info info = { .mfn = any_mfn(m, 0),
						.offset = 64 * (uint32_t)below(m, 64) };
	uint64_t a[8] = { border(m), border(m), border(m) }, at;

	switch (cmd) {
	case VCPUOP_initialise:
		expendable_context(m, c, v);
		return CALL(m, vcpu_op, cmd, v, one_in(m, 8) ? bad_address(m) : ARG(c), 0, 0);
	case VCPUOP_down:
		/* vCPU 0 stays up, so that there is one which brings the others back. */
		return v == 0 ? -XEN_EAGAIN : CALL(m, vcpu_op, cmd, v, border(m), 0, 0);
	case VCPUOP_register_runstate_memory_area:
		a[0] = one_in(m, 6) ? bad_address(m) : sand_address(m);
		break;
	case VCPUOP_register_vcpu_info:
		if (is_fuzzing(v) && areas[v].me.info == NULL)
			return -XEN_EAGAIN;
		memcpy(a, &info, sizeof(info));
		if (one_in(m, 10))
			a[1] = border(m);
		break;
	case VCPUOP_set_periodic_timer:
		a[0] = one_in(m, 3) ? border(m) : MS + below(m, 10 * MS);
		break;
	case VCPUOP_set_singleshot_timer:
		v = one_in(m, 8) ? v : m->id;
		a[0] = one_in(m, 3) ? border(m) : clock_ns() + below(m, 2 * MS);
		a[1] = below(m, 4);
		break;
	case VCPUOP_stop_singleshot_timer:
		v = one_in(m, 2) ? v : m->id;
		break;
	case VCPUOP_send_nmi:
		return CALL(m, vcpu_op, cmd, v, one_in(m, 10) ? border(m) : 0, 0, 0);
	}
	at = arg(m, a, sizeof(a));
	return CALL(m, vcpu_op, cmd, v, at, 0, 0);
}

/* Exceptions keep their stubs, or nothing could be caught: other vectors may have any. */
long op_trap_table(struct me *m, unsigned int nothing)
{
	struct trap_info t[6] = { { 0 } };
	unsigned int nr = (unsigned int)below(m, 6);

	for (unsigned int i = 0; i < nr; i++) {
		t[i].vector = (uint8_t)(32 + below(m, 224));
		t[i].flags = (uint8_t)border(m);
		t[i].cs = any_selector(m);
		t[i].address = one_in(m, 3) ? code_address(m) : trap_stub(t[i].vector);
	}
	/* Not at 0: that takes all of them away. */
	return CALL(m, set_trap_table, nr ? arg(m, t, sizeof(t)) ?: 8 : bad_address(m) | 8, 0, 0, 0,
		    0);
}

long op_callback(struct me *m, unsigned int cmd)
{
	struct callback_register r = { .type = (uint16_t)below(m, 9),
				       .flags = (uint16_t)below(m, 4) };

	r.address = one_in(m, 2) ? code_address(m) : trap_stub(TRAP_EVENT);
	if (r.type == CALLBACKTYPE_nmi)		/* others wake us with it */
		r.address = cmd == CALLBACKOP_register ? trap_stub(TRAP_NMI_CALLBACK) : 0;
	return CALL(m, callback_op, one_in(m, 16) ? border(m) | 2 : cmd, arg(m, &r, sizeof(r)), 0,
		    0, 0);
}

long op_set_callbacks(struct me *m, unsigned int nothing)
{
	return CALL(m, set_callbacks, one_in(m, 2) ? trap_stub(TRAP_EVENT) : code_address(m),
		    one_in(m, 2) ? trap_stub(TRAP_FAILSAFE) : code_address(m),
		    one_in(m, 2) ? trap_stub(TRAP_SYSCALL) : code_address(m), border(m), border(m));
}

/* Used only on the way in from user mode, before which it is put right. */
long op_stack_switch(struct me *m, unsigned int nothing)
{
	return CALL(m, stack_switch, any_selector(m), one_in(m, 2) ? border(m) : bad_address(m), 0,
		    0, 0);
}

long op_segment_base(struct me *m, unsigned int nothing)
{
	uint64_t which = below(m, 5);

	return CALL(m, set_segment_base, which,
		    which == SEGBASE_GS_USER_SEL ? any_selector(m) : border(m), 0, 0, 0);
}

long op_debugreg(struct me *m, unsigned int get)
{
	uint64_t reg = below(m, 9), value = border(m);

	if (get)
		return CALL(m, get_debugreg, reg, 0, 0, 0, 0) == -XEN_EINVAL ? -XEN_EINVAL : 0;
	if (reg < 4)
		value = one_in(m, 2) ? sand_address(m) : bad_address(m);
	if (reg == 7 && one_in(m, 2))
		value = 0x400 | (border(m) & 0xff) | (rnd(m) & 0xffff0000);
	return CALL(m, set_debugreg, reg, value, 0, 0, 0);
}

long op_assist(struct me *m, unsigned int nothing)
{
	return CALL(m, vm_assist, one_in(m, 10) ? border(m) : below(m, 2),
		    one_in(m, 10) ? border(m) : below(m, 8) + 28 * below(m, 2), 0, 0, 0);
}

long op_taskswitch(struct me *m, unsigned int nothing)
{
	return CALL(m, fpu_taskswitch, border(m) & 1, 0, 0, 0, 0);
}
