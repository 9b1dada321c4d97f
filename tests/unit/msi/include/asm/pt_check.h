/* SPDX-License-Identifier: MIT */
/* Hosted addresses: of msi_test.c. */
#pragma once
#include <isola/frame_num.h>

bool pt_check_reaches(mfn_t m);
