-- The first schema. A migration that was released is never edited: add the next one.

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL DEFAULT '',
    admin INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1)),
    -- A PHC string, or null: no password opens this account.
    password TEXT,
    created_ms INTEGER NOT NULL,
    -- A removed user keeps the name, so that nobody else comes to own what it owned.
    removed_ms INTEGER
) STRICT;

CREATE TABLE tokens (
    -- AUTOINCREMENT: the public id of a revoked token never names another one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    tail TEXT NOT NULL,
    read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    admin INTEGER NOT NULL CHECK (admin IN (0, 1)),
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user);

CREATE TABLE packages (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    -- All three are set while the whole package is unpublished.
    unpublished_ms INTEGER,
    unpublished_by TEXT,
    unpublished_revision INTEGER
) STRICT;

CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    package INTEGER NOT NULL REFERENCES packages (id),
    version TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    publisher TEXT NOT NULL,
    manifest TEXT NOT NULL,
    abbreviated TEXT NOT NULL,
    blob BLOB NOT NULL CHECK (length(blob) = 64),
    sha1 BLOB NOT NULL CHECK (length(sha1) = 20),
    length INTEGER NOT NULL,
    files INTEGER NOT NULL,
    unpacked INTEGER NOT NULL,
    deprecated TEXT,
    description TEXT NOT NULL,
    -- A JSON array of strings.
    keywords TEXT NOT NULL,
    UNIQUE (package, version)
) STRICT;
CREATE INDEX versions_by_blob ON versions (blob);

CREATE TABLE readmes (
    version INTEGER PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    file TEXT NOT NULL
) STRICT;

CREATE TABLE tombstones (
    id INTEGER PRIMARY KEY,
    package INTEGER NOT NULL REFERENCES packages (id),
    version TEXT NOT NULL,
    -- The package's revision that the removal made.
    revision INTEGER NOT NULL,
    UNIQUE (package, version)
) STRICT;

CREATE TABLE tags (
    package INTEGER NOT NULL,
    tag TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (package, tag),
    FOREIGN KEY (package, version) REFERENCES versions (package, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_version ON tags (package, version);

CREATE TABLE maintainers (
    id INTEGER PRIMARY KEY,
    package INTEGER NOT NULL REFERENCES packages (id),
    user TEXT NOT NULL,
    UNIQUE (package, user)
) STRICT;

CREATE TABLE stars (
    package INTEGER NOT NULL REFERENCES packages (id),
    user TEXT NOT NULL,
    PRIMARY KEY (package, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX stars_by_user ON stars (user);

-- Blobs whose last version went, until their files went too.
CREATE TABLE doomed_blobs (
    blob BLOB PRIMARY KEY CHECK (length(blob) = 64)
) STRICT, WITHOUT ROWID;

-- One row for each package that has `latest`; its rowid is the package's id.
CREATE VIRTUAL TABLE search USING fts5 (
    name, description, keywords,
    tokenize = 'unicode61 remove_diacritics 2',
    prefix = '1 2 3'
);
