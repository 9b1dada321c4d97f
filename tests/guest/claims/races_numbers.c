/* SPDX-License-Identifier: MIT */
/*
 * races_numbers: two vCPUs ask for the same number: a port, a watchdog, a vCPU that does not run
 * yet.
 *
 * The rule: each number is given out once.
 */
#define TOPIC "races"
#include "races.h"
#include "../clock.h"
#include "../events.h"
#include "../text.h"

#define PORTS_EACH 16u
static uint32_t ports[2][PORTS_EACH];

static long bind_ports(unsigned int who)
{
	for (unsigned int i = 0; i < PORTS_EACH; i++) {
		struct evtchn_bind_ipi op = { .vcpu = 0 };
		long rc = HC2(event_channel_op, EVTCHNOP_bind_ipi, &op);

		if (rc)
			return rc;
		ports[who][i] = op.port;
	}
	return 0;
}

static long close_ports(unsigned int who)
{
	for (unsigned int i = 0; i < PORTS_EACH; i++) {
		struct evtchn_close op = { .port = ports[who][i] };
		long rc = HC2(event_channel_op, EVTCHNOP_close, &op);

		if (rc)
			return rc;
	}
	return 0;
}

static long bind_mine(void) { return bind_ports(0); }
static long bind_theirs(void) { return bind_ports(1); }
static long close_mine(void) { return close_ports(0); }
static long close_theirs(void) { return close_ports(1); }

CLAIM(ports_both, "two vCPUs that open and close ports at the same time get ports that all differ, "
		  "and close their own")
{
	together_start();
	for (unsigned int round = 0; round < 50; round++) {
		static bool seen[NR_PORTS];

		both_lists(bind_mine, bind_theirs);
		memset(seen, 0, sizeof(seen));
		for (unsigned int i = 0; i < 2 * PORTS_EACH; i++) {
			uint32_t port = ports[i / PORTS_EACH][i % PORTS_EACH];

			CHECK_SAY(port < NR_PORTS && !seen[port], "port %u is given out twice",
				  port);
			seen[port] = true;
		}
		both_lists(close_mine, close_theirs);
	}
	together_stop();
}

static long take_watchdog(void)
{
	struct sched_watchdog w = { .timeout = 1000 };

	return HC2(sched_op, SCHEDOP_watchdog, &w);
}

static long put_watchdog_away(unsigned int id)
{
	struct sched_watchdog w = { .id = id };

	return HC2(sched_op, SCHEDOP_watchdog, &w);
}

CLAIM(watchdogs_both, "two vCPUs that ask for a watchdog at the same time get one each")
{
	together_start();
	for (unsigned int round = 0; together_again(round, 1000); round++) {
		struct answers a = together(take_watchdog, take_watchdog);

		CHECK_SAY(a.mine + a.theirs == 3 && a.mine > 0 && a.theirs > 0,
			  "answers %ld and %ld, round %u", a.mine, a.theirs, round);
		CHECK_OK(put_watchdog_away(1));
		CHECK_OK(put_watchdog_away(2));
	}
	together_stop();
}

/* ---- vCPUs that do not run yet ---- */

static unsigned int spare;              /* a vCPU that does not run yet */
static struct vcpu_guest_context contexts[2];

static struct {
	uint8_t image[512];
} __attribute__((aligned(16))) fpu_seen;
static volatile bool fpu_done;
static unsigned int fpu_vcpu;

void races_fpu_entry(void);
asm(".text\n"
    "races_fpu_entry:\n\t"
    "fxsave64 fpu_seen(%rip)\n\t"
    "movb	$1, fpu_done(%rip)\n"
    "1:\n\t"
    "mov	$2, %edi\n\t"			/* VCPUOP_down */
    "mov	fpu_vcpu(%rip), %esi\n\t"
    "xor	%edx, %edx\n\t"
    "call	hypercall_page + 24 * 32\n\t"	/* vcpu_op */
    "jmp	1b\n");

/* Bring up a vCPU with @c, which stores its FPU state and goes down. */
static void fpu_run(struct vcpu_guest_context *c)
{
	static uint8_t stack[PAGE_BYTES] __attribute__((aligned(16)));

	fpu_vcpu = spare_vcpu();
	shared->vcpu_info[fpu_vcpu].evtchn_upcall_mask = 1;
	c->user_regs.rip = ARG(races_fpu_entry);
	c->user_regs.rsp = c->kernel_sp = ARG(stack + sizeof(stack) - 64);
	fpu_done = false;
	memset(&fpu_seen, 0xee, sizeof(fpu_seen));
	CHECK_OK(HC3(vcpu_op, VCPUOP_initialise, fpu_vcpu, c));
	CHECK_OK(HC3(vcpu_op, VCPUOP_up, fpu_vcpu, 0));
	CHECK(WAIT_FOR(fpu_done, 5000));
	CHECK(WAIT_FOR(HC3(vcpu_op, VCPUOP_is_up, fpu_vcpu, 0) == 0, 5000));
}

CLAIM(initialise_fpu,
      "the FPU state given with VGCF_i387_valid is what a new vCPU has at its first instruction")
{
	struct vcpu_guest_context *c = &contexts[0];
	uint8_t *image = (uint8_t *)&c->fpu_ctxt;

	sibling_context(c);
	c->flags |= VGCF_i387_valid;
	*(uint16_t *)image = 0x027f;			/* FCW: double precision */
	*(uint32_t *)(image + 24) = 0x1fa0;		/* MXCSR: a flag is up */
	*(uint32_t *)(image + 28) = 0xffff;
	for (unsigned int i = 0; i < 16 * 16; i++)	/* XMM0 to 15 */
		image[160 + i] = (uint8_t)(i * 11 + 1);
	fpu_run(c);
	CHECK_EQ(*(uint16_t *)fpu_seen.image, 0x027f);
	CHECK_EQ(*(uint32_t *)(fpu_seen.image + 24), 0x1fa0);
	for (unsigned int i = 0; i < 16 * 16; i++)
		CHECK_SAY(fpu_seen.image[160 + i] == (uint8_t)(i * 11 + 1),
			  "byte %u of the XMM registers is 0x%x", i, fpu_seen.image[160 + i]);
}

CLAIM(initialise_no_fpu, "without VGCF_i387_valid a new vCPU starts with the FPU as after reset, "
			 "whatever the context has there")
{
	struct vcpu_guest_context *c = &contexts[0];

	sibling_context(c);
	memset(&c->fpu_ctxt, 0x77, sizeof(c->fpu_ctxt));
	fpu_run(c);
	CHECK_EQ(*(uint32_t *)(fpu_seen.image + 24), 0x1f80);
	for (unsigned int i = 0; i < 16 * 16; i++)
		CHECK_SAY(fpu_seen.image[160 + i] == 0, "byte %u of the XMM registers is 0x%x", i,
			  fpu_seen.image[160 + i]);
}

static long initialise_mine(void)
{
	return HC3(vcpu_op, VCPUOP_initialise, spare, &contexts[0]);
}

static long initialise_theirs(void)
{
	return HC3(vcpu_op, VCPUOP_initialise, spare, &contexts[1]);
}

CLAIM(initialise_both, "of two vCPUs that initialise a third at the same time one does, and the "
		       "other is told -EEXIST; only one set of references is taken")
{
	spare = spare_vcpu();
	together_start();
	for (unsigned int i = 0; i < 8 && HC3(vcpu_op, VCPUOP_is_up, spare, 0) == 0;
	     i++, spare = spare_vcpu()) {
		uint64_t *gdt[2] = { table_alloc(), table_alloc() };
		struct answers a;

		for (unsigned int c = 0; c < 2; c++) {
			sibling_context(&contexts[c]);
			contexts[c].gdt_frames[0] = mfn_of(gdt[c]);
			contexts[c].gdt_ents = 512;
		}
		a = together(initialise_mine, initialise_theirs);
		CHECK_SAY((a.mine == 0 && a.theirs == -XEN_EEXIST) ||
				  (a.theirs == 0 && a.mine == -XEN_EEXIST),
			  "answers %ld and %ld", a.mine, a.theirs);
		CHECK_ERR(make_writable(gdt[a.mine ? 1 : 0]), XEN_EBUSY);
		CHECK_OK(make_writable(gdt[a.mine ? 0 : 1]));
		if (HC3(vcpu_op, VCPUOP_is_up, spare + 1, 0) < 0)
			break;
	}
	together_stop();
}
