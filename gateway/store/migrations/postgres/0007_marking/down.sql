-- Runs that mark go on by reading again: what is known already changes nothing.
UPDATE sync_part SET progress = '{"at":"waiting"}', row_count = 0, expected = NULL, outcomes = '{}', dropped = 0
    WHERE progress LIKE '{"at":"marking"%';
DROP TABLE marking;
