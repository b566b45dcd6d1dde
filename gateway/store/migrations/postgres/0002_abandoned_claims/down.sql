ALTER TABLE head DROP COLUMN abandoned;
