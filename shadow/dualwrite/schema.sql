-- The journal of writes (design.md section 4). Safe to run again; it needs cutover.control, whose row is its lock.
-- What must never happen is forbidden here, so that no caller can forget it.

CREATE SCHEMA IF NOT EXISTS cutover;

-- An earlier version had ranges of texts for lanes, which cost several times as much to compare.
DO $$ BEGIN
    IF to_regtype('cutover.lane_span') IS NOT NULL THEN
        DROP TABLE cutover.journal_waiting, cutover.journal_hold;
        DROP FUNCTION cutover.span_of(text);
    END IF;
END $$;

-- A lane as a network: each of its segments is some bits, so it holds what lies below it, and two lanes conflict exactly if
-- their networks overlap. Lanes have four segments at the most (`lanes_of`). Should the bits of two lanes agree by chance,
-- they wait for each other without need; nothing but that depends on them.
CREATE OR REPLACE FUNCTION cutover.span_of(lane text) RETURNS inet LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN lane = '' THEN '::/0'::inet ELSE (
        left(md5(split_part(lane, '/', 1)), 4) || ':' || substr(md5(split_part(lane, '/', 1)), 5, 4) || ':' ||
        left(md5(split_part(lane, '/', 2)), 4) || ':' || substr(md5(split_part(lane, '/', 2)), 5, 4) || ':' ||
        substr(md5(split_part(lane, '/', 2)), 9, 4) || ':' ||
        left(md5(split_part(lane, '/', 3)), 4) || ':' || substr(md5(split_part(lane, '/', 3)), 5, 4) || ':' ||
        left(md5(split_part(lane, '/', 4)), 4) ||
        CASE length(lane) - length(replace(lane, '/', '')) WHEN 0 THEN '/32' WHEN 1 THEN '/80' WHEN 2 THEN '/112' ELSE '/128' END
    )::inet END
$$;

-- Whether two lanes conflict, by their texts.
CREATE OR REPLACE FUNCTION cutover.lanes_conflict(one text, other text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT one IN ('', other) OR other = '' OR starts_with(one, other || '/') OR starts_with(other, one || '/')
$$;

DO $$ BEGIN
    IF to_regtype('cutover.lane_span') IS NOT NULL THEN
        ALTER TABLE cutover.journal_lane DROP CONSTRAINT journal_lane_span_excl, DROP CONSTRAINT journal_lane_span_excl1;
        DROP INDEX cutover.journal_lane_span;
        ALTER TABLE cutover.journal_lane ALTER COLUMN span TYPE inet USING cutover.span_of(trim('/' FROM lower(span)));
        ALTER TABLE cutover.journal_lane ADD EXCLUDE USING gist (span inet_ops WITH &&) WHERE (claimed),
                                         ADD EXCLUDE USING gist (span inet_ops WITH &&) WHERE (sending);
        DROP TYPE cutover.lane_span;
    END IF;
END $$;

-- The newest number given to a write, and the newest completion. Changed only while the control row or this is locked.
CREATE TABLE IF NOT EXISTS cutover.journal_position (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    number     bigint NOT NULL,
    completion bigint NOT NULL CHECK (completion BETWEEN 0 AND number)
) WITH (fillfactor = 10);
INSERT INTO cutover.journal_position (number, completion) VALUES (0, 0) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS cutover.journal_entry (
    number         bigint PRIMARY KEY,
    id             text NOT NULL UNIQUE,
    epoch          bigint NOT NULL,
    origin         text NOT NULL,
    target         text NOT NULL,
    route          text NOT NULL,
    lanes          text[] NOT NULL,
    at             double precision NOT NULL,
    forward_by     double precision NOT NULL,
    after          bigint NOT NULL,
    completion     bigint,
    horizon        bigint NOT NULL DEFAULT 0,
    state          text NOT NULL,
    ended          boolean NOT NULL DEFAULT false,
    uncertain      boolean NOT NULL DEFAULT false,
    unanswered     boolean NOT NULL DEFAULT false,
    attempts       integer NOT NULL DEFAULT 0,
    copied         boolean NOT NULL DEFAULT false,
    differed       text NOT NULL DEFAULT '',
    retry_at       double precision NOT NULL DEFAULT 0,
    settled_at     timestamptz,
    sequence       text,
    client         text,
    client_key     text,
    fingerprint    text NOT NULL,
    reason         text NOT NULL DEFAULT '',
    sealed_with    text NOT NULL,
    appended_by    integer NOT NULL DEFAULT 0,
    request        bytea,
    answer         bytea,
    answer_with    text,
    standby_answer bytea,
    standby_with   text
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
        toast_tuple_target = 4096);  -- an entry and its answers mostly stay in their page
-- Who appended it. Its writer is connected while it holds the advisory lock of this number (`absent`). To add a column
-- locks everybody out, so it is looked for first.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = 'cutover.journal_entry'::regclass AND attname = 'appended_by') THEN
        ALTER TABLE cutover.journal_entry ADD COLUMN appended_by integer NOT NULL DEFAULT 0;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = 'cutover.journal_entry'::regclass AND attname = 'unanswered') THEN
        ALTER TABLE cutover.journal_entry ADD COLUMN unanswered boolean NOT NULL DEFAULT false;
    END IF;
END $$;

-- What every entry keeps to. One function, because PostgreSQL reads the text of every CHECK anew in every statement: a
-- dozen of them took half the time of an insert.
CREATE OR REPLACE FUNCTION cutover.journal_entry_is_sound(
    number bigint, id text, epoch bigint, origin text, target text, lanes text[], after bigint, completion bigint,
    horizon bigint, state text, settled_at timestamptz
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN number > 0 AND id <> '' AND epoch >= 1 AND target <> origin AND cardinality(lanes) > 0
        AND after >= 0 AND after < number
        AND (completion IS NULL OR completion > after AND completion <= horizon)
        AND (completion IS NOT NULL OR state NOT IN ('done', 'applied', 'diverged'))
        AND state IN ('intent', 'done', 'failed', 'unknown', 'applied', 'diverged', 'parked', 'healed', 'skipped',
                      'abandoned')
        AND (settled_at IS NULL) = (state IN ('intent', 'unknown', 'done', 'parked'));
END $$;
DO $$
DECLARE
    earlier name;  -- each rule had a constraint of its own
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint
                   WHERE conrelid = 'cutover.journal_entry'::regclass AND conname = 'journal_entry_sound') THEN
        FOR earlier IN SELECT conname FROM pg_constraint
                       WHERE conrelid = 'cutover.journal_entry'::regclass AND contype = 'c'
        LOOP
            EXECUTE format('ALTER TABLE cutover.journal_entry DROP CONSTRAINT %I', earlier);
        END LOOP;
        ALTER TABLE cutover.journal_entry DROP CONSTRAINT IF EXISTS journal_entry_completion_key,
            ADD CONSTRAINT journal_entry_sound CHECK (cutover.journal_entry_is_sound(
                number, id, epoch, origin, target, lanes, after, completion, horizon, state, settled_at)) NOT VALID;
    END IF;
END $$;

CREATE UNIQUE INDEX IF NOT EXISTS journal_completion ON cutover.journal_entry (completion) WHERE completion IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS journal_client_key ON cutover.journal_entry (client, client_key)
    WHERE client_key IS NOT NULL AND state <> 'abandoned';
CREATE INDEX IF NOT EXISTS journal_done ON cutover.journal_entry (completion) WHERE state = 'done';
-- `after` grows with the number: of a long backlog only its beginning is looked at for what may be replayed.
CREATE INDEX IF NOT EXISTS journal_done_after ON cutover.journal_entry (after) WHERE state = 'done';
CREATE INDEX IF NOT EXISTS journal_open ON cutover.journal_entry (number)
    WHERE state IN ('intent', 'unknown', 'done', 'parked');
CREATE INDEX IF NOT EXISTS journal_intent ON cutover.journal_entry (number) WHERE state = 'intent';
CREATE INDEX IF NOT EXISTS journal_stuck ON cutover.journal_entry (number) WHERE state IN ('unknown', 'parked');
CREATE INDEX IF NOT EXISTS journal_listed ON cutover.journal_entry (number) WHERE state IN ('diverged', 'abandoned');
CREATE INDEX IF NOT EXISTS journal_differed ON cutover.journal_entry (number) WHERE differed <> '';
-- By these a start finds which keys it needs without looking at every entry. Answers go with their request, and mostly
-- have its key.
CREATE INDEX IF NOT EXISTS journal_request_key ON cutover.journal_entry (sealed_with) WHERE request IS NOT NULL;
CREATE INDEX IF NOT EXISTS journal_answer_key_apart ON cutover.journal_entry (answer_with)
    WHERE answer IS NOT NULL AND answer_with <> sealed_with;
CREATE INDEX IF NOT EXISTS journal_standby_key_apart ON cutover.journal_entry (standby_with)
    WHERE standby_answer IS NOT NULL AND standby_with <> sealed_with;
CREATE INDEX IF NOT EXISTS journal_to_purge ON cutover.journal_entry (settled_at)
    WHERE request IS NOT NULL AND settled_at IS NOT NULL;
DROP INDEX IF EXISTS cutover.journal_answer_key, cutover.journal_standby_key, cutover.journal_settled;

-- The lanes of every entry that is not settled. While it is an intent they are claimed, while a copy is under way they
-- are sending: of two overlapping lanes only one can be.
CREATE TABLE IF NOT EXISTS cutover.journal_lane (
    number  bigint NOT NULL REFERENCES cutover.journal_entry,
    span    inet NOT NULL,
    claimed boolean NOT NULL,
    sending boolean NOT NULL DEFAULT false,
    against text,
    EXCLUDE USING gist (span inet_ops WITH &&) WHERE (claimed),
    EXCLUDE USING gist (span inet_ops WITH &&) WHERE (sending)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX IF NOT EXISTS journal_lane_number ON cutover.journal_lane (number);
CREATE INDEX IF NOT EXISTS journal_lane_span ON cutover.journal_lane USING gist (span inet_ops);
CREATE INDEX IF NOT EXISTS journal_lane_against ON cutover.journal_lane (against) WHERE against IS NOT NULL;

-- Places in the queue of busy lanes: first come, first served over all edges; a dead edge's place lapses.
CREATE TABLE IF NOT EXISTS cutover.journal_waiting (
    id     text NOT NULL,
    ticket bigint NOT NULL,
    span   inet NOT NULL,
    until  double precision NOT NULL,
    PRIMARY KEY (id, span)
);
CREATE SEQUENCE IF NOT EXISTS cutover.journal_ticket;

-- Lanes held for heal: no admission, no replay. A hold ends by itself.
CREATE TABLE IF NOT EXISTS cutover.journal_hold (
    id    text NOT NULL,
    lane  text NOT NULL,
    span  inet NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (id, lane)
);

-- The leader among the replayers. A new leader has a new term.
CREATE TABLE IF NOT EXISTS cutover.journal_replayer (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    term   bigint NOT NULL CHECK (term >= 0),
    holder text NOT NULL,
    until  timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO cutover.journal_replayer (term, holder, until) VALUES (0, '', '-infinity') ON CONFLICT DO NOTHING;

-- Copies under way, durable before their first byte. `lost`: it may have happened, and must not be sent again. `ahead`: it
-- is not sent before all that had completed when it began has been answered.
CREATE TABLE IF NOT EXISTS cutover.journal_sending (
    number   bigint PRIMARY KEY REFERENCES cutover.journal_entry,
    term     bigint NOT NULL CHECK (term > 0),
    deadline double precision NOT NULL,
    sequence text UNIQUE,
    lost     boolean NOT NULL DEFAULT false,
    ahead    boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = 'cutover.journal_sending'::regclass AND attname = 'ahead') THEN
        ALTER TABLE cutover.journal_sending ADD COLUMN ahead boolean NOT NULL DEFAULT false;
    END IF;
END $$;

-- Heals that a person asks for, by whoever may ask; the leader among the replayers does them and answers.
CREATE TABLE IF NOT EXISTS cutover.journal_heal_asked (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number bigint,
    lanes  text[] NOT NULL CHECK (cardinality(lanes) > 0),
    origin text NOT NULL,
    target text NOT NULL,
    until  timestamptz NOT NULL,
    answer text,
    healed bigint[]
);

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
               w.attempts = 0 AND NOT w.copied AND w.route <> ALL (apart) AND w.target <> ALL (one_by_one) AS leads,
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
               AND e.attempts = 0 AND NOT e.copied AND e.route <> ALL (apart) AND e.target <> ALL (one_by_one) AS leads
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

-- Swap the roles, if this is the moment: the caller's fence stands, nothing is undecided, and the standby has everything.
-- The control row is locked first: nothing is admitted between the look and the swap, and each statement sees what was
-- committed before the lock was had. The answer says why not; then nothing was changed.
CREATE OR REPLACE FUNCTION cutover.journal_flip(from_epoch bigint, fence timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c cutover.control;
BEGIN
    SELECT * INTO STRICT c FROM cutover.control FOR UPDATE;
    IF c.epoch <> from_epoch THEN
        RETURN 'stale_epoch';
    ELSIF c.fenced_until IS DISTINCT FROM fence OR NOT coalesce(fence > clock_timestamp(), false) THEN
        RETURN 'unfenced';
    ELSIF EXISTS (SELECT FROM cutover.journal_entry WHERE state IN ('intent', 'unknown')) THEN
        RETURN 'undecided';
    ELSIF EXISTS (SELECT FROM cutover.journal_entry WHERE state = 'done') OR EXISTS (SELECT FROM cutover.joining) THEN
        RETURN 'behind';
    ELSIF EXISTS (SELECT FROM cutover.journal_entry WHERE state = 'parked')
          OR EXISTS (SELECT FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')) THEN
        RETURN 'unresolved';
    END IF;
    UPDATE cutover.control SET epoch = c.epoch + 1, active = c.standby, standby = c.active, fenced_until = NULL;
    RETURN 'flipped';
END $$;
