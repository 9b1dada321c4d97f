/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_hypfs_op: what the hypervisor is, as a file system that only the control domain reads.
 * <xen/hypfs.h>. Nothing in it can be written.
 */
#include <asm/hypercall.h>
#include <asm/uaccess.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/nospec.h>
#include <isola/privilege.h>
#include <isola/version.h>
#include <xen/hypfs.h>

#define DIR	XEN_HYPFS_TYPE_DIR
#define STRING	XEN_HYPFS_TYPE_STRING
#define UINT	XEN_HYPFS_TYPE_UINT

#define MOST_BYTES	256u		/* of what one of them holds */
#define LONGEST_PATH	64u

static const struct node {
	const char *path;
	u8 type;
	const char *string;
	u32 number;
} nodes[] = {
	{ .path = "/", .type = DIR },
	{ .path = "/buildinfo", .type = DIR },
	{ .path = "/buildinfo/changeset", .type = STRING, .string = "" },
	{ .path = "/buildinfo/compileinfo", .type = DIR },
	{ .path = "/buildinfo/compileinfo/compile_by", .type = STRING, .string = "isola" },
	{ .path = "/buildinfo/compileinfo/compile_domain", .type = STRING, .string = "" },
	{ .path = "/buildinfo/compileinfo/compiler", .type = STRING, .string = COMPILER },
	{ .path = "/buildinfo/isola", .type = STRING, .string = ISOLA_VERSION },
	{ .path = "/buildinfo/version", .type = DIR },
	{ .path = "/buildinfo/version/extra", .type = STRING, .string = ABI_EXTRAVERSION },
	{ .path = "/buildinfo/version/major", .type = UINT, .number = ABI_VERSION >> 16 },
	{ .path = "/buildinfo/version/minor", .type = UINT, .number = ABI_VERSION & 0xffff },
};

static const struct node *find(const char *path)
{
	for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
		if (!strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

/* What @node is called in the directory @dir; NULL: it stands elsewhere. */
static const char *name_in(const struct node *dir, const struct node *node)
{
	size_t n = dir == nodes ? 0 : strlen(dir->path);
	const char *name = node->path + n + 1;

	if (node == nodes || strncmp(node->path, dir->path, n) || node->path[n] != '/')
		return NULL;
	return *name && !strchr(name, '/') ? name : NULL;
}

/* How long the contents of @node are that is no directory; of one, nobody asks in a list. */
static u32 leaf_length(const struct node *node)
{
	switch (node->type) {
	case STRING:
		return strlen(node->string) + 1;
	case UINT:
		return sizeof(node->number);
	default:
		return 0;
	}
}

static u32 fill_leaf(const struct node *node, u8 *content)
{
	const void *from = node->type == STRING ? (const void *)node->string : &node->number;

	memcpy(content, from, leaf_length(node));
	return leaf_length(node);
}

static struct xen_hypfs_direntry entry_of(const struct node *node, u32 length)
{
	return (struct xen_hypfs_direntry){ .type = node->type, .content_len = length };
}

/* ABI: an entry for each, the next one at a multiple of four; the last says so. */
static u32 fill_dir(const struct node *dir, u8 *content)
{
	struct xen_hypfs_dirlistentry *last = NULL;
	u32 at = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++) {
		const char *name = name_in(dir, &nodes[i]);
		u32 bytes;

		if (!name)
			continue;
		bytes = ROUNDUP(offsetof(struct xen_hypfs_dirlistentry, name) + strlen(name) + 1,
				4u);
		ASSERT(at + bytes <= MOST_BYTES);
		last = (struct xen_hypfs_dirlistentry *)(content + at);
		last->e = entry_of(&nodes[i], leaf_length(&nodes[i]));
		last->off_next = bytes;
		strlcpy(last->name, name, bytes - offsetof(struct xen_hypfs_dirlistentry, name));
		at += bytes;
	}
	if (last)
		last->off_next = 0;
	return at;
}

/* ABI: when there is no room for the contents, how long they are is said all the same. */
static long read_node(const struct node *node, u64 buffer, u64 size)
{
	u8 content[MOST_BYTES] __aligned(4) = { 0 };
	u32 length = node->type == DIR ? fill_dir(node, content) : fill_leaf(node, content);
	struct xen_hypfs_direntry e = entry_of(node, length);

	if (size < sizeof(e))
		return -ENOBUFS;
	if (copy_to_guest(buffer, &e, sizeof(e)))
		return -EFAULT;
	if (size < sizeof(e) + length)
		return -ENOBUFS;
	return copy_to_guest(buffer + sizeof(e), content, length);
}

/* 0; -EINVAL no path, -ENOENT none that there is. */
static long get_node(u64 path, u64 bytes, const struct node **node)
{
	char text[LONGEST_PATH];

	if (!bytes || bytes > XEN_HYPFS_MAX_PATHLEN)
		return -EINVAL;
	if (bytes > sizeof(text))
		return -ENOENT;
	if (copy_from_guest(text, path, bytes))
		return -EFAULT;
	if (text[0] != '/' || text[index_nospec(bytes - 1, sizeof(text))])
		return -EINVAL;
	*node = find(text);
	return *node ? 0 : -ENOENT;
}

/*
 * A version, or 0; -EPERM not the control domain; -EINVAL, -ENOENT the path; -EFAULT; -ENOBUFS;
 * -EACCES to write; -EOPNOTSUPP no such operation.
 */
long hc_hypfs_op(u64 cmd, u64 path, u64 path_bytes, u64 buffer, u64 size)
{
	const struct node *node;
	long rc;

	if (!domain_may(current->domain, MAY_hypfs))
		return -EPERM;
	if ((u32)cmd == XEN_HYPFS_OP_get_version)
		return path | path_bytes | buffer | size ? -EINVAL : XEN_HYPFS_VERSION;
	rc = get_node(path, path_bytes, &node);
	if (rc)
		return rc;
	switch ((u32)cmd) {
	case XEN_HYPFS_OP_read:
		return read_node(node, buffer, size);
	case XEN_HYPFS_OP_write_contents:
		return -EACCES;
	default:
		return -EOPNOTSUPP;
	}
}
