-- Keeping and opening what people wrote: legal hold, consent, retention, openings with an end, and the
-- keyed hash that is left of the octets of an erased mail.
ALTER TABLE ticket ADD COLUMN held_at BIGINT; -- under legal hold since; NULL not
ALTER TABLE ticket ADD COLUMN consent_until BIGINT; -- the customer's consent to open originals lasts until
ALTER TABLE ticket ADD COLUMN erased_at BIGINT; -- its content was erased at
CREATE INDEX ticket_kept ON ticket (desk, state_at) WHERE erased_at IS NULL AND state IN ('resolved', 'closed');
CREATE INDEX ticket_held ON ticket (id) WHERE held_at IS NOT NULL;

ALTER TABLE ledger ADD COLUMN kept BIGINT NOT NULL DEFAULT 1 CHECK (kept IN (0, 1)); -- its original may be there still
ALTER TABLE ledger ADD COLUMN octets_key BYTEA CHECK (octet_length(octets_key) = 16); -- keyed hash of the octets of an erased mail in a file
CREATE INDEX ledger_kept ON ledger (desk, arrived_at) WHERE kept = 1;
CREATE INDEX ledger_octets ON ledger (account, octets_key) WHERE octets_key IS NOT NULL;

CREATE TABLE opening (
    ticket     BYTEA NOT NULL REFERENCES ticket (id), -- whose originals
    actor      TEXT NOT NULL CHECK (actor <> ''), -- agent:NAME or operator:USER
    opened_at  BIGINT NOT NULL, -- since when
    expires_at BIGINT NOT NULL, -- until when the same reason holds
    reason_key BYTEA NOT NULL CHECK (octet_length(reason_key) = 16), -- keyed hash of the reason
    PRIMARY KEY (ticket, actor)
);
