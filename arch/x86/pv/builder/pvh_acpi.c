/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables of a PVH domain: RSDP, XSDT, FADT, FACS, DSDT, MADT, one behind the other in one
 * image, which is copied to where a PC's firmware has them, below 1 MiB, which the memory map
 * reserves. ACPI 6.5 §5.2.
 *
 * Hardware-reduced, without anything that a PVH guest has not: no timers, no PC devices, no I/O
 * APIC. The DSDT defines nothing. A local APIC's id is twice its vcpu's number, as CPUID says.
 */
#include <isola/lib/string.h>
#include <asm/pvh_build.h>
#include <asm/vlapic.h>

#define HW_REDUCED	(1u << 20)		/* FADT flags */
#define WBINVD_WORKS	(1u << 0)
#define NO_VGA		(1u << 2)		/* IAPC boot flags */
#define NO_MSI		(1u << 3)
#define NO_CMOS_RTC	(1u << 5)

struct header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} __packed;

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
	u8 extended_checksum, reserved[3];
} __packed;

struct fadt {
	struct header h;
	u32 facs, dsdt;
	u8 pad_44[109 - 44];
	u16 boot_flags;
	u8 pad_111;
	u32 flags;
	u8 pad_116[132 - 116];
	u64 x_facs, x_dsdt;
	u8 pad_148[268 - 148];
	char hypervisor[8];
} __packed;

static_assert(sizeof(struct header) == 36 && sizeof(struct fadt) == 276 &&
	      offsetof(struct fadt, boot_flags) == 109 && offsetof(struct fadt, x_facs) == 132,
	      "the specification's offsets");

struct lapic_entry {
	u8 type, length, processor, apic_id;
	u32 flags;
} __packed;

/* Each on a boundary that its kind wants: FACS 64 bytes, the RSDP 16. */
static struct {
	struct rsdp rsdp __aligned(64);
	struct { char signature[4]; u32 length; u8 pad[56]; } facs __aligned(64);
	struct { struct header h; u64 table[2]; } __packed xsdt __aligned(16);
	struct fadt fadt __aligned(16);
	struct header dsdt __aligned(16);
	struct {
		struct header h;
		u32 address, flags;
		struct lapic_entry cpu[MAX_VCPUS];
	} __packed madt __aligned(16);
} image;

#define AT(part) (PVH_ACPI_GPA + (u64)((char *)&image.part - (char *)&image))

static u8 sum(const void *p, u32 bytes)
{
	u8 s = 0;

	while (bytes--)
		s += ((const u8 *)p)[bytes];
	return s;
}

static void finish(struct header *h, const char *signature, u8 revision, u32 bytes)
{
	memcpy(h->signature, signature, 4);
	h->length = bytes;
	h->revision = revision;
	memcpy(h->oem, "Isola ", 6);
	memcpy(h->oem_table, "PVH     ", 8);
	memcpy(h->creator, "ISLA", 4);
	h->oem_revision = h->creator_revision = 1;
	h->checksum = -sum(h, bytes);
}

static void make_madt(unsigned nr_vcpus)
{
	image.madt.address = VLAPIC_BASE;
	for (unsigned i = 0; i < nr_vcpus; i++)
		image.madt.cpu[i] = (struct lapic_entry){
			.length = sizeof(struct lapic_entry), .processor = i, .apic_id = 2 * i,
			.flags = 1 };
	finish(&image.madt.h, "APIC", 5, offsetof(typeof(image.madt), cpu[0]) +
					 nr_vcpus * sizeof(struct lapic_entry));
}

static void make_fadt(void)
{
	image.fadt.x_dsdt = image.fadt.dsdt = AT(dsdt);
	image.fadt.x_facs = image.fadt.facs = AT(facs);
	image.fadt.boot_flags = NO_VGA | NO_MSI | NO_CMOS_RTC;
	image.fadt.flags = HW_REDUCED | WBINVD_WORKS;
	finish(&image.fadt.h, "FACP", 6, sizeof(image.fadt));
}

static void make_rsdp(void)
{
	struct rsdp *r = &image.rsdp;

	*r = (struct rsdp){ .revision = 2, .length = sizeof(*r), .xsdt = AT(xsdt) };
	memcpy(r->signature, "RSD PTR ", 8);
	memcpy(r->oem, "Isola ", 6);
	r->checksum = -sum(r, 20);
	r->extended_checksum = -sum(r, sizeof(*r));
}

const void *pvh_acpi_make(unsigned nr_vcpus, u64 *bytes)
{
	memset(&image, 0, sizeof(image));
	make_madt(nr_vcpus);
	make_fadt();
	finish(&image.dsdt, "DSDT", 2, sizeof(image.dsdt));
	memcpy(image.facs.signature, "FACS", 4);
	image.facs.length = sizeof(image.facs);
	image.xsdt.table[0] = AT(fadt);
	image.xsdt.table[1] = AT(madt);
	finish(&image.xsdt.h, "XSDT", 1, sizeof(image.xsdt));
	make_rsdp();
	*bytes = sizeof(image);
	return &image;
}
