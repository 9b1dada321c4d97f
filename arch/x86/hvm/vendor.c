/* SPDX-License-Identifier: MIT */
/*
 * Which extension of the processor drives guests, chosen once at boot.
 */
#include <isola/printk.h>
#include <asm/cpufeature.h>
#include <asm/hvm.h>

const struct hvm_vendor *hvm;
const char *hvm_why_not;

void hvm_init(void)
{
	hvm = cpu_has(VMX) ? vmx_probe(&hvm_why_not) : svm_probe(&hvm_why_not);
	p2m_is_offered = hvm;
	if (hvm)
		p2m_format = hvm->p2m_format;
	hvm_policy_init();
	if (hvm)
		pr_info("HVM: %s with nested paging: domains of type=pvh can be made", hvm->name);
	else
		pr_info("HVM is not offered: %s", hvm_why_not);
}
