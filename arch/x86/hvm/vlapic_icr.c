/* SPDX-License-Identifier: MIT */
/*
 * Interrupts between vcpus: who is meant by a command (SDM vol. 3 §11.6.2, §11.12.9), and what is
 * sent. Who is meant is read of each once, from numbers that they change as they like: a command
 * that races with a change of address goes by the old one or the new. At most as many steps as
 * there are vcpus.
 */
#include <isola/errno.h>
#include <isola/vcpu_nmi.h>
#include <asm/hvm.h>
#include <asm/percpu.h>

#define ICR_LOGICAL	(1u << 11)
#define ICR_ASSERT	(1u << 14)
#define ICR_LEVEL	(1u << 15)
enum { TO_DEST, TO_SELF, TO_ALL, TO_OTHERS };
enum { FIXED, LOWEST, SMI, NMI = 4, INIT, STARTUP };

static bool is_physical(const struct hvm_vcpu *h, u32 dest, u32 everybody)
{
	return dest == everybody || dest == READ_ONCE(h->apic_id);
}

static bool is_logical(const struct hvm_vcpu *h, u32 dest, u32 everybody)
{
	u32 id = READ_ONCE(h->logical_id);

	if (dest == everybody)
		return true;
	switch (READ_ONCE(h->mode)) {
	case APIC_X2:
		return id >> 16 == dest >> 16 && id & dest & 0xffff;
	case APIC_CLUSTER:
		return id >> 4 == dest >> 4 && id & dest & 0xf;
	default:
		return id & dest;
	}
}

/* Is @v meant by @icr, which the current vcpu sends? */
static bool is_meant(const struct vcpu *v, u64 icr)
{
	const struct hvm_vcpu *h = v->domain->hvm->vcpu[v->id];
	bool x2 = vlapic_is_x2();
	u32 dest = x2 ? icr >> 32 : icr >> 56, everybody = x2 ? ~0u : 0xff;

	if (READ_ONCE(h->mode) == APIC_OFF)
		return false;
	switch (icr >> 18 & 3) {
	case TO_SELF:
		return v == current;
	case TO_ALL:
		return true;
	case TO_OTHERS:
		return v != current;
	default:
		return icr & ICR_LOGICAL ? is_logical(h, dest, everybody)
					 : is_physical(h, dest, everybody);
	}
}

/* INIT and SIPI reach others alone; SMIs there are none. */
static int send_one(struct vcpu *v, u64 icr)
{
	u8 vector = icr;

	switch (icr >> 8 & 7) {
	case FIXED:
	case LOWEST:
		if (v == current)
			vlapic_set_irq(vector);
		else
			vlapic_post(v, vector);
		return 0;
	case NMI:
		vcpu_send_nmi(v);
		return 0;
	case INIT:
		if (v != current && !(icr & ICR_LEVEL && !(icr & ICR_ASSERT)))
			hvm_send_init(v);
		return 0;
	case STARTUP:
		return v == current ? 0 : hvm_send_sipi(v, vector);
	default:
		return 0;
	}
}

int vlapic_send(u64 icr)
{
	struct domain *d = current->domain;
	unsigned kind = icr >> 8 & 7;
	int rc = 0;

	if ((kind == FIXED || kind == LOWEST) && (icr & 0xff) < 16) {
		vlapic_error(ESR_SEND_ILLEGAL);
		return 0;
	}
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		int one;

		if (!is_meant(d->vcpu[i], icr))
			continue;
		one = send_one(d->vcpu[i], icr);
		rc = one ? one : rc;
		/* The first will do: no priorities are compared. */
		if (kind == LOWEST)
			break;
	}
	return rc;
}
