/* Mapped files: segment.md, 2 and 3. */
#ifndef RCI_SEGMENT_H
#define RCI_SEGMENT_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base.h"

/* A descriptor that a forked child closes, since locks and bells live on in it. */
struct fd_slot {
	int fd;
	struct fd_slot *next, *previous;
};

/* fork.c. Opens a file so that a child made at any time closes it: -1 and errno on failure. */
int rci_fd_open(struct fd_slot *slot, const char *path, int flags);
/* Closes what `to` has, and gives it the descriptor of `from`, open or not. */
void rci_fd_move(struct fd_slot *to, struct fd_slot *from);
/* Closes the descriptor, if it is open, and forgets the slot. */
void rci_fd_close(struct fd_slot *slot);

/* lock.c: one byte of a file. Each returns 1 held, 0 somebody else has it, -1 errno. */
int rci_lock(int fd, uint64_t byte, short type);
int rci_lock_shared(int fd, uint64_t byte);
int rci_lock_exclusive(int fd, uint64_t byte);
int rci_unlock(int fd, uint64_t byte);
/* Whether anybody holds the byte exclusively; true if the kernel can't say. */
bool rci_locked(int fd, uint64_t byte);

/* Rights of what is made: place.c. */
struct grant {
	mode_t mode; /* of files; 0: asks for nothing */
	uid_t owner; /* KEEP: asks for nothing */
	gid_t group;
};

#define KEEP UINT32_MAX

struct place {
	char base[RCI_PATH];
	bool by_rule; /* nobody named it: it must be ours */
	bool shared;  /* it is root's or the group's */
	gid_t members; /* of the shared base; KEEP: it has no group */
	struct grant asked;
	struct grant make; /* of a domain that is made here */
};

/* rights.c */
/* Checks what somebody asks for and looks the names up; who says who that is. NULL, "" and 0 ask for nothing. */
int rci_grant_asked(const char *who, const char *owner, const char *group, uint32_t mode, struct grant *grant);
/* given, with what is asked for. */
struct grant rci_grant_over(struct grant given, struct grant asked);
/* What files get that are made in a directory, which is of the domain. */
struct grant rci_grant_of(const struct stat *directory);
int rci_grant_in(const char *file, struct grant *grant);
/* Gives an open file its rights, whatever the umask. */
int rci_grant_apply(const struct grant *grant, int fd, const char *path);
/* The same for a new directory; errors name the path that it will have. */
int rci_grant_directory(const struct grant *grant, const char *directory, const char *path);
/* Refuses a domain, or a file, that has others than asked for; mode is that of its files. */
int rci_grant_compare(const struct grant *asked, const struct stat *have, mode_t mode, const char *path);
bool rci_find_group(const char *name, gid_t *gid);

/* How the pages of rings are had: memory.c. Zero: as the system has them. */
struct memory {
	bool prefault, huge;
	int policy; /* of mbind; 0: none */
	uint64_t nodes; /* a mask, for the policy */
};

/* memory.c */
/* Reads settings, or those of RINGCAST_MEMORY where nobody asks for any, and checks them on this machine. */
int rci_memory_asked(const char *asked, struct memory *memory);
/* Has pages that the file behind a mapping gets from now on lie as the policy says; memory may be NULL. */
int rci_memory_bind(const struct memory *memory, void *base, size_t size, const char *path);
/* Maps a file, on a border of 2 MiB if it has that size, so that huge pages of it, whoever asked for them, are mapped whole: NULL and errno. */
void *rci_memory_map(int fd, size_t size, bool write);

int rci_place(const rc_config *config, struct place *place);
int rci_make_domain(const struct place *place, const char *directory);

/* A mapped file. Its usage lock is held while it is open. */
struct segment {
	struct fd_slot file;
	uint8_t *base;
	size_t size;
	bool write;
	uint64_t id;
	uint32_t kind;
	dev_t device;
	ino_t inode;
	uint64_t successor; /* after RCI_RETIRED */
	char *path;
};

/* What a new segment is. fill writes what follows the header into the zeroed mapping. */
struct segment_spec {
	const char *path;
	uint32_t kind;
	size_t size, fixed_size;
	uint64_t id; /* 0: random */
	const struct grant *grant; /* NULL: those of the directory */
	const struct memory *memory; /* where its pages are taken; NULL: as the system does */
	void (*fill)(uint8_t *base, const void *argument);
	const void *argument;
};

/* Opens what has the name. RC_ERROR_NOT_FOUND, RCI_RETIRED (in use by others), and the errors
 * of the checks. Waits up to 200 ms for a remover. */
int rci_segment_open(struct segment *segment, const char *path, uint32_t kind, bool write);

/* Makes one that has no name yet, READY when it gets one. */
int rci_segment_build(struct segment *segment, const struct segment_spec *spec);
/* Gives it its name. RCI_EXISTS: somebody was faster; it stays without. */
int rci_segment_link(struct segment *segment);
/* The two, then open what is there if somebody was faster. */
int rci_segment_open_or_make(struct segment *segment, const struct segment_spec *spec);

/* Unmaps and closes; the name stays. Any number of times. */
void rci_segment_close(struct segment *segment);
/* memory.c: has the pages of a ring's two segments mapped as the settings say, but for their nodes, which the maker has chosen.
 * Prefaulting takes under 1 ms a megabyte, huge pages some more; others may use the ring meanwhile. */
int rci_memory_settle(const struct memory *memory, const struct segment *slots, const struct segment *control);
/* Removes the name by the remover's rule if nobody else uses the segment, and closes. */
bool rci_segment_remove(struct segment *segment);

static inline struct rc_segment_header *rci_header(const struct segment *segment)
{
	return (struct rc_segment_header *)(void *)segment->base;
}

/* header.c: reads and checks the header and the fixed bytes of an open file. */
int rci_header_check(int fd, const char *path, uint32_t kind, struct rc_segment_header *header);
void rci_header_fill(uint8_t *base, const struct segment_spec *spec, uint64_t id);
void rci_header_seal(uint8_t *base);
uint64_t rci_boot_hash(void);

/* segment.c: removes a file that has no header (a bell, an info, counters) unless it is locked. */
void rci_remove_unlocked(const char *path);

#endif
