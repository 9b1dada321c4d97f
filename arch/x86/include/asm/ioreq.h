/* SPDX-License-Identifier: MIT */
/*
 * Device models: domains that answer what an HVM domain's vcpus ask of devices, by pages that they
 * share with the hypervisor (<xen/hvm/ioreq.h>). A server is one such model's end; a domain has
 * eight at most.
 *
 * Servers change only while all vcpus of the domain wait (domain_pause()), under the lock: so a
 * vcpu that runs looks at them without. Their pages belong to the HVM domain, in whose window they
 * stand, and to nobody's gfn (HVM-2); the model maps them as another's. What stands there is the
 * model's word: hostile (HVM-4).
 */
#pragma once

#include <isola/domain.h>
#include <isola/frame_num.h>
#include <isola/spinlock.h>
#include <isola/lib/ranges.h>

#define MAX_IOREQ_SERVERS	8u
#define NR_IO_RANGE_TYPES	3u	/* XEN_DMOP_IO_RANGE_*: ports, memory, PCI functions */

struct ioreq_server {
	struct domain *model;		/* with a reference */
	u8 buffers;			/* HVM_IOREQSRV_BUFIOREQ_*: 0, it takes no buffered ones */
	bool is_mapped;			/* somebody has been told the numbers of its pages */
	mfn_t page, buffer;		/* a slot for each vcpu; the ring, or INVALID_MFN */
	u32 port[MAX_VCPUS], buffer_port; /* of the HVM domain: evtchn_consumed.c */
	spinlock_t ring_lock;		/* of vcpus that add to the ring; nothing inside */
	u32 written;			/* slots of the ring, as its write_pointer is to say */
	struct ranges ranges[NR_IO_RANGE_TYPES];
};

struct ioreq_servers {
	spinlock_t lock;
	bool closed;			/* the domain dies: there are none, and come none */
	u8 enabled;			/* bit n: server n is there, and is asked */
	struct ioreq_server *server[MAX_IOREQ_SERVERS];
	u32 pci_address;		/* what the domain wrote to port CF8H last */
};

/* ---- calls/ioreq_server.c: the current domain as the model of @d ----------------------------- */

void ioreq_servers_init(struct ioreq_servers *s);
/* @d dies, its vcpus wait for good: all go. */
void ioreq_servers_end(struct domain *d);

/*
 * All: -ENOENT no such server; -EPERM another domain's; and what the ABI says of each, as Xen:
 *   create      *@id. -EINVAL no such kind of buffer, or @d has no vcpus yet; -ENOSPC there are
 *               eight; -ENOMEM
 *   range       @add it, or take it away. -EINVAL of no type, or it ends before it begins; -EEXIST,
 *               -ENOENT, -ENOMEM: isola/lib/ranges.h
 *   frame       page @n: 0 the ring, -ENOENT if there is none; 1 the slots; -EINVAL
 * No lock held, interrupts on; those that change anything wait for @d's vcpus.
 */
int __must_check ioreq_server_create(struct domain *d, u8 buffers, u16 *id);
int __must_check ioreq_server_destroy(struct domain *d, u16 id);
int __must_check ioreq_server_enable(struct domain *d, u16 id, bool on);
int __must_check ioreq_server_range(struct domain *d, u16 id, u32 type, u64 first, u64 last,
				    bool add);
struct xen_dm_op_get_ioreq_server_info;
int __must_check ioreq_server_info(struct domain *d, struct xen_dm_op_get_ioreq_server_info *op);
int __must_check ioreq_server_frame(struct domain *d, u32 id, u64 n, mfn_t *m);
/* Frames a server has, at most: numbers below it can be asked for. */
#define IOREQ_SERVER_FRAMES	2u
