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
#define STATIC_SHARES		8	/* that a domain takes part in... */
#define STATIC_OWN_SHARES	3	/* ...and that it owns: two references each, of 2 to 7 */
#define STATIC_FIRST_REF	2	/* below are the console's and the store's */
#define NO_MODULE		(~0u)

struct static_port {
	u32 port, peer_port;
	char peer[DOMAIN_NAME_BYTES];
};

/* A page of the domain's whose line comes first: its own name for it, and who has it too. */
struct static_share {
	char name[DOMAIN_NAME_BYTES], peer[DOMAIN_NAME_BYTES];
	bool writable;			/* for this domain; the owner's always is */
};

struct static_domain {
	char name[DOMAIN_NAME_BYTES];
	unsigned kernel, ramdisk;	/* modules; NO_MODULE: none */
	const char *cmdline;		/* the kernel's own: what stands behind `--' */
	u64 mem_bytes;
	u64 nr_vcpus;
	u64 weight;			/* 256: as much of the CPUs as anybody */
	u64 cap;			/* percent of a CPU, for all its vcpus; 0: none */
	DECLARE_BITMAP(pin, CONFIG_NR_CPUS);	/* where its vcpus may run; empty: anywhere */
	bool ends_machine;		/* onend=halt */
	bool restarts;			/* onend=restart */
	bool is_pvh;			/* type=pvh */
	bool has_cache_tracking;	/* the word is there */
	u8 cache_tracking;		/* enum cache_tracking */
	unsigned nr_ports, nr_shares;
	struct static_port port[STATIC_PORTS];
	struct static_share share[STATIC_SHARES];
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

/*
 * Share @n of domain @i, which is sound: *@owner is the domain whose page it is; returns the
 * reference by which domain @i may map it, in the owner's table.
 */
unsigned static_share_ref(const struct static_config *c, unsigned i, unsigned n, unsigned *owner);
/* The other's declaration of it. */
const struct static_share *static_share_peer(const struct static_config *c, unsigned i, unsigned n);
/* Which one has @name; c->nr: none. */
unsigned static_domain_by_name(const struct static_config *c, const char *name);
