/* SPDX-License-Identifier: MIT */
/*
 * EFI's runtime services for the control domain: asm/efi_runtime.h.
 *
 * Nothing of the guest's is in sight of the firmware. What goes there and comes back passes through
 * the buffer (asm/firmware_root.h), which is wiped afterwards: arguments and a name in its first
 * page, data from the second on. What comes back is checked before it is used as a length.
 * Source: UEFI Specification 2.9, 8.
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/nospec.h>
#include <isola/time.h>
#include <isola/lib/string.h>
#include <asm/efi_runtime.h>
#include <asm/firmware_root.h>
#include <asm/ioport.h>
#include <asm/uaccess.h>
#include <xen/xen.h>
#include <xen/platform.h>

#define NAME_AT		2048u		/* in the first page, and to its end */
#define NAME_CHARS	1024u
#define DATA_AT		PAGE_SIZE
#define DATA_BYTES	((FIRMWARE_BUFFER_PAGES - 1ul) * PAGE_SIZE)
#define REVISION_2	(2u << 16)
#define KNOWN_AT_BOOT	(XEN_EFI_VARIABLE_NON_VOLATILE | XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS | \
			 XEN_EFI_VARIABLE_RUNTIME_ACCESS)
#define APPEND_WRITE	0x40u

/* First in the buffer. EFI_TIME and EFI_GUID are laid out as the ABI's. */
struct arguments {
	u64 size;
	u64 max_store, remain, max_size;
	struct xenpf_efi_guid guid;
	struct xenpf_efi_time time;
	u32 resolution, accuracy;	/* with the byte that follows EFI_TIME_CAPABILITIES */
	u8 sets_to_zero;
	u8 is_enabled, is_pending;
	u32 word;			/* attributes, or a count */
};

static_assert(sizeof(struct arguments) <= NAME_AT, "the name follows");
static_assert(sizeof(struct xenpf_efi_time) == 16, "EFI_TIME");

#define AT(field) (firmware_buffer() + offsetof(struct arguments, field))

typedef struct xenpf_efi_runtime_call call_t;

/* ---- The buffer. firmware_begin() to firmware_end(). ----------------------------------------- */

static void put_arguments(const struct arguments *a)
{
	void *page = firmware_map(0);

	memcpy(page, a, sizeof(*a));
	firmware_unmap(page);
}

static void get_arguments(struct arguments *a)
{
	void *page = firmware_map(0);

	memcpy(a, page, sizeof(*a));
	firmware_unmap(page);
}

/* @bytes between the guest's @va and the buffer from @at on, by pages. */
static int copy_buffer(bool to_guest, u64 va, u64 at, u64 bytes)
{
	int rc = 0;

	while (bytes && !rc) {
		u64 offset = at % PAGE_SIZE, n = min_t(u64, bytes, PAGE_SIZE - offset);
		u8 *page = firmware_map((unsigned)(at / PAGE_SIZE));

		rc = to_guest ? copy_to_guest(va, page + offset, n) :
				copy_from_guest(page + offset, va, n);
		firmware_unmap(page);
		va += n;
		at += n;
		bytes -= n;
	}
	return rc;
}

static void wipe(u64 bytes)
{
	for (unsigned i = 0; i < DIV_ROUND_UP(bytes, PAGE_SIZE); i++) {
		void *page = firmware_map(i);

		memset(page, 0, PAGE_SIZE);
		firmware_unmap(page);
	}
}

/* The guest's string at @va, its end included. 0; -EFAULT; -ENOMEM without an end in time. */
static int name_from_guest(u64 va)
{
	u8 *page = firmware_map(0);
	u16 *name = (u16 *)(page + NAME_AT);
	int rc = -ENOMEM;

	for (unsigned i = 0; i < NAME_CHARS; i++) {
		rc = copy_from_guest(&name[i], guest_elem(va, i, sizeof(*name)), sizeof(*name));
		if (rc || !name[i])
			break;
		rc = -ENOMEM;
	}
	firmware_unmap(page);
	return rc;
}

/* ---- The clock. Its chip is dom0's too, by ports: rtc_begin(). ------------------------------- */

static long get_time(call_t *op, struct arguments *a)
{
	rtc_begin();
	op->status = firmware_call(EFI_GET_TIME, (u64[5]){ AT(time), AT(resolution) });
	rtc_end();
	get_arguments(a);
	if (op->status & EFI_ERROR_BIT)
		return 0;
	op->u.get_time.time = a->time;
	op->u.get_time.resolution = a->resolution;
	op->u.get_time.accuracy = a->accuracy;
	if (a->sets_to_zero)
		op->misc = XEN_EFI_GET_TIME_SET_CLEARS_NS;
	return 0;
}

static long set_time(call_t *op, struct arguments *a)
{
	a->time = op->u.set_time;
	put_arguments(a);
	rtc_begin();
	op->status = firmware_call(EFI_SET_TIME, (u64[5]){ AT(time) });
	rtc_end();
	return 0;
}

static long get_wakeup_time(call_t *op, struct arguments *a)
{
	rtc_begin();
	op->status = firmware_call(EFI_GET_WAKEUP_TIME,
				   (u64[5]){ AT(is_enabled), AT(is_pending), AT(time) });
	rtc_end();
	get_arguments(a);
	if (op->status & EFI_ERROR_BIT)
		return 0;
	op->u.get_wakeup_time = a->time;
	op->misc = (a->is_enabled ? XEN_EFI_GET_WAKEUP_TIME_ENABLED : 0) |
		   (a->is_pending ? XEN_EFI_GET_WAKEUP_TIME_PENDING : 0);
	return 0;
}

static long set_wakeup_time(call_t *op, struct arguments *a)
{
	u64 time = op->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY ? 0 : AT(time);

	a->time = op->u.set_wakeup_time;
	put_arguments(a);
	rtc_begin();
	op->status = firmware_call(EFI_SET_WAKEUP_TIME,
				   (u64[5]){ !!(op->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE), time });
	rtc_end();
	return 0;
}

/* ---- Variables ------------------------------------------------------------------------------- */

static long get_variable(call_t *op, struct arguments *a)
{
	u64 room = min_t(u64, op->u.get_variable.size, DATA_BYTES);
	long rc = name_from_guest((u64)op->u.get_variable.name.p);

	if (rc)
		return rc;
	a->size = room;
	a->guid = op->u.get_variable.vendor_guid;
	put_arguments(a);
	op->status = firmware_call(EFI_GET_VARIABLE,
				   (u64[5]){ firmware_buffer() + NAME_AT, AT(guid), AT(word),
					     AT(size), room ? firmware_buffer() + DATA_AT : 0 });
	get_arguments(a);
	op->misc = a->word;
	op->u.get_variable.size = a->size;
	if (!(op->status & EFI_ERROR_BIT))
		rc = copy_buffer(true, (u64)op->u.get_variable.data.p, DATA_AT,
				 min(a->size, room));
	wipe(DATA_AT + room);
	return rc;
}

static long set_variable(call_t *op, struct arguments *a)
{
	u64 bytes = op->u.set_variable.size;
	long rc;

	if (bytes > DATA_BYTES)
		return -ENOMEM;
	rc = name_from_guest((u64)op->u.set_variable.name.p);
	if (!rc)
		rc = copy_buffer(false, (u64)op->u.set_variable.data.p, DATA_AT, bytes);
	if (!rc) {
		a->guid = op->u.set_variable.vendor_guid;
		put_arguments(a);
		op->status = firmware_call(EFI_SET_VARIABLE,
					   (u64[5]){ firmware_buffer() + NAME_AT, AT(guid),
						     op->misc, bytes,
						     bytes ? firmware_buffer() + DATA_AT : 0 });
	}
	wipe(DATA_AT + bytes);
	return rc;
}

static long get_next_variable_name(call_t *op, struct arguments *a)
{
	u64 va = (u64)op->u.get_next_variable_name.name.p;
	u64 room = min_t(u64, op->u.get_next_variable_name.size, NAME_CHARS * 2ul);
	long rc = copy_buffer(false, va, NAME_AT, room);

	if (rc)
		return rc;
	a->size = room;
	a->guid = op->u.get_next_variable_name.vendor_guid;
	put_arguments(a);
	op->status = firmware_call(EFI_GET_NEXT_VARIABLE_NAME,
				   (u64[5]){ AT(size), firmware_buffer() + NAME_AT, AT(guid) });
	get_arguments(a);
	op->u.get_next_variable_name.size = a->size;
	op->u.get_next_variable_name.vendor_guid = a->guid;
	if (!(op->status & EFI_ERROR_BIT))
		rc = copy_buffer(true, va, NAME_AT, room);
	return rc;
}

static struct { u64 max_store, remain, max_size; } at_boot;

static u64 ask_room(u32 attr, struct arguments *a)
{
	u64 status = firmware_call(EFI_QUERY_VARIABLE_INFO,
				   (u64[5]){ attr, AT(max_store), AT(remain), AT(max_size) });

	get_arguments(a);
	return status;
}

static long query_variable_info(call_t *op, struct arguments *a)
{
	u32 attr = op->u.query_variable_info.attr;

	if (op->misc & XEN_EFI_VARINFO_BOOT_SNAPSHOT) {
		if ((attr & ~APPEND_WRITE) != KNOWN_AT_BOOT)
			return -EINVAL;
		a->max_store = at_boot.max_store;
		a->remain = at_boot.remain;
		a->max_size = at_boot.max_size;
		op->status = 0;
	} else if (firmware_revision() < REVISION_2) {
		return -EOPNOTSUPP;
	} else {
		op->status = ask_room(attr, a);
	}
	op->u.query_variable_info.max_store_size = a->max_store;
	op->u.query_variable_info.remain_store_size = a->remain;
	op->u.query_variable_info.max_size = a->max_size;
	return 0;
}

/* ---- The rest -------------------------------------------------------------------------------- */

static long next_high_count(call_t *op, struct arguments *a)
{
	op->status = firmware_call(EFI_GET_NEXT_HIGH_MONOTONIC_COUNT, (u64[5]){ AT(word) });
	get_arguments(a);
	op->misc = a->word;
	return 0;
}

/* ABI: nobody has built them. */
static long capsules(call_t *op __maybe_unused, struct arguments *a __maybe_unused)
{
	return firmware_revision() < REVISION_2 ? -EOPNOTSUPP : -ENOSYS;
}

/* By XEN_EFI_*. @flags: what misc may hold. */
static const struct {
	long (*fn)(call_t *op, struct arguments *a);
	u32 flags;
} calls[] = {
	[XEN_EFI_get_time] = { get_time, 0 },
	[XEN_EFI_set_time] = { set_time, 0 },
	[XEN_EFI_get_wakeup_time] = { get_wakeup_time, 0 },
	[XEN_EFI_set_wakeup_time] = { set_wakeup_time, XEN_EFI_SET_WAKEUP_TIME_ENABLE |
						       XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY },
	[XEN_EFI_get_next_high_monotonic_count] = { next_high_count, 0 },
	[XEN_EFI_get_variable] = { get_variable, 0 },
	[XEN_EFI_set_variable] = { set_variable, ~0u },
	[XEN_EFI_get_next_variable_name] = { get_next_variable_name, 0 },
	[XEN_EFI_query_variable_info] = { query_variable_info, XEN_EFI_VARINFO_BOOT_SNAPSHOT },
	[XEN_EFI_query_capsule_capabilities] = { capsules, 0 },
	[XEN_EFI_update_capsule] = { capsules, 0 },
};

long efi_runtime_call(call_t *op)
{
	struct arguments a = { 0 };
	u32 nr = op->function;
	long rc;

	if (nr >= ARRAY_SIZE(calls))
		return -ENOSYS;
	nr = index_nospec(nr, ARRAY_SIZE(calls));
	if (!calls[nr].fn)
		return -ENOSYS;
	if (op->misc & ~calls[nr].flags)
		return -EINVAL;
	if (!firmware_revision())
		return -EOPNOTSUPP;
	firmware_begin();
	put_arguments(&a);
	rc = calls[nr].fn(op, &a);
	wipe(PAGE_SIZE);
	firmware_end();
	return rc;
}

void efi_runtime_init(void)
{
	struct arguments a = { 0 };

	if (firmware_revision() < REVISION_2)
		return;
	firmware_begin();
	put_arguments(&a);
	if (!(ask_room(KNOWN_AT_BOOT, &a) & EFI_ERROR_BIT)) {
		at_boot.max_store = a.max_store;
		at_boot.remain = a.remain;
		at_boot.max_size = a.max_size;
	}
	firmware_end();
}

static bool is_sane(const struct xenpf_efi_time *t)
{
	return t->year >= 1998 && t->year <= 9999 && t->month >= 1 && t->month <= 12 &&
	       t->day >= 1 && t->day <= 31 && t->hour < 24 && t->min < 60 && t->sec < 60;
}

u64 efi_runtime_seconds(void)
{
	struct arguments a = { 0 };
	u64 status;

	if (!firmware_revision())
		return 0;
	firmware_begin();
	put_arguments(&a);
	status = firmware_call(EFI_GET_TIME, (u64[5]){ AT(time), AT(resolution) });
	get_arguments(&a);
	firmware_end();
	if (status & EFI_ERROR_BIT || !is_sane(&a.time))
		return 0;
	return time_to_seconds(a.time.year, a.time.month, a.time.day) + a.time.hour * 3600u +
	       a.time.min * 60u + a.time.sec;
}
