-- Claim entries that may be replayed: everything that had completed before they began is settled, nothing open is before
-- them in their lanes, nothing holds these. Their `sending` is durable when this returns.
-- Ahead of their turn those are claimed, too, that only wait for copies that the caller has under way and that are likely to
-- go well: it sends them after these were answered (`Replays.turn`). Writes that came one after the other would otherwise
-- be replayed one by one, with two commits for each. Nothing goes ahead while anything is unknown or parked, nor of what
-- was tried before, of what is not settled by an answer (`apart`, and what is copied), nor to a side without ids: there a
-- copy that may have been sent is healed.
DROP FUNCTION IF EXISTS cutover.journal_claim;  -- of an earlier version, which returned numbers alone
DROP FUNCTION IF EXISTS cutover.journal_take(bigint, integer, text[], text[], double precision, double precision);
CREATE OR REPLACE FUNCTION cutover.journal_take(
    my_term bigint, most integer, to_sides text[], one_by_one text[], apart text[], under_way bigint[],
    now_at double precision, ends_by double precision
) RETURNS SETOF cutover.journal_entry LANGUAGE plpgsql AS $$
DECLARE
    was_calm boolean;
    frontier bigint;
    claimed bigint[];
    stuck inet[] := '{}';
    candidate record;
BEGIN
    PERFORM FROM cutover.journal_replayer WHERE term = my_term FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- What is unknown or parked, and all behind it in its lanes, stops these lanes and not the clock.
    was_calm := NOT EXISTS (SELECT FROM cutover.journal_entry WHERE state IN ('unknown', 'parked'));
    IF NOT was_calm THEN
        FOR candidate IN
            SELECT e.state <> 'done' AS stops, e.completion, ARRAY(SELECT cutover.span_of(x) FROM unnest(e.lanes) x) AS spans
            FROM cutover.journal_entry e WHERE e.state IN ('unknown', 'parked', 'done') ORDER BY e.number
        LOOP
            IF candidate.stops OR EXISTS (SELECT FROM unnest(candidate.spans) mine, unnest(stuck) s WHERE mine && s) THEN
                stuck := ARRAY(SELECT unnest(stuck) UNION SELECT unnest(candidate.spans));
            ELSE
                frontier := least(frontier, candidate.completion);
            END IF;
        END LOOP;
    END IF;
    WITH clock AS MATERIALIZED (  -- of this very moment: what becomes unknown after the look above stops everything
        SELECT was_calm AS calm, CASE
            WHEN NOT was_calm THEN frontier
            WHEN NOT EXISTS (SELECT FROM cutover.journal_entry WHERE state IN ('unknown', 'parked'))
            THEN (SELECT min(completion) FROM cutover.journal_entry WHERE state = 'done')
        END AS frontier
    ), waiting AS (  -- whose turn it is, and the oldest of those whose turn it is not
        SELECT e.number, e.completion, e.after, e.target, e.sequence, e.retry_at, e.route, e.attempts, e.copied
        FROM cutover.journal_entry e
        WHERE e.state = 'done' AND e.after < (SELECT clock.frontier FROM clock)
          AND NOT EXISTS (SELECT FROM cutover.journal_sending s WHERE s.number = e.number)
        UNION
        (SELECT e.number, e.completion, e.after, e.target, e.sequence, e.retry_at, e.route, e.attempts, e.copied
         FROM cutover.journal_entry e
         WHERE was_calm AND e.state = 'done'
           AND NOT EXISTS (SELECT FROM cutover.journal_sending s WHERE s.number = e.number)
         ORDER BY e.completion LIMIT 2 * most)
    ), looked AS MATERIALIZED (
        SELECT w.number, w.completion, w.after, w.target, w.sequence, w.after >= clock.frontier AS ahead,
               w.attempts = 0 AND w.retry_at = 0 AND NOT w.copied AND w.route <> ALL (apart)
                   AND w.target <> ALL (one_by_one) AS leads,
               w.retry_at <= now_at AND w.target = ANY (to_sides)
               -- What is done, and before it in its lanes, had completed before it was admitted there.
               AND (clock.calm OR NOT EXISTS (
                   SELECT FROM cutover.journal_lane mine JOIN cutover.journal_lane l ON l.span && mine.span
                   WHERE mine.number = w.number AND l.number < w.number))
               AND NOT EXISTS (
                   SELECT FROM cutover.journal_lane mine JOIN cutover.journal_hold h ON h.span && mine.span
                   WHERE mine.number = w.number AND h.until > clock_timestamp()) AS free
        FROM waiting w, clock WHERE clock.frontier IS NOT NULL
    ), sent AS (  -- from the copies to their entries, whatever is known of how many are done
        SELECT e.completion, s.term = my_term AND NOT s.lost AND s.number = ANY (under_way)
               AND e.attempts = 0 AND e.retry_at = 0 AND NOT e.copied AND e.route <> ALL (apart)
               AND e.target <> ALL (one_by_one) AS leads
        FROM cutover.journal_sending s CROSS JOIN LATERAL (
            SELECT x.* FROM cutover.journal_entry x WHERE x.number = s.number OFFSET 0
        ) e WHERE e.state = 'done'
    ), barrier AS (  -- the oldest that the caller does not wait for
        SELECT coalesce(least((SELECT min(looked.completion) FROM looked WHERE NOT (looked.free AND looked.leads)),
                              (SELECT min(sent.completion) FROM sent WHERE NOT sent.leads)), 9223372036854775807) AS stop
    ), free AS (
        SELECT l.*, CASE WHEN l.target = ANY (one_by_one) THEN l.sequence END AS drawn
        FROM looked l, barrier WHERE l.free AND (NOT l.ahead OR l.after < barrier.stop)
    ), first AS (
        SELECT f.*, row_number() OVER (PARTITION BY f.drawn ORDER BY f.completion) AS turn FROM free f
    ), taken AS (
        INSERT INTO cutover.journal_sending (number, term, deadline, sequence, ahead)
        SELECT f.number, my_term, ends_by, f.drawn, f.ahead FROM first f
        WHERE f.drawn IS NULL OR (f.turn = 1 AND NOT EXISTS (
            SELECT FROM cutover.journal_sending s WHERE s.sequence = f.drawn))
        ORDER BY f.ahead, f.completion LIMIT most
        ON CONFLICT DO NOTHING RETURNING journal_sending.number, journal_sending.ahead
    ), marked AS (
        UPDATE cutover.journal_lane l SET sending = true
        WHERE l.number = ANY (ARRAY(SELECT taken.number FROM taken WHERE NOT taken.ahead))
    )
    SELECT array_agg(taken.number) INTO claimed FROM taken;
    IF claimed IS NOT NULL THEN
        RETURN QUERY SELECT e.* FROM cutover.journal_entry e WHERE e.number = ANY (claimed) ORDER BY e.completion;
    END IF;
END $$;
