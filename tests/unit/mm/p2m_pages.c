/* SPDX-License-Identifier: MIT */
/*
 * Pages to play with: see p2m_pages.h.
 */
#include "p2m_pages.h"
#include "tap.h"

#include <asm/p2m_track.h>

const u64 base[BASES] = { 0, (1ul << 18) + 512 };
u64 frame[BASES][PLAYED];
bool quiet = true;
unsigned others_depth, others_turns;

static u64 random_state;

u64 random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

u64 some_page(void)
{
	u64 at = random_u64() % 4 ? random_u64() % 8 : random_u64() % 512;

	return random_u64() % 4 ? at : 512 + at;
}

void others_run(void)
{
	if (quiet || others_depth || random_u64() % 4)
		return;
	others_depth++;
	others_turns++;
	for (unsigned n = random_u64() % 3; n < 3; n++)
		act(1 + random_u64() % (NR_VCPUS - 1));
	others_depth--;
}

void pages_build(u8 mode)
{
	check(!p2m_create(p, NR_GFNS), "no p2m");
	p->track.mode = mode;
	for (unsigned b = 0; b < BASES; b++) {
		for (u64 i = 0; i < PLAYED; i++)
			frame[b][i] = FIRST_OWN + b * PLAYED + i;
		for (u64 i = 0; i < 512; i++)
			check(!p2m_add(&d, p, _gfn(base[b] + i), _mfn(frame[b][i]), 0), "add");
		check(!p2m_add(&d, p, _gfn(base[b] + 512), _mfn(frame[b][512]), P2M_LARGE), "add");
	}
	p2m_track_arm(p);
}

void pages_unbuild(void)
{
	mfn_t was;

	for (unsigned b = 0; b < BASES; b++)
		for (u64 i = 0; i < PLAYED; i++)
			if (frame[b][i])
				check(!p2m_remove(&d, p, _gfn(base[b] + i), &was), "removing");
	while (p2m_destroy_some(p))
		;
	check(!nr_tables, "%u tables are left", nr_tables);
}

int pages_main(int argc, char **argv, void (*play)(u8 mode, unsigned nr), u8 first, u8 second)
{
	static const struct p2m_format *const formats[] = { &p2m_npt, &p2m_ept, &p2m_ept_split };
	unsigned nr = argc > 1 ? atoi(argv[1]) : 20000;

	random_state = argc > 2 ? strtoul(argv[2], NULL, 0) * 2 + 1 : 1;
	if (!p2m_world_create())
		return 1;
	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		p2m_format = formats[i];
		printf("# %s: ", i == 0 ? "NPT" : i == 1 ? "EPT" : "EPT, split");
		play(first, i ? nr / 4 : nr);
		printf("# ");
		play(second, i ? nr / 16 : nr / 4);
	}
	return done();
}
