-- One way only: links that wait for their Salesforce record go, and what is on its way to Salesforce is forgotten.
DELETE FROM link WHERE salesforce_id IS NULL;
UPDATE link SET status = 'deleted', status_data = NULL WHERE status IN ('unlinked', 'merged', 'converted');
UPDATE link SET status = CASE WHEN record_id IS NULL THEN 'deleted' ELSE 'linked' END, status_data = NULL
WHERE status = 'creating'
   OR (status = 'held' AND status_data NOT LIKE '{"kind":"conversion"%' AND status_data NOT LIKE '{"kind":"deleteAsked"%');
UPDATE record SET fields = '{}' WHERE presence = 'deleted';
DELETE FROM sync_part WHERE EXISTS (
    SELECT 1 FROM sync_run
    WHERE sync_run.connection_id = sync_part.connection_id AND sync_run.id = sync_part.run_id
      AND sync_run.kind <> 'initial'
);
DELETE FROM sync_run WHERE kind <> 'initial';
DELETE FROM watermark WHERE kind <> 'changes';

DROP TABLE seen;
DROP TABLE call_hour;
DROP TABLE outbox;
DROP TABLE identity;
DROP INDEX idempotency_created;
DROP INDEX field_history_lost_of_link;
DROP INDEX field_history_lost;
ALTER TABLE field_history DROP COLUMN lost_value;
ALTER TABLE field_history DROP COLUMN lost_side;
ALTER TABLE inbox DROP COLUMN merged;
ALTER TABLE inbox DROP COLUMN changed;
ALTER TABLE record DROP COLUMN successor;
ALTER TABLE record DROP COLUMN record_key;
ALTER TABLE record DROP COLUMN times;
ALTER TABLE connection DROP COLUMN daily_allowance;
ALTER TABLE connection DROP COLUMN daily_calls;
ALTER TABLE connection DROP COLUMN integration_user;

ALTER TABLE watermark DROP CONSTRAINT watermark_pkey;
ALTER TABLE watermark ADD PRIMARY KEY (connection_id, mapping_id);
ALTER TABLE watermark DROP COLUMN kind;
ALTER TABLE link DROP COLUMN outgoing;
ALTER TABLE link RENAME COLUMN status_data TO held_reason;
ALTER TABLE link ALTER COLUMN salesforce_id SET NOT NULL;
