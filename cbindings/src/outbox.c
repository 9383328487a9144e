/* Inboxes of others, as one writes to them: messaging.md, 7. Nobody waits for room. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "away.h"

/* How old an answer of the kernel may be that the owner lives. */
#define ASK_AGAIN UINT64_C(10000000)
#define TRIES 10

/* One ring of another's inbox; the post's mutex is for all of it. */
struct outbox {
	struct rc_address address;
	int box;
	uint64_t entry, word; /* the owner's, who reads by it */
	uint64_t asked;
	struct pen pen;
	struct outbox *next;
};

static void name_of(const struct rc_address *a, char *text) { (void)rc_address_format(a, text, RC_ADDRESS_TEXT); }

static int gone(const struct rc_address *a)
{
	char text[RC_ADDRESS_TEXT] = "";
	name_of(a, text);
	return rci_fail(RC_ERROR_GONE, "%s: is gone", text);
}

static int no_inbox(const struct rc_address *a)
{
	char text[RC_ADDRESS_TEXT] = "";
	name_of(a, text);
	return rci_fail(RC_ERROR_NO_INBOX, "%s: reads no inbox: it has to open one before others send to it", text);
}

/* Finds the entry of the owner. */
static bool seat(struct outbox *o)
{
	const struct ring *r = o->pen.producer.ring;
	for (uint64_t i = 0, used = ring_entries_used(r); i < used; i++) {
		uint64_t word = load_acquire(&r->entries[i].state); /* pairs(entry) */
		if (entry_state(word) != RC_ENTRY_STATE_ACTIVE || entry_participant(word) != o->address.index)
			continue;
		o->entry = i;
		o->word = word;
		return true;
	}
	return false;
}

static void free_outbox(struct outbox *o)
{
	if (o->pen.producer.ring != NULL)
		rci_ring_close(o->pen.producer.ring);
	free(o);
}

static void drop(struct post *p, struct outbox *o)
{
	struct outbox **at = &p->outboxes;
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	free_outbox(o);
}

static void drop_departed(struct post *p)
{
	for (struct outbox *o = p->outboxes; o != NULL;) {
		struct outbox *next = o->next;
		if (rci_gone(p->domain, &o->address))
			drop(p, o);
		o = next;
	}
}

static int open_outbox(struct post *p, const struct rc_address *to, int box, struct outbox **outbox)
{
	const struct wish there = {.existing = true};
	char path[RCI_PATH];
	drop_departed(p);
	if (rci_recover(p->domain, to))
		return gone(to);
	struct outbox *o = calloc(1, sizeof *o);
	if (o == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "outbox");
	o->address = *to;
	o->box = box;
	rci_inbox_path(p->domain, to, box, path);
	int result = rci_ring_open(p->domain, path, &there, true, &o->pen.producer.ring);
	if (result == RC_ERROR_NOT_FOUND)
		result = rci_gone(p->domain, to) ? gone(to) : no_inbox(to);
	else if (result == RC_OK && !seat(o))
		result = no_inbox(to); /* it is just being made, or has just been left */
	if (result != RC_OK) {
		free_outbox(o);
		return result;
	}
	o->asked = rci_now();
	o->next = p->outboxes;
	p->outboxes = o;
	*outbox = o;
	return RC_OK;
}

static int find(struct post *p, const struct rc_address *to, int box, struct outbox **outbox)
{
	struct outbox **first = &p->outboxes;
	for (struct outbox **at = first; *at != NULL; at = &(*at)->next) {
		struct outbox *o = *at;
		if (o->box != box || !rci_same_address(&o->address, to))
			continue;
		*at = o->next; /* to the front: who writes to it will again */
		o->next = *first;
		*first = o;
		*outbox = o;
		return RC_OK;
	}
	int result = rci_route(p, to);
	return result == RC_OK ? open_outbox(p, to, box, outbox) : result;
}

/* Why the owner can't be written to; RCI_AGAIN: look for its ring again. */
static int present(const struct post *p, struct outbox *o)
{
	if (load_acquire(&o->pen.producer.ring->entries[o->entry].state) != o->word) { /* pairs(entry) */
		if (rci_recover(p->domain, &o->address))
			return gone(&o->address);
		if (!seat(o))
			return RCI_AGAIN;
	}
	if (o->box == BOX_REPLIES)
		return RC_OK; /* who waits for an answer is watched, or does not matter */
	uint64_t now = rci_now();
	if (now - o->asked < ASK_AGAIN)
		return RC_OK;
	if (rci_recover(p->domain, &o->address))
		return gone(&o->address);
	o->asked = now;
	return RC_OK;
}

static int put(const struct post *p, struct outbox *o, struct letter *letter)
{
	char text[RC_ADDRESS_TEXT] = "";
	const struct ring *r = o->pen.producer.ring;
	uint64_t position;
	int result = present(p, o);
	if (result != RC_OK)
		return result;
	uint32_t room = r->shape.payload - RC_ADDRESS_BLOCK_SIZE;
	name_of(&o->address, text);
	if (letter->size > room)
		return rci_fail(RC_ERROR_TOO_LARGE, "%s: %zu bytes: its inbox takes %u: it may ask for an inbox slot size of %zu", text, letter->size,
			(unsigned)room, (letter->size + 63) & ~(size_t)63);
	if (o->box != BOX_UPLINK)
		letter->block.destination = o->address;
	result = rci_pen_put(&o->pen, &p->self, letter, &position);
	if (result == RC_NOTHING)
		return rci_recover(p->domain, &o->address) ? gone(&o->address)
			: rci_fail(RC_ERROR_OVERLOADED, "inbox of %s is full (%u)", text, (unsigned)r->slot_count);
	return result == RCI_RETIRED ? RCI_AGAIN : result;
}

int rci_box_send(struct post *p, const struct rc_address *address, int box, struct letter *letter)
{
	struct rc_address to = *address;
	int result = RCI_AGAIN;
	to.handle = 0;
	(void)pthread_mutex_lock(&p->mutex);
	for (int i = 0; i < TRIES && result == RCI_AGAIN; i++) {
		struct outbox *o = NULL;
		result = find(p, &to, box, &o);
		if (result == RC_OK)
			result = put(p, o, letter);
		if (result == RCI_AGAIN)
			drop(p, o);
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return result == RCI_AGAIN ? gone(&to) : result;
}

int rci_post_send(struct post *p, const struct rc_address *to, int box, struct letter *letter)
{
	struct rc_address up;
	if (!rci_is_away(p, to))
		return rci_box_send(p, to, box, letter);
	int result = box == BOX_MAIL ? rci_standing(p->domain, to) : RC_OK;
	return result == RC_OK ? rci_uplink_put(p, to, letter, &up) : result;
}

void rci_outboxes_tidy(struct post *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	drop_departed(p);
	(void)pthread_mutex_unlock(&p->mutex);
}

void rci_outboxes_close(struct post *p)
{
	while (p->outboxes != NULL)
		drop(p, p->outboxes);
}
