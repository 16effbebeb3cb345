-- name: append
-- Admit a batch of intents and answer each.
SELECT place, answer, entry_number, entry_after, epoch_now
FROM cutover.journal_append(%(batch)s::jsonb, %(requests)b::bytea[], %(now)s) ORDER BY place;

-- name: forget_waiting
-- Give up places in the queue, of these intents and of those whose time is over.
DELETE FROM cutover.journal_waiting WHERE id = ANY (%(ids)s) OR until < %(now)s;

-- name: lock
-- Before outcomes and intents that are one commit: whoever locks both rows locks this one first.
SELECT FROM cutover.control FOR UPDATE;

-- name: outcomes
-- Note what became of writes on the active side.
SELECT place, noted FROM cutover.journal_outcomes(%(batch)s::jsonb, %(answers)b::bytea[]) ORDER BY place;

-- name: recorded_answers
-- The answers under which these entries were recorded, for a client that repeats its key.
SELECT number, id, answer, answer_with FROM cutover.journal_entry WHERE number = ANY (%(numbers)s);

-- name: tail
-- The newest unsettled entry of every client, for reading one's own writes.
SELECT client, max(number) FROM cutover.journal_entry
WHERE state IN ('intent', 'unknown', 'done', 'parked') AND client IS NOT NULL GROUP BY client;

-- name: standing
-- How far writes have come, and the oldest that is on its way to either side; a copy that is being joined is older.
SELECT p.number, CASE WHEN EXISTS (SELECT FROM cutover.joining) THEN 0 ELSE (
    SELECT min(number) FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done')) END
FROM cutover.journal_position p;

-- name: expire
-- Intents whose edge fell silent: nobody will tell their outcome any more.
WITH gone AS (
    UPDATE cutover.journal_entry SET state = 'unknown', reason = 'its edge fell silent'
    WHERE state = 'intent' AND forward_by < %(before)s RETURNING number
)
UPDATE cutover.journal_lane l SET claimed = false FROM gone WHERE l.number = gone.number AND l.claimed;

-- name: lock_position
-- Before entries, in every transaction that locks both.
SELECT FROM cutover.journal_position FOR UPDATE;

-- name: absent
-- Who appended something that came before this time and is under way, and is not connected now.
WITH appenders AS MATERIALIZED (
    SELECT DISTINCT appended_by FROM cutover.journal_entry
    WHERE state = 'intent' AND appended_by <> 0 AND at < %(before)s
), present AS MATERIALIZED (
    SELECT objid::bigint AS writer FROM pg_locks
    WHERE EXISTS (SELECT FROM appenders) AND locktype = 'advisory' AND classid = %(presence)s::bigint::oid
      AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT appended_by FROM appenders WHERE appended_by::bigint NOT IN (SELECT writer FROM present);

-- name: bereave
-- What they appended, and whose outcome nobody will tell any more; unless they are back.
WITH present AS MATERIALIZED (
    SELECT objid::bigint AS writer FROM pg_locks
    WHERE locktype = 'advisory' AND classid = %(presence)s::bigint::oid AND objsubid = 2
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), gone AS (
    UPDATE cutover.journal_entry SET state = 'unknown', reason = 'its edge is gone'
    WHERE state = 'intent' AND at < %(before)s AND appended_by = ANY (%(writers)s)
      AND appended_by::bigint NOT IN (SELECT writer FROM present) RETURNING number
)
UPDATE cutover.journal_lane l SET claimed = false FROM gone WHERE l.number = gone.number AND l.claimed;

-- name: position
-- The newest number and the newest completion.
SELECT number, completion FROM cutover.journal_position;

-- name: fence
-- Hold all new writes for a while; nothing, if somebody else holds them. What comes back marks this fence.
UPDATE cutover.control SET fenced_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE fenced_until IS NULL OR fenced_until < clock_timestamp() RETURNING fenced_until;

-- name: lift
-- Let writes go on; nothing, if this fence has ended and another one stands.
UPDATE cutover.control SET fenced_until = NULL WHERE fenced_until = %(fence)s RETURNING 1;

-- name: flip
-- Swap the roles if nothing is undecided and the standby has everything; else why not.
SELECT cutover.journal_flip(%(epoch)s, %(fence)s);

-- name: abandon
-- The side that they were sent to is lost: nobody waits for these any more, and no outcome of them is taken.
WITH abandoned AS (
    UPDATE cutover.journal_entry SET state = 'abandoned', reason = %(reason)s, settled_at = clock_timestamp()
    WHERE state IN ('intent', 'unknown') RETURNING number
), gone AS (DELETE FROM cutover.journal_lane l USING abandoned WHERE l.number = abandoned.number)
SELECT number FROM abandoned ORDER BY number;
