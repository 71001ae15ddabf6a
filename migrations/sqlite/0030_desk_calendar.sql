-- Which hours held since when: what `clocks recompute` compares with.
CREATE TABLE desk_calendar (
    desk  TEXT NOT NULL CHECK (desk <> ''), -- the desk's name
    since INTEGER NOT NULL, -- from this instant on its clocks are reckoned by it
    body  TEXT NOT NULL CHECK (body <> ''), -- zone, weekly hours, holidays and their years, as JSON
    PRIMARY KEY (desk, since)
) STRICT;
