/* SPDX-License-Identifier: MIT */
/*
 * Static domains: those that the loader's module lines describe (docs/static-domains.md).
 *
 * Pure code over boot_info's strings: what is wrong in one refuses all of them, with a sentence.
 */
#pragma once

#include <isola/boot_info.h>
#include <isola/domain.h>
#include <isola/lib/bitmap.h>
#include <generated/autoconf.h>

#define STATIC_DOMAINS		15	/* domids 1.. */
#define STATIC_PORTS		16
#define STATIC_PORT_LAST	63	/* as many as there are without growing */
#define NO_MODULE		(~0u)

struct static_port {
	u32 port, peer_port;
	char peer[DOMAIN_NAME_BYTES];
};

struct static_domain {
	char name[DOMAIN_NAME_BYTES];
	unsigned kernel, ramdisk;	/* modules; NO_MODULE: none */
	const char *cmdline;		/* the kernel's own: what stands behind `--' */
	u64 mem_bytes;
	u64 nr_vcpus;
	u64 weight;			/* 256: as much of the CPUs as anybody */
	DECLARE_BITMAP(pin, CONFIG_NR_CPUS);	/* where its vcpus may run; empty: anywhere */
	bool ends_machine;		/* onend=halt */
	unsigned nr_ports;
	struct static_port port[STATIC_PORTS];
};

struct static_config {
	unsigned dom0_kernel, dom0_ramdisk;	/* the modules that describe nothing */
	unsigned nr;
	struct static_domain domain[STATIC_DOMAINS];
	char fault[200];
};

/*
 * Read the lines of @info's modules into *@c, overwritten. Returns 0, or -EINVAL with @why: one
 * sentence that names the module and the word.
 */
int __must_check static_config_read(const struct boot_info *info, struct static_config *c,
				    const char **why);

/* Which one has @name; c->nr: none. */
unsigned static_domain_by_name(const struct static_config *c, const char *name);
