/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks (fair: CON-4). All locks and their order are listed in lock_order.h; debug
 * builds check the order per CPU. The irqsave forms are for locks that interrupt handlers take too.
 *
 * Invariants: `next' is handed out once per taker and `serving' is written by the holder alone, so
 * waiters are served in the order in which they came (CON-4).
 */
#pragma once

#include <generated/autoconf.h>
#include <isola/types.h>
#include <asm/insn.h>

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
bool spin_trylock(spinlock_t *l);
bool spin_is_locked(const spinlock_t *l);
/*
 * Does this CPU hold @l? Debug builds; true where it is not known: before checking began, in a
 * panic.
 */
bool spin_is_held_here(const spinlock_t *l);

/*
 * What debug builds keep account of: before a lock is taken, behind that, before it is given back.
 */
#ifdef CONFIG_DEBUG
void spin_check_order(const spinlock_t *l);
void spin_note_taken(spinlock_t *l);
void spin_note_released(spinlock_t *l);
#else
static inline void spin_check_order(const spinlock_t *l __maybe_unused) {}
static inline void spin_note_taken(spinlock_t *l __maybe_unused) {}
static inline void spin_note_released(spinlock_t *l __maybe_unused) {}
#endif

static __always_inline void ticket_take(spinlock_t *l)
{
	u16 ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (unlikely(READ_ONCE(l->serving) != ticket))
		cpu_relax();
	barrier();              /* the processor's loads are in order: so are the compiler's */
	spin_note_taken(l);
}

static __always_inline void ticket_lock(spinlock_t *l)
{
	spin_check_order(l);
	ticket_take(l);
}

static __always_inline void ticket_unlock(spinlock_t *l)
{
	spin_note_released(l);
	/* One store, of the only writer; a release as every store is. */
	asm volatile ("addw $1, %0" : "+m"(l->serving) :: "memory", "cc");
}

#ifdef HOSTED
void spin_lock(spinlock_t *l);          /* these, or what a test has instead */
void spin_unlock(spinlock_t *l);
#else
static inline void spin_lock(spinlock_t *l) { ticket_lock(l); }
static inline void spin_unlock(spinlock_t *l) { ticket_unlock(l); }
#endif

void spin_lock_two(spinlock_t *a, spinlock_t *b); /* spin_lock_pair()'s, of two */

/*
 * Two locks of one kind, of two domains; or one, twice. The one way to hold two: by address, so
 * that whoever wants both begins with the same one (LOCK-1).
 */
static inline void spin_lock_pair(spinlock_t *a, spinlock_t *b)
{
	if (likely(a == b))
		spin_lock(a);
	else
		spin_lock_two(a, b);
}

static inline void spin_unlock_pair(spinlock_t *a, spinlock_t *b)
{
	spin_unlock(a);
	if (unlikely(a != b))
		spin_unlock(b);
}

/* Returns the old RFLAGS for spin_unlock_irqrestore(). */
static inline u64 __must_check spin_lock_irqsave(spinlock_t *l)
{
	u64 flags = irq_save();

	spin_lock(l);
	return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *l, u64 flags)
{
	spin_unlock(l);
	irq_restore(flags);
}

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
