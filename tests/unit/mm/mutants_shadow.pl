# SPDX-License-Identifier: MIT
# Planted bugs of shadows, as in mutants.pl: for shadow.c.
use strict;
use warnings;

my ($walk, $fault, $tree, $create, $for_good, $self) =
	map { "arch/x86/shadow/$_.c" } qw(walk fault tree create for_good self);

sub shadow_mutants {
	return (
		['an absent entry is walked through', $walk,
			'		if (!pte_present(w->e[level]))',
			'		if (!w->e[level])'],
		['rights are those of the L1 entry', $walk,
			'	for (unsigned level = 4; level >= lowest; level--) {
		all',
			'	for (unsigned level = lowest; level >= lowest; level--) {
		all'],
		['rights are those of the upper entries', $walk,
			'	for (unsigned level = 4; level >= lowest; level--) {
		all',
			'	for (unsigned level = 4; level > lowest; level--) {
		all'],
		['one NX of several is forgotten', $walk, '(any & PTE_NX)', '(all & PTE_NX)'],
		['one US is enough', $walk, '(all & (PTE_RW | PTE_US))',
			'(all & PTE_RW) | (any & PTE_US)'],
		['one RW is enough', $walk, '(all & (PTE_RW | PTE_US))',
			'(all & PTE_US) | (any & PTE_RW)'],
		['LOG-1 A and D set and no mark', $walk,
			'	page_mark_dirty(page_of(w->table[level]));', ''],
		['LOG-1 the mark of what the entry names', $walk,
			'page_of(w->table[level])',
			'page_of(w->table[level == 1 ? 1 : level - 1])'],
		['A of upper entries is not set', $walk,
			'	for (unsigned level = 4; level > 1; level--)
		if',
			'	for (unsigned level = 1; level > 1; level--)
		if'],
		['A of the leaf is not set', $walk, 'PTE_A | leaf_bits', 'leaf_bits'],
		['D of the leaf is not set', $walk, 'PTE_A | leaf_bits', 'PTE_A'],
		['D of upper entries is set', $walk, 'touch(w, va, level, PTE_A)',
			'touch(w, va, level, PTE_A | leaf_bits)'],
		['an entry that has changed is overwritten', $walk,
			'!swap_guarded(entry_at(w->table[level], va, level), e, e | bits)',
			'(pte_write(entry_at(w->table[level], va, level), e | bits), ' .
			'!swap_guarded)'],
		['an entry that has changed is taken as it was', $walk,
			'e, e | bits))
		return false;', 'e, e | bits))
		;'],
		['LOG-1 clean frames are writable', $fault,
			'	return !pg || !(READ_ONCE(pg->type_info) & PGT_clean);',
			'	return pg || 1;'],
		['LOG-1 frames of others are never writable', $fault,
			'	return !pg || ', '	return pg && '],
		['LOG-1 the marks of others\' frames count', $fault,
			'READ_ONCE(page_of(m)->owner) == current->domain->domid', '1'],
		['LOG-1 a write makes nothing dirty', $fault,
			'		make_dirty(pte_mfn(w.e[1]));', '		;'],
		['LOG-1 a read makes dirty', $fault,
			'	if (*ec & PFEC_W)
		make_dirty', '	if (*ec)
		make_dirty'],
		['what is not dirty in the guest\'s table is writable', $fault,
			'(rights & PTE_RW) && (e & PTE_D) &&', '(rights & PTE_RW) &&'],
		['what is read-only is writable', $fault,
			'(rights & PTE_RW) && (e & PTE_D) &&', '(e & PTE_D) &&'],
		['NX of upper entries is lost', $fault, '(e & COPIED) | (rights & PTE_NX)',
			'(e & COPIED)'],
		['NX is lost', $fault, '| PTE_US | PTE_NX)', '| PTE_US)',
			'(e & COPIED) | (rights & PTE_NX)', '(e & COPIED)'],
		['US of upper entries does not count', $fault,
			'		s &= ~PTE_US;', '		;'],
		['caching is lost', $fault, 'PTE_PWT | PTE_PCD | PTE_PAT | PTE_US', 'PTE_US'],
		['an entry has no A of its own', $fault, 'PTE_P | PTE_A | PTE_D;',
			'PTE_P | PTE_D;'],
		['an entry has no D of its own', $fault, 'PTE_P | PTE_A | PTE_D;',
			'PTE_P | PTE_A;'],
		['neighbours need no A', $fault, '(e & (PTE_P | PTE_A)) == (PTE_P | PTE_A))',
			'(e & PTE_P))'],
		['neighbours have the rights of their entries alone', $fault,
			'upper_rights & e & (PTE_RW | PTE_US)', 'e & (PTE_RW | PTE_US)'],
		['neighbours forget NX above them', $fault, '((upper_rights | e) & PTE_NX)',
			'(e & PTE_NX)'],
		['neighbours stand one beside', $fault, '	pe -= pt_index(va, 1) - first;',
			'	pe -= pt_index(va, 1) - first + (first > 0);'],
		['there are no neighbours', $fault, 'i < first + AROUND', 'i < first'],
		['writes are allowed', $fault, '(ec & PFEC_W) && !(rights & PTE_RW)', '0'],
		['fetches are allowed', $fault, '(ec & PFEC_I) && (rights & PTE_NX)', '0'],
		['users are allowed', $fault, '(ec & PFEC_U) && !(rights & PTE_US)', '0'],
		['the user\'s tree by the kernel\'s tables', $fault,
			'tree == SHADOW_KERNEL ? this_vcpu.kernel_l4 : this_vcpu.user_l4',
			'this_vcpu.kernel_l4'],
		['the tree of the other mode', $fault,
			'== current->cr3_user ? SHADOW_USER', '!= current->cr3_user ? SHADOW_USER'],
		['P of an error code is the tree\'s', $fault,
			'	*ec &= ~(PFEC_P | PFEC_R);', ''],
		['P of an error code is never set', $fault, '	*ec |= PFEC_P;', ''],
		['a change under way counts as the guest\'s fault', $fault,
			'PTE_D : 0))
		return MOVED;', 'PTE_D : 0))
		return GUESTS;'],
		['a full tree counts as the guest\'s fault', $fault,
			'	if (!pe)
		return MOVED;', '	if (!pe)
		return GUESTS;'],
		['reads set D', $fault, '*ec & PFEC_W ? PTE_D : 0', 'PTE_D'],
		['writes do not', $fault, '*ec & PFEC_W ? PTE_D : 0', '0'],
		['a reserved bit is nothing', $fault, '	if (error_code & PFEC_R) {',
			'	if (0) {'],
		['the hypervisor\'s addresses are looked up', $fault,
			'	if (!is_guest_address(va))', '	if (0)'],
		['a fault of the hypervisor\'s is tried once', $fault,
			'i < MAX_TRIES && outcome == MOVED', 'i < 1'],
		['a vcpu without a shadow has one', $fault, '!this_cpu.shadowed || ', ''],
		['a fault on any root is the shadow\'s', $fault,
			'||
	    (this_cpu.cr3 != current->cr3_kernel && this_cpu.cr3 != current->cr3_user))',
			')'],
		['a user\'s fault is looked up on the user\'s root', $fault,
			'		root_peek_done();', '		;'],
		['SHD-1 the upper half is kept', $tree,
			'	memset(root + L4_SLOT_HV_LAST + 1, 0,
	       (PT_ENTRIES - 1 - L4_SLOT_HV_LAST) * sizeof(pte_t));', ''],
		['SHD-1 the lower half is kept', $tree,
			'	memset(root, 0, L4_SLOT_HV_FIRST * sizeof(pte_t));', ''],
		['SHD-1 the hypervisor\'s slots go', $tree,
			'	memset(root + L4_SLOT_HV_LAST + 1, 0,
	       (PT_ENTRIES - 1 - L4_SLOT_HV_LAST) * sizeof(pte_t));',
			'	memset(root + L4_SLOT_HV_LAST, 0,
	       (PT_ENTRIES - L4_SLOT_HV_LAST) * sizeof(pte_t));'],
		['forgotten pages stay taken', $tree, '	v->shadow.nr_used[tree] = 0;', ''],
		['SHD-1 all is forgotten but the user\'s', $tree,
			'	shadow_forget_tree(v, SHADOW_USER);', ''],
		['SHD-1 all is forgotten but the kernel\'s', $tree,
			'	shadow_forget_tree(v, SHADOW_KERNEL);', ''],
		['a page\'s number is lost', $tree, ' | nr << PAGE_NR_SHIFT', ''],
		['a page\'s number is that of the one before', $tree,
			'u64 nr = pages[tree].first + v->shadow.nr_used[tree];',
			'u64 nr = pages[tree].first + v->shadow.nr_used[tree] - ' .
			'(v->shadow.nr_used[tree] == 9);'],
		['SHD-1 INVLPG leaves the kernel\'s tree', $tree,
			'		forget_page_in(SHADOW_KERNEL, va);', ''],
		['SHD-1 INVLPG leaves the user\'s tree', $tree,
			'		forget_page_in(SHADOW_USER, va);', ''],
		['SHD-1 INVLPG on a visit does nothing', $tree,
			'	if (this_cpu.visited) {
		shadow_forget(current);', '	if (this_cpu.visited) {'],
		['INVLPG takes the hypervisor\'s addresses', $tree,
			'} else if (is_guest_address(va)) {', '} else {
		shadow_forget(va < VA_HV_END && va >= VA_HV_FIRST ? current : current);'],
		['trees share pages', $tree, '{ SHADOW_SPLIT, VCPU', '{ 0, VCPU'],
		['a tree never ends', $tree,
			'	if (v->shadow.nr_used[tree] == pages[tree].nr)', '	if (0)'],
		['new tables have what the page had', $tree,
			'	memset(table, 0, PAGE_SIZE);', ''],
		['a full tree is not forgotten', $tree,
			'			root_reload();', '			;'],
		['upper entries are read-only', $tree, '(PTE_P | PTE_RW | PTE_US | PTE_A)',
			'(PTE_P | PTE_US | PTE_A)'],
		['upper entries are not for users', $tree, '(PTE_P | PTE_RW | PTE_US | PTE_A)',
			'(PTE_P | PTE_RW | PTE_A)'],
		['a root has no slots of the hypervisor\'s', $create,
			'	memcpy(root + L4_SLOT_HV_FIRST',
			'	if (!root) memcpy(root + L4_SLOT_HV_FIRST'],
		['the user\'s root has the kernel\'s slots', $create, 'v->mirror[1])',
			'v->mirror[0])'],
		['without memory roots stay', $create,
			'		free_root(kernel);
		free_root(user);
		return', '		free_root(user);
		return'],
		['without memory pages stay', $create,
			'		destroy_perdomain_mapping(v, VA_SHADOW, VCPU_SHADOW_PAGES);
		free', '		free'],
		['faults stay the guest\'s', $create,
			'	set_faults_ours(v, PFEC_R | PFEC_U);', ''],
		['faults stay ours', $create, '	set_faults_ours(v, PFEC_R);', ''],
		['the old roots are loaded on', $create,
			'	load_from_now_on(v, kernel, user);', ''],
		['the shadow\'s roots are loaded on', $create,
			'	load_from_now_on(v, public_mfn(v->mirror[0]), ' .
			'public_mfn(v->mirror[1]));',
			''],
		['a root stays', $create, '	free_root(kernel);
	free_root(user);
}', '	free_root(kernel);
}'],
		['its pages stay', $create,
			'public_mfn(v->mirror[1]));
	destroy_perdomain_mapping(v, VA_SHADOW, VCPU_SHADOW_PAGES);',
			'public_mfn(v->mirror[1]));'],
		['what was used before counts', $create,
			'		v->shadow = (struct vcpu_shadow){ .on = true, ' .
			'.absent = v->shadow.absent };', '		v->shadow.on = true;'],
		['what has failed is asked again', $create, ', .absent = v->shadow.absent', ''],
		# a vcpu that shadows its own domain
		['who shadows itself runs on as before', $create,
			'	root_adopt(v->cr3_kernel);', ''],
		['who shadows itself does not know it', $create,
			'	this_cpu.shadowed = true;', ''],
		['who shadows itself can be interrupted there', $create,
			'	irq_disable();
	v->shadow', '	v->shadow'],
		['who is shadowed first has to be taken back', $for_good,
			' || d->vcpu[i] == current', ''],
		['who shadows its domain does not shadow itself', $for_good,
			'	return d == current->domain && !current->shadow.on ? ' .
			'shadow_create(current) : 0;', '	return 0;'],
		['a shadow is not for good', $for_good,
			'		WRITE_ONCE(d->log.for_good, true);', '		;'],
		['one that is begun is for good', $for_good, '	if (!rc) {', '	if (true) {'],
		['what was made without memory stays', $for_good,
			'		shadow_destroy_all(d);', '		;'],
		['who runs gives its own back', $for_good, '		if (d->vcpu[i] != current)
', ''],
		['it is told of twice', $for_good, '	if (d->log.for_good)
		return 0;
', ''],
		['what a log will have goes', $for_good, ' && !d->log.op', ''],
		['a visitor is not told', $self,
			'	WRITE_ONCE(d->log.absent_refused, true);', ''],
		['siblings run on', $self, '	domain_pause(d);', ''],
		['siblings wait on', $self, '	domain_unpause(d);', ''],
		['visitors are not kept off', $self, '	if (!visit_keep_off(v->domain))
		return;', '	(void)visit_keep_off(v->domain);'],
		['visitors are kept off for good', $self, '	visit_allow(v->domain);', ''],
		['it is tried for ever without memory', $self,
			'		v->shadow.absent = ABSENT_FAILED;', '		;'],
		['it is never tried again', $self, '		v->shadow.absent = ABSENT_NONE;
		return -EINVAL;', '		return -EINVAL;'],
		['who is not due is served', $self, '	if (v->shadow.absent != ABSENT_ASKED)
		return;', ''],
		['dom0 is shadowed', $self, ' || v->domain->is_privileged', ''],
		['nobody is called', $self, '	softirq_raise(SOFTIRQ_SHADOW);', ''],
	);
}
1;
