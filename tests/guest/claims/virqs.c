/* SPDX-License-Identifier: MIT */
/*
 * Global VIRQs that the control domain hands on: XEN_DOMCTL_set_virq_handler, and VIRQ_CON_RING,
 * which says that there are new lines in the hypervisor's log.
 *
 * The rule: a global VIRQ is raised for its handler alone, which is the hardware domain as long as
 * nobody has been named, and again when who was named dies. Lines are had by a debug key.
 */
#define TOPIC "virqs"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../events.h"
#include <xen/domctl.h>
#include <xen/sysctl.h>

static long set_handler(domid_t domid, uint32_t virq)
{
	domctl_op.u.set_virq_handler.virq = virq;
	return domctl(XEN_DOMCTL_set_virq_handler, domid);
}

static void make_lines(void)
{
	static struct xen_sysctl sys;
	char key = 'h';

	sys.cmd = XEN_SYSCTL_debug_keys;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	sys.u.debug_keys.keys.p = &key;
	sys.u.debug_keys.nr_keys = 1;
	CHECK_OK(HC1(sysctl, &sys));
}

/* Until @port has been told of something, for @ns at most. */
static bool is_told(uint32_t port, uint64_t ns)
{
	uint64_t end = clock_ns() + ns;

	while (!evtchn_count[port] && clock_ns() < end)
		HC2(sched_op, SCHEDOP_yield, 0);
	return evtchn_count[port];
}

/* Whether new lines are told on @port within @ns; what may still come of old ones is waited for. */
static bool hears_within(uint32_t port, uint64_t ns)
{
	is_told(port, 50 * MS_NS);
	evtchn_count[port] = 0;
	make_lines();
	return is_told(port, ns);
}

/* Another CPU may be who tells, and a busy host may hold it up. */
static bool hears(uint32_t port)
{
	return hears_within(port, 5000 * MS_NS);
}

static uint32_t bind_con_ring(void)
{
	int port = port_bind_virq(VIRQ_CON_RING, 0);

	CHECK(port > 0);
	port_unmask((uint32_t)port);
	/* A line in between has set it, and nothing would come of another. */
	port_clear((uint32_t)port);
	return (uint32_t)port;
}

CLAIM_DOM0(con_ring, "a line in the hypervisor's log raises VIRQ_CON_RING")
{
	CHECK(hears(bind_con_ring()));
}

CLAIM_DOM0(handler_refusals, "set_virq_handler of a VIRQ of each vCPU, of one that there is not, "
	   "or with no such domain is refused")
{
	CHECK_ERR(set_handler(0, VIRQ_TIMER), XEN_EINVAL);
	CHECK_ERR(set_handler(0, VIRQ_DEBUG), XEN_EINVAL);
	CHECK_ERR(set_handler(0, VIRQ_XENOPROF), XEN_EINVAL);
	CHECK_ERR(set_handler(0, VIRQ_XENPMU), XEN_EINVAL);
	CHECK_ERR(set_handler(0, NR_VIRQS), XEN_EINVAL);
	CHECK_ERR(set_handler(0, ~0u), XEN_EINVAL);
	CHECK_ERR(set_handler(0x7000, VIRQ_CON_RING), XEN_ESRCH);
	CHECK_ERR(set_handler(DOMID_SELF, VIRQ_CON_RING), XEN_ESRCH);
	CHECK_OK(set_handler(0, NR_VIRQS - 1));
}

CLAIM_DOM0(handler, "who has been named handles a global VIRQ, and nobody else, until another is "
	   "named; naming it again changes nothing")
{
	uint32_t port = bind_con_ring();
	domid_t d = create();

	CHECK_OK(set_handler(d, VIRQ_CON_RING));
	CHECK_OK(set_handler(d, VIRQ_CON_RING));
	CHECK(!hears_within(port, 300 * MS_NS));
	CHECK_OK(set_handler(0, VIRQ_CON_RING));
	CHECK(hears(port));
	destroy(d);
	CHECK(becomes(is_gone, d));
	CHECK(hears(port));
}

CLAIM_DOM0(handler_dies, "when the handler of a global VIRQ is destroyed the hardware domain has "
	   "it again, and nothing of the handler is left")
{
	uint32_t port = bind_con_ring();
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	CHECK_OK(set_handler(d, VIRQ_CON_RING));
	CHECK_OK(set_handler(d, VIRQ_CONSOLE));
	destroy(d);
	CHECK(becomes(is_gone, d));
	CHECK(hears(port));
}
