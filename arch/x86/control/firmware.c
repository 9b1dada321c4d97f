/* SPDX-License-Identifier: MIT */
/*
 * The firmware, as dom0 may know it.
 *
 * Nothing was asked of a BIOS while booting, so there is nothing to tell of one. Of EFI dom0 learns
 * where the configuration tables are: through them Linux finds ACPI. The runtime services are
 * efi_runtime.c's. Where they cannot be called it is as on Xen with efi=no-rs; but that a question
 * for a variable finds none, for to Linux "unsupported" there means that nobody knows whether the
 * machine booted securely, and nobody has checked the kernel that dom0 is.
 */
#include <asm/efi.h>
#include <asm/efi_runtime.h>
#include <asm/firmware.h>
#include <asm/firmware_root.h>
#include <asm/uaccess.h>
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/memmap.h>
#include <isola/printk.h>
#include <xen/xen.h>
#include <xen/platform.h>

/* UEFI Specification 2.9: 7.2 (memory types). */
#define EFI_RESERVED		0
#define EFI_CONVENTIONAL	7
#define EFI_UNUSABLE		8
#define EFI_ACPI_RECLAIM	9
#define EFI_ACPI_NVS		10

static struct efi_info efi;

void firmware_init(const struct efi_info *info)
{
	u64 end = info->config_maddr + info->nr_config * EFI_CONFIG_TABLE_BYTES;

	for (u64 at = info->config_maddr; at < end; at = ROUNDDOWN(at, PAGE_SIZE) + PAGE_SIZE) {
		if (!memmap_frame_is_ram(maddr_to_mfn(at)))
			continue;
		pr_warn("EFI: the configuration tables lie in RAM; dom0 is not told of EFI");
		return;
	}
	efi = *info;
}

static long efi_vendor(const union xenpf_efi_info *op)
{
	u64 chars = op->vendor.bufsz / sizeof(efi.vendor[0]);

	for (u64 i = 0; i < min_t(u64, chars, EFI_VENDOR_CHARS); i++) {
		u16 c = efi.vendor[i];

		if (copy_to_guest(guest_elem((u64)op->vendor.name.p, i, sizeof(c)), &c, sizeof(c)))
			return -EFAULT;
		if (!c)
			break;
	}
	return 0;
}

static u32 efi_type(u32 e820_type)
{
	static const u8 types[] = { EFI_RESERVED, EFI_CONVENTIONAL, EFI_RESERVED, EFI_ACPI_RECLAIM,
				    EFI_ACPI_NVS, EFI_UNUSABLE };

	return e820_type < ARRAY_SIZE(types) ? types[e820_type] : EFI_RESERVED;
}

/* What EFI's own map says of it, but for what is plain RAM by now. */
static bool efi_range(union xenpf_efi_info *op)
{
	for (unsigned i = 0; i < boot_info.nr_efi_ranges; i++) {
		const struct boot_efi_range *e = &boot_info.efi_range[i];
		u64 size = e->nr_pages << PAGE_SHIFT;

		if (op->mem.addr < e->start || op->mem.addr - e->start >= size)
			continue;
		op->mem.size = min_t(u64, op->mem.size, size - (op->mem.addr - e->start));
		op->mem.attr = e->attr;
		op->mem.type = e->type;
		return true;
	}
	return false;
}

/*
 * The range that an address is in, from there on; by EFI's memory map, or by the loader's, in which
 * all that booting has left behind is plain RAM.
 */
static long efi_memory(union xenpf_efi_info *op)
{
	if (efi_range(op))
		return 0;
	for (unsigned i = 0; i < memmap_nr(); i++) {
		const struct memmap_entry *e = memmap_entry(i);

		if (op->mem.addr < e->addr || op->mem.addr - e->addr >= e->size)
			continue;
		op->mem.size = min_t(u64, op->mem.size, e->size - (op->mem.addr - e->addr));
		op->mem.attr = 0;
		op->mem.type = efi_type(e->type);
		return 0;
	}
	return -ESRCH;
}

static long efi_item(u32 index, union xenpf_efi_info *op)
{
	if (!efi.nr_config)
		return -ENOSYS;
	switch (index) {
	case XEN_FW_EFI_VERSION:
		op->version = efi.revision;
		return 0;
	case XEN_FW_EFI_CONFIG_TABLE:
		op->cfg.addr = efi.config_maddr;
		op->cfg.nent = efi.nr_config;
		return 0;
	case XEN_FW_EFI_VENDOR:
		op->vendor.revision = efi.vendor_revision;
		return efi_vendor(op);
	case XEN_FW_EFI_MEM_INFO:
		return efi_memory(op);
	case XEN_FW_EFI_RT_VERSION:
		op->version = firmware_revision();
		return op->version ? 0 : -EOPNOTSUPP;
	case XEN_FW_EFI_PCI_ROM:
		return -ESRCH;
	case XEN_FW_EFI_APPLE_PROPERTIES:
		return -ENODATA;
	default:
		return -EINVAL;
	}
}

long firmware_info(struct xenpf_firmware_info *op)
{
	switch (op->type) {
	case XEN_FW_DISK_INFO:
	case XEN_FW_DISK_MBR_SIGNATURE:
	case XEN_FW_VBEDDC_INFO:
		return -ESRCH;
	case XEN_FW_EFI_INFO:
		return efi_item(op->index, &op->u.efi_info);
	default:
		return -ENOSYS;
	}
}

long firmware_runtime_call(struct xenpf_efi_runtime_call *op)
{
	if (!efi.nr_config)
		return -ENOSYS;
	if (firmware_revision())
		return efi_runtime_call(op);
	switch (op->function) {
	case XEN_EFI_get_variable:
	case XEN_EFI_get_next_variable_name:
		if (op->misc)
			return -EINVAL;
		op->status = EFI_NOT_FOUND;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
