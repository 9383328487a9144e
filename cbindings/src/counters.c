/* Counters that tools read while the program runs: segment.md, 9. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "domain.h"

#define FIXED_SIZE 192
#define ROWS_START RC_PAGE_SIZE

static void fill_counters(uint8_t *base, const void *argument)
{
	struct rc_counters_header *h = (void *)(base + RC_SEGMENT_HEADER_SIZE);
	(void)argument;
	h->row_count = RC_COUNTER_ROW_COUNT;
	h->rows_start = ROWS_START;
}

static int make_counters(rc_domain *d)
{
	char path[RCI_PATH];
	struct segment_spec spec = {.path = path, .kind = RC_SEGMENT_KIND_COUNTERS, .fixed_size = FIXED_SIZE,
		.size = ROWS_START + RC_COUNTER_ROW_COUNT * RC_COUNTER_ROW_SIZE, .fill = fill_counters};
	(void)snprintf(path, sizeof path, "%.*s/counters/%u.cnt", RCI_PATH - 64, d->directory, (unsigned)d->index);
	int result = rci_segment_build(&d->counters, &spec);
	if (result != RC_OK)
		return result;
	result = rci_segment_link(&d->counters);
	if (result == RC_OK)
		return RC_OK;
	rci_segment_close(&d->counters);
	return result == RCI_EXISTS ? rci_fail(RC_ERROR_IN_USE, "%s: is there already", path) : result;
}

static uint8_t *row_at(const rc_domain *d, uint32_t i) { return d->counters.base + ROWS_START + (size_t)i * RC_COUNTER_ROW_SIZE; }

/* The row that has this label; NULL: none has. */
static uint64_t *find_row(const rc_domain *d, const char *label)
{
	char padded[RC_COUNTER_LABEL_SIZE] = {0};
	memcpy(padded, label, strlen(label));
	for (uint32_t i = 0; i < d->counter_count; i++)
		if (memcmp(row_at(d, i) + RC_COUNTER_ROW_LABEL_OFFSET, padded, sizeof padded) == 0)
			return &((struct rc_counter_row *)(void *)row_at(d, i))->value;
	return NULL;
}

static uint64_t *add_row(rc_domain *d, const char *label)
{
	uint8_t *row = row_at(d, d->counter_count);
	struct rc_counter_row *r = (void *)row;
	size_t size = strlen(label);
	store_relaxed(&r->value, 0);
	memset(row + RC_COUNTER_ROW_LABEL_OFFSET, 0, RC_COUNTER_LABEL_SIZE);
	memcpy(row + RC_COUNTER_ROW_LABEL_OFFSET, label, size);
	r->owner = d->index + 1;
	store_release(&r->id, d->counter_count + 1); /* pairs(counter) */
	d->counter_count++;
	return &r->value;
}

int rc_counter_open(rc_domain *d, const char *label, uint64_t **counter)
{
	if (d == NULL || label == NULL || counter == NULL)
		return rci_fail(RC_ERROR_INVALID, "counter: NULL");
	size_t size = strnlen(label, RC_COUNTER_LABEL_SIZE + 1);
	int result = rci_usable(d);
	if (result == RC_OK && (size == 0 || size > RC_COUNTER_LABEL_SIZE))
		result = rci_fail(RC_ERROR_INVALID, "counter: label of %zu bytes or more: want 1 to %d", size, RC_COUNTER_LABEL_SIZE);
	if (result != RC_OK)
		return result;
	(void)pthread_mutex_lock(&d->mutex);
	if (d->counters.base == NULL)
		result = make_counters(d);
	uint64_t *found = result == RC_OK ? find_row(d, label) : NULL;
	if (result == RC_OK && found == NULL && d->counter_count == RC_COUNTER_ROW_COUNT)
		result = rci_fail(RC_ERROR_TOO_LARGE, "counter %s: all %d rows are taken", label, RC_COUNTER_ROW_COUNT);
	if (result == RC_OK)
		*counter = found != NULL ? found : add_row(d, label);
	(void)pthread_mutex_unlock(&d->mutex);
	return result;
}

void rc_counter_add(uint64_t *counter, uint64_t n) { add_relaxed(counter, n); }

void rci_counters_close(rc_domain *d) { rci_segment_close(&d->counters); }
