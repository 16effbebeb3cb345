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
