/* What participants and forwarders say, as FlatBuffers: segment.md, 6 and 8. */
#ifndef RCI_TABLE_H
#define RCI_TABLE_H

#include "domain.h"

/* Who is told what stands in a table; texts are valid as long as its bytes. A function that is NULL is not called,
 * but for node. */
struct table_visitor {
	void (*participant)(struct table_visitor *visitor, const char *name, const char *version);
	void (*interest)(struct table_visitor *visitor, const char *name, bool pattern, bool publisher);
	void (*service)(struct table_visitor *visitor, const char *name, uint32_t limit, uint32_t room);
	/* Of a directory: each node, then each name that it wants, then what its participants say; behind them what it wants
	 * again; partial: some of them have left things out. */
	void (*node)(struct table_visitor *visitor, const char *name, const char *version);
	void (*asks)(struct table_visitor *visitor, const char *name);
	void (*want)(struct table_visitor *visitor, const char *name, const char *program, const char *version, bool partial);
	/* Of a directory: a participant of the node that is gone, by its ending; a name that the node serves. */
	void (*departed)(struct table_visitor *visitor, uint8_t ending);
	void (*node_service)(struct table_visitor *visitor, const char *name);
	/* Of a directory, behind all nodes: one that is gone, oldest first, by its ending. */
	void (*lost)(struct table_visitor *visitor, uint8_t ending);
	/* Of what is being told. */
	struct rc_address address;
	uint8_t language;
	bool local_only; /* of an interest */
};

/* Tells what a participant says: false if the table is damaged, perhaps after some was told. */
bool rci_table_visit(const uint8_t *table, size_t size, struct table_visitor *visitor);
/* The same for the table of a directory. */
bool rci_directory_visit(const uint8_t *table, size_t size, struct table_visitor *visitor);
/* How many subscriptions in the table have the topic. */
uint32_t rci_table_subscriptions(const uint8_t *table, size_t size, const char *topic);

#endif
