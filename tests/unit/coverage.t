#!/bin/sh
# SPDX-License-Identifier: MIT
# Coverage (by gcc and gcov): the unit tests reach at least 95 % of the lines of every parser.
# Prints each file's share.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=$(realpath -m "${O:-build}/tests/unit/coverage")
nr=0
claim() { nr=$((nr + 1)); echo "$1 $nr - $2"; }
covers() {	# TEST FILE...
	test=$1
	shift
	rm -rf "${out:?}/$test"
	if ! HOSTCC=gcc tests/unit/run --coverage "$test" >/dev/null 2>&1; then
		claim "not ok" "$test does not run"
		return
	fi
	for file; do
		base=$(basename "$file" .c)
		share=$(cd "$out/$test" && gcov -n -s "$PWD" "$test-$base.gcda" 2>/dev/null |
			grep -A1 "^File '.*$file'" | sed -n 's/^Lines executed:\([0-9.]*\)%.*/\1/p')
		if [ -n "$share" ] && [ "$(printf '%.0f' "${share}e2")" -ge 9500 ]; then
			claim ok "$file: $share % of lines"
		else
			claim "not ok" "$file: ${share:-unknown} % of lines"
		fi
	done
}
covers bitmap common/lib/bitmap.c
covers cmdline common/lib/cmdline.c
covers elf common/lib/elf.c common/lib/elf_notes.c
covers iomem arch/x86/mm/iomem.c
covers memmap boot/memmap.c boot/modules.c
covers multiboot2 boot/multiboot2.c
covers spec_ctrl arch/x86/cpu/bugs.c arch/x86/cpu/spec_option.c
covers asi_policy arch/x86/asi/policy.c
covers acpi arch/x86/firmware/acpi.c arch/x86/firmware/acpi_madt.c arch/x86/firmware/acpi_fadt.c \
	arch/x86/firmware/acpi_srat.c
echo "1..$nr"
