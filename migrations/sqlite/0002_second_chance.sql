-- A mail that was quarantined by a crash is tried once more when the gateway is idle.
ALTER TABLE ledger ADD COLUMN second_chance INTEGER NOT NULL DEFAULT 0 CHECK (second_chance IN (0, 1)); -- had it
