/* SPDX-License-Identifier: MIT */
/*
 * The log of what a guest writes (LOG-1, control/log_dirty.c), by nested tables: a leaf that guests
 * can write through shows no frame that is clean. One that is P2M_LOGGED is never P2M_W: a store
 * asks first, once, and what the leaf shows is dirty from then on. A leaf that is new makes its
 * frames dirty.
 */
#pragma once

#include <asm/p2m.h>

#define P2M_LOG_GFNS	64u

/*
 * A store to @gfn may go on: it is in the log. False: it is a hole. A large leaf is split; without
 * memory for that all of it is dirty. No flush: rights have been added.
 */
bool p2m_log_store(struct p2m *p, gfn_t gfn);
/*
 * Those of the 64 gfns from @first on, a multiple of that, which are dirty: bit n for @first + n.
 * *@next: where to go on; gfns from @first + 64 up to it are holes.
 */
u64 p2m_log_dirty(struct p2m *p, u64 first, u64 *next);
/*
 * Those that @gfns names are clean from now on, if they can be. No vcpu of the domain runs; at its
 * next turn it flushes.
 */
void p2m_log_clean(struct p2m *p, u64 first, u64 gfns);
