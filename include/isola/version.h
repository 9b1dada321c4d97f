/* SPDX-License-Identifier: MIT */
/* The project's version, once. */
#pragma once

#define ISOLA_VERSION "0.1"
