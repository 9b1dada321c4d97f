/* SPDX-License-Identifier: MIT */
/*
 * EFI: a system table in a small machine's memory, a table of damages, and damage at random.
 *
 * The mapping function hands out a heap copy of exactly the bytes asked for and frees the copy
 * before, so the sanitizer sees a read past a mapping as well as the use of one that has ended.
 *
 * Sources: arch/x86/firmware/efi.c
 */
#include "fuzz.h"

#include <asm/efi.h>
#include <errno.h>

#define MEMORY	0x4000UL
#define TABLE	0x1000UL
#define TABLE_BYTES 120UL
#define VENDOR	0x2000UL
#define CONFIG	0x3000UL

static u8 memory[MEMORY];
static void *mapped;
static struct efi_info info;
static const char *why;

static const void *map(u64 maddr, size_t len)
{
	free(mapped);
	mapped = NULL;
	if (maddr >= MEMORY || len > MEMORY - maddr)
		return NULL;
	mapped = malloc(len ? len : 1);
	memcpy(mapped, memory + maddr, len);
	return mapped;
}

static void set32(u64 at, u32 v) { memcpy(memory + at, &v, 4); }
static void set64(u64 at, u64 v) { memcpy(memory + at, &v, 8); }

static void set_vendor(u64 at, const char *text)
{
	for (size_t i = 0; i <= strlen(text); i++, at += 2) {
		memory[at] = (u8)text[i];
		memory[at + 1] = 0;
	}
}

static void build(void)
{
	memset(memory, 0, sizeof(memory));
	memcpy(memory + TABLE, "IBI SYST", 8);
	set32(TABLE + 8, 2 << 16 | 70);
	set32(TABLE + 12, TABLE_BYTES);
	set64(TABLE + 24, VENDOR);
	set32(TABLE + 32, 0x10000);
	set64(TABLE + 104, 9);
	set64(TABLE + 112, CONFIG);
	set_vendor(VENDOR, "EDK II");
}

static int parse(void)
{
	why = NULL;
	memset(&info, 0xa5, sizeof(info));
	return efi_parse(TABLE, map, &info, &why);
}

static bool vendor_is(const char *text)
{
	size_t i = 0;

	for (; text[i]; i++)
		if (info.vendor[i] != (u8)text[i])
			return false;
	for (; i < EFI_VENDOR_CHARS; i++)
		if (info.vendor[i])
			return false;
	return true;
}

static void test_good(void)
{
	build();
	ok(!parse() && info.revision == (2 << 16 | 70) && info.vendor_revision == 0x10000 &&
		   info.config_maddr == CONFIG && info.nr_config == 9 && vendor_is("EDK II"),
	   "a sound table");

	set64(TABLE + 24, 0);
	ok(!parse() && vendor_is(""), "no vendor");
	set64(TABLE + 24, MEMORY + 2);
	ok(!parse() && vendor_is(""), "a vendor's name that is nowhere");
	set64(TABLE + 24, MEMORY - 4);
	memory[MEMORY - 4] = 'x', memory[MEMORY - 2] = 'y';
	ok(!parse() && vendor_is("xy"), "a name that ends with memory");

	build();
	for (u64 i = 0; i < 200; i++)
		memory[VENDOR + 2 * i] = 'n';
	ok(!parse() && info.vendor[EFI_VENDOR_CHARS - 2] == 'n' &&
		   !info.vendor[EFI_VENDOR_CHARS - 1],
	   "a long name is cut, and ends");
	build();
	set32(TABLE + 12, TABLE_BYTES + 8);
	ok(!parse(), "a table of the future");
}

static void test_damages(void)
{
	static const struct {
		const char *what;
		u64 at;
		u32 width;
		u64 value;
		const char *why;
	} damages[] = {
		{ "another signature", TABLE, 4, 0x20494249 + 1, "no system table" },
		{ "a header that is too short", TABLE + 12, 4, TABLE_BYTES - 1, "no system table" },
		{ "no configuration table", TABLE + 104, 8, 0, "impossible list" },
		{ "more than anybody has", TABLE + 104, 8, EFI_MAX_CONFIG_TABLES + 1,
		  "impossible list" },
		{ "so many that their size wraps", TABLE + 104, 8, 1ul << 61, "impossible list" },
		{ "tables at 0", TABLE + 112, 8, 0, "impossible list" },
		{ "tables that do not end in memory", TABLE + 112, 8, MEMORY - 9 * 24 + 1,
		  "impossible list" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		build();
		if (damages[i].width == 4)
			set32(damages[i].at, (u32)damages[i].value);
		else
			set64(damages[i].at, damages[i].value);
		ok(parse() == -EINVAL && fuzz_is_sentence(why) && strstr(why, damages[i].why) &&
			   !info.nr_config && !info.config_maddr,
		   "%s", damages[i].what);
	}
	build();
	ok(efi_parse(MEMORY - TABLE_BYTES + 1, map, &info, &why) == -EINVAL &&
		   strstr(why, "cannot be read"),
	   "a table outside memory");
	set64(TABLE + 112, MEMORY - 9 * 24);
	ok(!parse(), "tables that end with memory");
	set64(TABLE + 104, EFI_MAX_CONFIG_TABLES);
	set64(TABLE + 112, 0x2000);
	ok(!parse(), "as many tables as may be");
}

/* ---- Runtime services. ---- */

#define SERVICES	0x1800UL
#define SERVICES_BYTES	136UL
#define LEAST_BYTES	112UL

static struct efi_runtime runtime;

static void build_services(u32 header_size)
{
	build();
	memcpy(memory + SERVICES, "RUNTSERV", 8);
	set32(SERVICES + 8, 2 << 16 | 70);
	set32(SERVICES + 12, header_size);
	for (u64 i = 0; i < NR_EFI_SERVICES; i++)
		set64(SERVICES + 24 + 8 * i, 0x1000 * (i + 1));
}

static int parse_services(u64 at)
{
	why = NULL;
	memset(&runtime, 0xa5, sizeof(runtime));
	return efi_parse_runtime(at, map, &runtime, &why);
}

static void test_services(void)
{
	build_services(SERVICES_BYTES);
	ok(!parse_services(SERVICES) && runtime.revision == (2 << 16 | 70) &&
		   runtime.service[EFI_GET_TIME] == 0x1000 &&
		   runtime.service[EFI_RESET_SYSTEM] == 0xb000 &&
		   runtime.service[EFI_QUERY_VARIABLE_INFO] == 0xe000,
	   "a sound table of services");
	build_services(LEAST_BYTES);
	ok(!parse_services(SERVICES) && runtime.service[EFI_RESET_SYSTEM] == 0xb000 &&
		   !runtime.service[EFI_UPDATE_CAPSULE] &&
		   !runtime.service[EFI_QUERY_VARIABLE_INFO],
	   "one of the first edition has fewer");
	build_services(SERVICES_BYTES + 64);
	ok(!parse_services(SERVICES), "one of the future");
	build_services(LEAST_BYTES - 1);
	ok(parse_services(SERVICES) == -EINVAL && !runtime.revision && fuzz_is_sentence(why),
	   "one that is too short");
	build_services(SERVICES_BYTES);
	set32(SERVICES, 0);
	ok(parse_services(SERVICES) == -EINVAL && !runtime.service[0], "another signature");
	build_services(SERVICES_BYTES);
	ok(parse_services(0) == -EINVAL && parse_services(MEMORY - LEAST_BYTES + 1) == -EINVAL,
	   "a table that is nowhere");
	memcpy(memory + MEMORY - LEAST_BYTES, memory + SERVICES, LEAST_BYTES);
	ok(parse_services(MEMORY - LEAST_BYTES) == -EINVAL && strstr(why, "to its end"),
	   "one that runs out of memory");
	for (unsigned int i = 0; i < fuzz_rounds(20000); i++) {
		build_services(SERVICES_BYTES);
		fuzz_damage(memory + SERVICES, SERVICES_BYTES);
		if (parse_services(SERVICES))
			check(fuzz_is_sentence(why) && !runtime.revision, "a refusal");
	}
	all_ok("20000 damaged tables of services");
}

static void test_fuzz(void)
{
	for (unsigned int i = 0; i < fuzz_rounds(20000); i++) {
		build();
		fuzz_damage(memory + TABLE, TABLE_BYTES);
		if (parse())
			check(fuzz_is_sentence(why) && !info.nr_config, "a refusal");
		else
			check(info.nr_config && info.nr_config <= EFI_MAX_CONFIG_TABLES &&
				      !info.vendor[EFI_VENDOR_CHARS - 1],
			      "bounds");
	}
	all_ok("20000 damaged tables");
}

int main(void)
{
	test_good();
	test_damages();
	test_services();
	test_fuzz();
	map(~0UL, 0);
	return done();
}
