-- Admit a batch of intents. One statement with a commit of its own: the control row is locked first, so numbers become
-- visible in order, and a fence or a change of roles lies wholly before or wholly after it. Each statement inside sees
-- what was committed before the lock was had. Every intent gets its own answer; none can fail the others.
CREATE OR REPLACE FUNCTION cutover.journal_append(batch jsonb, requests bytea[], now_at double precision)
RETURNS TABLE (place integer, answer text, entry_number bigint, entry_after bigint, epoch_now bigint)
LANGUAGE plpgsql AS $$
DECLARE
    c record;  -- the control row and the position
    newest bigint;
    item jsonb;
    known cutover.journal_entry;
    spans inet[];
    own_ticket bigint;
    queueing boolean;
    holding boolean;
    parking boolean;
    busy boolean;
    plain bigint[] := '{}';
BEGIN
    SELECT control.epoch, control.active, control.standby, control.fenced_until, place.number, place.completion
        INTO STRICT c FROM cutover.control control, cutover.journal_position place FOR UPDATE;
    newest := c.number;
    -- Mostly nobody waits, nothing is held and nothing parked; who wants to hold waits for the control row.
    SELECT EXISTS (SELECT FROM cutover.journal_waiting), EXISTS (SELECT FROM cutover.journal_hold),
           EXISTS (SELECT FROM cutover.journal_lane WHERE against = c.active) INTO queueing, holding, parking;
    epoch_now := c.epoch;
    -- Nearly all are new and in nobody's way, and many of these together cost less. Whoever shares a lane with another of
    -- the batch, asks again or brings a key is looked at below, one by one.
    IF jsonb_array_length(batch) > 4 AND NOT (queueing OR holding OR coalesce(c.fenced_until > clock_timestamp(), false))
    THEN
        WITH asked AS MATERIALIZED (
            SELECT i.* FROM ROWS FROM (
                jsonb_to_recordset(batch) AS (id text, epoch bigint, at double precision, forward_by double precision,
                    route text, lanes text[], client text, key text, fingerprint text, sequence text, sealed_with text,
                    appended_by integer)
            ) WITH ORDINALITY AS i (id, epoch, at, forward_by, route, lanes, client, key, fingerprint, sequence,
                                    sealed_with, appended_by, place)
        ), wanted AS MATERIALIZED (
            SELECT asked.place, cutover.span_of(lane) AS span FROM asked, unnest(asked.lanes) lane
        ), beside AS (  -- whether it lies in one of those sorted before it, or the next one lies in it
            SELECT w.place, w.span,
                coalesce(max(set_masklen(broadcast(w.span), 128)) OVER before >= set_masklen(w.span, 128), false)
                OR coalesce(lead(w.span) OVER sorted && w.span, false) AS shared
            FROM wanted w WINDOW sorted AS (ORDER BY w.span),
                                 before AS (sorted ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ), in_the_way AS (
            SELECT beside.place FROM beside WHERE shared
            UNION ALL SELECT b.place FROM beside b JOIN cutover.journal_lane l ON l.span && b.span
                      WHERE l.claimed OR l.against = c.active
        ), known_ids AS (
            SELECT e.id FROM asked JOIN cutover.journal_entry e ON e.id = asked.id
            UNION ALL SELECT asked.id FROM asked GROUP BY asked.id HAVING count(*) > 1
        ), numbered AS MATERIALIZED (
            SELECT a.*, newest + row_number() OVER (ORDER BY a.place) AS number FROM asked a
            WHERE a.epoch = c.epoch AND a.key IS NULL
              AND a.place NOT IN (SELECT in_the_way.place FROM in_the_way)
              AND a.id NOT IN (SELECT known_ids.id FROM known_ids)
        ), entered AS (
            INSERT INTO cutover.journal_entry (number, id, epoch, origin, target, route, lanes, at, forward_by, after, state,
                                               sequence, client, fingerprint, sealed_with, appended_by, request)
            SELECT n.number, n.id, c.epoch, c.active, c.standby, n.route, n.lanes, n.at, n.forward_by, c.completion, 'intent',
                   n.sequence, n.client, n.fingerprint, n.sealed_with, coalesce(n.appended_by, 0), requests[n.place] FROM numbered n
        ), claiming AS (
            INSERT INTO cutover.journal_lane (number, span, claimed)
            SELECT n.number, w.span, true FROM numbered n JOIN wanted w ON w.place = n.place
        )
        SELECT array_agg(n.number ORDER BY a.place) INTO plain FROM asked a LEFT JOIN numbered n ON n.place = a.place;
        newest := coalesce((SELECT max(x) FROM unnest(plain) x), newest);
    END IF;
    FOR place IN 1 .. jsonb_array_length(batch) LOOP
        item := batch -> (place - 1);
        entry_number := plain[place];
        IF entry_number IS NOT NULL THEN
            answer := 'admitted';
            entry_after := c.completion;
            RETURN NEXT;
            CONTINUE;
        END IF;
        entry_after := NULL;
        SELECT * INTO known FROM cutover.journal_entry e WHERE e.id = item ->> 'id';
        IF FOUND THEN
            answer := 'admitted';
            entry_number := known.number;
            entry_after := known.after;
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF item ->> 'key' IS NOT NULL THEN
            SELECT * INTO known FROM cutover.journal_entry e
            WHERE e.client = item ->> 'client' AND e.client_key = item ->> 'key'
              AND e.state <> 'abandoned';
            IF FOUND THEN
                answer := CASE WHEN known.fingerprint <> item ->> 'fingerprint' THEN 'key_reused'
                               WHEN known.state IN ('intent', 'unknown') OR known.answer IS NULL THEN 'key_running'
                               ELSE 'repeated' END;
                entry_number := known.number;
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        IF (item ->> 'epoch')::bigint <> c.epoch THEN
            answer := 'stale_epoch';
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF c.fenced_until > clock_timestamp() THEN
            answer := 'fenced';
            RETURN NEXT;
            CONTINUE;
        END IF;
        spans := '{}';
        FOR lane IN 0 .. jsonb_array_length(item -> 'lanes') - 1 LOOP
            spans[lane + 1] := cutover.span_of(item -> 'lanes' ->> lane);
        END LOOP;
        IF cardinality(spans) > 1 THEN  -- whose bits agree by chance must not be in its own way
            spans := ARRAY(
                SELECT s FROM (
                    SELECT s, max(set_masklen(broadcast(s), 128))
                        OVER (ORDER BY s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
                    FROM (SELECT DISTINCT s FROM unnest(spans) s) apart
                ) x WHERE coalesce(reach < set_masklen(s, 128), true));
        END IF;
        IF parking THEN
            IF EXISTS (SELECT FROM cutover.journal_lane l, unnest(spans) s WHERE l.span && s AND l.against = c.active) THEN
                answer := 'parked';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        IF queueing THEN
            SELECT min(w.ticket) INTO own_ticket FROM cutover.journal_waiting w WHERE w.id = item ->> 'id';
        END IF;
        busy := EXISTS (SELECT FROM cutover.journal_lane l, unnest(spans) s WHERE l.claimed AND l.span && s);
        IF holding AND NOT busy THEN
            busy := EXISTS (SELECT FROM cutover.journal_hold h, unnest(spans) s
                            WHERE h.span && s AND h.until > clock_timestamp());
        END IF;
        IF queueing AND NOT busy THEN
            busy := EXISTS (SELECT FROM cutover.journal_waiting w, unnest(spans) s
                            WHERE w.span && s AND w.until > now_at AND w.id <> item ->> 'id'
                              AND (own_ticket IS NULL OR w.ticket < own_ticket));
        END IF;
        IF busy THEN
            answer := 'queued';
            queueing := true;
            IF own_ticket IS NULL AND (item ->> 'wait_until')::double precision > now_at THEN
                INSERT INTO cutover.journal_waiting
                SELECT item ->> 'id', nextval('cutover.journal_ticket'), s, (item ->> 'wait_until')::double precision
                FROM unnest(spans) s;
            END IF;
            RETURN NEXT;
            CONTINUE;
        END IF;
        IF own_ticket IS NOT NULL THEN
            DELETE FROM cutover.journal_waiting w WHERE w.id = item ->> 'id';
        END IF;
        newest := newest + 1;
        INSERT INTO cutover.journal_entry (number, id, epoch, origin, target, route, lanes, at, forward_by, after, state,
                                           sequence, client, client_key, fingerprint, sealed_with, appended_by, request)
        VALUES (newest, item ->> 'id', c.epoch, c.active, c.standby, item ->> 'route',
                ARRAY(SELECT jsonb_array_elements_text(item -> 'lanes')), (item ->> 'at')::double precision,
                (item ->> 'forward_by')::double precision, c.completion, 'intent', item ->> 'sequence',
                item ->> 'client', item ->> 'key', item ->> 'fingerprint', item ->> 'sealed_with',
                coalesce((item ->> 'appended_by')::integer, 0), requests[place]);
        INSERT INTO cutover.journal_lane (number, span, claimed) SELECT newest, s, true FROM unnest(spans) s;
        answer := 'admitted';
        entry_number := newest;
        entry_after := c.completion;
        RETURN NEXT;
    END LOOP;
    UPDATE cutover.journal_position SET number = newest WHERE number <> newest;
END $$;
