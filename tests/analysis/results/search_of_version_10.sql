-- The tables that version 10 added, with a search of the first study.
CREATE TABLE search (
  study_id            INTEGER PRIMARY KEY REFERENCES study ON DELETE CASCADE,
  method              TEXT NOT NULL,
  objective           TEXT NOT NULL CHECK (objective IN ('end', 'best')),
  seeds               TEXT NOT NULL CHECK (json_valid(seeds)),
  space               TEXT NOT NULL CHECK (json_valid(space)),
  options             TEXT NOT NULL CHECK (json_valid(options)),
  validation_subjects INTEGER NOT NULL,
  labels              TEXT NOT NULL
) STRICT;

CREATE TABLE candidate (
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  position INTEGER NOT NULL,
  round    INTEGER NOT NULL,
  point    TEXT NOT NULL CHECK (json_valid(point)),
  settings TEXT NOT NULL,
  epochs   REAL NOT NULL,
  variant  TEXT,
  PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE candidate_trial (
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  position INTEGER NOT NULL,
  hash     TEXT NOT NULL,
  PRIMARY KEY (study_id, position, hash)
) STRICT, WITHOUT ROWID;

INSERT INTO search VALUES (1, 'grid', 'end', '[11]', '[]', '{}', 3, 'manual');
INSERT INTO candidate VALUES (1, 0, 0, '{"first": 0.4}', 'loss: {wce: 1}', 12, NULL), (1, 1, 1, '{"first": 0.5}', 'loss: {wce: 1}', 6, NULL);
INSERT INTO candidate_trial VALUES (1, 0, 'of another study'), (1, 1, 'of yet another');
