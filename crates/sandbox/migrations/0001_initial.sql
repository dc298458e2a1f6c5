-- Times are milliseconds since the epoch, days are days since the epoch, both in UTC.

CREATE TABLE sandboxes (
    owner TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    current_dir TEXT NOT NULL DEFAULT '',
    -- NULL is the operator's default, -1 is never.
    retention_ms INTEGER,
    settings TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX sandboxes_by_last_use ON sandboxes (last_used_ms);

CREATE TABLE packages (
    owner TEXT NOT NULL REFERENCES sandboxes (owner) ON DELETE CASCADE,
    manager TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    installed_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, manager, name)
) STRICT, WITHOUT ROWID;

-- No foreign key: deleting the sandbox must not give its owner the day's CPU time back.
CREATE TABLE usage (
    owner TEXT NOT NULL,
    day INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    cpu_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, day)
) STRICT, WITHOUT ROWID;

-- No foreign key: the audit outlives the sandbox.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    place TEXT NOT NULL,
    language TEXT NOT NULL,
    source_sha256 TEXT NOT NULL,
    source TEXT,
    limits TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    -- NULL until the run has ended, as are the columns below.
    ended_ms INTEGER,
    verdict TEXT,
    -- Of the verdicts `ok` and `non_zero`.
    exit_code INTEGER,
    -- Of a verdict `signal`.
    signal INTEGER,
    wall_ms INTEGER,
    cpu_ms INTEGER,
    peak_memory INTEGER
) STRICT;

CREATE INDEX runs_by_start ON runs (started_ms);
CREATE INDEX runs_by_owner ON runs (owner, started_ms);

-- What is going on; rows that an instance finds of its own at start are of a process that was killed.
CREATE TABLE in_flight (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    instance TEXT NOT NULL,
    container TEXT,
    started_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX in_flight_by_owner ON in_flight (owner);
