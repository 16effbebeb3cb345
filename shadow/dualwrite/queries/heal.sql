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
-- What is still under way in held lanes, on either side: an intent, or a copy that may still land. Where ids are known no
-- deadline says that it cannot: it may lie in a process that was stopped.
SELECT e.number FROM cutover.journal_entry e LEFT JOIN cutover.journal_sending s USING (number)
WHERE EXISTS (SELECT FROM cutover.journal_lane l JOIN cutover.journal_hold h ON h.span && l.span
              WHERE l.number = e.number AND h.id = %(id)s)
  AND (e.state = 'intent' OR s.deadline > %(now)s
       OR (s.number IS NOT NULL AND NOT s.lost AND e.target = ANY (%(by_id)s))
       OR (e.state = 'parked' AND e.target = (SELECT active FROM cutover.control))) ORDER BY e.number;

-- name: renew
-- Hold lanes for longer; false if any of them was let go meanwhile: then something may have been admitted or claimed in
-- it. Both rows are locked as by `hold`: whoever found a hold lapsed was there before, and then it has lapsed here too.
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
