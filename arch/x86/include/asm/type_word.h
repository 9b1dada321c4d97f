/* SPDX-License-Identifier: MIT */
/*
 * The type word's transitions: for page_type.c and pt_validate.c only; names as in the table in
 * type_word.c.
 */
#pragma once

#include <asm/frametable.h>
#include <isola/domain.h>

enum { TAKEN, TAKEN_TO_VALIDATE };

/*
 * Event "take". TAKEN: counted. TAKEN_TO_VALIDATE: the caller owns the frame's contents until it
 * publishes, suspends or ends.
 */
int __must_check page_type_take(struct domain *d, struct page_info *pg, u64 type);
void page_type_publish(struct page_info *pg);
/*
 * Leave the frame half done: its partial mark takes over the caller's type reference and one
 * general reference.
 */
void page_type_suspend(struct page_info *pg);
/* Event "drop". True: it was the last, the caller owns the contents and must end or suspend. */
bool __must_check page_type_drop(struct page_info *pg);
/*
 * Take over a partial mark of @type to take the table apart: true if there was one. Its general
 * reference becomes the caller's.
 */
bool __must_check page_type_steal(struct page_info *pg, u64 type);
/* Count 0. The last use is gone from memory and from every root now: the stamp is taken here. */
void page_type_end(struct page_info *pg);
/*
 * "take" and "publish" for a leaf: 0; -EBUSY; -EINVAL, a descriptor page with one that may not be.
 */
int __must_check page_type_take_leaf(struct domain *d, struct page_info *pg, u64 type);
