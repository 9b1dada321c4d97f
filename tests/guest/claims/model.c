/* SPDX-License-Identifier: MIT */
/*
 * Device models: this guest, as dom0, is one for domains of type=pvh that it makes. What their
 * vCPUs ask, who is asked, what a hostile answer does; and that models are told when pages leave.
 * Only on machines that have nested paging (tests/boot/pvh.t, and on Xen with --cpu
 * qemu64,+svm,+npt).
 */
#define TOPIC "model"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../console.h"
#include "../domains.h"
#include "../events.h"
#include "../memory.h"
#include "../model.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>

#define PORT	XEN_DMOP_IO_RANGE_PORT
#define MEMORY	XEN_DMOP_IO_RANGE_MEMORY
#define PCI	XEN_DMOP_IO_RANGE_PCI
#define R	IOREQ_READ
#define W	IOREQ_WRITE

static struct server s, t;

/* ---- What is asked for by dm_op -------------------------------------------------------------- */

static long raw_op(domid_t d, uint32_t nr, uint64_t size, struct xen_dm_op *op)
{
	struct xen_dm_op_buf buf[3] = { { .size = size } };

	buf[0].h.p = op;
	return HC3(dm_op, d, nr, buf);
}

CLAIM_DOM0(calls, "dm_op of oneself, of nobody, of a PV domain, without a buffer, of too many, of "
	   "too short a one, of no such operation, with rubbish where nothing is to be")
{
	struct xen_dm_op op = { .op = XEN_DMOP_nr_vcpus };
	domid_t pv = create(), d;

	CHECK_ERR(raw_op(pv, 1, sizeof(op), &op), XEN_EINVAL);
	destroy(pv);
	d = model_domain(2);
	CHECK_OK(raw_op(d, 1, sizeof(op), &op));
	CHECK_EQ(op.u.nr_vcpus.vcpus, 2);
	CHECK_ERR(raw_op(0, 1, sizeof(op), &op), XEN_EPERM);
	CHECK_ERR(raw_op(0x6fff, 1, sizeof(op), &op), XEN_ESRCH);
	CHECK(raw_op(d, 0, sizeof(op), &op) < 0);
	CHECK_ERR(raw_op(d, 3, sizeof(op), &op), XEN_E2BIG);
	CHECK_ERR(raw_op(d, 1, 7, &op), XEN_EFAULT);
	CHECK_ERR(raw_op(d, 1, 8, &op), XEN_EFAULT);
	CHECK_ERR(raw_op(d, 1, sizeof(op), UNMAPPED_POINTER), XEN_EFAULT);
	CHECK_ERR(HC3(dm_op, d, 1, UNMAPPED_POINTER), XEN_EFAULT);
	op.op = 0x7fff;
	CHECK_ERR(raw_op(d, 1, sizeof(op), &op), XEN_EOPNOTSUPP);
	op = (struct xen_dm_op){ .op = XEN_DMOP_nr_vcpus, .pad = 1 };
	CHECK_ERR(raw_op(d, 1, sizeof(op), &op), XEN_EINVAL);
	op = (struct xen_dm_op){ .op = XEN_DMOP_create_ioreq_server };
	op.u.create_ioreq_server.pad[1] = 1;
	CHECK_ERR(raw_op(d, 1, sizeof(op), &op), XEN_EINVAL);
	CHECK_ERR(server_create(d, 3), XEN_EINVAL);
	CHECK_ERR(server_destroy(d, 0), XEN_ENOENT);
	CHECK_ERR(server_enable(d, 0x7fff, true), XEN_ENOENT);
	model_end(d);
}

CLAIM_DOM0(eight, "eight servers, by the lowest numbers that are free, and no ninth; each is "
	   "destroyed once")
{
	domid_t d = model_domain(1);
	uint64_t before = 0;

	for (long i = 0; i < 8; i++)
		CHECK_EQ(server_create(d, i % 3), i);
	CHECK_ERR(server_create(d, 0), XEN_ENOSPC);
	CHECK_OK(server_destroy(d, 5));
	CHECK_ERR(server_destroy(d, 5), XEN_ENOENT);
	CHECK_EQ(server_create(d, 0), 5);
	CHECK_OK(server_destroy(d, 5));
	/* Its pages and ports come back, too. */
	for (unsigned int i = 0; i < 22; i++) {
		if (i == 2)
			before = free_pages();
		CHECK_EQ(server_create(d, 2), 5);
		CHECK_OK(server_destroy(d, 5));
	}
	CHECK(becomes(are_free, before));
	model_end(d);
}

CLAIM_DOM0(ranges, "a range is claimed once, taken back by parts, and not where it is not; of no "
	   "type, or turned round, it is refused")
{
	domid_t d = model_domain(1);

	server_create(d, 0);
	CHECK_OK(server_range(d, 0, PORT, 0x100, 0x1ff, true));
	CHECK_ERR(server_range(d, 0, PORT, 0x1ff, 0x300, true), XEN_EEXIST);
	CHECK_ERR(server_range(d, 0, PORT, 0x0, 0x100, true), XEN_EEXIST);
	CHECK_ERR(server_range(d, 0, PORT, 0x120, 0x130, true), XEN_EEXIST);
	CHECK_OK(server_range(d, 0, MEMORY, 0x120, 0x130, true));
	CHECK_OK(server_range(d, 0, PORT, 0x200, 0x2ff, true));
	CHECK_OK(server_range(d, 0, PORT, 0x180, 0x27f, false));
	CHECK_ERR(server_range(d, 0, PORT, 0x180, 0x180, false), XEN_ENOENT);
	CHECK_ERR(server_range(d, 0, PORT, 0x17f, 0x280, false), XEN_ENOENT);
	CHECK_OK(server_range(d, 0, PORT, 0x1f0, 0x1ff, true));
	CHECK_ERR(server_range(d, 0, 3, 0, 1, true), XEN_EINVAL);
	CHECK_ERR(server_range(d, 0, PORT, 2, 1, true), XEN_EINVAL);
	CHECK_ERR(server_range(d, 0, PORT, 2, 1, false), XEN_EINVAL);
	CHECK_ERR(server_range(d, 1, PORT, 0, 1, true), XEN_ENOENT);
	CHECK_OK(server_range(d, 0, MEMORY, ~0ul, ~0ul, true));
	CHECK_OK(server_range(d, 0, MEMORY, ~0ul, ~0ul, false));
	model_end(d);
}

static long acquire(domid_t d, uint32_t id, uint64_t frame, uint32_t nr, uint64_t *list)
{
	struct xen_mem_acquire_resource r = { .domid = d, .type = XENMEM_resource_ioreq_server,
					      .id = id, .frame = frame, .nr_frames = nr };
	long rc;

	r.frame_list.p = (void *)list;
	rc = HC2(memory_op, XENMEM_acquire_resource, &r);
	return rc ? rc : (long)r.nr_frames;
}

CLAIM_DOM0(pages, "a server tells its pages, and the port of a buffer if it has one; which there "
	   "are not are refused")
{
	struct xen_dm_op_get_ioreq_server_info info = { .id = 1, .flags = XEN_DMOP_no_gfns };
	domid_t d = model_domain(1);
	uint64_t list[2];

	server_create(d, 0);
	server_create(d, 2);
	CHECK_EQ(acquire(d, 0, 0, 0, NULL), 2);
	CHECK_EQ(acquire(d, 1, 0, 2, list), 2);
	CHECK(list[0] != list[1]);
	CHECK_EQ(acquire(d, 0, 1, 1, list), 1);
	CHECK_ERR(acquire(d, 0, 0, 1, list), XEN_ENOENT);
	CHECK_ERR(acquire(d, 0, 2, 1, list), XEN_EINVAL);
	CHECK_ERR(acquire(d, 2, 1, 1, list), XEN_ENOENT);
	CHECK_OK(dm_op(d, XEN_DMOP_get_ioreq_server_info, &info, sizeof(info)));
	CHECK(info.bufioreq_port);
	info.flags = 2;
	CHECK_ERR(dm_op(d, XEN_DMOP_get_ioreq_server_info, &info, sizeof(info)), XEN_EINVAL);
	info.flags = 0;
	CHECK_ERR(dm_op(d, XEN_DMOP_get_ioreq_server_info, &info, sizeof(info)), XEN_EPERM);
	info.id = 2;
	CHECK_ERR(dm_op(d, XEN_DMOP_get_ioreq_server_info, &info, sizeof(info)), XEN_ENOENT);
	model_end(d);
}

/* ---- What is asked by a vCPU ----------------------------------------------------------------- */

#define REST 0x1122334455667788ul	/* what rax is before */

CLAIM_DOM0(ports, "IN and OUT of a claimed port are asked, of 8, 16 and 32 bits, and the answer is "
	   "what is read; beyond the claim's end, or where nobody has claimed, reads give ones")
{
	domid_t d = model_domain(1);

	server_begin(&s, d, 2);
	CHECK_OK(server_range(d, s.id, PORT, 0x500, 0x507, true));
	post(0, DO_OUT8, 0x501, REST);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x501, 1, W);
	CHECK_EQ((uint8_t)s.slot[0].data, 0x88);
	CHECK_EQ(s.slot[0].count, 1);
	CHECK(!is_done(0));
	answer(&s, 0, 0);
	CHECK_EQ(result(0), REST);
	CHECK_EQ(s.slot[0].state, STATE_IOREQ_NONE);
	post(0, DO_OUT16, 0x502, REST);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x502, 2, W);
	CHECK_EQ((uint16_t)s.slot[0].data, 0x7788);
	answer(&s, 0, 0);
	post(0, DO_OUT32, 0x504, (result(0), REST));
	expect(&s, 0, IOREQ_TYPE_PIO, 0x504, 4, W);
	CHECK_EQ((uint32_t)s.slot[0].data, 0x55667788);
	answer(&s, 0, 0);
	post(0, DO_IN8, 0x507, (result(0), REST));
	expect(&s, 0, IOREQ_TYPE_PIO, 0x507, 1, R);
	answer(&s, 0, 0xabcdef42);
	CHECK_EQ(result(0), 0x1122334455667742);
	post(0, DO_IN16, 0x506, REST);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x506, 2, R);
	answer(&s, 0, 0xabcd1234);
	CHECK_EQ(result(0), 0x1122334455661234);
	post(0, DO_IN32, 0x504, REST);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x504, 4, R);
	answer(&s, 0, 0x77abcd1234);
	CHECK_EQ(result(0), 0xabcd1234);
	post(0, DO_IN32, 0x506, REST);
	CHECK_EQ(result(0), 0xffffffff);
	post(0, DO_IN16, 0x508, REST);
	CHECK_EQ(result(0), 0x112233445566ffff);
	model_end(d);
}

CLAIM_DOM0(memory, "MOVs from and to a claimed address are asked, of 8 to 64 bits; where nobody "
	   "has claimed reads give ones")
{
	static const struct { enum model_op store, load; uint32_t size; uint64_t mask; } kinds[] = {
		{ DO_STORE16, DO_LOAD16, 2, 0xffff }, { DO_STORE32, DO_LOAD32, 4, 0xffffffff },
		{ DO_STORE64, DO_LOAD64, 8, ~0ul },
	};
	const uint64_t answered = 0xa1a2a3a4a5a6a7a8;
	domid_t d = model_domain(1);

	server_begin(&s, d, 2);
	CHECK_OK(server_range(d, s.id, MEMORY, MODEL_MMIO, MODEL_MMIO + 0xfff, true));
	post(0, DO_STORE8, MODEL_MMIO + 3, REST);
	expect(&s, 0, IOREQ_TYPE_COPY, MODEL_MMIO + 3, 1, W);
	CHECK_EQ((uint8_t)s.slot[0].data, 0x77);
	answer(&s, 0, 0);
	post(0, DO_LOAD8, MODEL_MMIO + 0xfff, (result(0), REST));
	expect(&s, 0, IOREQ_TYPE_COPY, MODEL_MMIO + 0xfff, 1, R);
	answer(&s, 0, answered);
	CHECK_EQ(result(0), 0x112233445566a888);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t kept = kinds[i].size == 2 ? REST & ~0xfffful : 0;

		post(0, kinds[i].store, MODEL_MMIO + 8, REST);
		expect(&s, 0, IOREQ_TYPE_COPY, MODEL_MMIO + 8, kinds[i].size, W);
		CHECK_EQ(s.slot[0].data & kinds[i].mask, REST & kinds[i].mask);
		answer(&s, 0, 0);
		post(0, kinds[i].load, MODEL_MMIO + 16, (result(0), REST));
		expect(&s, 0, IOREQ_TYPE_COPY, MODEL_MMIO + 16, kinds[i].size, R);
		answer(&s, 0, answered);
		CHECK_EQ(result(0), kept | (answered & kinds[i].mask));
	}
	post(0, DO_LOAD64, MODEL_MMIO + 0x1000, REST);
	CHECK_EQ(result(0), ~0ul);
	model_end(d);
}

CLAIM_DOM0(newest, "of two servers that have claimed the same the newer is asked, while it is "
	   "enabled")
{
	domid_t d = model_domain(1);

	server_begin(&s, d, 2);
	server_begin(&t, d, 3);
	CHECK_OK(server_range(d, s.id, PORT, 0x500, 0x50f, true));
	CHECK_OK(server_range(d, t.id, PORT, 0x508, 0x50f, true));
	post(0, DO_IN8, 0x509, 0);
	expect(&t, 0, IOREQ_TYPE_PIO, 0x509, 1, R);
	CHECK(!has_request(&s, 0));
	answer(&t, 0, 1);
	CHECK_EQ(result(0), 1);
	post(0, DO_IN8, 0x507, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x507, 1, R);
	answer(&s, 0, 2);
	CHECK_EQ(result(0), 2);
	/* What is not all the newer one's. */
	post(0, DO_IN16, 0x507, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x507, 2, R);
	answer(&s, 0, 3);
	CHECK_EQ(result(0), 3);
	CHECK_OK(server_enable(d, t.id, false));
	post(0, DO_IN8, 0x509, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x509, 1, R);
	answer(&s, 0, 4);
	CHECK_EQ(result(0), 4);
	model_end(d);
}

CLAIM_DOM0(pci, "an access of a claimed PCI function's configuration space, by ports CF8H and "
	   "CFCH, is one request that names the function and the register")
{
	const uint64_t sbdf = XEN_DMOP_PCI_SBDF(0, 0, 3, 1);
	domid_t d = model_domain(1);

	server_begin(&s, d, 2);
	CHECK_OK(server_range(d, s.id, PCI, sbdf, sbdf, true));
	post(0, DO_OUT32, 0xcf8, 1ul << 31 | sbdf << 8 | 0x40);
	result(0);
	post(0, DO_IN16, 0xcfe, 0);
	expect(&s, 0, IOREQ_TYPE_PCI_CONFIG, sbdf << 32 | 0x42, 2, R);
	answer(&s, 0, 0x8086);
	CHECK_EQ(result(0), 0x8086);
	post(0, DO_OUT32, 0xcf8, 1ul << 31 | (sbdf - 1) << 8);
	result(0);
	post(0, DO_IN32, 0xcfc, 0);
	CHECK_EQ(result(0), 0xffffffff);
	model_end(d);
}

/* As a device model waits: until its port rings. */
static void sleep_until_asked(void)
{
	evtchn_port_t port = (evtchn_port_t)s.port[0];
	struct sched_poll p = { .nr_ports = 1 };

	*(evtchn_port_t **)&p.ports = &port;
	for (;;) {
		port_clear(port);
		if (has_request(&s, 0))
			return;
		p.timeout = clock_ns() + MODEL_WAIT_MS * MS_NS;
		CHECK_OK(HC2(sched_op, SCHEDOP_poll, &p));
	}
}

#define ROUND_TRIPS 200u

CLAIM_DOM0(round_trip, "a model that sleeps until its port rings is asked time after time, and its "
	   "answers are taken")
{
	domid_t d = model_domain(1);
	char line[64];
	uint64_t begin = 0;

	server_begin(&s, d, 2);
	CHECK_OK(server_range(d, s.id, PORT, 0x500, 0x507, true));
	post(0, DO_IN_MANY, 0x501, ROUND_TRIPS + 1);
	for (unsigned int i = 0; i <= ROUND_TRIPS; i++) {
		sleep_until_asked();
		if (!i)
			begin = rdtsc();
		CHECK_EQ(s.slot[0].addr, 0x501);
		answer(&s, 0, i);
	}
	/* For bench/exits. */
	format(line, sizeof(line), "# bench ioreq %lu\n", (rdtsc() - begin) / ROUND_TRIPS);
	console_write(line, strlen(line));
	CHECK_EQ(result(0) & 0xff, ROUND_TRIPS & 0xff);
	model_end(d);
}

/* A domain whose server has the frame buffer, and a *@ring of kind @buffers. */
static domid_t with_ring(uint8_t buffers, volatile struct buffered_iopage **ring)
{
	domid_t d;

	/* Xen buffers for domains of type=hvm alone. */
	if (!on_isola)
		skip("what is buffered is Isola's choice");
	d = model_domain(1);
	server_begin_with(&s, d, 2, buffers);
	*ring = server_page(d, s.id, 0, 3);
	CHECK_OK(server_range(d, s.id, MEMORY, 0xa0000, 0xbffff, true));
	return d;
}

CLAIM_DOM0(buffered, "what is written to the frame buffer below 1 MiB is not waited for, if the "
	   "server has a ring and that has room; whatever its reader says")
{
	volatile struct buffered_iopage *ring;
	domid_t d;

	d = with_ring(HVM_IOREQSRV_BUFIOREQ_LEGACY, &ring);
	post(0, DO_STORE32, 0xa0010, REST);
	CHECK_EQ(result(0), REST);
	CHECK_EQ(ring->write_pointer, 1);
	CHECK_EQ(ring->buf_ioreq[0].addr, 0xa0010);
	CHECK_EQ(ring->buf_ioreq[0].size, 2);
	CHECK_EQ(ring->buf_ioreq[0].dir, W);
	CHECK_EQ(ring->buf_ioreq[0].type, IOREQ_TYPE_COPY);
	CHECK_EQ(ring->buf_ioreq[0].data, 0x55667788);
	post(0, DO_STORE64, 0xbfff8, REST);
	CHECK_EQ(result(0), REST);
	CHECK_EQ(ring->write_pointer, 3);
	CHECK_EQ(ring->buf_ioreq[2].data, 0x11223344);
	/* A read is asked, and so is what finds no room: a reader's number is what counts. */
	post(0, DO_LOAD16, 0xa0020, 0);
	expect(&s, 0, IOREQ_TYPE_COPY, 0xa0020, 2, R);
	answer(&s, 0, 0x1234);
	CHECK_EQ(result(0), 0x1234);
	ring->read_pointer = 3u - IOREQ_BUFFER_SLOT_NUM;
	post(0, DO_STORE16, 0xa0000, 0);
	expect(&s, 0, IOREQ_TYPE_COPY, 0xa0000, 2, W);
	answer(&s, 0, 0);
	result(0);
	ring->read_pointer = 77;
	ring->write_pointer = ~0u;
	post(0, DO_STORE16, 0xa0000, 0);
	expect(&s, 0, IOREQ_TYPE_COPY, 0xa0000, 2, W);
	answer(&s, 0, 0);
	result(0);
	ring->read_pointer = 3;
	post(0, DO_STORE16, 0xa0000, 0);
	result(0);
	CHECK_EQ(ring->write_pointer, 4);
	model_end(d);
}

/* So many stores at a time: a wait for each is a wait for the host of two CPUs that spin. */
#define BATCH	79u
#define BATCHES (2 * IOREQ_BUFFER_SLOT_NUM / BATCH + 1)

CLAIM_DOM0(folded, "a ring's pointers become less by what has gone round, together")
{
	volatile struct buffered_iopage *ring;
	uint32_t read = 0;
	domid_t d;

	d = with_ring(HVM_IOREQSRV_BUFIOREQ_ATOMIC, &ring);
	for (unsigned int i = 0; i < BATCHES; i++) {
		post(0, DO_STORE_MANY, 0xa0000 + 2 * i, BATCH);
		CHECK_EQ(result(0), 0);
		read %= IOREQ_BUFFER_SLOT_NUM;
		CHECK_EQ(ring->read_pointer, read);
		for (unsigned int left = BATCH; left; left--)
			CHECK_EQ(ring->buf_ioreq[read++ % IOREQ_BUFFER_SLOT_NUM].data, left);
		CHECK_EQ(ring->write_pointer, read);
		ring->read_pointer = read;
	}
	model_end(d);
}
