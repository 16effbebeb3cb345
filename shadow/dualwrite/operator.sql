-- name: needing
-- What needs a person, or may come to need one, oldest first.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason
FROM cutover.journal_entry WHERE number IN (
    SELECT number FROM cutover.journal_entry WHERE state IN ('unknown', 'parked')
    UNION ALL SELECT number FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')
) ORDER BY number LIMIT %(most)s;

-- name: entry_for_change
-- One entry that is about to be changed, without what was sealed.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason
FROM cutover.journal_entry WHERE number = %(number)s FOR UPDATE;

-- name: entries_differed
-- The newest entries whose answers differed, though their rows were carried since, with how in place of the reason.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, differed
FROM cutover.journal_entry WHERE differed <> '' AND number < %(before)s ORDER BY number DESC LIMIT %(most)s;
