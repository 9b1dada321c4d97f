/* SPDX-License-Identifier: MIT */
/*
 * A shadow's tree, filled by page faults, while another CPU takes a page away:
 * arch/x86/shadow/fault.c, shadow/tree.c, mm/tlb.c, asi/root.c.
 *
 *   fill(), shadow_guest_fault()                    fault()
 *   flush_ipi, root_reload                          proctype interrupts
 *   root_enter_user, root_enter_kernel              toggle()
 *   root_load(), shadow_begin()                     away()
 *   tlb_flush_stamped, flushed_since                proctype owner
 *
 * CPU 0 runs a vcpu with a shadow. It has one translation in each of its two trees, and a TLB,
 * which takes it from the tree of the root that is loaded. CPU 1 clears the guest's entry, takes a
 * stamp, has CPU 0 flush unless its clock says that it has since, and gives the frame away.
 *
 * Stores take effect at once: entry, clock and stamp are locked instructions, the trees are CPU 0's
 * alone.
 *
 * Property: CPU 0 has no way to the frame once it has been given away.
 *
 * bad IRQS_ON: the tables are walked with interrupts on
 * bad TREES_STAY: a flush empties the TLB alone
 * bad ONE_TREE: a flush empties the tree that is loaded
 * bad TOGGLE_COUNTS: the clock of a CPU with a shadow says when it wrote CR3
 * bad NO_BEGIN: a vcpu comes back to its trees
 * bad LEAVE_EARLY: a CPU's record forgets the vcpu before its root is left
 *
 * code arch/x86/shadow/fault.c: flags = irq_save(); outcome = fill_here(va, &error_code);
 *      irq_restore(flags);
 * code arch/x86/shadow/tree.c: shadow_forget_tree(v, SHADOW_KERNEL); shadow_forget_tree(v,
 *      SHADOW_USER);
 * code arch/x86/asi/root.c: shadow_flush(); load_cr3(this_cpu.cr3);
 * code arch/x86/mm/tlb.c: if (shadow_runs_on(&cpu_public[cpu].loaded))
 */
bit entry = 1;			/* the guest's, of the frame */
bit given_away;
bit irqs_off, ipi;
bit loaded = 1, record = 1;	/* is the vcpu's root loaded on CPU 0; is it said so */
byte clock = 1, flush_clock = 1, stamp;

bit tree[2], tlb, mode;

inline write_cr3()
{
	tlb = 0;
	flush_clock = clock
}

/* Interrupts off. */
inline flush()
{
#ifdef ONE_TREE
	tree[mode] = 0;
#elif !defined(TREES_STAY)
	tree[0] = 0;
	tree[1] = 0;
#endif
	write_cr3()
}

active proctype interrupts()
{
end:
	do
	:: atomic { ipi && !irqs_off -> irqs_off = 1 };
	   flush();
	   atomic { ipi = 0; irqs_off = 0 }
	od
}

#ifdef IRQS_ON
#define IRQ_OFF	skip
#define IRQ_ON	skip
#else
#define IRQ_OFF	atomic { !irqs_off -> irqs_off = 1 }
#define IRQ_ON	irqs_off = 0
#endif

active proctype vcpu()
{
	bit found;
	byte turns;
end:
	do
	:: atomic { loaded && !tlb && tree[mode] -> tlb = 1 }
	/* its fault */
	:: loaded && !tree[mode] ->
		IRQ_OFF;
		found = entry;
		if
		:: found -> tree[mode] = 1
		:: else
		fi;
		found = 0;
		IRQ_ON
	/* to its other root: CR3 is written, both trees stay */
	:: loaded && turns < 3 ->
		atomic { !irqs_off -> irqs_off = 1 };
		mode = 1 - mode;
		write_cr3();
		turns++;
		irqs_off = 0
	/* away, to an idle root, and back */
	:: loaded && turns < 3 ->
		atomic { !irqs_off -> irqs_off = 1 };
		turns++;
#ifdef LEAVE_EARLY
		record = 0;
		loaded = 0;
#endif
		write_cr3();
		loaded = 0;
		record = 0;
		irqs_off = 0
	:: !loaded ->
		atomic { !irqs_off -> irqs_off = 1 };
#ifndef NO_BEGIN
		tree[0] = 0;
		tree[1] = 0;
#endif
		record = 1;
		write_cr3();
		loaded = 1;
		irqs_off = 0
	od
}

active proctype owner()
{
	entry = 0;
	clock++;
	stamp = clock;
	if
#ifdef TOGGLE_COUNTS
	:: record && flush_clock < stamp ->
#else
	:: record ->
#endif
		ipi = 1;
		!ipi
	:: else
	fi;
	given_away = 1
}

#define REACHED (loaded && (tlb || tree[0] || tree[1]))

active proctype observer()
{
	assert(!(given_away && REACHED))
}
