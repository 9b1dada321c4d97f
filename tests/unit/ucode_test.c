/* SPDX-License-Identifier: MIT */
/*
 * Microcode files: sound ones of both makers' formats, built here; a table of lies about each; the
 * same cut at every byte and damaged at random. No answer may point outside the file.
 *
 * Sources: arch/x86/cpu/ucode_intel.c arch/x86/cpu/ucode_amd.c arch/x86/cpu/ucode_cpio.c
 */
#include "fuzz.h"

#include <asm/ucode_file.h>
#include <errno.h>

static struct file {
	u8 bytes[65536];
	u32 len;
} f;

static struct ucode_cpu cpu;
static struct ucode_update found;
static const char *why;

static void put(const void *p, u32 n)
{
	memcpy(f.bytes + f.len, p, n);
	f.len += n;
}

static void put32(u32 v) { put(&v, 4); }
static void put16(u16 v) { put(&v, 2); }
static void set32(u32 at, u32 v) { memcpy(f.bytes + at, &v, 4); }

static u32 get32(u32 at)
{
	u32 v;

	memcpy(&v, f.bytes + at, 4);
	return v;
}

static void put_zeroes(u32 n)
{
	memset(f.bytes + f.len, 0, n);
	f.len += n;
}

/* The word at @at so that the words of [@from, @to) have the sum 0. */
static void seal(u32 at, u32 from, u32 to)
{
	u32 sum = 0;

	set32(at, 0);
	for (u32 i = from; i < to; i += 4)
		sum += get32(i);
	set32(at, -sum);
}

/* ---- Intel ---- */

#define SIGNATURE 0x906eau
#define OTHER 0x806e9u

static int find_intel(void)
{
	why = NULL;
	memset(&found, 0, sizeof(found));
	return ucode_find_intel(f.bytes, f.len, &cpu, &found, &why);
}

/* @extra: a second processor, in the table; 0: no table. */
static u32 put_intel(u32 revision, u32 signature, u32 platforms, u32 data_bytes, u32 extra)
{
	u32 begun = f.len, used = data_bytes + 48, total = ROUNDUP(used + (extra ? 32 : 0), 1024);

	put32(1), put32(revision), put32(0x20260102), put32(signature), put32(0), put32(1);
	put32(platforms), put32(data_bytes), put32(total), put_zeroes(12);
	for (u32 i = 0; i < data_bytes; i += 4)
		put32(i * 2654435761u);
	seal(begun + 16, begun, f.len);
	if (extra) {
		u32 table = f.len;

		put32(1), put32(0), put_zeroes(12);
		put32(extra), put32(platforms), put32(signature + get32(begun + 16) - extra);
		seal(table + 4, table, f.len);
	}
	put_zeroes(begun + total - f.len);
	return begun;
}

static void build_intel(void)
{
	memset(&f, 0, sizeof(f));
	cpu = (struct ucode_cpu){ .signature = SIGNATURE, .family = 6, .platform = 2,
				  .revision = 0x10 };
	put_intel(0x20, OTHER, 0xff, 2000, 0);
	put_intel(0x18, SIGNATURE, 0x22, 976, 0);
	put_intel(0x30, SIGNATURE, 0x22, 4000, 0);
	put_intel(0x31, SIGNATURE, 0x1, 976, 0);
	put_intel(0x28, SIGNATURE, 0x22, 976, OTHER + 1);
}

static void test_intel(void)
{
	build_intel();
	ok(!find_intel() && found.revision == 0x30 && found.bytes == 4000 &&
		   found.data == f.bytes + 2048 + 1024 + 48,
	   "Intel: the newest of this processor's and platform's");
	cpu.revision = 0x30;
	ok(find_intel() == -ENOENT, "none that is not newer");
	cpu.revision = 0x2f;
	ok(!find_intel() && found.revision == 0x30, "one that is");
	cpu.signature = OTHER + 1;
	cpu.revision = 1;
	ok(!find_intel() && found.revision == 0x28, "a processor that only a table names");
	cpu.signature = OTHER + 2;
	ok(find_intel() == -ENOENT, "one that nothing names");
	cpu.signature = SIGNATURE;
	cpu.platform = 4;
	ok(find_intel() == -ENOENT, "another platform's");
	build_intel();
	cpu.revision = 0x80000001;
	ok(!find_intel() && found.revision == 0x30, "a revision below 0 is older");
	f.len = 0;
	ok(find_intel() == -ENOENT, "an empty file has nothing");
	put_intel(0x40, SIGNATURE, 2, 2000, 0);
	set32(28, 0);
	set32(32, 0);
	seal(16, 0, 2048);
	ok(!find_intel() && found.bytes == 2000, "no sizes: the old ones");
}

static const struct { const char *what; u32 at, value; } intel_lies[] = {
	{ "a header of version 2", 0, 2 },
	{ "a loader of version 0", 20, 0 },
	{ "data of an odd size", 28, 1999 },
	{ "more data than all", 28, 2048 },
	{ "data whose size wraps", 28, 0xfffffff0 },
	{ "a total that is no multiple", 32, 2044 },
	{ "a total of 0", 32, 0 },
	{ "a total above the file's", 32, 1u << 20 },
	{ "a wrong checksum", 16, 0 },
	{ "other data", 1000, 0x5a5a },
};

static void test_intel_lies(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(intel_lies); i++) {
		build_intel();
		set32(intel_lies[i].at, intel_lies[i].value);
		if (intel_lies[i].at == 0 || intel_lies[i].at == 20 || intel_lies[i].at == 28)
			seal(16, 0, 2048);
		ok(find_intel() == -EINVAL && fuzz_is_sentence(why),
		   "Intel: %s: the file is refused", intel_lies[i].what);
	}
	build_intel();
	put32(0);
	ok(find_intel() == -EINVAL, "Intel: four bytes more");
	for (u32 at = 0; at < 32; at += 4) {
		memset(&f, 0, sizeof(f));
		put_intel(0x28, SIGNATURE, 0x22, 976, OTHER);
		/* count, checksum, three reserved, signature, platforms, checksum */
		set32(48 + 976 + at, get32(48 + 976 + at) + 1);
		check(find_intel() == -EINVAL, "word %u of a table of signatures", at / 4);
		if (at == 20 || at == 24 || at == 28) {
			seal(48 + 976 + 4, 48 + 976, 48 + 976 + 32);
			check(find_intel() == -EINVAL, "its own checksum, word %u", at / 4);
		}
	}
	all_ok("Intel: a table of signatures with any word wrong is refused");
}

/* ---- AMD ---- */

#define AMD_SIGNATURE 0x00800f12u

static int find_amd(void)
{
	why = NULL;
	memset(&found, 0, sizeof(found));
	return ucode_find_amd(f.bytes, f.len, &cpu, &found, &why);
}

static void put_patch(u32 revision, u16 number, u32 bytes, u32 bridge)
{
	put32(1), put32(bytes);
	put32(0x20260102), put32(revision), put32(0x8004), put32(0), put32(bridge), put32(0);
	put16(number), put_zeroes(38);
	put_zeroes(bytes - 64);
}

static void put_container(u32 signature, u16 number)
{
	put32(0x00414d44), put32(0), put32(48);
	put32(signature + 1), put32(0), put32(0), put16(0x1111), put16(0);
	put32(signature), put32(0), put32(0), put16(number), put16(0);
	put_zeroes(16);
}

static void build_amd(void)
{
	memset(&f, 0, sizeof(f));
	cpu = (struct ucode_cpu){ .signature = AMD_SIGNATURE, .family = 0x17,
				  .revision = 0x08001200 };
	put_container(AMD_SIGNATURE - 0x100, 0x8000);
	put_patch(0x08009999, 0x8000, 512, 0);
	put_container(AMD_SIGNATURE, 0x8012);
	put_patch(0x08001230, 0x8012, 3200, 0);
	put_patch(0x08001250, 0x8012, 3200, 0);
	put_patch(0x08001240, 0x8012, 1000, 0);
	put_patch(0x08001299, 0x8012, 1000, 0x10221022);
	put_patch(0x080012ff, 0x1111, 1000, 0);
}

static void test_amd(void)
{
	build_amd();
	ok(!find_amd() && found.revision == 0x08001250 && found.bytes == 3200 &&
		   !memcmp(found.data + 4, &found.revision, 4),
	   "AMD: the newest for the number that the processor has");
	cpu.revision = 0x08001250;
	ok(find_amd() == -ENOENT, "none that is not newer");
	cpu.signature = 0x1234;
	cpu.revision = 0;
	ok(find_amd() == -ENOENT, "a processor that no table names");
	build_amd();
	cpu.family = 0x16;
	cpu.revision = 0;
	ok(!find_amd(), "another family takes more");
	cpu.family = 0x10;
	ok(find_amd() == -EINVAL && fuzz_is_sentence(why), "or less");
	f.len = 0;
	ok(find_amd() == -ENOENT, "an empty file has nothing");
}

static const struct { const char *what; u32 at, value; } amd_lies[] = {
	{ "other magic", 0, 0x00414d45 },
	{ "a first section that is no table", 4, 1 },
	{ "a table of no bytes", 8, 0 },
	{ "a table of an odd size", 8, 47 },
	{ "a table above the file's end", 8, 1u << 20 },
	{ "a table without an end", 8, 32 },
	{ "a second section that is a table", 60, 0 },
	{ "a patch above the file's end", 64, 1u << 20 },
	{ "a patch whose size wraps", 64, 0xffffffff },
	{ "a patch without a header", 64, 63 },
};

static void test_amd_lies(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(amd_lies); i++) {
		build_amd();
		set32(amd_lies[i].at, amd_lies[i].value);
		ok(find_amd() == -EINVAL && fuzz_is_sentence(why), "AMD: %s: the file is refused",
		   amd_lies[i].what);
	}
	build_amd();
	put16(0);
	ok(find_amd() == -EINVAL, "AMD: two bytes more");
	memset(&f, 0, sizeof(f));
	put_container(AMD_SIGNATURE, 0);
	put_patch(0x08001230, 0, 512, 0);
	ok(find_amd() == -ENOENT, "AMD: number 0 is none");
}

/* ---- The archive ---- */

#define NAME "kernel/x86/microcode/GenuineIntel.bin"

static void put_member(const char *name, u32 bytes)
{
	char header[128];
	u32 begun;

	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08X%08x",
		 1, 0100644, 0, 0, 1, 0, bytes, 0, 0, 0, 0, (u32)strlen(name) + 1, 0);
	put(header, 110);
	put(name, (u32)strlen(name) + 1);
	put_zeroes(-f.len & 3);
	begun = f.len;
	while (f.len < begun + bytes)
		put(name, 1);
	put_zeroes(-f.len & 3);
}

static void build_archive(void)
{
	memset(&f, 0, sizeof(f));
	put_member("kernel", 0);
	put_member("kernel/x86/microcode/AuthenticAMD.bin", 33);
	put_member(NAME, 1001);
	put_member("TRAILER!!!", 0);
	put("\x1f\x8b the real one", 15);
}

static const u8 *file;
static u32 size;

static bool find_file(const char *name)
{
	file = NULL;
	size = 0;
	return ucode_find_file(f.bytes, f.len, name, &file, &size);
}

static void test_archive(void)
{
	build_archive();
	ok(find_file(NAME) && size == 1001 && file[0] == 'k' && file[1000] == 'k', "a file in it");
	ok(find_file("kernel/x86/microcode/AuthenticAMD.bin") && size == 33, "another");
	ok(!find_file("kernel/x86/microcode/GenuineIntel.bi") && !find_file("nothing"),
	   "what is not there");
	f.bytes[0] = '1';
	ok(!find_file(NAME), "no archive");
	build_archive();
	memcpy(f.bytes + 6 + 6 * 8, "fffffff0", 8);
	ok(!find_file(NAME), "a file whose size wraps");
	build_archive();
	memcpy(f.bytes + 6 + 11 * 8, "ffffffff", 8);
	ok(!find_file(NAME), "a name whose size wraps");
	build_archive();
	memcpy(f.bytes + 6 + 11 * 8, "0000000g", 8);
	ok(!find_file(NAME), "a size that is no number");
	memset(&f, 0, sizeof(f));
	for (unsigned int i = 0; i < 300; i++)
		put_member("x", 0);
	put_member(NAME, 4);
	ok(!find_file(NAME), "behind more files than anybody has");
}

/* ---- Fuzz ---- */

static const u8 *whole;
static size_t whole_bytes;

static bool is_inside(const u8 *p, u32 bytes)
{
	return p >= whole && bytes <= whole_bytes && (size_t)(p - whole) <= whole_bytes - bytes;
}

/* AMD's revisions have no sign. */
static bool is_newer(ucode_find_fn *fn)
{
	return fn == ucode_find_intel ? (s32)found.revision > (s32)cpu.revision :
					found.revision > cpu.revision;
}

static void one_update(ucode_find_fn *fn, const void *p, size_t len)
{
	int rc;

	whole = p;
	whole_bytes = len;
	why = NULL;
	memset(&found, 0, sizeof(found));
	rc = fn(p, (u32)len, &cpu, &found, &why);
	if (rc == -EINVAL)
		check(fuzz_is_sentence(why), "a refusal says why");
	else if (rc == 0)
		check(is_inside(found.data, found.bytes) && found.bytes &&
			      is_newer(fn), "an update is in the file");
	else
		check(rc == -ENOENT, "answers");
}

static void one_intel(const void *p, size_t len) { one_update(ucode_find_intel, p, len); }
static void one_amd(const void *p, size_t len) { one_update(ucode_find_amd, p, len); }

static void one_archive(const void *p, size_t len)
{
	whole = p;
	whole_bytes = len;
	if (ucode_find_file(p, len, NAME, &file, &size))
		check(is_inside(file, size), "a file is in the archive");
}

static void fix_intel(void *p, size_t len)
{
	u32 sum = 0, word;

	for (u32 i = 0; i < 2048 && i + 4 <= len; i += 4) {
		memcpy(&word, (u8 *)p + i, 4);
		sum += i == 16 ? 0 : word;
	}
	sum = -sum;
	if (len >= 20)
		memcpy((u8 *)p + 16, &sum, 4);
}

static void test_fuzz(void)
{
	build_intel();
	fuzz_truncations(f.bytes, f.len, one_intel);
	fuzz_damages(f.bytes, f.len, 20000, fix_intel, one_intel);
	all_ok("Intel: cut at every byte, and 20000 damaged files");
	build_amd();
	fuzz_truncations(f.bytes, f.len, one_amd);
	fuzz_damages(f.bytes, f.len, 20000, NULL, one_amd);
	all_ok("AMD: cut at every byte, and 20000 damaged files");
	build_archive();
	fuzz_truncations(f.bytes, f.len, one_archive);
	fuzz_damages(f.bytes, f.len, 20000, NULL, one_archive);
	all_ok("the archive: the same");
}

int main(void)
{
	test_intel();
	test_intel_lies();
	test_amd();
	test_amd_lies();
	test_archive();
	test_fuzz();
	return done();
}
