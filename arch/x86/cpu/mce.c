/* SPDX-License-Identifier: MIT */
/*
 * Machine checks: asm/mce.h. SDM vol. 3, 15.3 (registers), 15.6 (recovery).
 *
 * #MC takes no lock and prints nothing: it leaves records in public memory, of the hardware's words
 * alone, and a softirq tells of them. A record is written, then marked as whole, by whoever has
 * taken its place; who comes when all places are taken is counted only.
 *
 * What the processor has corrected raises no exception: the same softirq looks for it in the banks
 * of its CPU (15.5.1's interrupt, which not every part has, is not used). #MC may come while it
 * does: then an error can be told twice, or one that followed it at once is lost.
 */
#include <isola/panic.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <asm/mce.h>
#include <asm/percpu.h>

#define MSR_MCG_CAP	0x179
#define MSR_MCG_STATUS	0x17a
#define MSR_MCG_CTL	0x17b
#define MSR_MC0_CTL	0x400		/* then status, address, misc; four for each bank */

#define CAP_BANKS	0xffu
#define CAP_CTL		BIT(8)
#define CAP_RECOVERY	BIT(24)		/* software can recover from some that are not corrected */
#define MCG_RIPV	BIT(0)		/* what was interrupted can go on */

#define STATUS_VALID	(1ul << 63)
#define STATUS_OVERFLOW	(1ul << 62)
#define STATUS_UC	(1ul << 61)	/* not corrected */
#define STATUS_MISCV	(1ul << 59)
#define STATUS_ADDRV	(1ul << 58)
#define STATUS_PCC	(1ul << 57)	/* the processor's state is damaged */
#define STATUS_S	(1ul << 56)	/* an exception told of it */
#define STATUS_AR	(1ul << 55)	/* something must be done before going on */
#define MOST_BANKS	32u
#define NR_RECORDS	32u

static const struct mce_hooks *mce_hooks;

static struct mce_record mce_records[NR_RECORDS];
static bool is_whole[NR_RECORDS];	/* written; until it has been told */
static bool is_taken[NR_RECORDS];	/* atomically */
static u32 nr_lost;			/* atomically */

static u32 nr_banks(void)
{
	if (!cpu_has(MCE) || !cpu_has(MCA))
		return 0;
	return min((u32)rdmsr(MSR_MCG_CAP) & CAP_BANKS, MOST_BANKS);
}

static u64 read_bank(u32 bank, u32 reg)
{
	return rdmsr(MSR_MC0_CTL + 4 * bank + reg);
}

static void clear_bank(u32 bank)
{
	wrmsr(MSR_MC0_CTL + 4 * bank + 1, 0);
}

/* False: there is no error in it. The rest of @m is what is known of the time. */
static bool read_record(u32 bank, struct mce_record *m)
{
	u64 status = read_bank(bank, 1);

	if (!(status & STATUS_VALID))
		return false;
	*m = (struct mce_record){
		.how = m->how, .global = m->global, .domid = m->domid, .vcpu = m->vcpu,
		.status = status, .cpu = smp_cpu_id(), .bank = bank, .tsc = rdtsc(),
		.addr = status & STATUS_ADDRV ? read_bank(bank, 2) : 0,
		.misc = status & STATUS_MISCV ? read_bank(bank, 3) : 0,
	};
	return true;
}

static void keep(const struct mce_record *m)
{
	for (u32 i = 0; i < NR_RECORDS; i++) {
		if (__atomic_exchange_n(&is_taken[i], true, __ATOMIC_SEQ_CST))
			continue;
		mce_records[i] = *m;
		__atomic_store_n(&is_whole[i], true, __ATOMIC_RELEASE);
		return;
	}
	__atomic_fetch_add(&nr_lost, 1, __ATOMIC_SEQ_CST);
}

static void tell_one(const struct mce_record *m)
{
	pr_err("CPU %u: %s machine check, bank %u: status %016lx, address %lx, misc %lx", m->cpu,
	       mce_is_uncorrected(m) ? "uncorrected" : "corrected", m->bank, m->status, m->addr,
	       m->misc);
	mce_hooks->told(m);
}

/* Nobody is told by an exception: corrected, or not needed by anybody yet (SDM 15.6.3, UCNA). */
static bool is_quiet(const struct mce_record *m)
{
	if (!mce_is_uncorrected(m))
		return true;
	return cpu_facts.vendor == VENDOR_INTEL && rdmsr(MSR_MCG_CAP) & CAP_RECOVERY &&
	       !(m->status & (STATUS_PCC | STATUS_S | STATUS_AR));
}

/* What is in this CPU's banks without an exception. What is #MC's to judge stays there. */
static void poll_banks(void)
{
	struct mce_record m = { .how = MCE_POLLED, .domid = DOMID_INVALID, .vcpu = MCE_NO_VCPU };

	for (u32 bank = 0; bank < nr_banks(); bank++) {
		if (!read_record(bank, &m) || !is_quiet(&m))
			continue;
		clear_bank(bank);
		tell_one(&m);
	}
}

/* SOFTIRQ_MCE. Two CPUs may be at it: each record is told by one. */
static void tell_all(void)
{
	u32 lost;

	poll_banks();
	for (u32 i = 0; i < NR_RECORDS; i++) {
		if (!__atomic_exchange_n(&is_whole[i], false, __ATOMIC_SEQ_CST))
			continue;
		tell_one(&mce_records[i]);
		__atomic_store_n(&is_taken[i], false, __ATOMIC_RELEASE);
	}
	lost = __atomic_exchange_n(&nr_lost, 0, __ATOMIC_SEQ_CST);
	if (lost)
		pr_err("%u more machine checks", lost);
}

/*
 * An error that is not corrected, has not damaged the processor and asks for nothing to be done can
 * be left behind: whoever needs what it has spoilt will be told again.
 */
static bool can_go_on(const struct mce_record *m)
{
	if (m->status & STATUS_PCC)
		return false;
	if (!mce_is_uncorrected(m))
		return true;
	return cpu_facts.vendor == VENDOR_INTEL && rdmsr(MSR_MCG_CAP) & CAP_RECOVERY &&
	       !(m->status & (STATUS_AR | STATUS_OVERFLOW));
}

void mce_take(const struct regs *r)
{
	u64 global = rdmsr(MSR_MCG_STATUS);
	bool go_on = global & MCG_RIPV;
	struct mce_record worst = { 0 };
	struct mce_record m = { .how = MCE_EXCEPTION, .global = global };

	mce_hooks->name_guest(&m);
	for (u32 bank = 0; bank < nr_banks(); bank++) {
		if (!read_record(bank, &m))
			continue;
		if (!can_go_on(&m)) {
			worst = m;
			go_on = false;
		} else {
			keep(&m);
		}
	}
	/* What is fatal stays in its bank, for the firmware to find after the reset. */
	if (!go_on)
		panic_regs(r, "machine check, bank %u: status %016lx, address %lx, MCG_STATUS %lx",
			   worst.bank, worst.status, worst.addr, global);
	for (u32 bank = 0; bank < nr_banks(); bank++)
		clear_bank(bank);
	wrmsr(MSR_MCG_STATUS, 0);	/* the next one is a machine check again, not a shutdown */
	softirq_raise(SOFTIRQ_MCE);
}

void mce_init(const struct mce_hooks *hooks)
{
	mce_hooks = hooks;
	softirq_register(SOFTIRQ_MCE, tell_all);
}

u64 mce_capabilities(void)
{
	return nr_banks() ? rdmsr(MSR_MCG_CAP) : 0;
}

bool mce_is_uncorrected(const struct mce_record *m)
{
	return m->status & STATUS_UC;
}

bool mce_has_address(const struct mce_record *m)
{
	return m->status & STATUS_ADDRV;
}

/* SDM 15.5: of the P6 family bank 0 is the firmware's. */
static bool is_firmwares(u32 bank)
{
	return !bank && cpu_facts.vendor == VENDOR_INTEL && cpu_facts.family == 6 &&
	       cpu_facts.model < 0x1a;
}

void mce_init_cpu(void)
{
	struct mce_record m = { .how = MCE_AT_BOOT, .domid = DOMID_INVALID, .vcpu = MCE_NO_VCPU };

	if (!nr_banks())
		return;
	if (rdmsr(MSR_MCG_CAP) & CAP_CTL)
		wrmsr(MSR_MCG_CTL, ~0ul);
	for (u32 bank = 0; bank < nr_banks(); bank++) {
		if (!is_firmwares(bank))
			wrmsr(MSR_MC0_CTL + 4 * bank, ~0ul);
		if (read_record(bank, &m))
			tell_one(&m);
		clear_bank(bank);
	}
}
