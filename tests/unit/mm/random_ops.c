/* SPDX-License-Identifier: MIT */
/*
 * Random operations: the guest is preempted and faulted at random; after each call the audit
 * recomputes everything.
 * Arguments: number of actions, seed, calls between two audits, 1 for a window that is guarded
 * (world.h), which is slower, 1 for domains that name each other's frames.
 */
#include <stdlib.h>
#include <asm/page_type.h>
#include <asm/pt_check.h>
#include "guest.h"
#include "tap.h"
#include "world.h"

static void count_states(void)
{
	for (unsigned f = 0; f < NR_OWN; f++) {
		u64 x = page_of(_mfn(f))->type_info;

		seen.partial += !!(x & PGT_partial);
		seen.pinned_l4 += (x & (PGT_type_mask | PGT_pinned)) == (PGT_l4 | PGT_pinned);
	}
}

static bool run(unsigned long nr_actions, unsigned preempt, unsigned fault, bool is_patient,
		bool with_l1tf)
{
	pt_check_refuse_absent(with_l1tf, with_l1tf);
	guest_start();
	guest_patient = is_patient;
	preempt_rate = preempt;
	fault_rate = fault;
	public_fault_rate = fault;
	for (unsigned long i = 0; i < nr_actions; i++) {
		if (!guest_call(0))
			return false;
		if (i % 64 == 0)
			count_states();
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct { unsigned preempt, fault; bool patient; } modes[] = {
		{ 0, 0, true }, { 64, 2, false }, { 255, 0, true }, { 200, 20, false },
	};
	unsigned long nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 40000;
	bool good = true;

	if (argc > 3)
		guest_audit_every = strtoul(argv[3], NULL, 0);
	if (argc > 2)
		world_seed(strtoul(argv[2], NULL, 0));
	world_guarded = argc > 4 && atoi(argv[4]);
	world_controls = argc > 5 && atoi(argv[5]);
	for (unsigned i = 0; i < 4 && good; i++)
		for (unsigned long done = 0; done < nr / 4 && good; done += 2500)
			good = run(2500, modes[i].preempt, modes[i].fault, modes[i].patient, i % 2);
	check(good, "the run stopped");
	if (!all_ok("every audit finds every count, flag and TLB entry right"))
		return 1;
	all_ok("and the run came to its end");
	ok(!world_fixups, "nothing outside the window is touched");
	printf("# calls %lu: %lu done, %lu refused, %lu continued; seen: parked %lu, partial %lu, "
	       "pinned L4 %lu\n",
	       seen.calls, seen.ok, seen.refused, seen.continued, seen.parked, seen.partial,
	       seen.pinned_l4);
	printf("# %lu frames exchanged; %lu grants mapped, %lu given back, %lu copied\n",
	       seen.exchanged, seen.granted, seen.given_back, seen.copied);
	printf("# in the TLB, summed over walks: %lu read, %lu write, %lu l1, %lu l2, %lu l3\n",
	       seen.in_tlb[0], seen.in_tlb[1], seen.in_tlb[2], seen.in_tlb[3], seen.in_tlb[4]);
	ok(seen.ok > seen.calls / 50 && seen.refused > seen.calls / 50,
	   "calls succeed and calls are refused");
	ok(seen.continued > 100 && seen.parked > 10 && seen.partial > 10,
	   "calls were continued, tables parked and left partial");
	ok(seen.pinned_l4 > 10, "trees were pinned");
	ok(seen.exchanged > 10, "frames were exchanged");
	ok(seen.granted > 10 && seen.given_back > 10 && seen.copied > 10,
	   "grants were mapped, given back and copied");
	ok(!world_controls || seen.named > nr / 100, "%lu frames of others were named", seen.named);
	ok(!world_controls || seen.orphans > nr / 8000, "%lu frames had been given back before",
	   seen.orphans);
	return done();
}
