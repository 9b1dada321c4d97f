// SPDX-License-Identifier: MIT
/*
 * bench/devices: what disk and network give, by this machine's own clock.
 *   measure write|read|latency FILE SEED	MiB/s, in O_DIRECT's blocks of 1 MiB; us of one read
 *						of 4 KiB
 *   measure get|put|echo ADDRESS PORT		MiB/s from the server, and to it; us of a byte's way
 *						there and back
 *   measure serve ADDRESS PORT			the server, which says its port; 0: any
 * For SECONDS each. The first word of each page read is what was written there, and both ends of a
 * stream have counted the same.
 * A line: UNIT FIGURE, how many blocks, chunks or rounds, in how many seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECONDS	4
#define PAGE	4096
#define BLOCK	(1 << 20)	/* of the disk's sequential rows */
#define BLOCKS	32		/* that are written, and read, again and again */
#define CHUNK	(1 << 16)	/* of a stream; its first word is its number, the last one's: */
#define LAST	UINT64_MAX

static uint8_t buffer[BLOCK] __attribute__((aligned(PAGE)));
static uint64_t *const head = (uint64_t *)buffer;

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static void told(const char *unit, uint64_t count, uint64_t least, double seconds, double figure)
{
	if (count < least)
		errx(1, "%lu in %.1f s, not %lu", count, seconds, least);
	printf("%s %.2f, %lu in %.2f s\n", unit, figure, count, seconds);
}

/* What page @page of the file says, of whom @seed stands for. */
static uint64_t stamp(uint64_t page, uint64_t seed)
{
	return (page + 1) * 0x9e3779b97f4a7c15 ^ seed << 48;
}

static void pages(uint64_t first, uint64_t count, uint64_t seed, int set)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t *word = head + i * PAGE / 8;

		if (set)
			*word = stamp(first + i, seed);
		else if (*word != stamp(first + i, seed))
			errx(1, "page %lu is not what was written", first + i);
		else
			*word = 0;
	}
}

static void disk(const char *how, const char *path, uint64_t seed)
{
	int writes = *how == 'w', waits = *how == 'l';
	int fd = open(path, O_RDWR | O_DIRECT);
	uint64_t size = waits ? PAGE : BLOCK, all = (uint64_t)BLOCKS * BLOCK / size, n = 0;
	double begun = now(), end;

	if (fd < 0)
		err(1, "%s", path);
	while ((end = now()) < begun + SECONDS || n < (waits ? 200 : all)) {
		uint64_t block = waits ? n * 37 % all : n % all;	/* 37: no page after page */
		uint64_t first = block * size / PAGE;

		if (writes)
			pages(first, size / PAGE, seed, 1);
		if ((writes ? pwrite(fd, buffer, size, block * size) :
			      pread(fd, buffer, size, block * size)) != (ssize_t)size)
			err(1, "%s", path);
		if (!writes)
			pages(first, size / PAGE, seed, 0);
		n++;
	}
	if (waits)
		told("us", n, 200, end - begun, (end - begun) * 1e6 / n);
	else
		told("MiB/s", n, all, end - begun, n / (end - begun));
}

static int whole(ssize_t got, ssize_t wanted)
{
	if (got && got != wanted)
		err(1, "%zd bytes, not %zd", got, wanted);
	return got;
}

static int receive(int fd, size_t bytes)
{
	return whole(recv(fd, buffer, bytes, MSG_WAITALL), bytes);
}

/* Chunks until @seconds have passed, and one more. How many. */
static uint64_t give(int fd, double seconds)
{
	double begun = now();
	uint64_t n = 0;

	do {
		*head = now() < begun + seconds ? n : LAST;
		n++;
		whole(send(fd, buffer, CHUNK, 0), CHUNK);
	} while (*head != LAST);
	return n;
}

static uint64_t take(int fd)
{
	uint64_t n = 0;

	do {
		if (!receive(fd, CHUNK))
			errx(1, "an early end");
		if (*head != n && *head != LAST)
			errx(1, "chunk %lu is where %lu should be", *head, n);
		n++;
	} while (*head != LAST);
	return n;
}

static void serve(int listener)
{
	struct sockaddr_in own;
	socklen_t length = sizeof(own);

	if (listen(listener, 4) || getsockname(listener, (struct sockaddr *)&own, &length))
		err(1, "server");
	printf("%d\n", ntohs(own.sin_port));
	fflush(stdout);
	for (int fd, one = 1; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
		uint64_t n;

		if (fork())
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		receive(fd, 1);
		switch (*buffer) {
		case 'e':
			while (receive(fd, 1))
				whole(send(fd, buffer, 1, 0), 1);
			break;
		default:
			n = *buffer == 'g' ? give(fd, SECONDS) : take(fd);
			whole(send(fd, &n, sizeof(n), 0), sizeof(n));
			receive(fd, 1);		/* until the other has gone */
		}
		exit(0);
	}
}

static void net(const char *how, int fd)
{
	double begun = now(), end = begun;
	uint64_t n = 0;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	whole(send(fd, how, 1, 0), 1);
	if (*how == 'e') {
		for (; (end = now()) < begun + SECONDS; n++) {
			*buffer = n;
			whole(send(fd, buffer, 1, 0), 1);
			if (!receive(fd, 1) || *buffer != (uint8_t)n)
				errx(1, "another byte came back");
		}
		told("us", n, 100, end - begun, (end - begun) * 1e6 / n);
		return;
	}
	n = *how == 'g' ? take(fd) : give(fd, SECONDS);
	if (*how == 'g')
		end = now();
	if (!receive(fd, sizeof(n)) || *head != n)
		errx(1, "%lu chunks, but %lu are told of", n, *head);
	if (*how == 'p')
		end = now();
	told("MiB/s", n, 50, end - begun, n * (double)CHUNK / BLOCK / (end - begun));
}

int main(int argc, char **argv)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	int fd, one = 1;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (argc != 4)
		errx(2, "see the source");
	if (strchr("wrl", *argv[1])) {
		disk(argv[1], argv[2], atoi(argv[3]));
		return 0;
	}
	peer.sin_addr.s_addr = inet_addr(argv[2]);
	peer.sin_port = htons(atoi(argv[3]));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if ((*argv[1] == 's' ? bind : connect)(fd, (struct sockaddr *)&peer, sizeof(peer)))
		err(1, "%s:%s", argv[2], argv[3]);
	if (*argv[1] == 's')
		serve(fd);
	else
		net(argv[1], fd);
	return 0;
}
