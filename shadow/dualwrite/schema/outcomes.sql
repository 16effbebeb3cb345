-- Note outcomes, each with the next completion. Repeating one changes nothing. `overtaken`: it was unknown and landed
-- after all, but later writes began in its lanes, so only heal can tell the standby in which order.
CREATE OR REPLACE FUNCTION cutover.journal_outcomes(batch jsonb, answers bytea[])
RETURNS TABLE (place integer, noted text)
LANGUAGE plpgsql AS $$
DECLARE
    p cutover.journal_position;
    e cutover.journal_entry;
    item jsonb;
    wanted text;
    ended_number bigint;
    plain bigint[] := '{}';
BEGIN
    SELECT * INTO STRICT p FROM cutover.journal_position FOR UPDATE;
    -- Nearly all are of intents, and end them. Many of these together cost less than half; a few cost less one by one.
    IF jsonb_array_length(batch) > 4 THEN
        WITH told AS (
            SELECT DISTINCT ON (i.id) i.* FROM ROWS FROM (
                jsonb_to_recordset(batch) AS (id text, state text, reason text, sealed_with text)
            ) WITH ORDINALITY AS i (id, state, reason, sealed_with, place) ORDER BY i.id, i.place
        ), open AS (
            SELECT told.*, x.number FROM told JOIN cutover.journal_entry x ON x.id = told.id
            WHERE x.state = 'intent' AND told.state IN ('done', 'failed') FOR UPDATE OF x
        ), numbered AS (
            SELECT open.*, p.completion + row_number() OVER (ORDER BY open.place) AS completion FROM open
        ), ended AS (
            UPDATE cutover.journal_entry x SET state = n.state, completion = n.completion, horizon = p.number,
                reason = n.reason, ended = true, answer = answers[n.place], answer_with = n.sealed_with,
                settled_at = CASE WHEN n.state = 'failed' THEN clock_timestamp() END,
                -- What was never forwarded has no answer to repeat: its key may be used again.
                client_key = CASE WHEN n.state = 'failed' AND answers[n.place] IS NULL THEN NULL ELSE x.client_key END
            FROM numbered n WHERE x.number = n.number RETURNING n.place
        ), gone AS (
            DELETE FROM cutover.journal_lane l
            WHERE l.number = ANY (ARRAY(SELECT n.number FROM numbered n WHERE n.state = 'failed'))
        ), freed AS (
            UPDATE cutover.journal_lane l SET claimed = false
            WHERE l.number = ANY (ARRAY(SELECT n.number FROM numbered n WHERE n.state = 'done')) AND l.claimed
        )
        SELECT coalesce(array_agg(ended.place), '{}') INTO plain FROM ended;
    END IF;
    p.completion := p.completion + cardinality(plain);
    FOR place IN 1 .. jsonb_array_length(batch) LOOP
        IF place = ANY (plain) THEN
            noted := 'noted';
            RETURN NEXT;
            CONTINUE;
        END IF;
        item := batch -> (place - 1);
        wanted := item ->> 'state';
        IF wanted = 'done' THEN  -- of an intent, nearly always: one look less
            UPDATE cutover.journal_entry x SET state = 'done', completion = p.completion + 1, horizon = p.number,
                reason = item ->> 'reason', ended = true, answer = answers[place], answer_with = item ->> 'sealed_with'
            WHERE x.id = item ->> 'id' AND x.state = 'intent' RETURNING x.number INTO ended_number;
            IF FOUND THEN
                p.completion := p.completion + 1;
                UPDATE cutover.journal_lane SET claimed = false WHERE number = ended_number AND claimed;
                noted := 'noted';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        SELECT * INTO e FROM cutover.journal_entry x WHERE x.id = item ->> 'id' FOR UPDATE;
        IF NOT FOUND THEN
            noted := 'missing';
        ELSIF e.state NOT IN ('intent', 'unknown') THEN
            noted := CASE WHEN e.state = 'abandoned' THEN 'abandoned' ELSE 'noted' END;
        ELSIF wanted = 'unknown' THEN
            UPDATE cutover.journal_entry SET state = 'unknown', reason = item ->> 'reason',
                ended = ended OR (item ->> 'ended')::boolean WHERE number = e.number;
            UPDATE cutover.journal_lane SET claimed = false WHERE number = e.number AND claimed;
            noted := 'noted';
        ELSIF wanted = 'done' AND e.state = 'unknown' AND EXISTS (
            SELECT FROM cutover.journal_lane mine JOIN cutover.journal_lane l ON l.span && mine.span
            WHERE mine.number = e.number AND l.number > e.number
        ) THEN
            UPDATE cutover.journal_entry SET ended = true, reason = 'it landed, but was overtaken in its lanes',
                answer = answers[place], answer_with = item ->> 'sealed_with' WHERE number = e.number;
            noted := 'overtaken';
        ELSE
            p.completion := p.completion + 1;
            UPDATE cutover.journal_entry SET state = wanted, completion = p.completion, horizon = p.number,
                reason = item ->> 'reason', ended = true, answer = answers[place], answer_with = item ->> 'sealed_with',
                settled_at = CASE WHEN wanted = 'failed' THEN clock_timestamp() END,
                -- What was never forwarded has no answer to repeat: its key may be used again.
                client_key = CASE WHEN wanted = 'failed' AND answers[place] IS NULL THEN NULL ELSE client_key END
            WHERE number = e.number;
            IF wanted = 'failed' THEN
                DELETE FROM cutover.journal_lane WHERE number = e.number;
            ELSE
                UPDATE cutover.journal_lane SET claimed = false WHERE number = e.number AND claimed;
            END IF;
            noted := 'noted';
        END IF;
        RETURN NEXT;
    END LOOP;
    UPDATE cutover.journal_position SET completion = p.completion WHERE completion <> p.completion;
END $$;
