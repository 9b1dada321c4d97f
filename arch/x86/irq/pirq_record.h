/* SPDX-License-Identifier: MIT */
/*
 * What is known of each pirq: shared by pirq.c, which binds and delivers, pirq_map.c, which maps,
 * and pirq_device.c, which knows of devices.
 *
 *   0 to nr_gsis - 1            lines, each by its own number
 *   nr_gsis to NR_PIRQS - 1     messages, given out from the top
 */
#pragma once

#include <asm/ioapic.h>
#include <asm/msi.h>
#include <asm/storm.h>
#include <isola/domain.h>
#include <isola/nospec.h>
#include <isola/spinlock.h>

#define NR_PIRQS 512

/* All of it under gsi_lock. Zero: a line or number that nobody has. */
struct pirq {
	struct domain *owner;           /* for whom it is mapped, NULL: nobody */
	u32 port;                       /* of the owner; 0: not bound */
	u8 vector;                      /* 0: none yet */
	bool level, low;
	bool is_ours;                   /* the hypervisor's device is on it: never bound */
	bool is_set_up;
	bool is_taken;                  /* by PHYSDEVOP_get_free_pirq, for a mapping to come */
	bool waits;                     /* level: masked until the owner's EOI */
	u64 rests_until;                /* ns: masked until then; 0: does not rest */
	u32 apic_id;                    /* where it goes */
	u8 nr_astray;                   /* interrupts in a row where its port's vcpu was not */
	struct storm storm;
	struct storm_told told;
	struct msi msi;                 /* cap 0: it is a line, or not mapped */
};

extern struct pirq pirqs[NR_PIRQS];
extern unsigned nr_gsis;                /* constant after pirq_init() */

static inline struct pirq *pirq_at(u32 n)
{
	return &pirqs[index_nospec(n, NR_PIRQS)];
}

static inline bool pirq_is_msi(const struct pirq *p)
{
	return p->msi.cap;
}

/* The next vector of a device's that nobody has; 0: all are given away. Lock held. */
u8 pirq_free_vector(void);
/* Give it to pirq @n. Lock held. */
void pirq_take_vector(u32 n, u8 vector);
/* Lock held; @n's source is silent. What is still on its way is a spurious event of who is next. */
void pirq_put_vector(u32 n);
/* The source is masked, and its port no longer told. Lock held. */
void pirq_silence(u32 n, struct pirq *p);
/* As bound, and not resting, it is unmasked. Lock held. */
void pirq_let_speak(u32 n, struct pirq *p);
/* The id of @cpu's local APIC, or of another's if a message cannot name that. */
u32 pirq_apic_id(u32 cpu);

/* Pirq @n, locked and interrupts off until pirq_unlock(*@flags). NULL: there is none. */
struct pirq *pirq_lock(u32 n, u64 *flags);
void pirq_unlock(u64 flags);

/* ---- pirq_map.c ------------------------------------------------------------------------------ */

/*
 * The pirq of a message of @bdf, of the entry or, if @entry is below 0, of any; 0: none. Lock held.
 */
u32 pirq_of_message(u16 bdf, int entry);
/* Pirq @n, a message's, is silent, and its mapping ends. Lock held. */
void pirq_msi_end(u32 n, struct pirq *p);
/* Guard the table of @dev's messages, before the first is mapped. 0; -ENOMEM. Lock held. */
int __must_check pirq_guard(struct pci_dev *dev);
/* When there is none any more. Lock held. */
void pirq_unguard(struct pci_dev *dev);
