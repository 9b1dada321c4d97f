/* SPDX-License-Identifier: MIT */
/*
 * Modules: the files that the loader left in memory beside us; the first is the kernel.
 *
 * Until they have been copied into a domain, the RAM that they lie in must not be handed out: the
 * first allocator asks boot_modules_clear_of().
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/lib/format.h>

/* An empty range overlaps nothing. */
static bool overlap(u64 a_start, u64 a_end, u64 b_start, u64 b_end)
{
	return a_start < a_end && b_start < b_end && a_start < b_end && b_start < a_end;
}

static int check_one(struct boot_info *info, unsigned int i, u64 image_start, u64 image_end,
		     const char **why)
{
	const struct boot_module *m = &info->module[i];

	if (!boot_memmap_is_ram(&info->memmap, ROUNDDOWN(m->start, 4096), m->end))
		return boot_fail(info, "module %u (0x%lx-0x%lx) does not lie in RAM", i, m->start,
				 m->end);
	if (overlap(m->start, m->end, image_start, image_end))
		return boot_fail(info,
				 "module %u (0x%lx-0x%lx) overlaps the hypervisor (0x%lx-0x%lx)", i,
				 m->start, m->end, image_start, image_end);
	for (unsigned int j = 0; j < i; j++)
		if (overlap(m->start, m->end, info->module[j].start, info->module[j].end))
			return boot_fail(
				info, "modules %u and %u overlap (0x%lx-0x%lx, 0x%lx-0x%lx)", j, i,
				info->module[j].start, info->module[j].end, m->start, m->end);
	return 0;
}

int boot_modules_check(struct boot_info *info, u64 image_start, u64 image_end, const char **why)
{
	if (!info->nr_modules)
		return boot_fail(info, "no modules: the loader's configuration names no kernel"
			    " (module2 <kernel>)");
	if (info->module[0].start == info->module[0].end)
		return boot_fail(info, "module 0, the kernel, is empty");

	for (unsigned int i = 0; i < info->nr_modules; i++) {
		int rc = check_one(info, i, image_start, image_end, why);

		if (rc)
			return rc;
	}
	return 0;
}

bool boot_modules_clear_of(const struct boot_info *info, u64 start, u64 end, unsigned int *module)
{
	for (unsigned int i = 0; i < info->nr_modules; i++) {
		if (overlap(start, end, info->module[i].start, info->module[i].end)) {
			*module = i;
			return false;
		}
	}
	return true;
}
