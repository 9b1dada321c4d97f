/* SPDX-License-Identifier: MIT */
/*
 * Why a guest has stopped, from the VMCB.
 */
#pragma once

#include <asm/hvm.h>

struct vmcb;
void svm_read_exit(const struct vmcb *c, struct hvm_exit *e);
