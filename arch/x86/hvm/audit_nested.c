/* SPDX-License-Identifier: MIT */
/*
 * What an auditor outside must know besides (asi/audit_offsets.c): to find an HVM domain's nested
 * tables, the pages of its vCPUs, and those of its device models.
 */
#include <asm/audit_record.h>
#include <asm/hvm_domain.h>
#include <asm/layout.h>
#include <asm/percpu.h>

void audit_nested(void);

/* Never called: its body is the table. */
void audit_nested(void)
{
	CONST(VA_VCPU_HVM);
	CONST(VCPU_HVM_PAGES);
	OFFSET(domain, hvm);
	OFFSET(hvm_domain, p2m.root);
	OFFSET(hvm_domain, ioreq.server);
	CONST(MAX_IOREQ_SERVERS);
	OFFSET(ioreq_server, page);
	OFFSET(ioreq_server, buffer);
	OFFSET(cpu_public, loaded.vcpu);
}
