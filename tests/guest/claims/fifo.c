/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels: event words, control blocks and queues, as the guest's side of them sees
 * them. Upcalls stay masked: what would be delivered is read from the words. Behind each claim
 * everything is reset, and the harness has its two-level ports again.
 */
#define TOPIC "fifo"
#include "../claim.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define STATE (PENDING | MASKED | LINKED)
#define WORDS (PAGE_BYTES / sizeof(event_word_t))
#define DEFAULT EVTCHN_FIFO_PRIORITY_DEFAULT
#define BLOCK_BYTES sizeof(struct evtchn_fifo_control_block)
#define OFFSET 64u			/* of the control block in its page */

static event_word_t *words;
static struct evtchn_fifo_control_block *block;

static long init_control(const void *page, uint32_t offset, uint32_t vcpu)
{
	struct evtchn_init_control op = { .control_gfn = mfn_of(page), .offset = offset,
					  .vcpu = vcpu };
	long rc = HC2(event_channel_op, EVTCHNOP_init_control, &op);

	if (!rc)
		CHECK_EQ(op.link_bits, 17);
	return rc;
}

static long expand_array(uint64_t gfn)
{
	struct evtchn_expand_array op = { .array_gfn = gfn };

	return HC2(event_channel_op, EVTCHNOP_expand_array, &op);
}

static long set_priority(uint32_t port, uint32_t priority)
{
	struct evtchn_set_priority op = { .port = port, .priority = priority };

	return HC2(event_channel_op, EVTCHNOP_set_priority, &op);
}

static long unmask(uint32_t port)
{
	struct evtchn_unmask op = { .port = port };

	return HC2(event_channel_op, EVTCHNOP_unmask, &op);
}

/* FIFO without a word yet. */
static void begin(void)
{
	void *page = page_alloc();

	words = page_alloc();
	for (unsigned int i = 0; i < WORDS; i++)
		words[i] = MASKED;
	block = page + OFFSET;
	events_use_fifo = true;
	upcalls_mask();
	CHECK_OK(init_control(page, OFFSET, 0));
}

/* FIFO with a page of words, all masked. */
static void begin_with_words(void)
{
	begin();
	CHECK_OK(expand_array(mfn_of(words)));
	vcpu_info->evtchn_upcall_pending = 0;
	block->ready = 0;
}

/* A port to oneself, which is not masked. */
static uint32_t open_port(void)
{
	int port = port_bind_ipi(0);

	CHECK(port > 0);
	__atomic_fetch_and(&words[port], ~MASKED, __ATOMIC_SEQ_CST);
	return (uint32_t)port;
}

static uint32_t link_of(uint32_t port)
{
	return words[port] & EVTCHN_FIFO_LINK_MASK;
}

/* As a guest does it: off its queue, then no longer pending. What was behind it. */
static uint32_t take(uint32_t port)
{
	uint32_t old = __atomic_fetch_and(&words[port], ~(LINKED | EVTCHN_FIFO_LINK_MASK),
					  __ATOMIC_SEQ_CST);

	CHECK(old & LINKED);
	__atomic_fetch_and(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
	return old & EVTCHN_FIFO_LINK_MASK;
}

/* The whole queue of @priority is just @port. */
static void queue_is(uint32_t priority, uint32_t port)
{
	CHECK_EQ(block->ready, 1u << priority);
	CHECK_EQ(block->head[priority], port);
	CHECK_EQ(words[port] & STATE, PENDING | LINKED);
	CHECK_EQ(link_of(port), 0);
}

CLAIM(before, "before init_control: set_priority -ENOSYS, expand_array -EOPNOTSUPP whatever it "
	      "names")
{
	int port = port_bind_ipi(0);

	CHECK_ERR(set_priority((uint32_t)port, 3), XEN_ENOSYS);
	CHECK_ERR(set_priority(100000, 3), XEN_EINVAL);
	CHECK_ERR(expand_array(mfn_of(page_alloc())), XEN_EOPNOTSUPP);
	CHECK_ERR(expand_array(NOBODYS_MFN), XEN_EOPNOTSUPP);
}

CLAIM(control_refused, "init_control: no such vCPU -ENOENT; a block that is not aligned or not "
		       "in one page, a page that is none or cannot be written to -EINVAL; all two-"
		       "level still")
{
	struct evtchn_init_control op = { .control_gfn = NOBODYS_MFN };
	void *page = page_alloc();

	CHECK_ERR(init_control(page, 0, 8000), XEN_ENOENT);
	CHECK_ERR(init_control(page, 4, 0), XEN_EINVAL);
	CHECK_ERR(init_control(page, PAGE_BYTES - BLOCK_BYTES + 8, 0), XEN_EINVAL);
	CHECK_ERR(init_control(page, 0xfffffff8u, 0), XEN_EINVAL);
	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_init_control, &op), XEN_EINVAL);
	op.control_gfn = l4_mfn();
	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_init_control, &op), XEN_EINVAL);
	CHECK_ERR(expand_array(mfn_of(page)), XEN_EOPNOTSUPP);
}

CLAIM(control_once, "a vCPU has one control block: the second is -EINVAL")
{
	begin();
	CHECK_ERR(init_control(page_alloc(), 0, 0), XEN_EINVAL);
}

CLAIM(control_last, "a control block may end where its page does")
{
	void *page = page_alloc();

	events_use_fifo = true;
	upcalls_mask();
	CHECK_OK(init_control(page, PAGE_BYTES - BLOCK_BYTES, 0));
}

CLAIM(refusals, "expand_array with what is no page or cannot be written to -EINVAL; set_priority "
		"beyond 15, or of no port -EINVAL")
{
	begin_with_words();
	CHECK_ERR(expand_array(NOBODYS_MFN), XEN_EINVAL);
	CHECK_ERR(expand_array(l4_mfn()), XEN_EINVAL);
	CHECK_ERR(set_priority(open_port(), 16), XEN_EINVAL);
	CHECK_ERR(set_priority(EVTCHN_FIFO_NR_CHANNELS, 3), XEN_EINVAL);
}

CLAIM(array_full, "128 pages of words are all; one more is -ENOSPC")
{
	begin();
	for (unsigned int i = 0; i < EVTCHN_FIFO_NR_CHANNELS / WORDS; i++)
		CHECK_OK(expand_array(mfn_of(words)));
	CHECK_ERR(expand_array(mfn_of(words)), XEN_ENOSPC);
}

CLAIM(first, "an event is pending and linked, the head of its queue, which is ready; the upcall "
	     "is due")
{
	uint32_t port;

	begin_with_words();
	port = open_port();
	CHECK_OK(port_send(port));
	queue_is(DEFAULT, port);
	CHECK_EQ(vcpu_info->evtchn_upcall_pending, 1);
	CHECK_OK(port_send(port));
	queue_is(DEFAULT, port);
}

CLAIM(behind, "the next event is linked behind the last; the head stays")
{
	uint32_t port[3];

	begin_with_words();
	for (unsigned int i = 0; i < 3; i++)
		port[i] = open_port();
	for (unsigned int i = 0; i < 3; i++)
		CHECK_OK(port_send(port[i]));
	CHECK_EQ(block->head[DEFAULT], port[0]);
	CHECK_EQ(take(port[0]), port[1]);
	CHECK_OK(port_send(port[0]));		/* once more, to the end */
	CHECK_EQ(block->head[DEFAULT], port[0]);
	CHECK_EQ(take(port[1]), port[2]);
	CHECK_EQ(take(port[2]), port[0]);
	CHECK_EQ(take(port[0]), 0);
}

CLAIM(emptied, "a queue that has been emptied begins anew, and is told only once")
{
	uint32_t a, b;

	begin_with_words();
	a = open_port();
	b = open_port();
	CHECK_OK(port_send(a));
	CHECK_EQ(take(a), 0);
	vcpu_info->evtchn_upcall_pending = 0;
	/* `ready' is set still: the guest is at work on it */
	CHECK_OK(port_send(b));
	queue_is(DEFAULT, b);
	CHECK_EQ(vcpu_info->evtchn_upcall_pending, 0);
	CHECK_EQ(take(b), 0);
	block->ready = 0;
	CHECK_OK(port_send(b));
	queue_is(DEFAULT, b);
	CHECK_EQ(vcpu_info->evtchn_upcall_pending, 1);
}

CLAIM(masked, "a masked event is pending on no queue; EVTCHNOP_unmask links it")
{
	uint32_t port;

	begin_with_words();
	port = open_port();
	words[port] = MASKED;
	CHECK_OK(port_send(port));
	CHECK_EQ(words[port], PENDING | MASKED);
	CHECK_EQ(block->ready, 0);
	CHECK_OK(unmask(port));
	queue_is(DEFAULT, port);
	CHECK_EQ(take(port), 0);
	block->ready = 0;
	words[port] = MASKED;
	CHECK_OK(unmask(port));			/* nothing is pending */
	CHECK_EQ(words[port], 0);
	CHECK_EQ(block->ready, 0);
}

CLAIM(priority, "each priority has its queue; a port that is linked stays where it is")
{
	uint32_t a, b;

	begin_with_words();
	a = open_port();
	b = open_port();
	CHECK_OK(set_priority(a, 3));
	CHECK_OK(port_send(a));
	queue_is(3, a);
	CHECK_OK(set_priority(a, EVTCHN_FIFO_PRIORITY_MIN));
	CHECK_OK(port_send(a));
	queue_is(3, a);
	block->ready = 0;
	CHECK_OK(set_priority(b, EVTCHN_FIFO_PRIORITY_MAX));
	CHECK_OK(port_send(b));
	queue_is(EVTCHN_FIFO_PRIORITY_MAX, b);
	CHECK_EQ(take(a), 0);
	block->ready = 0;
	CHECK_OK(port_send(a));
	queue_is(EVTCHN_FIFO_PRIORITY_MIN, a);
}

CLAIM(default_again, "a port that is opened anew has the default priority")
{
	uint32_t port;

	begin_with_words();
	port = open_port();
	CHECK_OK(set_priority(port, 2));
	CHECK_OK(port_close(port));
	CHECK_EQ(open_port(), port);
	CHECK_OK(port_send(port));
	queue_is(DEFAULT, port);
}

CLAIM(old_tail, "a queue whose tail went to another one is empty: what comes next is its head")
{
	uint32_t a, b;

	begin_with_words();
	a = open_port();
	b = open_port();
	CHECK_OK(port_send(a));
	CHECK_EQ(take(a), 0);
	CHECK_OK(set_priority(a, 3));
	CHECK_OK(port_send(a));
	block->ready = 0;
	CHECK_OK(port_send(b));
	queue_is(DEFAULT, b);
	CHECK_EQ(link_of(a), 0);
	CHECK_EQ(block->head[3], a);
}

CLAIM(no_word, "what is sent before its word is there comes with it")
{
	uint32_t port;

	begin();
	port = open_port();
	CHECK_OK(port_send(port));
	CHECK_EQ(block->ready, 0);
	CHECK_EQ(words[port], 0);
	CHECK_OK(expand_array(mfn_of(words)));
	queue_is(DEFAULT, port);
}

CLAIM(carried_over, "what is pending by the two-level words is so by the new ones")
{
	int port = port_bind_ipi(0), other = port_bind_ipi(0);

	port_mask((uint32_t)port);
	CHECK_OK(port_send((uint32_t)port));
	CHECK(port_pending((uint32_t)port));
	begin();
	CHECK_OK(expand_array(mfn_of(words)));
	CHECK_EQ(words[port], PENDING | MASKED);
	CHECK_EQ(words[other], MASKED);
}

CLAIM(closed, "a port that is closed is not pending, and while it is linked its number is not "
	      "given out")
{
	uint32_t port, next;

	begin_with_words();
	port = open_port();
	CHECK_OK(port_send(port));
	CHECK_OK(port_close(port));
	CHECK_EQ(words[port] & STATE, LINKED);
	next = open_port();
	CHECK(next > port);
	CHECK_EQ(take(port), 0);
	CHECK_EQ(open_port(), port);
}

CLAIM(other_vcpu, "bind_vcpu: events go to the queue of the vCPU that the port tells, once it has "
		  "left its old one")
{
	struct evtchn_fifo_control_block *theirs = page_alloc();
	struct evtchn_bind_vcpu op = { .vcpu = 1 };
	uint32_t port;
	int other, local;

	begin_with_words();
	if (init_control(theirs, 0, 1) == -XEN_ENOENT)
		skip("there is one vCPU");
	other = port_alloc_unbound(DOMID_SELF);
	CHECK(other > 0);
	local = port_bind_interdomain(DOMID_SELF, (uint32_t)other);
	CHECK(local > 0);
	port = op.port = (uint32_t)local;
	words[port] = 0;
	CHECK_OK(port_send((uint32_t)other));
	queue_is(DEFAULT, port);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &op));
	CHECK_OK(port_send((uint32_t)other));
	CHECK_EQ(theirs->ready, 0);
	CHECK_EQ(take(port), 0);
	block->ready = 0;
	CHECK_OK(port_send((uint32_t)other));
	CHECK_EQ(theirs->ready, 1u << DEFAULT);
	CHECK_EQ(theirs->head[DEFAULT], port);
	CHECK_EQ(block->ready, 0);
	shared->vcpu_info[1].evtchn_upcall_pending = 0;	/* which has no handler */
}

static long pin(bool on)
{
	return mmuext(on ? MMUEXT_PIN_L1_TABLE : MMUEXT_UNPIN_TABLE, mfn_of(words), 0);
}

CLAIM(reset, "EVTCHNOP_reset: two-level again, and the pages, held until then as what can be "
	     "written to, are the guest's to use for anything")
{
	struct evtchn_reset op = { .dom = DOMID_SELF };
	int port;

	begin_with_words();
	memset(words, 0, PAGE_BYTES);
	CHECK_OK(make_readonly(words));
	CHECK_ERR(pin(true), XEN_EINVAL);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_reset, &op));
	CHECK_OK(pin(true));
	CHECK_OK(pin(false));
	CHECK_ERR(expand_array(mfn_of(words)), XEN_EOPNOTSUPP);
	events_lost();
	events_use_fifo = false;
	port = port_bind_ipi(0);
	CHECK_OK(port_send((uint32_t)port));
	CHECK(port_pending((uint32_t)port));
	begin_with_words();
}
