-- Policy: warnings, clocks that wait for the acknowledgment, negotiated cadence, estimates; word about
-- mail that stands in no ticket; why tickets are related; merges that can be taken back; pages.
ALTER TABLE ticket ADD COLUMN response_warned BIGINT NOT NULL DEFAULT 0 CHECK (response_warned BETWEEN 0 AND 100); -- share of the target, in percent, at which the agents were warned last
ALTER TABLE ticket ADD COLUMN resolution_warned BIGINT NOT NULL DEFAULT 0 CHECK (resolution_warned BETWEEN 0 AND 100); -- the same
ALTER TABLE ticket ADD COLUMN update_warned BIGINT NOT NULL DEFAULT 0 CHECK (update_warned BETWEEN 0 AND 100); -- the same
ALTER TABLE ticket ADD COLUMN awaits_ack BIGINT NOT NULL DEFAULT 0 CHECK (awaits_ack IN (0, 1)); -- resolution and updates wait for the acknowledgment
ALTER TABLE ticket ADD COLUMN ack_settled_at BIGINT; -- when SMTP accepted it, or it was given up
ALTER TABLE ticket ADD COLUMN cadence TEXT CHECK (cadence <> ''); -- the negotiated span between updates
ALTER TABLE ticket ADD COLUMN eta TEXT CHECK (eta <> ''); -- the estimated day of resolution
CREATE INDEX ticket_organisation ON ticket (organisation, opened_at) WHERE organisation IS NOT NULL;
ALTER TABLE relation ADD COLUMN reason TEXT NOT NULL DEFAULT 'named'; -- why, as a code and a figure
ALTER TABLE article ADD COLUMN merged_from BYTEA CHECK (length(merged_from) = 16); -- the merged ticket it came from
ALTER TABLE article ADD COLUMN merged_seq BIGINT; -- its place there
CREATE INDEX article_merged ON article (merged_from) WHERE merged_from IS NOT NULL;
ALTER TABLE participant ADD COLUMN merged_from BYTEA CHECK (length(merged_from) = 16); -- the merged ticket they came from
-- A mail about mail that is held stands in no ticket.
ALTER TABLE outbox ALTER COLUMN ticket DROP NOT NULL;
CREATE INDEX outbox_page ON outbox (desk, created_at) WHERE kind IN ('page', 'page_storm');
