-- The truth about one deployment. Safe to run again: every process runs it at start-up, one at a time.

CREATE SCHEMA IF NOT EXISTS cutover;

-- Who is active. Appends to the journal lock this row, so nothing that changes often may live in it.
CREATE TABLE IF NOT EXISTS cutover.control (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch   bigint NOT NULL CHECK (epoch >= 1),
    active  text NOT NULL,
    standby text NOT NULL,
    phase   text NOT NULL CHECK (phase IN ('resting', 'shadowing', 'ramping', 'watching', 'complete', 'halted')),
    CHECK (active <> standby)
);

-- While this lies ahead, new writes are held (a fence ends by itself, whatever becomes of the one who set it).
ALTER TABLE cutover.control ADD COLUMN IF NOT EXISTS fenced_until timestamptz;

-- What people and the guard turn. `version` grows with every change of anything in `load()`: it is compared and set.
CREATE TABLE IF NOT EXISTS cutover.setting (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    version      bigint NOT NULL CHECK (version >= 1),
    share        double precision NOT NULL CHECK (share BETWEEN 0 AND 100),
    guard        text NOT NULL CHECK (guard IN ('off', 'armed', 'inconclusive', 'latched', 'frozen')),
    guard_reason text NOT NULL DEFAULT '',
    guard_since  double precision NOT NULL DEFAULT 0 CHECK (guard_since >= 0)
);

CREATE TABLE IF NOT EXISTS cutover.route_share (
    route text PRIMARY KEY,
    share double precision NOT NULL CHECK (share BETWEEN 0 AND 100)
);

CREATE TABLE IF NOT EXISTS cutover.pin (
    key     text PRIMARY KEY CHECK (key <> ''),
    backend text NOT NULL
);

-- Every change, with its reason and its evidence: written in the transaction of the change, never altered.
CREATE TABLE IF NOT EXISTS cutover.history (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    version  bigint NOT NULL,
    epoch    bigint NOT NULL,
    kind     text NOT NULL CHECK (kind <> ''),
    was      jsonb NOT NULL,
    became   jsonb NOT NULL,
    why      text NOT NULL CHECK (why <> ''),
    who      text NOT NULL CHECK (who <> ''),
    evidence jsonb NOT NULL DEFAULT '{}'
);

-- Signs of life, outside of `version`: each edge once a second, the guard at every look.
CREATE TABLE IF NOT EXISTS cutover.edge (
    id       text PRIMARY KEY,
    at       timestamptz NOT NULL,
    version  bigint NOT NULL,
    answered jsonb NOT NULL,
    held     jsonb NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS cutover.judgement (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    at       timestamptz NOT NULL,
    who      text NOT NULL,
    action   text NOT NULL,
    rule     text NOT NULL,
    reason   text NOT NULL,
    evidence jsonb NOT NULL
) WITH (fillfactor = 50);

-- Writes under way that this edge forwarded without a journal: a copy that is joined to it waits for them.
ALTER TABLE cutover.edge ADD COLUMN IF NOT EXISTS unjournaled integer NOT NULL DEFAULT 0;

-- A copy that is being joined to the journal. While the row is there nothing is replayed: the standby is not whole.
CREATE TABLE IF NOT EXISTS cutover.joining (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    completion bigint
);

-- What the last look at both databases for writes past the proxy came to.
CREATE TABLE IF NOT EXISTS cutover.watched (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    at       timestamptz NOT NULL,
    document jsonb NOT NULL
);
