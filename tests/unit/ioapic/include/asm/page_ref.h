/* SPDX-License-Identifier: MIT */
/* Hosted frames: of ioapic_test.c. */
#pragma once
#include <isola/frame_num.h>

bool is_io_frame(mfn_t m);
