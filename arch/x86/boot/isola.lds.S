/* SPDX-License-Identifier: MIT */
/*
 * The image: one ELF whose segments a loader puts at 2 MiB, or elsewhere if the machine wants it
 * (head.S does not care). Linked at VA_IMAGE; text R-X, rodata R--, data RW-, each on its own
 * pages. Boot-only tables are the tail of bss.
 */
#include <asm/layout.h>

#define LOAD_MADDR 0x200000

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(_start)

PHDRS
{
	text   PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data   PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = VA_IMAGE;
	_image_start = .;

	.text : AT(ADDR(.text) - VA_IMAGE + LOAD_MADDR) {
		_stext = .;
		*(.text.head)
		*(.text.entry)
		*(.text .text.*)
		. = ALIGN(4096);
		_etext = .;
	} :text

	.rodata : AT(ADDR(.rodata) - VA_IMAGE + LOAD_MADDR) {
		_srodata = .;
		*(.rodata .rodata.[!s]* .rodata.s[!y]*)
		. = ALIGN(8);
		__cmdline_options_start = .;
		KEEP(*(.cmdline_options))
		__cmdline_options_end = .;
		. = ALIGN(8);
		ex_table_start = .;
		KEEP(*(.ex_table))
		ex_table_end = .;
		. = ALIGN(8);
		smap_sites_start = .;
		KEEP(*(.smap_sites))
		smap_sites_end = .;
		verw_sites_start = .;
		KEEP(*(.verw_sites))
		verw_sites_end = .;
	} :rodata

	.symbols : AT(ADDR(.symbols) - VA_IMAGE + LOAD_MADDR) {
		*(.rodata.symbols)
		. = ALIGN(4096);
		_erodata = .;
	} :rodata

	.data : AT(ADDR(.data) - VA_IMAGE + LOAD_MADDR) {
		_sdata = .;
		*(.data.page_aligned)
		*(.data .data.*)
		. = ALIGN(4096);
	} :data

	.bss : AT(ADDR(.bss) - VA_IMAGE + LOAD_MADDR) {
		_sbss = .;
		*(.bss.page_aligned)
		*(.bss .bss.*)
		*(COMMON)
		. = ALIGN(4096);
		*(.bss.boot)
		. = ALIGN(4096);
		_ebss = .;
	} :data
	_image_end = .;

	this_cpu       = VA_CPU_PRIVATE;
	cpu_stack_top  = VA_CPU_STACK_TOP;
	this_vcpu      = VA_VCPU_PRIVATE;
	this_vcpu_traps = VA_VCPU_PRIVATE + 0x1000;
	this_vcpu_fpu  = VA_VCPU_PRIVATE + 0x2000;
	this_hvm_vendor = VA_VCPU_HVM;
	this_hvm       = VA_VCPU_HVM + 0x1000;

	ASSERT(_image_end - _image_start <= 0x400000, "head.S maps the image with two L1 tables")

	/DISCARD/ : { *(.note.*) *(.comment) *(.eh_frame) *(.rela*) *(.dyn*) *(.gnu*) *(.interp) }
}
