/* Every assertion bears the name of the invariant that it holds: pan prints the
 * name with the expression, and the runner reads it there. The names are hidden
 * variables that are never set, so they cost no state. */
#define MUST(name, holds) assert((holds) || name)

hidden byte no_overwrite_of_unread;
hidden byte no_foreign_bytes;
hidden byte once_in_order;
hidden byte acked_is_delivered;
hidden byte tail_never_passes_unstamped;
hidden byte no_leaked_claim;
hidden byte no_leaked_entry;
hidden byte pinned_bytes_unchanged;
hidden byte reader_never_stuck;
hidden byte producer_never_stuck;
hidden byte loss_is_told;
hidden byte refused_only_if_written;
hidden byte name_leads_to_the_last;
hidden byte sleeper_is_woken;
hidden byte no_live_claim_taken;
hidden byte recovered_once;
hidden byte reader_is_entered;
hidden byte no_foreign_charge;
hidden byte group_once;
hidden byte group_accounted;
hidden byte gate_never_stuck;
hidden byte missed_only_if_put_out;
hidden byte report_names_taker;
hidden byte report_is_told;
hidden byte request_is_answered;
hidden byte answer_means_ran;
hidden byte answer_is_read;
hidden byte withdrawn_never_runs;
hidden byte runs_once;
hidden byte order_commit;
hidden byte order_claim;
hidden byte order_join;
hidden byte order_lease;
hidden byte order_cursor;
hidden byte order_wake;
hidden byte order_takeover;
hidden byte order_seal;
hidden byte ending_is_true;
hidden byte ending_is_known;
hidden byte order_ending;
