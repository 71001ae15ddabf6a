-- Many tickets may be due at one instant: the index gives them in the order in which they are taken.
DROP INDEX ticket_due;
CREATE INDEX ticket_due ON ticket (due_at, number) WHERE due_at IS NOT NULL;
