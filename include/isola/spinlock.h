/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks (fair: CON-4). All locks and their order are listed in lock_order.h; debug
 * builds check the order per CPU. The irqsave forms are for locks that interrupt handlers take too.
 */
#pragma once

#include <isola/types.h>

typedef struct spinlock {
	union {
		u32 word;
		struct { u16 serving, next; };
	};
	u16 order;                      /* enum lock_order */
	u16 owner_cpu;                  /* debug: 1 + CPU that holds it; 0 = free */
} spinlock_t;

#define SPINLOCK_INIT(order_) { .order = (order_) }

void spin_lock_init(spinlock_t *l, unsigned order);
void spin_lock(spinlock_t *l);
bool spin_trylock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
bool spin_is_locked(const spinlock_t *l);

/* Returns the old RFLAGS for spin_unlock_irqrestore(). */
u64 __must_check spin_lock_irqsave(spinlock_t *l);
void spin_unlock_irqrestore(spinlock_t *l, u64 flags);

/*
 * Begin checking the lock order (debug builds): once, when the boot CPU's area is mapped. Before
 * that nothing is checked, and panic() does not ask which CPU it is on.
 */
void spin_debug_start(void);
bool spin_debug_started(void);
/*
 * Debug builds panic if this CPU holds an ordered lock: asked before each softirq handler runs, the
 * scheduler's included.
 */
void spin_assert_none_held(void);
