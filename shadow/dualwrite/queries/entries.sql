-- name: entries
-- These entries, with what was sealed.
SELECT {ENTRY}, reason, sealed_with, request, answer_with, answer, copied, differed
FROM cutover.journal_entry WHERE number = ANY (%(numbers)s) ORDER BY number;

-- name: open_entries
-- The oldest of what is not settled, without bodies.
SELECT {ENTRY}, reason
FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done', 'parked') AND number <= %(up_to)s
ORDER BY number LIMIT %(most)s;

-- name: open_in
-- What is not settled and shares a lane with these; by chance a few others, too (`span_of`).
SELECT {ENTRY}, reason
FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done', 'parked') AND number = ANY (ARRAY(
    SELECT l.number FROM unnest(%(lanes)s::text[]) lane JOIN cutover.journal_lane l ON l.span && cutover.span_of(lane)
)) ORDER BY number;

-- name: unknown_entries
-- What has no outcome that anybody could tell.
SELECT {ENTRY}, reason
FROM cutover.journal_entry WHERE state IN ('unknown', 'parked') AND state = 'unknown' ORDER BY number;

-- name: listed_entries
-- What a person has to look at: diverged, parked, abandoned.
SELECT {ENTRY}, reason
FROM cutover.journal_entry WHERE number IN (
    SELECT number FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')
    UNION ALL SELECT number FROM cutover.journal_entry WHERE state IN ('unknown', 'parked') AND state = 'parked'
) ORDER BY number LIMIT %(most)s;

-- name: needing
-- What needs a person, or may come to need one, oldest first.
SELECT {ENTRY}, reason
FROM cutover.journal_entry WHERE number IN (
    SELECT number FROM cutover.journal_entry WHERE state IN ('unknown', 'parked')
    UNION ALL SELECT number FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')
) ORDER BY number LIMIT %(most)s;

-- name: entries_in
-- The newest entries in these states.
SELECT {ENTRY}, reason
FROM cutover.journal_entry WHERE state = ANY (%(states)s) AND number < %(before)s ORDER BY number DESC LIMIT %(most)s;

-- name: entry_for_change
-- One entry that is about to be changed, without what was sealed.
SELECT {ENTRY}, reason
FROM cutover.journal_entry WHERE number = %(number)s FOR UPDATE;

-- name: differed_entries
-- Entries whose answers differed, though the rows were carried since: newest first.
SELECT number, differed FROM cutover.journal_entry WHERE differed <> '' ORDER BY number DESC LIMIT %(most)s;

-- name: entries_differed
-- The newest entries whose answers differed, though their rows were carried since, with how in place of the reason.
SELECT {ENTRY}, differed
FROM cutover.journal_entry WHERE differed <> '' AND number < %(before)s ORDER BY number DESC LIMIT %(most)s;

-- name: standby_answer
-- What the standby said to the newest copy of an entry, and when the entry was settled.
SELECT standby_answer, standby_with, extract(epoch FROM settled_at)::float8 FROM cutover.journal_entry
WHERE number = %(number)s;

-- name: counts
-- How many entries are in each state that is not an end in itself, and the age of the oldest that is to be replayed.
SELECT state, count(*), min(at) FROM (
    SELECT state, at FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done', 'parked')
    UNION ALL SELECT state, at FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')
) waiting GROUP BY state;

-- name: standby_says
-- Why a copy that was tried has to wait; of the oldest ones, for all others wait for these.
SELECT reason FROM (
    SELECT reason, retry_at, completion FROM cutover.journal_entry WHERE state = 'done' ORDER BY completion LIMIT 32
) oldest WHERE retry_at > 0 ORDER BY completion LIMIT 1;
