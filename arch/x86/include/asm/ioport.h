/* SPDX-License-Identifier: MIT */
/*
 * I/O ports of a domain: which it reaches directly, which are virtual, which do not exist for it.
 *
 * Hardware IOPL and the TSS bitmap never give a guest a port (IOP-1): each access traps. Whether
 * the *guest* allows it (virtual IOPL, its own bitmap) is emul_priv.c's question; this is about
 * what the domain as a whole may do. A public object: permissions, a PCI address latch and an RTC
 * index are no secrets.
 */
#pragma once

#include <isola/types.h>

struct domain;

struct ioport_rights {
	u64 direct[65536 / 64];         /* bit set: to hardware as it is. Constant once it runs */
	/*
	 * Latches. A domain whose vcpus race for them gets what it would from hardware: one of the
	 * values.
	 */
	u32 cf8;                        /* what the domain last wrote to port CF8H as a dword */
	u8 rtc_index;                   /* and to port 70H */
};

/*
 * Give @d its rights: dom0 everything but what the hypervisor keeps (interrupt and timer chips, the
 * PCI data window, the RTC, the PM timer: docs/abi/privileged-instructions.md); others nothing.
 * -ENOMEM.
 */
int __must_check ioport_rights_create(struct domain *d);
/* Undo it, or nothing. No vcpu of @d runs any more. */
void ioport_rights_destroy(struct domain *d);

/* No direct access to [@first, @last] any more. Before the domain runs. */
void ioport_deny(struct domain *d, u16 first, u16 last);

/* May every byte of [@port, @port + @bytes) go to hardware? No wrap at the top. */
bool ioport_is_direct(const struct domain *d, u16 port, unsigned int bytes);

/* One access of 1, 2 or 4 bytes. Bytes without rights read as ones; writes to them are dropped. */
u32 ioport_read(struct domain *d, u16 port, unsigned int bytes);
void ioport_write(struct domain *d, u16 port, unsigned int bytes, u32 val);

/* Nobody else is at the RTC's ports in between; nothing is taken inside. Interrupts on. */
void rtc_begin(void);
void rtc_end(void);
