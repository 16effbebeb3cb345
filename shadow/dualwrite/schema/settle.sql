-- Say what became of copies. A replayer of an earlier term is not heard: 'stale'.
CREATE OR REPLACE FUNCTION cutover.journal_settle(my_term bigint, batch jsonb, answers bytea[])
RETURNS TABLE (place integer, noted text)
LANGUAGE plpgsql AS $$
DECLARE
    heard bigint[];
BEGIN
    PERFORM FROM cutover.journal_replayer WHERE term = my_term FOR SHARE;
    IF FOUND THEN
        WITH told AS (
            SELECT DISTINCT ON (i.number) i.* FROM ROWS FROM (
                jsonb_to_recordset(batch) AS (number bigint, act text, reason text, retry_at double precision,
                                              ended boolean, sealed_with text)
            ) WITH ORDINALITY AS i (number, act, reason, retry_at, ended, sealed_with, place)
            ORDER BY i.number, i.place
        ), mine AS (
            SELECT told.* FROM told JOIN cutover.journal_sending s ON s.number = told.number AND s.term = my_term
            FOR UPDATE OF s
        ), lost AS (
            UPDATE cutover.journal_sending s SET lost = true, deadline = least(s.deadline, nullif(m.retry_at, 0))
            FROM mine m WHERE s.number = m.number AND m.act = 'lost'
        ), again AS (  -- an orphan, as it was
            UPDATE cutover.journal_sending s SET term = my_term - 1
            FROM mine m WHERE s.number = m.number AND m.act = 'again'
        ), ended AS (
            DELETE FROM cutover.journal_sending s USING mine m
            WHERE s.number = m.number AND m.act NOT IN ('lost', 'again')
        ), settled AS (
            UPDATE cutover.journal_entry e SET
                state = CASE WHEN m.act IN ('retry', 'wait', 'copied', 'lost') THEN e.state ELSE m.act END,
                copied = e.copied OR m.act = 'copied',
                differed = CASE WHEN m.act = 'copied' THEN m.reason ELSE e.differed END,
                attempts = e.attempts + (m.act NOT IN ('lost', 'wait'))::integer,
                retry_at = CASE WHEN m.act = 'lost' THEN e.retry_at ELSE coalesce(m.retry_at, 0) END,
                reason = m.reason,
                unanswered = coalesce(NOT m.ended, e.unanswered),
                standby_answer = CASE WHEN m.act = 'lost' THEN e.standby_answer ELSE answers[m.place] END,
                standby_with = CASE WHEN m.act = 'lost' THEN e.standby_with ELSE m.sealed_with END,
                settled_at = CASE WHEN m.act IN ('applied', 'diverged') THEN clock_timestamp() END
            -- By their numbers, here and below: a plan from the time when little was open would look at all that is now.
            FROM mine m WHERE e.number = m.number AND e.state IS NOT DISTINCT FROM 'done'
              AND m.act NOT IN ('back', 'again')
        ), gone AS (
            DELETE FROM cutover.journal_lane l
            WHERE l.number = ANY (ARRAY(SELECT m.number FROM mine m WHERE m.act IN ('applied', 'diverged')))
        ), freed AS (
            UPDATE cutover.journal_lane l SET sending = false,
                against = CASE WHEN m.act = 'parked' THEN e.target ELSE l.against END
            FROM mine m JOIN cutover.journal_entry e ON e.number = m.number
            WHERE l.number = m.number AND l.number = ANY (ARRAY(SELECT mine.number FROM mine))
              AND m.act NOT IN ('lost', 'again', 'applied', 'diverged') AND (l.sending OR m.act = 'parked')
        )
        SELECT array_agg(mine.place) INTO heard FROM mine;
    END IF;
    RETURN QUERY SELECT at, CASE WHEN at = ANY (heard) THEN 'noted' ELSE 'stale' END
                 FROM generate_series(1, jsonb_array_length(batch)) at;
END $$;
