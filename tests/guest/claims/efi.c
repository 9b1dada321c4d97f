/* SPDX-License-Identifier: MIT */
/*
 * EFI firmware: what dom0 is told of it, and its runtime services, which the hypervisor calls.
 *
 * The rule: what one asks of the firmware is what it answers: variables are kept, found, listed and
 * deleted, the clock runs. Bad buffers and flags are refused before. Without EFI all is -ENOSYS.
 */
#define TOPIC "efi"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../firmware.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

#define ACPI_20_GUID "\x71\xe8\x68\x88\xf1\xe4\xd3\x11\xbc\x22\x00\x80\xc7\x3c\x88\x81"
/* reserved, runtime services, ACPI: never free memory */
#define EFI_KEPT_TYPES (1u << 0 | 3u << 5 | 3u << 9)

static struct xen_platform_op efi_op;

/* firmware_info about EFI; the rest of the operation is as the caller left it. */
static long efi_info(uint32_t index)
{
	efi_op.cmd = XENPF_firmware_info;
	efi_op.interface_version = XENPF_INTERFACE_VERSION;
	efi_op.u.firmware_info.type = XEN_FW_EFI_INFO;
	efi_op.u.firmware_info.index = index;
	return HC1(platform_op, &efi_op);
}

#define EFI_ANSWER efi_op.u.firmware_info.u.efi_info

static long efi_runtime(uint32_t function)
{
	memset(&efi_op, 0, sizeof(efi_op));
	efi_op.cmd = XENPF_efi_runtime_call;
	efi_op.interface_version = XENPF_INTERFACE_VERSION;
	efi_op.u.efi_runtime_call.function = function;
	return HC1(platform_op, &efi_op);
}

static void need_efi(void)
{
	memset(&efi_op, 0, sizeof(efi_op));
	if (efi_info(XEN_FW_EFI_CONFIG_TABLE) == -XEN_ENOSYS)
		skip("this machine has no EFI firmware");
}

/* Copy from machine memory that is not RAM. */
static void peek(uint64_t maddr, void *to, size_t len)
{
	for (uint8_t *p = to; len--; p++, maddr++) {
		const volatile uint8_t *page = window(0);

		if (p == to || !(maddr % PAGE_BYTES))
			CHECK_OK(remap(page, make_pte(maddr / PAGE_BYTES, PTE_RO_PAGE)));
		*p = page[maddr % PAGE_BYTES];
	}
}

CLAIM(none, "without EFI firmware every question about it is -ENOSYS")
{
	memset(&efi_op, 0, sizeof(efi_op));
	if (efi_info(XEN_FW_EFI_CONFIG_TABLE) != -XEN_ENOSYS)
		skip("this machine has EFI firmware");
	for (uint32_t index = 0; index < 9; index++)
		CHECK_ERR(efi_info(index), XEN_ENOSYS);
	for (uint32_t function = 0; function < 13; function++)
		CHECK_ERR(efi_runtime(function), XEN_ENOSYS);
}

CLAIM_DOM0(tables, "the configuration tables name the ACPI root pointer, which dom0 can "
	   "read and which lies in no free memory")
{
	struct { uint8_t guid[16]; uint64_t maddr; } entry;
	uint8_t rsdp[36], sum = 0;
	uint64_t at, found = 0;
	uint32_t nr;

	need_efi();
	CHECK_OK(efi_info(XEN_FW_EFI_CONFIG_TABLE));
	at = EFI_ANSWER.cfg.addr;
	nr = EFI_ANSWER.cfg.nent;
	CHECK(nr > 0 && nr < 257);
	for (; nr--; at += sizeof(entry)) {
		peek(at, &entry, sizeof(entry));
		if (!memcmp(entry.guid, ACPI_20_GUID, sizeof(entry.guid)))
			found = entry.maddr;
	}
	CHECK(found);
	peek(found, rsdp, sizeof(rsdp));
	CHECK(!memcmp(rsdp, "RSD PTR ", 8));
	for (unsigned int i = 0; i < sizeof(rsdp); i++)
		sum += rsdp[i];
	CHECK_EQ(sum, 0);

	EFI_ANSWER.mem.addr = found;
	EFI_ANSWER.mem.size = ~0ul - found;
	CHECK_OK(efi_info(XEN_FW_EFI_MEM_INFO));
	CHECK(EFI_ANSWER.mem.type < 32 && 1u << EFI_ANSWER.mem.type & EFI_KEPT_TYPES);
	CHECK(EFI_ANSWER.mem.addr == found && EFI_ANSWER.mem.size >= sizeof(rsdp) &&
	      EFI_ANSWER.mem.size < 1ul << 40);
	EFI_ANSWER.mem.addr = 1ul << 50;
	EFI_ANSWER.mem.size = 1;
	CHECK_ERR(efi_info(XEN_FW_EFI_MEM_INFO), XEN_ESRCH);
}

CLAIM_DOM0(vendor, "the firmware's vendor goes to the place given, as much as fits there "
	   "and no more")
{
	uint16_t name[100];

	need_efi();
	CHECK_OK(efi_info(XEN_FW_EFI_VERSION));
	CHECK(EFI_ANSWER.version >= 2 << 16);
	for (uint32_t bytes = 0; bytes < sizeof(name); bytes++) {
		memset(name, 0xa5, sizeof(name));
		EFI_ANSWER.vendor.bufsz = bytes;
		EFI_ANSWER.vendor.name.p = name;
		CHECK_OK(efi_info(XEN_FW_EFI_VENDOR));
		for (uint32_t i = bytes / 2; i < 100; i++)
			CHECK_EQ(name[i], 0xa5a5);
		CHECK(bytes < 2 || (name[0] && name[0] != 0xa5a5));
	}
	EFI_ANSWER.vendor.bufsz = 20;
	EFI_ANSWER.vendor.name.p = UNMAPPED_POINTER;
	CHECK_ERR(efi_info(XEN_FW_EFI_VENDOR), XEN_EFAULT);
	CHECK_ERR(efi_info(99), XEN_EINVAL);
}

/* ---- Runtime services ---- */

#define CALL efi_op.u.efi_runtime_call
#define STATUS_ERROR (1ul << 63)
#define NOT_FOUND (STATUS_ERROR | 14)
#define TOO_SMALL (STATUS_ERROR | 5)
#define DEVICE_ERROR (STATUS_ERROR | 7)
/* UEFI Specification 2.9, 8.2: others cannot be made at run time. */
#define KEPT (XEN_EFI_VARIABLE_NON_VOLATILE | XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS | \
	      XEN_EFI_VARIABLE_RUNTIME_ACCESS)

static const struct xenpf_efi_guid ours = { 0x15014, 0x6973, 0x6f6c, { 'a', 1, 2, 3, 4, 5, 6, 7 } };
static uint16_t variable_name[] = { 'I', 's', 'o', 'l', 'a', 0 };

static void need_runtime(void)
{
	need_efi();
	if (efi_info(XEN_FW_EFI_RT_VERSION) == -XEN_EOPNOTSUPP)
		skip("no runtime services are called");
}

bool is_called_firmware(uint64_t mfn)
{
	memset(&efi_op, 0, sizeof(efi_op));
	if (efi_info(XEN_FW_EFI_RT_VERSION))
		return false;
	EFI_ANSWER.mem.addr = mfn * PAGE_BYTES;
	EFI_ANSWER.mem.size = PAGE_BYTES;
	return !efi_info(XEN_FW_EFI_MEM_INFO) &&
	       (EFI_ANSWER.mem.type == 5 || EFI_ANSWER.mem.type == 6);
}

static void clear_call(uint32_t function)
{
	memset(&efi_op, 0, sizeof(efi_op));
	efi_op.cmd = XENPF_efi_runtime_call;
	efi_op.interface_version = XENPF_INTERFACE_VERSION;
	CALL.function = function;
}

/* The status of the variable @variable_name's call with @bytes at @data; its size is in @CALL. */
static uint64_t variable(uint32_t function, uint32_t attr, void *data, uint64_t bytes)
{
	clear_call(function);
	CALL.misc = attr;
	CALL.u.set_variable.name.p = variable_name;
	CALL.u.set_variable.size = bytes;
	CALL.u.set_variable.data.p = data;
	CALL.u.set_variable.vendor_guid = ours;
	CHECK_OK(HC1(platform_op, &efi_op));
	return CALL.status;
}

static void delete(void)
{
	variable(XEN_EFI_set_variable, KEPT, NULL, 0);
}

CLAIM_DOM0(revision, "the revision of the runtime services is told, and is the specification's")
{
	need_runtime();
	CHECK_OK(efi_info(XEN_FW_EFI_RT_VERSION));
	CHECK(EFI_ANSWER.version >= 2 << 16 && EFI_ANSWER.version < 4 << 16);
}

CLAIM_DOM0(variables, "a variable that is set is got with its attributes, of any size; a buffer "
	   "that is too small learns how much it takes; set to nothing it is gone")
{
	static uint8_t in[6000], out[sizeof(in) + 16];
	static const uint32_t sizes[] = { 1, 4095, 4096, 4097, sizeof(in) };

	need_runtime();
	for (unsigned int i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + i / 256);
	delete();
	CHECK_EQ(variable(XEN_EFI_get_variable, 0, out, sizeof(in)), NOT_FOUND);
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK_EQ(variable(XEN_EFI_set_variable, KEPT, in, sizes[i]), 0);
		CHECK_EQ(variable(XEN_EFI_get_variable, 0, NULL, 0), TOO_SMALL);
		CHECK_EQ(CALL.u.get_variable.size, sizes[i]);
		memset(out, 0x5a, sizeof(out));
		if (sizes[i] > 1) {
			CHECK_EQ(variable(XEN_EFI_get_variable, 0, out, sizes[i] - 1), TOO_SMALL);
			for (unsigned int j = 0; j < sizeof(out); j++)
				CHECK_EQ(out[j], 0x5a);
		}
		CHECK_EQ(variable(XEN_EFI_get_variable, 0, out, sizeof(in)), 0);
		CHECK_EQ(CALL.u.get_variable.size, sizes[i]);
		CHECK_EQ(CALL.misc, KEPT);
		CHECK(!memcmp(in, out, sizes[i]));
		for (unsigned int j = sizes[i]; j < sizeof(out); j++)
			CHECK_EQ(out[j], 0x5a);
		delete();
	}
	CHECK_EQ(variable(XEN_EFI_get_variable, 0, out, sizeof(in)), NOT_FOUND);
}

CLAIM_DOM0(listed, "the names that there are come one after the other, ours among them, and end")
{
	static uint16_t name[512];
	struct xenpf_efi_guid guid = { 0 };
	uint8_t byte = 1;
	unsigned int found = 0, nr;

	need_runtime();
	CHECK_EQ(variable(XEN_EFI_set_variable, KEPT, &byte, 1), 0);
	memset(name, 0, sizeof(name));
	for (nr = 0; nr < 2000; nr++) {
		clear_call(XEN_EFI_get_next_variable_name);
		CALL.u.get_next_variable_name.size = sizeof(name);
		CALL.u.get_next_variable_name.name.p = name;
		CALL.u.get_next_variable_name.vendor_guid = guid;
		CHECK_OK(HC1(platform_op, &efi_op));
		if (CALL.status == NOT_FOUND)
			break;
		CHECK_EQ(CALL.status, 0);
		guid = CALL.u.get_next_variable_name.vendor_guid;
		found += !memcmp(&guid, &ours, sizeof(guid)) &&
			 !memcmp(name, variable_name, sizeof(variable_name));
	}
	delete();
	CHECK_EQ(found, 1);
	CHECK(nr > 5 && nr < 2000);
}

CLAIM_DOM0(bad_buffers, "a name or data at a bad address is -EFAULT, and nothing is set")
{
	uint8_t byte;

	need_runtime();
	delete();
	clear_call(XEN_EFI_set_variable);
	CALL.misc = KEPT;
	CALL.u.set_variable.name.p = variable_name;
	CALL.u.set_variable.vendor_guid = ours;
	CALL.u.set_variable.size = 8;
	CALL.u.set_variable.data.p = UNMAPPED_POINTER;
	CHECK_ERR(HC1(platform_op, &efi_op), XEN_EFAULT);
	CALL.u.set_variable.data.p = HYPERVISOR_POINTER;
	CHECK_ERR(HC1(platform_op, &efi_op), XEN_EFAULT);
	CALL.u.set_variable.name.p = UNMAPPED_POINTER;
	CHECK_ERR(HC1(platform_op, &efi_op), XEN_EFAULT);
	CHECK_EQ(variable(XEN_EFI_get_variable, 0, &byte, 1), NOT_FOUND);
	clear_call(XEN_EFI_get_next_variable_name);
	CALL.u.get_next_variable_name.size = 64;
	CALL.u.get_next_variable_name.name.p = UNMAPPED_POINTER;
	CHECK_ERR(HC1(platform_op, &efi_op), XEN_EFAULT);
}

CLAIM_DOM0(bad_calls, "flags that a function does not know are -EINVAL, functions that there are "
	   "not -ENOSYS, capsules too")
{
	need_runtime();
	for (uint32_t f = XEN_EFI_get_time; f <= XEN_EFI_get_next_variable_name; f++) {
		if (f == XEN_EFI_set_variable)
			continue;
		clear_call(f);
		CALL.misc = 0x80;
		CHECK_ERR(HC1(platform_op, &efi_op), XEN_EINVAL);
	}
	clear_call(XEN_EFI_query_variable_info);
	CALL.misc = 2;
	CHECK_ERR(HC1(platform_op, &efi_op), XEN_EINVAL);
	CALL.misc = XEN_EFI_VARINFO_BOOT_SNAPSHOT;
	CALL.u.query_variable_info.attr = KEPT & ~XEN_EFI_VARIABLE_NON_VOLATILE;
	CHECK_ERR(HC1(platform_op, &efi_op), XEN_EINVAL);
	CHECK_ERR(efi_runtime(XEN_EFI_query_capsule_capabilities), XEN_ENOSYS);
	CHECK_ERR(efi_runtime(XEN_EFI_update_capsule), XEN_ENOSYS);
	CHECK_ERR(efi_runtime(99), XEN_ENOSYS);
	CHECK_ERR(efi_runtime(0), XEN_ENOSYS);
}

CLAIM_DOM0(room, "how much room there is for variables: now, and when the machine booted")
{
	uint64_t max_store;

	need_runtime();
	clear_call(XEN_EFI_query_variable_info);
	CALL.u.query_variable_info.attr = KEPT;
	CHECK_OK(HC1(platform_op, &efi_op));
	CHECK_EQ(CALL.status, 0);
	max_store = CALL.u.query_variable_info.max_store_size;
	CHECK(max_store > 4096 && CALL.u.query_variable_info.remain_store_size <= max_store &&
	      CALL.u.query_variable_info.max_size);
	clear_call(XEN_EFI_query_variable_info);
	CALL.misc = XEN_EFI_VARINFO_BOOT_SNAPSHOT;
	CALL.u.query_variable_info.attr = KEPT;
	CHECK_OK(HC1(platform_op, &efi_op));
	CHECK_EQ(CALL.status, 0);
	CHECK_EQ(CALL.u.query_variable_info.max_store_size, max_store);
}

CLAIM_DOM0(clock, "the firmware's clock is read, set, and read as it was set")
{
	struct xenpf_efi_time t;

	need_runtime();
	CHECK_OK(efi_runtime(XEN_EFI_get_time));
	CHECK_EQ(CALL.status, 0);
	t = CALL.u.get_time.time;
	CHECK(t.year >= 2024 && t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= 31 &&
	      t.hour < 24 && t.min < 60 && t.sec < 60);
	clear_call(XEN_EFI_set_time);
	CALL.u.set_time = t;
	CALL.u.set_time.year = (uint16_t)(t.year - 1);
	CALL.u.set_time.day = 1;	/* there was no 29th of February */
	CHECK_OK(HC1(platform_op, &efi_op));
	CHECK_EQ(CALL.status, 0);
	CHECK_OK(efi_runtime(XEN_EFI_get_time));
	CHECK_EQ(CALL.u.get_time.time.year, t.year - 1);
	clear_call(XEN_EFI_set_time);
	CALL.u.set_time = t;
	CHECK_OK(HC1(platform_op, &efi_op));
	CHECK_EQ(CALL.status, 0);
	clear_call(XEN_EFI_set_time);
	CALL.u.set_time = t;
	CALL.u.set_time.month = 13;
	CHECK_OK(HC1(platform_op, &efi_op));
	CHECK(CALL.status & STATUS_ERROR);
	CHECK_OK(efi_runtime(XEN_EFI_get_wakeup_time));
}

CLAIM_DOM0(fpu, "what is in the FPU's registers survives the firmware")
{
	uint64_t before[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, after[2];
	uint32_t mxcsr = 0x7f80, mxcsr_after;

	need_runtime();
	asm volatile("movups %0, %%xmm6; ldmxcsr %1" : : "m"(before), "m"(mxcsr));
	efi_runtime(XEN_EFI_get_time);
	asm volatile("movups %%xmm6, %0; stmxcsr %1" : "=m"(after), "=m"(mxcsr_after));
	CHECK_EQ(after[0], before[0]);
	CHECK_EQ(after[1], before[1]);
	CHECK_EQ(mxcsr_after, mxcsr);
	mxcsr = 0x1f80;
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
}

CLAIM_ISOLA_ONLY(read_only, "the firmware's code and data can be read by dom0, and not written",
		 "Xen lets its dom0 write them")
{
	volatile uint8_t *page = window(0);
	uint64_t at = 0;
	unsigned int found = 0;

	if (!(start->flags & SIF_INITDOMAIN))
		skip("only in dom0");
	need_runtime();
	while (at < 1ul << 32) {
		EFI_ANSWER.mem.addr = at;
		EFI_ANSWER.mem.size = 1ul << 32;
		if (efi_info(XEN_FW_EFI_MEM_INFO)) {
			at += 1ul << 16;
			continue;
		}
		if (EFI_ANSWER.mem.type == 5 || EFI_ANSWER.mem.type == 6) {
			uint8_t was;

			CHECK_OK(remap(page, make_pte(at / PAGE_BYTES, PTE_RW_PAGE)));
			was = page[0];
			page[0] = (uint8_t)~was;	/* dropped */
			CHECK_EQ(page[0], was);
			found++;
		}
		at = (at + EFI_ANSWER.mem.size + 0xffff) & ~0xfffful;
	}
	CHECK(found);
}

CLAIM_ISOLA_ONLY(not_called, "with efi=no-rs the firmware is not called: no variable, no clock",
		 "Xen has another answer for variables")
{
	if (!(start->flags & SIF_INITDOMAIN))
		skip("only in dom0");
	need_efi();
	if (!efi_info(XEN_FW_EFI_RT_VERSION))
		skip("runtime services are called");
	CHECK_OK(efi_runtime(XEN_EFI_get_variable));
	CHECK_EQ(CALL.status, NOT_FOUND);
	CHECK_OK(efi_runtime(XEN_EFI_get_next_variable_name));
	CHECK_EQ(CALL.status, NOT_FOUND);
	CHECK_ERR(efi_runtime(XEN_EFI_get_time), XEN_EOPNOTSUPP);
	CHECK_ERR(efi_runtime(99), XEN_EOPNOTSUPP);
}

/* ---- With tests/boot/efi.t ---- */

/* A word of the first page that nobody uses: the test writes there. */
#define SIGN 0x4f0

static volatile uint8_t *sign(void)
{
	volatile uint8_t *page = window(0);

	CHECK_OK(remap(page, make_pte(0, PTE_RO_PAGE)));
	return page + SIGN;
}

CLAIM_DOM0(busy, "the firmware is called again and again, until a sign is given")
{
	volatile uint8_t *s;
	uint8_t byte = 0;

	if (!option("sign"))
		skip("nobody gives the sign");
	need_runtime();
	s = sign();
	print("# the firmware is busy\n");
	for (uint64_t end = clock_ns() + 15000 * MS_NS; *s != 1 && clock_ns() < end; byte++) {
		CHECK_EQ(variable(XEN_EFI_set_variable, KEPT, &byte, 1), 0);
		delete();
	}
	CHECK_EQ(*s, 1);
}

CLAIM_DOM0(fault, "a fault in the firmware ends its call with an error, and all later ones are "
	   "refused")
{
	volatile uint8_t *s;

	if (!option("sign"))
		skip("nobody gives the sign");
	need_runtime();
	s = sign();
	print("# the firmware is to be spoilt\n");
	CHECK(WAIT_FOR(*s == 2, 15000));
	CHECK_OK(efi_runtime(XEN_EFI_get_next_high_monotonic_count));
	CHECK_EQ(CALL.status, DEVICE_ERROR);
	CHECK_ERR(efi_runtime(XEN_EFI_get_time), XEN_EOPNOTSUPP);
	CHECK_ERR(efi_info(XEN_FW_EFI_RT_VERSION), XEN_EOPNOTSUPP);
}
