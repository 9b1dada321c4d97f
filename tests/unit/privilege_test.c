/* SPDX-License-Identifier: MIT */
/*
 * Privileges: each operation by each kind of caller about each kind of target, against a list of
 * our own of what Xen answers; and nobody is looked for on behalf of who may not name him.
 *
 * Flags: -Itests/unit/mm/include
 */
#include "tap.h"

#include <isola/domain.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/privilege.h>

#define NOBODY	77
#define SOMEBODY 2

struct cpu_private this_cpu;
static unsigned lookups;
static struct domain control = { .domid = 0, .is_privileged = true }, tenant = { .domid = 1 };
static struct vcpu runs;

/* The list: domains 0, 1, 2. */
int domain_not_self(domid_t domid)
{
	lookups++;
	return domid <= SOMEBODY ? -EPERM : -ESRCH;
}

struct domain *get_domain_by_id(domid_t domid)
{
	lookups++;
	return NULL;
}

void put_domain(struct domain *d) { }

/* a tenant about itself, a tenant about another, the control domain about itself, about another */
#define ALL	"yyyy"
#define OWN	"ynyy"
#define DOM0	"nnyy"

static const struct {
	enum privilege op;
	const char *who;
} expected[] = {
	/* XSM_PRIV, XSM_DM_PRIV without a device model, the hardware domain's */
	{ MAY_console_io, DOM0 }, { MAY_platform_op, DOM0 }, { MAY_mca, DOM0 },
	{ MAY_sysctl, DOM0 }, { MAY_domctl, DOM0 }, { MAY_hypfs, DOM0 },
	{ MAY_machine_memory_map, DOM0 }, { MAY_version_commandline, DOM0 },
	{ MAY_version_build_id, DOM0 }, { MAY_audit, DOM0 }, { MAY_map_io_memory, DOM0 },
	{ MAY_io_ports, DOM0 }, { MAY_flush_caches, DOM0 }, { MAY_see_mtrrs, DOM0 },
	{ MAY_choose_cache_type, DOM0 },
	{ MAY_see_whole_m2p, DOM0 }, { MAY_feature_dom0, DOM0 }, { MAY_map_pirq, DOM0 },
	{ MAY_unmap_pirq, DOM0 }, { MAY_manage_pci_add, DOM0 }, { MAY_manage_pci_add_ext, DOM0 },
	{ MAY_manage_pci_remove, DOM0 }, { MAY_restore_msi, DOM0 }, { MAY_restore_msi_ext, DOM0 },
	{ MAY_prepare_msix, DOM0 }, { MAY_release_msix, DOM0 }, { MAY_get_free_pirq, DOM0 },
	{ MAY_setup_gsi, DOM0 }, { MAY_apic_read, DOM0 },
	{ MAY_pci_device_add, DOM0 }, { MAY_pci_device_remove, DOM0 },
	{ MAY_pci_mmcfg_reserved, DOM0 }, { MAY_remote_shutdown, DOM0 },
	{ MAY_pod_target, DOM0 },
	{ MAY_dm_op, DOM0 }, { MAY_acquire_resource, DOM0 }, { MAY_claim_pages, DOM0 },
	/* no check at all, or XSM_HOOK */
	{ MAY_set_iopl, ALL }, { MAY_set_iobitmap, ALL }, { MAY_eoi, ALL },
	{ MAY_irq_status_query, ALL }, { MAY_pirq_eoi_gmfn, ALL }, { MAY_alloc_irq_vector, ALL },
	{ MAY_evtchn_bind_interdomain, ALL },
	/* XSM_TARGET */
	{ MAY_reservation_change, OWN }, { MAY_set_memory_map, OWN }, { MAY_get_vnumainfo, OWN },
	{ MAY_reservation_read, OWN }, { MAY_exchange, OWN }, { MAY_add_to_physmap, OWN },
	{ MAY_evtchn_alloc_unbound, OWN }, { MAY_evtchn_status, OWN }, { MAY_evtchn_reset, OWN },
	{ MAY_gnttab_setup_table, OWN }, { MAY_gnttab_query_size, OWN },
	{ MAY_gnttab_get_version, OWN }, { MAY_name_frames, OWN },
	{ MAY_change_tables, OWN }, { MAY_hvm_param, OWN },
};

static void as(struct domain *d)
{
	runs.domain = d;
	this_cpu.curr = &runs;
	lookups = 0;
}

static void one(enum privilege op, const char *who)
{
	as(&tenant);
	check(may_act_on(op, DOMID_SELF) == (who[0] == 'y' ? 0 : -EPERM), "%u: self", op);
	check(may_act_on(op, tenant.domid) == (who[0] == 'y' ? 0 : -EPERM), "%u: own number", op);
	for (unsigned domid = 0; domid <= NOBODY; domid++)
		if (domid != tenant.domid)
			check(may_act_on(op, domid) == (who[1] == 'y' ? 0 : -EPERM), "%u: %u", op,
			      domid);
	check(domain_may(&tenant, op) == (who[0] == 'y'), "%u: a tenant", op);
	as(&control);
	check(may_act_on(op, DOMID_SELF) == (who[2] == 'y' ? 0 : -EPERM), "%u: control, self", op);
	check(may_act_on(op, NOBODY) == (who[3] == 'y' ? 0 : -EPERM), "%u: control, nobody", op);
	check(may_act_on(op, SOMEBODY) == (who[3] == 'y' ? 0 : -EPERM), "%u: control", op);
	check(domain_may(&control, op), "%u: the control domain", op);
	check(!lookups, "%u: nobody is looked for", op);
}

static void table(void)
{
	unsigned times[NR_PRIVILEGES] = { 0 };

	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		one(expected[i].op, expected[i].who);
		times[expected[i].op]++;
	}
	for (unsigned op = 0; op < NR_PRIVILEGES; op++)
		check(times[op] == 1, "operation %u is expected %u times", op, times[op]);
	all_ok("who may do what, of all that is in the table");
}

/* The answer and whether it cost a look at the list. */
static void refusal(struct domain *d, domid_t domid, int answer, unsigned looks)
{
	as(d);
	check(refuse_other(MAY_evtchn_status, domid) == answer, "d%u about %u", d->domid, domid);
	check(lookups == looks, "d%u about %u: %u lookups", d->domid, domid, lookups);
}

static void refusals(void)
{
	refusal(&tenant, SOMEBODY, -EPERM, 0);
	refusal(&tenant, NOBODY, -EPERM, 0);
	refusal(&tenant, DOMID_IO, -EPERM, 0);
	refusal(&control, SOMEBODY, -EPERM, 1);
	refusal(&control, NOBODY, -ESRCH, 1);
	all_ok("who may not name another learns nothing about him (PRIV-1)");
}

int main(void)
{
	table();
	refusals();
	return done();
}
