/* What is for other nodes goes into the uplink of this node's forwarder: messaging.md, 13. */
#ifndef RCI_AWAY_H
#define RCI_AWAY_H

#include "desk.h"

/* Codes of messages of kind System. */
enum { AWAY_CANCEL = 1, AWAY_CREDIT = 2 };

static inline bool rci_is_away(const struct post *p, const struct rc_address *a) { return a->node != 0 && a->node != p->self.node; }

/* The forwarder of this node; false: none lives, as its record says. */
bool rci_forwarder(rc_domain *domain, struct rc_address *address);
/* Puts a letter for another node, or for a service (to all zero), into the uplink; *up says whose that is. RC_ERROR_NODE_DOWN,
 * RC_ERROR_OVERLOADED, RC_ERROR_TOO_LARGE. */
int rci_uplink_put(struct post *post, const struct rc_address *to, struct letter *letter, struct rc_address *up);
/* Why a participant of another node can't be sent to, as far as that is known here. */
int rci_standing(rc_domain *domain, const struct rc_address *to);
/* Sends a letter to an instance on another node, after its own node has said `refused`. */
int rci_serve_away(struct post *post, const struct callee *callee, struct letter *letter, int refused, struct rc_address *up);
/* Tells whoever has a call on another node what a control word would say here; n: credit. */
int rci_control_away(struct post *post, const rc_future *call, uint32_t code, uint32_t n);
/* What an error from another node means for a call. */
int rci_outcome_away(const rc_future *call, uint32_t code);

#endif
