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
