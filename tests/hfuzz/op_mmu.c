/* SPDX-License-Identifier: MIT */
/*
 * Operations on page tables: single entries, whole tables, base pointers, descriptors.
 */
#include "ops.h"

#define MAX_REQUESTS 8u

static uint64_t owners(struct me *m)
{
	uint64_t pt_owner = one_in(m, 24) ? (uint64_t)any_domid(m) + 1 : 0;

	return any_domid(m) | pt_owner << 16;
}

static struct mmu_update request(struct me *m)
{
	static const uint8_t types[] = { 0, 0, 0, 0, 0, 2, 3, 1, 4, 7 };
	unsigned int level;
	struct mmu_update u;

	u.ptr = entry_address(m, &level) | PICK(m, types);
	u.val = entry(m, level);
	if ((u.ptr & 7) == MMU_MACHPHYS_UPDATE)
		u.ptr = any_mfn(m, 0) * PAGE_BYTES | MMU_MACHPHYS_UPDATE;
	return u;
}

long op_mmu_update(struct me *m, unsigned int flipped)
{
	struct mmu_update a[MAX_REQUESTS], b[MAX_REQUESTS];
	unsigned int nr = 1 + (unsigned int)below(m, one_in(m, 3) ? MAX_REQUESTS : 1);
	uint64_t count = one_in(m, 50) ? border(m) & 0xffff : nr, done, list;
	uint32_t zero = 0;

	for (unsigned int i = 0; i < nr; i++) {
		a[i] = request(m);
		b[i] = request(m);
	}
	done = one_in(m, 4) ? arg(m, &zero, sizeof(zero)) : 0;
	list = flipped ? arg_flipped(m, a, b, nr * sizeof(a[0])) : arg(m, a, nr * sizeof(a[0]));
	if (flipped || count > nr)
		count = nr;
	return CALL(m, mmu_update, list, count, done, owners(m), 0);
}

long op_update_va(struct me *m, unsigned int otherdomain)
{
	static const uint64_t flags[] = {
		UVMF_INVLPG, UVMF_INVLPG | UVMF_ALL, UVMF_TLB_FLUSH, UVMF_TLB_FLUSH | UVMF_ALL,
		UVMF_INVLPG | UVMF_LOCAL, 0, 3, 7,
	};
	uint64_t va = one_in(m, 3) ? sand_address(m) : sand_page(m), mask = border(m);
	uint64_t how = one_in(m, 20) ? border(m) : PICK(m, flags);

	if (one_in(m, 20))
		va = bad_address(m);
	if ((how & 3) && one_in(m, 16))
		how = (how & 3) | arg(m, &mask, sizeof(mask));
	else
		how &= 7;
	if (otherdomain)
		return CALL(m, update_va_mapping_otherdomain, va, entry(m, 1), how, any_domid(m),
			    0);
	return CALL(m, update_va_mapping, va, entry(m, 1), how, 0, 0);
}

/* ---- mmuext_op ---- */

static struct mmuext_op ext(struct me *m, unsigned int cmd)
{
	struct mmuext_op op = { .cmd = cmd };
	uint64_t mask = border(m);

	op.arg1.mfn = any_mfn(m, 0);
	op.arg2.nr_ents = (unsigned int)border(m);
	switch (cmd) {
	case MMUEXT_PIN_L1_TABLE ... MMUEXT_PIN_L4_TABLE:
		op.arg1.mfn =
			one_in(m, 12) ? refused_mfn(m) : sand_mfn(m, cmd - MMUEXT_PIN_L1_TABLE + 1);
		break;
	case MMUEXT_UNPIN_TABLE:
		op.arg1.mfn = any_mfn(m, 1 + (unsigned int)below(m, 4));
		break;
	case MMUEXT_NEW_BASEPTR:
		op.arg1.mfn = one_in(m, 16) ? mfn_of(&areas) : root_mfn(m);
		break;
	case MMUEXT_NEW_USER_BASEPTR:
		op.arg1.mfn = one_in(m, 8) ? 0 : one_in(m, 8) ? refused_mfn(m) : sand_mfn(m, 4);
		break;
	case MMUEXT_INVLPG_LOCAL:
	case MMUEXT_INVLPG_ALL:
		op.arg1.linear_addr = one_in(m, 4) ? bad_address(m) : sand_address(m);
		break;
	case MMUEXT_INVLPG_MULTI:
		op.arg1.linear_addr = one_in(m, 4) ? bad_address(m) : sand_address(m);
		/* fall through */
	case MMUEXT_TLB_FLUSH_MULTI:
		op.arg2.vcpumask.p = (void *)arg(m, &mask, sizeof(mask));
		break;
	case MMUEXT_SET_LDT:
		op.arg1.linear_addr = one_in(m, 8) ? border(m) : sand_page(m);
		op.arg2.nr_ents =
			one_in(m, 8) ? (unsigned int)border(m) : (unsigned int)below(m, 600);
		break;
	case MMUEXT_COPY_PAGE:
		op.arg2.src_mfn = any_mfn(m, 0);
		break;
	}
	return op;
}

long op_mmuext(struct me *m, unsigned int cmd)
{
	struct mmuext_op op = ext(m, cmd);
	uint32_t zero = 0;

	return CALL(m, mmuext_op, arg(m, &op, sizeof(op)), 1,
		    one_in(m, 8) ? arg(m, &zero, sizeof(zero)) : 0, any_domid(m), 0);
}

/*
 * Base pointers have a place of their own: what they take, and what other commands take, may not be
 * mixed.
 */
static unsigned int list_cmd(struct me *m)
{
	unsigned int cmd;

	do {
		cmd = (unsigned int)below(m, one_in(m, 16) ? 40 : MMUEXT_COPY_PAGE + 1);
	} while (cmd == MMUEXT_NEW_BASEPTR || cmd == MMUEXT_FLUSH_CACHE ||
		 cmd == MMUEXT_FLUSH_CACHE_GLOBAL);
	return cmd;
}

long op_mmuext_list(struct me *m, unsigned int flipped)
{
	struct mmuext_op a[4], b[4];
	unsigned int nr = 1 + (unsigned int)below(m, 4);
	uint64_t list;

	for (unsigned int i = 0; i < nr; i++) {
		a[i] = ext(m, list_cmd(m));
		b[i] = ext(m, list_cmd(m));
	}
	list = flipped ? arg_flipped(m, a, b, nr * sizeof(a[0])) : arg(m, a, nr * sizeof(a[0]));
	return CALL(m, mmuext_op, list, nr, 0, any_domid(m), 0);
}

/* A table made on purpose: no writable mapping, sensible entries, then pinned. */
long op_make_table(struct me *m, unsigned int level)
{
	struct mmu_update u[6];
	uint64_t mfn, home = sand_home(m, level, &mfn);
	struct mmuext_op pin = { .cmd = MMUEXT_PIN_L1_TABLE + level - 1, .arg1.mfn = mfn };

	CALL(m, update_va_mapping, home, one_in(m, 2) ? 0 : make_pte(mfn, PTE_RO_PAGE),
	     UVMF_INVLPG | UVMF_ALL, 0, 0);
	for (unsigned int i = 0; i < 6; i++)
		u[i] = (struct mmu_update){ mfn * PAGE_BYTES + 8 * below(m, 4),
					    one_in(m, 2) ? 0 : entry(m, level) };
	CALL(m, mmu_update, arg(m, u, sizeof(u)), below(m, 7), 0, DOMID_SELF, 0);
	return CALL(m, mmuext_op, arg(m, &pin, sizeof(pin)), 1, 0, DOMID_SELF, 0);
}

/* ---- Descriptors ---- */

static uint64_t descriptor(struct me *m)
{
	static const uint64_t good[] = {
		0, 0x00cffb000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff, 0x00cf9b000000ffff,
		0x0000e90000000000, 0x00cff7000000ffff, 0x00cf72000000ffff,
	};

	return one_in(m, 4) ? word(m) : PICK(m, good);
}

long op_descriptor(struct me *m, unsigned int nothing)
{
	uint64_t at = sand_mfn(m, (unsigned int)below(m, 5)) * PAGE_BYTES + 8 * below(m, 512);

	if (one_in(m, 12))
		at = any_mfn(m, 0) * PAGE_BYTES + below(m, 4096);
	return CALL(m, update_descriptor, at, descriptor(m), 0, 0, 0);
}

long op_set_gdt(struct me *m, unsigned int flipped)
{
	unsigned long a[16], b[16];
	unsigned int nr = (unsigned int)below(m, one_in(m, 4) ? 17 : 3);
	uint64_t entries = one_in(m, 6) ? border(m) : nr * 512 - below(m, 8);

	for (unsigned int i = 0; i < 16; i++) {
		a[i] = one_in(m, 12) ? refused_mfn(m) : sand_mfn(m, (unsigned int)below(m, 5));
		b[i] = one_in(m, 3) ? refused_mfn(m) : sand_mfn(m, (unsigned int)below(m, 5));
	}
	return CALL(m, set_gdt, flipped ? arg_flipped(m, a, b, sizeof(a)) : arg(m, a, sizeof(a)),
		    entries, 0, 0, 0);
}
