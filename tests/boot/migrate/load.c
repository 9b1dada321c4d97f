// SPDX-License-Identifier: MIT
/*
 * What a domU does while it is migrated: load KIND... One process for each kind writes memory and
 * checks what it wrote before. A page says what it should hold: its number, its turn, and words
 * that follow from both; a ledger elsewhere says its turn too. So a page, or a ledger's, that comes
 * from another moment than the rest is seen. Each second a line:
 *   DOMU load bad=N KIND=STEPS ...
 * and a line for each thing that is wrong: DOMU bad KIND: ...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096
#define WORDS	(PAGE / 8)
#define PAGES	96		/* of each kind */
#define EACH	7		/* every so manyth word is written and checked */
#define THREADS	4
#define MAX_KINDS 16

struct page {
	uint64_t number, turn, word[WORDS - 2];
};

struct state {
	volatile uint64_t steps[MAX_KINDS];
	volatile uint64_t bad;
};

static struct state *state;		/* shared by all */
static const char *kind;		/* this process's */
static uint32_t ledger[PAGES];

static __attribute__((format(printf, 1, 2))) void bad(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("DOMU bad %s: ", kind);
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	va_end(args);
	__atomic_fetch_add(&state->bad, 1, __ATOMIC_SEQ_CST);
}

static void *memory(size_t bytes, int fd)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (p == MAP_FAILED) {
		bad("mmap: %s", strerror(errno));
		exit(1);
	}
	return p;
}

static int file_of(size_t bytes)
{
	int fd = memfd_create(kind, 0);

	if (fd < 0 || ftruncate(fd, bytes)) {
		bad("memfd: %s", strerror(errno));
		exit(1);
	}
	return fd;
}

static uint64_t word_of(uint64_t number, uint64_t turn, unsigned i)
{
	return (number * 0x9e3779b97f4a7c15u ^ turn * 0xc2b2ae3d27d4eb4fu) + i;
}

static void put(struct page *p, uint64_t number, uint64_t turn)
{
	p->number = number;
	p->turn = turn;
	for (unsigned i = turn % EACH; i < WORDS - 2; i += EACH)
		p->word[i] = word_of(number, turn, i);
}

/* Holds *@p what put() put there in turn @turn? Turn 0: nothing has been put there. */
static int holds(const struct page *p, uint64_t number, uint64_t turn)
{
	if (!turn)
		return 1;
	if (p->number != number || p->turn != turn) {
		bad("page %lu at %p: number %lu, turn %lu instead of %lu", number, (const void *)p,
		    p->number, p->turn, turn);
		return 0;
	}
	for (unsigned i = turn % EACH; i < WORDS - 2; i += EACH)
		if (p->word[i] != word_of(number, turn, i)) {
			bad("page %lu at %p: word %u of turn %lu is %lx", number, (const void *)p,
			    i, turn, p->word[i]);
			return 0;
		}
	return 1;
}

/* The next turn of page @n, at @to; what it held before is seen at @from. */
static void turn(const struct page *from, struct page *to, unsigned n)
{
	if (!holds(from, n, ledger[n]))
		ledger[n] = 0;
	put(to, n, ++ledger[n]);
}

static unsigned some(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % PAGES;
}

static struct page *own(void)
{
	static struct page *pages;

	if (!pages)
		pages = memory(PAGES * PAGE, -1);
	return pages;
}

/* ---- Kinds: a step of each ------------------------------------------------------------------- */

static void step_user(void)
{
	struct page *p = own();

	for (unsigned i = 0; i < 16; i++) {
		unsigned n = some();

		turn(p + n, p + n, n);
	}
}

/* The kernel's stores: into a file, by its own mapping of all memory; and into a buffer of ours. */
static void step_kernel(void)
{
	static int fd = -1;
	struct page *p = own();
	unsigned n = some(), buffer = n ^ 1;

	if (fd < 0)
		fd = file_of(PAGES * PAGE);
	if (pread(fd, p + n, PAGE, n * PAGE) != PAGE)
		bad("pread: %s", strerror(errno));
	turn(p + n, p + buffer, n);
	if (pwrite(fd, p + buffer, PAGE, n * PAGE) != PAGE)
		bad("pwrite: %s", strerror(errno));
}

/* A page at two addresses. */
static void step_alias(void)
{
	static struct page *a, *b;
	unsigned n = some();

	if (!a) {
		int fd = file_of(PAGES * PAGE);

		a = memory(PAGES * PAGE, fd);
		b = memory(PAGES * PAGE, fd);
	}
	turn(a + n, b + n, n);
	turn(n & 1 ? a + n : b + n, a + n, n);
}

static void turn_all(void)
{
	for (unsigned n = 0; n < PAGES; n++)
		turn(own() + n, own() + n, n);
}

/* Child and parent write what they have had in common. */
static void step_fork(void)
{
	int status;
	pid_t child = fork();

	if (child < 0) {
		bad("fork: %s", strerror(errno));
		return;
	}
	turn_all();
	if (!child) {
		turn_all();
		_exit(7);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		bad("its child: status %x", status);
}

static void step_exec(void)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		execl("/proc/self/exe", "load", NULL);
		_exit(1);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 7 << 8)
		bad("its child: status %x", status);
}

/* Pages come, are filled, go elsewhere, and leave again, and their tables with them. */
static void step_map(void)
{
	size_t bytes = PAGES * PAGE;
	struct page *p = memory(bytes, -1), *q;

	for (unsigned n = 0; n < PAGES; n++)
		put(p + n, n, n + 1);
	q = mremap(p, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		   (char *)p - ((uintptr_t)(some() + 1) << 30));
	if (q == MAP_FAILED) {
		bad("mremap: %s", strerror(errno));
		q = p;
	}
	for (unsigned n = 0; n < PAGES; n++)
		holds(q + n, n, n + 1);
	munmap(q, bytes);
}

static volatile unsigned refusals;

static void refused(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	refusals++;
	mprotect((void *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1)), PAGE,
		 PROT_READ | PROT_WRITE);
}

/* What may be read only, or not at all, is not written; and may be again. */
static void step_protect(void)
{
	struct page *p = own();
	unsigned n = some(), before = refusals;
	struct sigaction action = { .sa_sigaction = refused, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	turn(p + n, p + n, n);
	if (mprotect(p + n, PAGE, n & 1 ? PROT_READ : PROT_NONE))
		bad("mprotect: %s", strerror(errno));
	turn(p + n, p + n, n);
	if (refusals != before + 1)
		bad("page %u: %u refusals", n, refusals - before);
}

/* A file on a disk, mapped: what is dirty by its D bit alone reaches the disk (/dev/ram0). */
static void step_file(void)
{
	static struct page *mapped, *read_back;
	static int fd = -1;
	unsigned n = some();

	if (fd < 0) {
		fd = open("/dev/ram0", O_RDWR);
		if (fd < 0) {
			bad("no /dev/ram0: %s", strerror(errno));
			exit(1);
		}
		mapped = memory(PAGES * PAGE, fd);
		read_back = memory(PAGE, -1);
	}
	turn(mapped + n, mapped + n, n);
	if (msync(mapped, PAGES * PAGE, MS_SYNC) || madvise(mapped, PAGES * PAGE, MADV_DONTNEED) ||
	    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) ||
	    pread(fd, read_back, PAGE, n * PAGE) != PAGE)
		bad("the disk: %s", strerror(errno));
	holds(read_back, n, ledger[n]);
}

/* Threads, each with pages of its own, while one forbids and allows them all to write. */
static void *thread(void *arg)
{
	unsigned id = (uintptr_t)arg;

	for (;;)
		for (unsigned n = id; n < PAGES; n += THREADS)
			turn(own() + n, own() + n, n);
	return NULL;
}

static void wait_a_little(int number)
{
	(void)number;
}

static void step_threads(void)
{
	static int begun;
	pthread_t t;

	if (!begun) {
		begun = 1;
		own();
		signal(SIGSEGV, wait_a_little);
		for (uintptr_t id = 0; id < THREADS; id++)
			pthread_create(&t, NULL, thread, (void *)id);
	}
	mprotect(own(), PAGES * PAGE, PROT_READ);
	usleep(500);
	mprotect(own(), PAGES * PAGE, PROT_READ | PROT_WRITE);
	usleep(2000);
}

/* The domain gives memory back, and takes it again. */
static void step_balloon(void)
{
	static const char *target = "/sys/devices/system/xen_memory/xen_memory0/target_kb";
	static unsigned long all;
	FILE *f = fopen(target, "r+");

	if (!f || (!all && fscanf(f, "%lu", &all) != 1)) {
		bad("%s: %s", target, strerror(errno));
		exit(1);
	}
	rewind(f);
	fprintf(f, "%lu", state->steps[MAX_KINDS - 1] & 1 ? all : all - 4096);
	fclose(f);
	state->steps[MAX_KINDS - 1]++;
	step_user();
	usleep(300000);
}

/* Nothing but this program's own clock. */
static void step_idle(void)
{
	usleep(200000);
}

static const struct {
	const char *name;
	void (*step)(void);
} kinds[] = {
	{ "user", step_user }, { "kernel", step_kernel }, { "alias", step_alias },
	{ "fork", step_fork }, { "exec", step_exec }, { "map", step_map },
	{ "protect", step_protect }, { "file", step_file }, { "threads", step_threads },
	{ "balloon", step_balloon }, { "idle", step_idle },
};
#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

static void start(unsigned k)
{
	if (fork())
		return;
	kind = kinds[k].name;
	for (;;) {
		kinds[k].step();
		state->steps[k]++;
		usleep(10000);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 7;		/* step_exec()'s child */
	kind = "load";
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	for (int i = 1; i < argc; i++)
		for (unsigned k = 0; k < NR_KINDS; k++)
			if (!strcmp(argv[i], kinds[k].name))
				start(k);
	for (;;) {
		sleep(1);
		printf("DOMU load bad=%lu", state->bad);
		for (unsigned k = 0; k < NR_KINDS; k++)
			if (state->steps[k])
				printf(" %s=%lu", kinds[k].name, state->steps[k]);
		printf("\n");
		fflush(stdout);
		if (waitpid(-1, NULL, WNOHANG) > 0)
			bad("a kind has ended");
	}
}
