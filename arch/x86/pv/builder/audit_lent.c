/* SPDX-License-Identifier: MIT */
/*
 * What an auditor outside must know besides (asi/audit_offsets.c): to read who has lent what to
 * whom, and what a boot has declared.
 */
#include <asm/audit_record.h>
#include <asm/gnttab.h>
#include <asm/static_domain.h>

void audit_lent(void);

/* Never called: its body is the table. */
void audit_lent(void)
{
	OFFSET(grant_table, nr_frames);
	OFFSET(grant_table, pins);
	OFFSET(grant_table, handles);
	OFFSET(grant_table, nr_handles);
	SIZE(grant_handle);
	OFFSET(grant_handle, mfn);
	OFFSET(grant_handle, ref);
	OFFSET(grant_handle, granter);
	OFFSET(grant_handle, flags);
	SIZE(grant_pins);
	OFFSET(grant_pins, mfn);
	OFFSET(grant_pins, domid);
	OFFSET(grant_pins, readers);
	OFFSET(grant_pins, writers);
	CONST(GNTTAB_REFS_PER_FRAME);
	CONST(GNTTAB_MAPPED);
	CONST(GNTMAP_readonly);
	CONST(STATIC_FIRST_REF);
	CONST(STATIC_OWN_SHARES);
}
