/* SPDX-License-Identifier: MIT */
/*
 * Error numbers: the guest ABI's own values (libxen-dev's <xen/errno.h>), under their POSIX names.
 *
 * Functions return them negated. EINTR and ERESTART are for the hypervisor alone and never reach a
 * guest. A hosted test takes the C library's header instead: the values are the same on x86 Linux,
 * which tests/unit/errno_test.c checks.
 */
#pragma once

#ifdef HOSTED

#include <errno.h>

#elif !defined(__ASSEMBLY__)

#ifndef __XEN__
#define __XEN__
#define ISOLA_ERRNO_DEFINED_XEN
#endif

#define XEN_ERRNO(name, value) name = value,
enum {
#include <xen/errno.h>
};

#ifdef ISOLA_ERRNO_DEFINED_XEN
#undef __XEN__
#undef ISOLA_ERRNO_DEFINED_XEN
#endif

#endif
