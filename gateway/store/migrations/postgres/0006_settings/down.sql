-- Runs that were cancelled count as failed, those to be cancelled go on.
UPDATE sync_run SET state = 'failed', error = 'cancelled' WHERE state = 'cancelled';
UPDATE sync_run SET state = 'running' WHERE state = 'cancelling';
ALTER TABLE sync_run DROP COLUMN pace;
DROP TABLE activity_hour;
DROP TABLE admin_settings;
