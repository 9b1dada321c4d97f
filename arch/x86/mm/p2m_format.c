/* SPDX-License-Identifier: MIT */
/*
 * Formats of nested tables: see asm/p2m_entry.h.
 */
#include <asm/p2m_entry.h>

const struct p2m_format p2m_npt = {
	.table = PTE_A, .leaf = PTE_A | PTE_D, .large_valid = P2M_VALID,
};
const struct p2m_format p2m_ept = { .leaf = EPT_WB | EPT_IPAT, .large_valid = P2M_VALID };
const struct p2m_format p2m_ept_split = {
	.leaf = EPT_WB | EPT_IPAT, .large_valid = P2M_VALID & ~EPT_X,
};
const struct p2m_format *p2m_format = &p2m_npt;
