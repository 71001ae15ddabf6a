-- mailward's schema. Instants are microseconds since 1970 in UTC, ids 16 bytes, enumerations words
-- with a CHECK. "Sealed" is authenticated encryption under the key ring; the second octet of a
-- sealed value is the number of the ring's key. "Key" is a keyed hash (HMAC, 16 bytes) that is
-- never empty. Clear columns hold redacted text, codes, numbers and instants only.

CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY CHECK (name IN ('ticket', 'instant')), -- what is counted
    value BIGINT NOT NULL CHECK (value >= 0) -- the last number given out; the latest instant recorded
);
INSERT INTO counter (name, value) VALUES ('ticket', 0), ('instant', 0);

CREATE TABLE lease (
    name       TEXT NOT NULL PRIMARY KEY CHECK (name <> ''), -- account:<name> or sweep
    run        BYTEA NOT NULL CHECK (length(run) = 16), -- the run that holds or held it
    fence      BIGINT NOT NULL CHECK (fence > 0), -- grows with every holder
    expires_at BIGINT NOT NULL -- from this instant on another run may take it
);

CREATE TABLE folder (
    account       TEXT NOT NULL CHECK (account <> ''), -- the account's name
    name          TEXT NOT NULL CHECK (name <> ''), -- as the server spells it
    uidvalidity   BIGINT NOT NULL CHECK (uidvalidity BETWEEN 0 AND 4294967295), -- what the cursor belongs to
    next_uid      BIGINT NOT NULL CHECK (next_uid BETWEEN 1 AND 4294967295), -- the first UID not fetched
    history_below BIGINT NOT NULL CHECK (history_below BETWEEN 0 AND 4294967295), -- UIDs below are history; 0 none
    polled_at     BIGINT, -- every UID of this instant is in the ledger; NULL never
    reconciled_at BIGINT, -- server minus ledger was empty at this instant; NULL never
    PRIMARY KEY (account, name)
);

CREATE TABLE ticket (
    id               BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- inside
    number           BIGINT NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 1099511627775), -- outside, gapless
    version          BIGINT NOT NULL CHECK (version > 0), -- one more with every decision
    desk             TEXT NOT NULL CHECK (desk <> ''), -- the desk's name
    organisation     TEXT CHECK (organisation <> ''), -- the directory organisation of the requester
    state            TEXT NOT NULL CHECK (state IN ('new', 'open', 'pending', 'resolved', 'closed')), -- where it stands
    state_at         BIGINT, -- pending since, resolved or closed at
    close_reason     TEXT CHECK (close_reason IN ('agent', 'no_answer', 'merged')), -- why it was closed
    priority         TEXT NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'urgent')), -- common scale
    category         TEXT CHECK (category <> ''), -- the desk's code
    language         TEXT NOT NULL CHECK (language IN ('en', 'es', 'pt', 'it')), -- what the customer writes in
    subject          TEXT NOT NULL, -- redacted
    restricted       BIGINT NOT NULL CHECK (restricted IN (0, 1)), -- a breach ticket
    imported         BIGINT NOT NULL CHECK (imported IN (0, 1)), -- from history
    assignee         TEXT CHECK (assignee <> ''), -- the agent's name
    merged_into      BYTEA CHECK (length(merged_into) = 16), -- the survivor
    follow_up_of     BYTEA CHECK (length(follow_up_of) = 16), -- the ended ticket it follows
    opened_at        BIGINT NOT NULL, -- arrival of its first mail
    due_at           BIGINT, -- the one instant at which the sweep looks; NULL never
    reminded_at      BIGINT, -- when the reminder before closing was written
    last_public      TEXT CHECK (last_public IN ('customer', 'answer')), -- the last public event
    last_article     BYTEA CHECK (length(last_article) = 16), -- the answer, when that was the last one
    accepted_at      BIGINT, -- when SMTP accepted that answer for the requester
    bounced          BIGINT NOT NULL CHECK (bounced IN (0, 1)), -- that answer came back
    response_state   TEXT CHECK (response_state IN ('running', 'paused', 'met', 'missed')), -- first response
    response_value   BIGINT, -- instant, or seconds left when paused
    resolution_state TEXT CHECK (resolution_state IN ('running', 'paused', 'met', 'missed')), -- resolution
    resolution_value BIGINT, -- instant, or seconds left when paused
    update_state     TEXT CHECK (update_state IN ('running', 'paused', 'met', 'missed')), -- next update
    update_value     BIGINT, -- instant, or seconds left when paused
    grade            TEXT NOT NULL CHECK (grade IN ('pass', 'none', 'fail')), -- proof of the first mail's sender
    thread           BYTEA NOT NULL, -- sealed: Message-IDs for References
    CHECK ((state IN ('new', 'open')) = (state_at IS NULL)),
    CHECK ((state = 'closed') = (close_reason IS NOT NULL)),
    CHECK ((response_state IS NULL) = (response_value IS NULL)),
    CHECK ((resolution_state IS NULL) = (resolution_value IS NULL)),
    CHECK ((update_state IS NULL) = (update_value IS NULL))
);
CREATE INDEX ticket_due ON ticket (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ticket_desk ON ticket (desk, state);

CREATE TABLE relation (
    ticket BYTEA NOT NULL REFERENCES ticket (id), -- the newer ticket
    other  BYTEA NOT NULL REFERENCES ticket (id), -- the one it may belong to; shown to agents only
    PRIMARY KEY (ticket, other)
);

CREATE TABLE participant (
    ticket       BYTEA NOT NULL REFERENCES ticket (id), -- whose
    no           BIGINT NOT NULL CHECK (no BETWEEN 1 AND 4294967295), -- the number within the ticket
    key          BYTEA NOT NULL CHECK (length(key) = 16), -- key of the address
    role         TEXT NOT NULL CHECK (role IN ('requester', 'participant', 'agent')), -- as what
    organisation TEXT CHECK (organisation <> ''), -- the directory organisation
    agent        TEXT CHECK (agent <> ''), -- the agent's name
    sealed       BYTEA NOT NULL, -- sealed: address and display name
    PRIMARY KEY (ticket, no),
    UNIQUE (ticket, key, role),
    CHECK ((role = 'agent') = (agent IS NOT NULL))
);

CREATE TABLE article (
    id        BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- the message's row
    ticket    BYTEA NOT NULL REFERENCES ticket (id), -- whose
    seq       BIGINT NOT NULL CHECK (seq > 0), -- its place within the ticket
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')), -- from outside or ours
    kind      TEXT NOT NULL CHECK (kind IN ('public', 'internal', 'auto')), -- who may see it
    class     TEXT CHECK (class <> ''), -- the mail's class, for mail from outside
    at        BIGINT NOT NULL, -- arrival or writing
    grade     TEXT NOT NULL CHECK (grade IN ('pass', 'none', 'fail')), -- proof of the sender
    text      TEXT NOT NULL, -- visible text, redacted
    elided    TEXT NOT NULL, -- quotes and signature, redacted
    html      TEXT, -- sanitised and redacted
    flags     TEXT NOT NULL, -- codes, separated by blanks
    ledger    BYTEA CHECK (length(ledger) = 16), -- the mail, for mail from outside
    sealed    BYTEA NOT NULL, -- sealed: author, Message-ID, clear text, fields, names of attachments
    erased    BIGINT NOT NULL CHECK (erased IN (0, 1)), -- its content was erased
    UNIQUE (ticket, seq)
);

CREATE TABLE attachment (
    article    BYTEA NOT NULL REFERENCES article (id), -- on which message
    no         BIGINT NOT NULL CHECK (no > 0), -- its place; the name stands there in the sealed list
    declared   TEXT NOT NULL, -- declared media type
    detected   TEXT, -- media type by content
    size       BIGINT NOT NULL CHECK (size >= 0), -- octets after decoding
    sha256     BYTEA NOT NULL CHECK (length(sha256) = 32), -- of the decoded octets
    inline     BIGINT NOT NULL CHECK (inline IN (0, 1)), -- shown within the text
    flags      TEXT NOT NULL, -- codes, separated by blanks
    PRIMARY KEY (article, no)
);

CREATE TABLE message_ref (
    key    BYTEA NOT NULL CHECK (length(key) = 16), -- key of a Message-ID, theirs or ours
    ticket BYTEA NOT NULL REFERENCES ticket (id), -- the ticket it stands in
    PRIMARY KEY (key, ticket)
);

CREATE TABLE ledger (
    id           BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- one mail
    account      TEXT NOT NULL CHECK (account <> ''), -- by which account it came
    folder       TEXT NOT NULL CHECK (folder <> ''), -- the folder it lay in
    uidvalidity  BIGINT NOT NULL CHECK (uidvalidity BETWEEN 0 AND 4294967295), -- of the folder
    uid          BIGINT NOT NULL CHECK (uid BETWEEN 1 AND 4294967295), -- its UID
    arrived_at   BIGINT NOT NULL, -- its arrival; of a gap, when it was noted
    noted_at     BIGINT NOT NULL, -- when this row was written
    sha256       BYTEA CHECK (length(sha256) = 32), -- of the octets; NULL for a gap and once erased
    size         BIGINT NOT NULL CHECK (size >= 0), -- octets fetched
    oversize     BIGINT CHECK (oversize > 0), -- the whole size, when only the head was fetched
    history      BIGINT NOT NULL CHECK (history IN (0, 1)), -- there before the folder was first seen
    released     BIGINT NOT NULL CHECK (released IN (0, 1)), -- a person let it out of hold
    state        TEXT NOT NULL CHECK (state IN ('stored', 'committed', 'recorded', 'ignored', 'held', 'quarantined',
                 'oversize', 'unfetchable', 'erased')), -- how it ends
    state_at     BIGINT NOT NULL, -- since when
    reason       TEXT CHECK (reason <> ''), -- why, as a code
    action       TEXT CHECK (action <> ''), -- what was decided, in one word
    attempts     BIGINT NOT NULL CHECK (attempts >= 0), -- solo attempts, or tries of a gap
    next_try     BIGINT, -- when a gap is asked for again
    run          BYTEA NOT NULL CHECK (length(run) = 16), -- the run that had it in flight
    desk         TEXT CHECK (desk <> ''), -- the desk that received it
    ticket       BYTEA CHECK (length(ticket) = 16), -- the ticket it stands in
    duplicate_of BYTEA CHECK (length(duplicate_of) = 16), -- the mail it repeats
    content_key  BYTEA CHECK (length(content_key) = 16), -- key of its content; stays after erasure
    message_key  BYTEA CHECK (length(message_key) = 16), -- key of its Message-ID; stays after erasure
    from_key     BYTEA CHECK (length(from_key) = 16), -- key of its author
    tidy         TEXT NOT NULL CHECK (tidy IN ('here', 'copied', 'done')), -- how it lies on the server
    UNIQUE (account, folder, uidvalidity, uid),
    CHECK ((state = 'unfetchable') = (next_try IS NOT NULL))
);
-- SQLite uses this one only where a query repeats the same list of states.
CREATE INDEX ledger_waiting ON ledger (account, noted_at)
    WHERE state IN ('stored', 'held', 'quarantined', 'unfetchable');
CREATE INDEX ledger_gap ON ledger (account, folder, next_try) WHERE next_try IS NOT NULL;
CREATE INDEX ledger_content ON ledger (content_key, account) WHERE content_key IS NOT NULL;
CREATE INDEX ledger_message ON ledger (account, message_key) WHERE message_key IS NOT NULL;
CREATE INDEX ledger_ticket ON ledger (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX ledger_tidy ON ledger (account, folder, uid) WHERE tidy <> 'done';
CREATE INDEX ledger_local ON ledger (account, sha256) WHERE uidvalidity = 1;

CREATE TABLE original (
    ledger BYTEA NOT NULL PRIMARY KEY REFERENCES ledger (id), -- whose
    body   BYTEA NOT NULL -- sealed under a data key of its own, bound to the row's id
);

CREATE TABLE original_key (
    ledger  BYTEA NOT NULL PRIMARY KEY REFERENCES ledger (id), -- whose
    key_id  BIGINT NOT NULL CHECK (key_id BETWEEN 1 AND 255), -- the ring's key that wrapped it
    wrapped BYTEA NOT NULL CHECK (length(wrapped) > 32) -- the data key; without it the body is noise
);
CREATE INDEX original_key_ring ON original_key (key_id);

CREATE TABLE outbox (
    id            BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- one mail to one recipient
    ticket        BYTEA NOT NULL REFERENCES ticket (id), -- whose
    article       BYTEA CHECK (length(article) = 16), -- the answer that it carries
    participant   BIGINT NOT NULL CHECK (participant > 0), -- to whom, within the ticket
    desk          TEXT NOT NULL CHECK (desk <> ''), -- from which desk
    kind          TEXT NOT NULL CHECK (kind <> ''), -- which notice
    automatic     BIGINT NOT NULL CHECK (automatic IN (0, 1)), -- no agent wrote it
    governed      BIGINT NOT NULL CHECK (governed IN (0, 1)), -- counts for the governor
    state         TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'sent', 'later', 'dead', 'suppressed',
                  'cancelled')), -- where it stands
    reason        TEXT CHECK (reason <> ''), -- why it is suppressed or cancelled
    recipient_key BYTEA NOT NULL CHECK (length(recipient_key) = 16), -- key of the address
    message_key   BYTEA NOT NULL CHECK (length(message_key) = 16), -- key of our Message-ID
    sealed        BYTEA NOT NULL, -- sealed: recipient, reverse-path, Message-ID
    bytes         BYTEA NOT NULL, -- sealed: the whole mail
    created_at    BIGINT NOT NULL, -- when it was decided; the governor counts by it
    not_before    BIGINT, -- sendable from this instant on; NULL once nothing is to be sent
    attempts      BIGINT NOT NULL CHECK (attempts >= 0), -- begun
    run           BYTEA CHECK (length(run) = 16), -- who holds it
    lease_until   BIGINT, -- how long
    sent_at       BIGINT, -- when SMTP accepted it
    last_error    TEXT, -- code of the last attempt
    bounced       BIGINT NOT NULL CHECK (bounced IN (0, 1)), -- a bounce came back
    bounce_status TEXT, -- its enhanced status
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('queued', 'later', 'leased')) = (not_before IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK (state <> 'suppressed' OR (reason IS NOT NULL AND governed = 0))
);
CREATE INDEX outbox_ready ON outbox (not_before) WHERE state IN ('queued', 'later', 'leased');
CREATE INDEX outbox_address ON outbox (recipient_key, created_at) WHERE governed = 1;
CREATE INDEX outbox_desk ON outbox (desk, created_at) WHERE governed = 1;
CREATE INDEX outbox_message ON outbox (message_key);
CREATE INDEX outbox_ticket ON outbox (ticket);

CREATE TABLE audit (
    seq     BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0), -- its place in the chain
    at      BIGINT NOT NULL, -- when
    actor   TEXT NOT NULL CHECK (actor <> ''), -- system, customer:N, agent:NAME, operator:USER
    action  TEXT NOT NULL CHECK (action <> ''), -- in one word
    ticket  BYTEA CHECK (length(ticket) = 16), -- about which ticket
    ledger  BYTEA CHECK (length(ledger) = 16), -- about which mail
    reasons TEXT NOT NULL, -- codes, rule ids, figures, hashes; a JSON array
    prev    BYTEA NOT NULL CHECK (length(prev) = 32), -- hash of the row before; zeros for the first
    hash    BYTEA NOT NULL CHECK (length(hash) = 32) -- SHA-256 over all of the above
);
CREATE INDEX audit_ticket ON audit (ticket, seq) WHERE ticket IS NOT NULL;

CREATE TABLE audit_head (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), -- there is one
    seq  BIGINT NOT NULL CHECK (seq >= 0), -- the last row
    hash BYTEA NOT NULL CHECK (length(hash) = 32) -- its hash
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));
