-- How often in a row the holder of a head let its lease run out without a word.
ALTER TABLE head ADD COLUMN abandoned BIGINT NOT NULL DEFAULT 0;
