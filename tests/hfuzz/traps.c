/* SPDX-License-Identifier: MIT */
/*
 * Traps of any vCPU: what an operation raised is its result, and it is left; an event or an NMI in
 * between is taken note of; an exception of the control code is the end of the run.
 */
#include "hfuzz.h"

void trap_enter(struct trap_regs *regs, struct trap_return *ret);

static void take_events(struct me *m)
{
	uint64_t sel = 0;

	m->info->evtchn_upcall_pending = 0;
	asm volatile("xchgq %0, %1" : "+r"(sel), "+m"(m->info->evtchn_pending_sel) : : "memory");
	for (; sel; sel &= sel - 1) {
		unsigned int w = (unsigned int)__builtin_ctzll(sel);

		__atomic_fetch_and(&shared->evtchn_pending[w], shared->evtchn_mask[w],
				   __ATOMIC_SEQ_CST);
	}
}

/* On the way back: to where the operation was begun, with @result. */
static void leave(struct me *m, struct trap_regs *regs, struct trap_return *ret,
		  unsigned int result)
{
	regs->rdi = ARG(&m->back);
	regs->rsi = result + 1;
	*ret = (struct trap_return){
		.rip = ARG(context_resume), .cs = FLAT_KERNEL_CS & ~3,
		.rflags = m->repairing ? 0x2 : 0x202,
		.rsp = m->back.rsp - 256, .ss = FLAT_KERNEL_SS,
	};
}

static void stay(const uint64_t *hw, struct trap_return *ret)
{
	*ret = (struct trap_return){
		.rip = hw[0], .cs = hw[1] & 0xffff, .rflags = hw[2], .rsp = hw[3], .ss = hw[4],
	};
}

static bool is_quiet(uint64_t vector)
{
	return vector == TRAP_EVENT || vector == TRAP_NMI || vector == TRAP_NMI_CALLBACK ||
	       vector == TRAP_SYSCALL;
}

/* Gates beyond the processor's count as one. */
static unsigned int min_vector(uint64_t vector)
{
	return vector < 32 ? (unsigned int)vector : 32;
}

void trap_enter(struct trap_regs *regs, struct trap_return *ret)
{
	bool has_error = ((uint64_t)&regs->rcx & 15) == 0;
	uint64_t vector = regs->vector, *hw = regs->tail + has_error;
	struct me *m = me_here();
	bool from_user;

	if (vector == TRAP_FAILSAFE)
		hw = regs->tail + 4;
	from_user = (hw[1] & 3) == 3;
	if (vector == TRAP_EVENT)
		take_events(m);
	if (vector == TRAP_DB) {
		HC2(set_debugreg, 7, 0);
		hw[2] &= ~0x100ul;
	}
	if (is_quiet(vector) && !from_user) {
		stay(hw, ret);
		return;
	}
	if (!m->guarded && (vector == TRAP_DB || vector == TRAP_FAILSAFE) && !from_user) {
		stay(hw, ret);
		return;
	}
	if (!m->guarded)
		die("vCPU %u: control code trapped: vector %lu error %lx rip %lx rsp %lx cr2 %lx",
		    m->id, vector, has_error ? regs->tail[0] : 0, hw[0], hw[3], m->info->arch.cr2);
	here(m)->rip = hw[0];
	leave(m, regs, ret, is_quiet(vector) ? 0 : RESULT_TRAP + min_vector(vector));
}
