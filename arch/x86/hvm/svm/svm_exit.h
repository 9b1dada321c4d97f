/* SPDX-License-Identifier: MIT */
/*
 * Why a guest has stopped, from the VMCB.
 */
#pragma once

#include <asm/hvm.h>

/* The CPU says where the next instruction is: exits by an instruction (APM vol. 2 §15.7.1). */
extern bool svm_has_next_rip;

struct vmcb;
void svm_read_exit(const struct vmcb *c, struct hvm_exit *e);
/* svm_context.c: as asm/hvm.h says of a vendor. */
void svm_get_context(const void *page, struct hvm_hw_cpu *c);
void svm_set_context(void *page, const struct hvm_hw_cpu *c);
u8 svm_get_cr8(const void *page);
void svm_set_cr8(void *page, u8 cr8);
