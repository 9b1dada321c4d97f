/* SPDX-License-Identifier: MIT */
/*
 * Two static domains that talk, for `make run': "talk=PORT" names the declared port that rings the
 * other, and the share of the name "line" is where what is said stands. Domain 1 begins.
 *
 * The rule: what one writes into the page that both have, the other reads when the port has told it
 * to, word for word, and nothing else passes between them.
 */
#define TOPIC "talk"
#include "../claim.h"
#include "../console.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include "../text.h"
#include <xen/sched.h>

#define LINE_BYTES 80

static const char *const said[] = {
	"Who is there?",
	"A kernel. And you?",
	"Another. I see one page of yours: this one.",
	"I see one of yours, and no other. Nor does the hypervisor, while it works for me.",
	"Then let us leave it at that. Good night.",
	"Good night.",
};

#define NR_LINES (sizeof(said) / sizeof(said[0]))

struct page {
	volatile uint32_t nr;			/* of lines that have been said */
	char line[LINE_BYTES + 8];
};

static void tell(const char *who, const char *line)
{
	char text[LINE_BYTES + 32];

	format(text, sizeof(text), "%s \"%s\"\n", who, line);
	console_write(text, strlen(text));
}

/* Asleep, until the port has rung and @nr lines have been said. */
static void wait_for(struct page *p, uint32_t nr)
{
	for (;;) {
		upcalls_mask();
		if (p->nr >= nr)
			break;
		/* Unmasks, and does not sleep if something is pending. */
		HC2(sched_op, SCHEDOP_block, 0);
	}
	upcalls_unmask();
}

static void say(struct page *p, uint32_t port, uint32_t nr)
{
	tell("says  ", said[nr]);
	memcpy(p->line, said[nr], strlen(said[nr]) + 1);
	__atomic_store_n(&p->nr, nr + 1, __ATOMIC_RELEASE);
	CHECK_OK(port_send(port));
}

static void hear(struct page *p, uint32_t nr)
{
	char line[LINE_BYTES + 8];

	wait_for(p, nr + 1);
	memcpy(line, p->line, sizeof(line));
	line[sizeof(line) - 1] = 0;
	tell("hears ", line);
	CHECK(!strcmp(line, said[nr]));
}

CLAIM(lines, "two domains tell each other line after line by a page that they share and a port")
{
	const char *value = option("talk=");
	uint32_t port = value ? (uint32_t)(*value - '0') : 0, handle;
	struct evtchn_unmask unmask = { .port = port };

	if (!value)
		skip("there is nobody to talk to");
	CHECK_EQ(share_map("isola.share.line=", 0, GNTMAP_host_map, &handle), GNTST_okay);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_unmask, &unmask));
	for (uint32_t nr = 0; nr < NR_LINES; nr++)
		if (nr % 2 == own_domid - 1u)
			say((struct page *)window(0), port, nr);
		else
			hear((struct page *)window(0), nr);
	CHECK_EQ(grant_unmap(handle, ARG(window(0)), 0), GNTST_okay);
}
