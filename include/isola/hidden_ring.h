/* SPDX-License-Identifier: MIT */
/*
 * Hidden rings: bytes that wait in a page that no root shows (class cpu), but by a CPU's own window
 * for as long as it takes to copy some.
 *
 * One puts and one takes at a time; they need not agree with each other about when.
 */
#pragma once

#include <isola/frame_num.h>

/* Zero: not created, which is full and empty. */
struct hidden_ring {
	mfn_t mfn;
	u32 prod, cons;                 /* bytes that came, that were taken */
	bool is_there;
};

/* False: no memory. */
bool hidden_ring_create(struct hidden_ring *r);
/* Bytes that wait, that there is room for. Any context. */
u32 hidden_ring_used(const struct hidden_ring *r);
u32 hidden_ring_room(const struct hidden_ring *r);
/* All @n bytes, for which there is room. Any context but NMI. */
void hidden_ring_put(struct hidden_ring *r, const char *buf, u32 n);
/* Up to @n bytes, which stay. Returns how many that was. */
u32 hidden_ring_look(const struct hidden_ring *r, char *buf, u32 n);
/* The first @n, which there are, are forgotten. */
void hidden_ring_drop(struct hidden_ring *r, u32 n);
