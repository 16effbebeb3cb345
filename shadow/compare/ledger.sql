-- What the comparisons found. Safe to run again: every process that needs it runs it, one at a time.

CREATE SCHEMA IF NOT EXISTS cutover;

-- Recent sums, for curves; removed after two days.
CREATE TABLE IF NOT EXISTS cutover.verdict_minute (
    minute  timestamptz NOT NULL,
    route   text NOT NULL,
    verdict text NOT NULL,
    reason  text NOT NULL,
    count   bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (minute, route, verdict, reason)
);

-- The same sums by day, kept.
CREATE TABLE IF NOT EXISTS cutover.verdict_day (
    day     date NOT NULL,
    route   text NOT NULL,
    verdict text NOT NULL,
    reason  text NOT NULL,
    count   bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, route, verdict, reason)
);

CREATE TABLE IF NOT EXISTS cutover.rule_use (
    route text NOT NULL,
    rule  text NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (route, rule)
);

-- One row for each route, path pattern and kind. `rule` names the rule that has allowed it since it was last seen.
CREATE TABLE IF NOT EXISTS cutover.mismatch (
    id         text PRIMARY KEY,
    route      text NOT NULL,
    pattern    text NOT NULL,
    kind       text NOT NULL,
    count      bigint NOT NULL CHECK (count > 0),
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    rule       text
);

-- Redacted before they get here. `place` bounds how many a group has.
CREATE TABLE IF NOT EXISTS cutover.example (
    mismatch text NOT NULL REFERENCES cutover.mismatch (id) ON DELETE CASCADE,
    place    integer NOT NULL CHECK (place >= 1),
    at       timestamptz NOT NULL,
    content  jsonb NOT NULL,
    PRIMARY KEY (mismatch, place)
);

CREATE TABLE IF NOT EXISTS cutover.noise (
    route      text NOT NULL,
    pattern    text NOT NULL,
    kind       text NOT NULL,
    rule       text NOT NULL,
    count      bigint NOT NULL CHECK (count > 0),
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    PRIMARY KEY (route, pattern)
);
