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

-- name: tail
-- The newest unsettled entry of every client, for reading one's own writes.
SELECT client, max(number) FROM cutover.journal_entry
WHERE state IN ('intent', 'unknown', 'done', 'parked') AND client IS NOT NULL GROUP BY client;

-- name: standing
-- How far writes have come, and the oldest that is on its way to either side; a copy that is being joined is older.
SELECT p.number, CASE WHEN EXISTS (SELECT FROM cutover.joining) THEN 0 ELSE (
    SELECT min(number) FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done')) END
FROM cutover.journal_position p;

-- name: lead
-- Become the leader, or stay it: a new term if somebody else was. What that one was sending nobody waits for any more.
WITH led AS (
    UPDATE cutover.journal_replayer
    SET term = CASE WHEN holder = %(holder)s AND term = %(term)s THEN term ELSE term + 1 END, holder = %(holder)s,
        until = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE (holder = %(holder)s AND term = %(term)s) OR until < clock_timestamp() RETURNING term
), sent AS (
    UPDATE cutover.journal_entry e SET unanswered = true FROM led, cutover.journal_sending s
    WHERE s.term < led.term AND e.number = s.number AND NOT e.unanswered
)
SELECT term FROM led;

-- name: step_down
-- Let another lead at once.
UPDATE cutover.journal_replayer SET until = '-infinity' WHERE holder = %(holder)s AND term = %(term)s;

-- name: claim
-- Entries that may be replayed now; that they are being sent is durable when this returns.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason, sealed_with, request, answer_with, answer, copied, differed
FROM cutover.journal_take(%(term)s, %(most)s, %(targets)s, %(one_by_one)s, %(apart)s, %(under_way)s, %(now)s, %(deadline)s);

-- name: settle
-- What became of copies.
SELECT place, noted FROM cutover.journal_settle(%(term)s, %(batch)s::jsonb, %(answers)b::bytea[]) ORDER BY place;

-- name: orphans
-- Copies of an earlier term, and those whose fate is unknown.
SELECT number, deadline, lost FROM cutover.journal_sending WHERE term <> %(term)s OR lost ORDER BY number;

-- name: adopt
-- Take over an earlier term's copy in order to ask again by its id, unless its lanes are held; one that was claimed ahead
-- of its turn only once all that it waits for is settled, or under way again, and nothing else is open before it in its
-- lanes.
UPDATE cutover.journal_sending mine SET term = %(term)s, deadline = %(deadline)s
WHERE number = %(number)s AND term < %(term)s AND NOT lost
  AND NOT EXISTS (
    SELECT FROM cutover.journal_lane own JOIN cutover.journal_hold h ON h.span && own.span
    WHERE own.number = mine.number AND h.until > clock_timestamp())
  AND EXISTS (SELECT FROM cutover.journal_replayer WHERE term = %(term)s FOR SHARE)
  AND NOT (ahead AND EXISTS (
    SELECT FROM (
        SELECT before.number FROM cutover.journal_entry e JOIN cutover.journal_entry before
            ON before.state = 'done' AND before.completion <= e.after
        WHERE e.number = mine.number AND NOT EXISTS (  -- what is stuck stops nobody else
            SELECT FROM cutover.journal_lane own JOIN cutover.journal_lane l ON l.span && own.span AND l.number < own.number
            JOIN cutover.journal_entry x ON x.number = l.number AND x.state IN ('unknown', 'parked')
            WHERE own.number = before.number)
        UNION ALL SELECT l.number FROM cutover.journal_lane own JOIN cutover.journal_lane l
            ON l.span && own.span AND l.number < own.number WHERE own.number = mine.number
    ) waited_for WHERE NOT EXISTS (
        SELECT FROM cutover.journal_sending s WHERE s.number = waited_for.number AND s.term = %(term)s AND NOT s.lost
          AND s.number = ANY (%(under_way)s))
  )) RETURNING number;

-- name: let_go
-- A copy that an earlier term claimed ahead of its turn, and may have sent, waits for its turn.
DELETE FROM cutover.journal_sending
WHERE number = %(number)s AND term < %(term)s AND ahead AND NOT lost AND deadline <= %(now)s
  AND EXISTS (SELECT FROM cutover.journal_replayer WHERE term = %(term)s FOR SHARE);

-- name: only_rows
-- These are never sent again: their rows are carried. Not what is being sent, or may be asked for by its id.
UPDATE cutover.journal_entry e SET copied = true
WHERE e.number = ANY (%(numbers)s) AND e.state IN ('unknown', 'done', 'parked')
  AND NOT EXISTS (SELECT FROM cutover.journal_sending s WHERE s.number = e.number AND NOT s.lost) RETURNING e.number;

-- name: closed
-- No copy of these can land any more: the standby has closed their ids.
UPDATE cutover.journal_entry SET unanswered = false WHERE number = ANY (%(numbers)s);

-- name: open_entries
-- The oldest of what is not settled, without bodies.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason
FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done', 'parked') AND number <= %(up_to)s
ORDER BY number LIMIT %(most)s;

-- name: open_in
-- What is not settled and shares a lane with these; by chance a few others, too (`span_of`).
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason
FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done', 'parked') AND number = ANY (ARRAY(
    SELECT l.number FROM unnest(%(lanes)s::text[]) lane JOIN cutover.journal_lane l ON l.span && cutover.span_of(lane)
)) ORDER BY number;

-- name: unknown_entries
-- What has no outcome that anybody could tell.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason
FROM cutover.journal_entry WHERE state IN ('unknown', 'parked') AND state = 'unknown' ORDER BY number;

-- name: listed_entries
-- What a person has to look at: diverged, parked, abandoned.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason
FROM cutover.journal_entry WHERE number IN (
    SELECT number FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')
    UNION ALL SELECT number FROM cutover.journal_entry WHERE state IN ('unknown', 'parked') AND state = 'parked'
) ORDER BY number LIMIT %(most)s;

-- name: differed_entries
-- Entries whose answers differed, though the rows were carried since: newest first.
SELECT number, differed FROM cutover.journal_entry WHERE differed <> '' ORDER BY number DESC LIMIT %(most)s;

-- name: entries
-- These entries, with what was sealed.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason, sealed_with, request, answer_with, answer, copied, differed
FROM cutover.journal_entry WHERE number = ANY (%(numbers)s) ORDER BY number;

-- name: park
-- An unknown outcome that nothing can settle: its lanes wait for a person.
WITH parked AS (
    UPDATE cutover.journal_entry SET state = 'parked', uncertain = true, reason = %(reason)s
    WHERE number = %(number)s AND state IN ('unknown', 'done') RETURNING number, target
), gone AS (DELETE FROM cutover.journal_sending s USING parked WHERE s.number = parked.number)
UPDATE cutover.journal_lane l SET against = parked.target, sending = false, claimed = false FROM parked
WHERE l.number = parked.number RETURNING l.number;

-- name: retry
-- A person wants a parked entry to be tried again; one whose copy may have landed is not.
UPDATE cutover.journal_entry SET state = 'done', retry_at = 0, attempts = 0
WHERE number = %(number)s AND state = 'parked' AND NOT uncertain AND completion IS NOT NULL RETURNING number;

-- name: skip
-- A person decides that the standby does without.
WITH skipped AS (
    UPDATE cutover.journal_entry SET state = 'skipped', reason = %(reason)s,
        settled_at = coalesce(settled_at, clock_timestamp())
    WHERE number = %(number)s AND state IN ('parked', 'diverged', 'abandoned') RETURNING number
), gone AS (DELETE FROM cutover.journal_lane l USING skipped WHERE l.number = skipped.number)
SELECT number FROM skipped;

-- name: abandon
-- The side that they were sent to is lost: nobody waits for these any more, and no outcome of them is taken.
WITH abandoned AS (
    UPDATE cutover.journal_entry SET state = 'abandoned', reason = %(reason)s, settled_at = clock_timestamp()
    WHERE state IN ('intent', 'unknown') RETURNING number
), gone AS (DELETE FROM cutover.journal_lane l USING abandoned WHERE l.number = abandoned.number)
SELECT number FROM abandoned ORDER BY number;

-- name: lock_replayer
-- What is just being claimed is durable when this returns, and nothing is claimed until the transaction ends.
SELECT FROM cutover.journal_replayer FOR UPDATE;

-- name: share_replayer
-- Whoever locked it before is done when this returns.
SELECT FROM cutover.journal_replayer FOR SHARE;

-- name: hold
-- Hold lanes for heal: nothing new is admitted or replayed in them. The control row is locked, as by admission, and before
-- it (`lock_replayer`) the one that claims lock: whoever was admitted or claimed before is seen by whoever looks
-- afterwards, and whoever comes later sees the hold. A leader that was frozen may hold lanes while another one claims.
WITH still AS MATERIALIZED (SELECT one FROM cutover.control FOR UPDATE)
INSERT INTO cutover.journal_hold (id, lane, span, until)
SELECT %(id)s, lane, cutover.span_of(lane), clock_timestamp() + make_interval(secs => %(seconds)s)
FROM still, unnest(%(lanes)s::text[]) lane
ON CONFLICT (id, lane) DO UPDATE SET until = excluded.until;

-- name: release
-- Let the lanes go on.
DELETE FROM cutover.journal_hold WHERE id = %(id)s OR until < clock_timestamp();

-- name: under_way
-- What is still under way in held lanes, on either side: an intent, or a copy that may still land.
SELECT e.number FROM cutover.journal_entry e LEFT JOIN cutover.journal_sending s USING (number)
WHERE EXISTS (SELECT FROM cutover.journal_lane l JOIN cutover.journal_hold h ON h.span && l.span
              WHERE l.number = e.number AND h.id = %(id)s)
  AND (e.state = 'intent' OR (s.number IS NOT NULL AND s.deadline > %(now)s) OR (e.state = 'parked' AND e.target = (
       SELECT active FROM cutover.control))) ORDER BY e.number;

-- name: renew
-- Hold lanes for longer; false if any of them was let go meanwhile: then something may have been admitted in it. The
-- control row is locked, as by admission: whoever found a hold lapsed was there before, and then it has lapsed here too.
WITH still AS MATERIALIZED (SELECT one FROM cutover.control FOR UPDATE),
     moment AS MATERIALIZED (SELECT clock_timestamp() AS now FROM still), kept AS (
    UPDATE cutover.journal_hold h SET until = moment.now + make_interval(secs => %(seconds)s) FROM moment
    WHERE h.id = %(id)s AND h.until > moment.now RETURNING h.lane
)
SELECT NOT EXISTS (SELECT FROM unnest(%(lanes)s::text[]) asked WHERE asked NOT IN (SELECT lane FROM kept));

-- name: heal
-- The rows of these lanes, which are held, are on the standby as they were at a completion: what they stand for is settled,
-- if all of its lanes are among them. More may be held than was carried: what an earlier try took for needed. False, and
-- nothing was settled, if one of the lanes is not held any more.
WITH carried AS MATERIALIZED (
    SELECT lane, span FROM cutover.journal_hold
    WHERE id = %(id)s AND lane = ANY (%(lanes)s) AND until > clock_timestamp()
), still AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM unnest(%(lanes)s::text[]) asked WHERE asked NOT IN (SELECT lane FROM carried)) AS held
), unequal AS (  -- what is open is found by its lanes; their texts are compared below
    SELECT number FROM cutover.journal_entry
    WHERE number = ANY (ARRAY(SELECT l.number FROM carried JOIN cutover.journal_lane l ON l.span && carried.span))
    UNION ALL SELECT number FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned') AND state = 'diverged'
), healed AS (
    UPDATE cutover.journal_entry e SET state = 'healed', settled_at = clock_timestamp()
    FROM unequal u, still WHERE e.number = u.number AND still.held
      AND e.state IN ('done', 'parked', 'diverged', 'unknown') AND coalesce(e.completion, 0) <= %(completion)s
      AND e.target = (SELECT standby FROM cutover.control)
      AND NOT EXISTS (SELECT FROM unnest(e.lanes) mine WHERE NOT EXISTS (
          SELECT FROM carried WHERE carried.lane IN ('', mine) OR starts_with(mine, carried.lane || '/')))
    RETURNING e.number
), sent AS (DELETE FROM cutover.journal_sending s USING healed WHERE s.number = healed.number),
   gone AS (DELETE FROM cutover.journal_lane l USING healed WHERE l.number = healed.number)
SELECT held, ARRAY(SELECT number FROM healed ORDER BY number) FROM still;

-- name: position
-- The newest number and the newest completion.
SELECT number, completion FROM cutover.journal_position;

-- name: counts
-- How many entries are in each state that is not an end in itself, and the age of the oldest that is to be replayed.
SELECT state, count(*), min(at) FROM (
    SELECT state, at FROM cutover.journal_entry WHERE state IN ('intent', 'unknown', 'done', 'parked')
    UNION ALL SELECT state, at FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')
) waiting GROUP BY state;

-- name: keys_used
-- The ids of the keys that something in the journal was sealed with: from each one a step along the index to the next.
WITH RECURSIVE request (key) AS (
    SELECT min(sealed_with) FROM cutover.journal_entry WHERE request IS NOT NULL
    UNION ALL
    SELECT (SELECT min(sealed_with) FROM cutover.journal_entry WHERE request IS NOT NULL AND sealed_with > key)
    FROM request WHERE key IS NOT NULL
), answer (key) AS (
    SELECT min(answer_with) FROM cutover.journal_entry WHERE answer IS NOT NULL AND answer_with <> sealed_with
    UNION ALL
    SELECT (SELECT min(answer_with) FROM cutover.journal_entry
            WHERE answer IS NOT NULL AND answer_with <> sealed_with AND answer_with > key)
    FROM answer WHERE key IS NOT NULL
), standby (key) AS (
    SELECT min(standby_with) FROM cutover.journal_entry
    WHERE standby_answer IS NOT NULL AND standby_with <> sealed_with
    UNION ALL
    SELECT (SELECT min(standby_with) FROM cutover.journal_entry
            WHERE standby_answer IS NOT NULL AND standby_with <> sealed_with AND standby_with > key)
    FROM standby WHERE key IS NOT NULL
)
SELECT key FROM (SELECT key FROM request UNION SELECT key FROM answer UNION SELECT key FROM standby) keys
WHERE key IS NOT NULL;

-- name: purge
-- Forget the bodies of what has been settled for longer than the retention, and all of an entry that nobody looks for.
UPDATE cutover.journal_entry SET request = NULL, answer = NULL, standby_answer = NULL
WHERE request IS NOT NULL AND settled_at < clock_timestamp() - make_interval(secs => %(older_than)s)
  AND state NOT IN ('diverged', 'abandoned');

-- name: erase
-- Forget one person: bodies, and who it was. What is not settled yet is still needed.
WITH theirs AS (
    UPDATE cutover.journal_entry SET request = NULL, answer = NULL, standby_answer = NULL, client = NULL, client_key = NULL
    WHERE client = %(client)s AND settled_at IS NOT NULL RETURNING number
)
SELECT (SELECT count(*) FROM theirs),
       (SELECT count(*) FROM cutover.journal_entry WHERE client = %(client)s AND settled_at IS NULL);

-- name: entries_in
-- The newest entries in these states.
SELECT number, id, epoch, origin, target, route, lanes, at, forward_by, after, completion, horizon, state, ended,
       uncertain, unanswered, attempts, sequence, client, reason
FROM cutover.journal_entry WHERE state = ANY (%(states)s) AND number < %(before)s ORDER BY number DESC LIMIT %(most)s;

-- name: standby_answer
-- What the standby said to the newest copy of an entry, and when the entry was settled.
SELECT standby_answer, standby_with, extract(epoch FROM settled_at)::float8 FROM cutover.journal_entry
WHERE number = %(number)s;

-- name: leader
-- Who replays, by its own word and not for longer than its lease.
SELECT term, holder FROM cutover.journal_replayer WHERE until > clock_timestamp();

-- name: ask_heal
-- A person wants the rows of these lanes carried; the leader among the replayers does it.
INSERT INTO cutover.journal_heal_asked (number, lanes, origin, target, until)
SELECT %(number)s, %(lanes)s, active, standby, clock_timestamp() + make_interval(secs => %(seconds)s)
FROM cutover.control RETURNING id;

-- name: heals_asked
-- Heals that are asked for and not answered, oldest first.
SELECT id, lanes, origin, target FROM cutover.journal_heal_asked
WHERE answer IS NULL AND until > clock_timestamp() ORDER BY id;

-- name: answer_heal
-- What became of a heal that was asked for; those that nobody waits for any more are forgotten.
WITH late AS (DELETE FROM cutover.journal_heal_asked WHERE until < clock_timestamp() - interval '1 hour')
UPDATE cutover.journal_heal_asked SET answer = %(answer)s, healed = %(healed)s WHERE id = %(id)s;

-- name: heal_answer
-- The answer to a heal that was asked for, if there is one.
SELECT answer, healed FROM cutover.journal_heal_asked WHERE id = %(id)s AND answer IS NOT NULL;

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
