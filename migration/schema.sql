-- What a database that rows are written to remembers about it, apart from the system's own tables.
CREATE SCHEMA IF NOT EXISTS cutover_rows;

CREATE TABLE IF NOT EXISTS cutover_rows.run (
    id bigserial PRIMARY KEY,
    kind text NOT NULL,        -- import, copy
    mark text NOT NULL,        -- what it goes on by: an import's manifest by its hash, a copy's source
    source text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('running', 'complete', 'undone')),
    started timestamptz NOT NULL DEFAULT now(),
    ended timestamptz,
    says text
);

-- What is done already; written in the transaction that does it.
CREATE TABLE IF NOT EXISTS cutover_rows.part (
    run bigint NOT NULL REFERENCES cutover_rows.run ON DELETE CASCADE,
    name text NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (run, name)
);

-- Foreign keys, indexes and triggers that are away while rows come in, each with the statement that brings it back.
CREATE TABLE IF NOT EXISTS cutover_rows.held (
    id bigserial PRIMARY KEY,
    table_name text NOT NULL,
    name text NOT NULL,
    statement text NOT NULL
);

CREATE TABLE IF NOT EXISTS cutover_rows.backup (
    id bigserial PRIMARY KEY,
    taken timestamptz NOT NULL DEFAULT now(),
    directory text NOT NULL,
    mark text NOT NULL,
    digests jsonb NOT NULL
);
