-- The table that version 11 added, with what a group of ranks is at.
CREATE TABLE activity (
  study_id INTEGER NOT NULL REFERENCES study ON DELETE CASCADE,
  worker   INTEGER NOT NULL,
  seen     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  doing    TEXT NOT NULL,
  trial_id INTEGER REFERENCES trial ON DELETE CASCADE,
  stage    INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  epochs   INTEGER NOT NULL,
  step     INTEGER NOT NULL,
  steps    INTEGER NOT NULL,
  loss     REAL,
  images_per_second REAL,
  PRIMARY KEY (study_id, worker)
) STRICT, WITHOUT ROWID;

INSERT INTO activity VALUES (2, 0, '2026-11-01T00:00:00.000Z', 'training', 4, 0, 1, 3, 4, 5, 0.5, 10);
