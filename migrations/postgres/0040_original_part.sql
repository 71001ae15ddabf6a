-- A large original lies in pieces: a value passes through memory several times over on its way here.
-- The first piece is `original.body`; an original of before this migration is there as a whole.
CREATE TABLE original_part (
    ledger BYTEA NOT NULL REFERENCES original (ledger) ON DELETE CASCADE, -- whose
    no     BIGINT NOT NULL CHECK (no > 0), -- its place behind the first piece
    body   BYTEA NOT NULL, -- the next octets of the sealed form
    PRIMARY KEY (ledger, no)
);
