/* SPDX-License-Identifier: MIT */
/*
 * Preconditions: what a function's comment says must hold when it is called, asked in debug builds
 * as the first thing it does. Without CONFIG_DEBUG nothing is left of them. What must be loaded is
 * in loaded.h.
 */
#pragma once

#include <isola/printk.h>
#include <isola/spinlock.h>
#include <asm/insn.h>

/* "Lock held": by this CPU. */
#define ASSERT_LOCKED(lock) ASSERT(spin_is_held_here(lock))

/* "Interrupts off", "Interrupts on". */
#define ASSERT_IRQS_OFF() ASSERT(!irq_is_enabled())
#define ASSERT_IRQS_ON() ASSERT(irq_is_enabled())
