-- name: lead
-- Become the leader, or stay it: a new term if somebody else was, or may have been. What that one was sending nobody waits
-- for any more. The row is locked before (`lock_replayer`): what was just being claimed is seen here.
WITH led AS (
    UPDATE cutover.journal_replayer
    SET term = CASE WHEN holder = %(holder)s AND term = %(term)s AND until >= clock_timestamp() THEN term
                    ELSE term + 1 END, holder = %(holder)s,
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

-- name: leader
-- Who replays, by its own word and not for longer than its lease.
SELECT term, holder FROM cutover.journal_replayer WHERE until > clock_timestamp();

-- name: lock_replayer
-- What is just being claimed is durable when this returns, and nothing is claimed until the transaction ends.
SELECT FROM cutover.journal_replayer FOR UPDATE;

-- name: share_replayer
-- Whoever locked it before is done when this returns.
SELECT FROM cutover.journal_replayer FOR SHARE;

-- name: claim
-- Entries that may be replayed now; that they are being sent is durable when this returns.
SELECT {ENTRY}, reason, sealed_with, request, answer_with, answer, copied, differed
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
  AND NOT EXISTS (SELECT FROM cutover.journal_sending s WHERE s.number = e.number AND NOT s.lost
                  AND (s.deadline > %(now)s OR e.target = ANY (%(by_id)s))) RETURNING e.number;

-- name: explain
-- Why an entry is not settled yet.
UPDATE cutover.journal_entry SET reason = %(reason)s
WHERE number = %(number)s AND state IN ('intent', 'unknown', 'done', 'parked');

-- name: closed
-- No copy of these can land any more: the standby has closed their ids.
UPDATE cutover.journal_entry SET unanswered = false WHERE number = ANY (%(numbers)s);

-- name: park
-- An unknown outcome that nothing can settle: its lanes wait for a person.
WITH parked AS (
    UPDATE cutover.journal_entry SET state = 'parked', uncertain = true, reason = %(reason)s
    WHERE number = %(number)s AND state IN ('unknown', 'done') RETURNING number, target
), gone AS (DELETE FROM cutover.journal_sending s USING parked WHERE s.number = parked.number)
UPDATE cutover.journal_lane l SET against = parked.target, sending = false, claimed = false FROM parked
WHERE l.number = parked.number RETURNING l.number;
