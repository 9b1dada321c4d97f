/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: one function per number of arguments used, through the hypercall page or by a bare
 * SYSCALL.
 *
 * Both ways destroy rcx and r11 at most; every other register survives. The result is the signed
 * value of rax.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/memory.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/callback.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/version.h>
#include <xen/features.h>
#include <xen/errno.h>			/* XEN_EINVAL and the rest, positive */

extern char hypercall_page[];

#define ARG(x) ((unsigned long)(x))

/* Through the hypercall page: @nr < 64. */
static inline long hypercall_by_page(unsigned int nr, unsigned long a1, unsigned long a2,
				     unsigned long a3, unsigned long a4, unsigned long a5)
{
	register unsigned long r10 asm("r10") = a4;
	register unsigned long r8 asm("r8") = a5;
	long ret;

	asm volatile("call *%%rax"
		     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
		     : "0"(hypercall_page + nr * 32)
		     : "rcx", "r11", "memory");
	return ret;
}

/* By SYSCALL, with any number in eax. */
static inline long hypercall_bare(unsigned int nr, unsigned long a1, unsigned long a2,
				  unsigned long a3, unsigned long a4, unsigned long a5)
{
	register unsigned long r10 asm("r10") = a4;
	register unsigned long r8 asm("r8") = a5;
	long ret;

	asm volatile("syscall"
		     : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
		     : "0"((unsigned long)nr)
		     : "rcx", "r11", "memory");
	return ret;
}

#define HC0(name) hypercall_by_page(__HYPERVISOR_##name, 0, 0, 0, 0, 0)
#define HC1(name, a) hypercall_by_page(__HYPERVISOR_##name, ARG(a), 0, 0, 0, 0)
#define HC2(name, a, b) hypercall_by_page(__HYPERVISOR_##name, ARG(a), ARG(b), 0, 0, 0)
#define HC3(name, a, b, c) hypercall_by_page(__HYPERVISOR_##name, ARG(a), ARG(b), ARG(c), 0, 0)
#define HC4(name, a, b, c, d) \
	hypercall_by_page(__HYPERVISOR_##name, ARG(a), ARG(b), ARG(c), ARG(d), 0)
#define HC5(name, a, b, c, d, e) \
	hypercall_by_page(__HYPERVISOR_##name, ARG(a), ARG(b), ARG(c), ARG(d), ARG(e))

/* Pointers which no guest may use: inside the hypervisor's range, and with nothing behind them. */
#define HYPERVISOR_POINTER ((void *)0xffff830000001000ul)
#define UNMAPPED_POINTER ((void *)0x00007f0000001000ul)
#define NONCANONICAL_POINTER ((void *)0x0000900000001000ul)
