/* SPDX-License-Identifier: MIT */
/*
 * I/O memory: who may map what of physical memory that no domain owns. It has frames without a
 * record, and frames whose record says DOMID_IO (is_io_frame() in page_ref.h).
 *
 *   what                                              the control domain   others
 *   the first MiB, whatever firmware calls it         read, write          nothing
 *     the page that other CPUs start in               nothing              nothing
 *   from 1 MiB on:
 *     reserved, ACPI data, ACPI NVS, holes            read, write          nothing
 *     defective RAM; RAM that is beyond our reach     nothing              nothing
 *   anywhere:
 *     HPETs, I/O APICs                                read                 nothing
 *     EFI's code and data for run time                read                 nothing
 *     tables of messages (MSI-X) that are mapped      read                 nothing
 *     PCI configuration that the MCFG names           read                 nothing
 *     local APICs, MSI window, HyperTransport         nothing              nothing
 *
 * Where rows meet, the one that allows less holds. As Xen 4.17, but for the page that CPUs start in
 * (Xen gives all of the first MiB), and HPETs that ACPI does not name.
 *
 * Boot writes the table, before there is a guest; then it is constant, but for the guards: tables
 * of messages come and go. An entry that was made before a guard keeps its RW, as on Xen. Public.
 */
#pragma once

#include <isola/frame_num.h>
#include <isola/types.h>

struct acpi_info;
struct domain;

enum iomem_access {
	IOMEM_NONE,		/* no entry may name it */
	IOMEM_READ,		/* entries lose their RW; a store that faults is dropped, mostly */
	IOMEM_FULL,
};

/*
 * Fill the table: the machine's map, the devices that @acpi names, and those that no table need
 * name. @has_hypertransport: the processor is AMD's or Hygon's. Boot CPU, before any other
 * function here.
 */
void iomem_init(const struct acpi_info *acpi, bool has_hypertransport);

/* Of [@first, @last] no guest gets more than @most. Boot only. */
void iomem_limit(mfn_t first, mfn_t last, enum iomem_access most);

/* What @d may do with frame @m, which is I/O memory. */
enum iomem_access iomem_access(const struct domain *d, mfn_t m);

/* Is @m, which is I/O memory, the hardware domain's in full, but for guards? */
bool iomem_is_device(mfn_t m);

/*
 * From now on no entry is made by which a guest may write to these frames; until they are given
 * back. A frame may be guarded several times. -ENOMEM. Callers' lock: gsi_lock.
 */
int __must_check iomem_guard(mfn_t first, u32 nr);
void iomem_unguard(mfn_t first, u32 nr);

/* The limits, by rising first frame; they may overlap. False when there is no @i-th. */
bool iomem_limit_at(unsigned i, mfn_t *first, mfn_t *last);
