-- Both ways: a link may wait for its Salesforce record, and tells what is on its way there.
ALTER TABLE link ALTER COLUMN salesforce_id DROP NOT NULL;
ALTER TABLE link RENAME COLUMN held_reason TO status_data;
ALTER TABLE link ADD COLUMN outgoing TEXT;

ALTER TABLE record ADD COLUMN times TEXT;
ALTER TABLE record ADD COLUMN record_key TEXT;
ALTER TABLE record ADD COLUMN successor TEXT;

-- What partner records are recognised by. Each value belongs to one link of a mapping.
CREATE TABLE identity (
    connection_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    link_id BIGINT NOT NULL,
    PRIMARY KEY (connection_id, mapping_id, kind, value)
);
CREATE INDEX identity_link ON identity (connection_id, link_id);

-- One row for each link that may have something to write to Salesforce. As with heads, ready_at is the end of the
-- lease while a worker holds it.
CREATE TABLE outbox (
    connection_id BIGINT NOT NULL,
    link_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    ready_at BIGINT NOT NULL,
    worker TEXT,
    fence BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    abandoned BIGINT NOT NULL,
    PRIMARY KEY (connection_id, link_id)
);
CREATE INDEX outbox_ready ON outbox (lane, ready_at, connection_id, link_id);
CREATE INDEX outbox_mapping ON outbox (connection_id, mapping_id, lane, ready_at, link_id);

ALTER TABLE field_history ADD COLUMN lost_side TEXT;
ALTER TABLE field_history ADD COLUMN lost_value TEXT;
CREATE INDEX field_history_lost ON field_history (connection_id, id) WHERE lost_side IS NOT NULL;
CREATE INDEX field_history_lost_of_link ON field_history (connection_id, link_id, id) WHERE lost_side IS NOT NULL;

-- First answers are forgotten by age.
CREATE INDEX idempotency_created ON idempotency (created_at);

ALTER TABLE inbox ADD COLUMN changed TEXT;
ALTER TABLE inbox ADD COLUMN merged TEXT;

-- Salesforce calls spent, by the hour since 1970 in which they were.
CREATE TABLE call_hour (
    connection_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (connection_id, hour)
);

ALTER TABLE connection ADD COLUMN integration_user TEXT;
ALTER TABLE connection ADD COLUMN daily_calls BIGINT;
ALTER TABLE connection ADD COLUMN daily_allowance BIGINT;

ALTER TABLE watermark ADD COLUMN kind TEXT NOT NULL DEFAULT 'changes';
ALTER TABLE watermark ALTER COLUMN kind DROP DEFAULT;
ALTER TABLE watermark DROP CONSTRAINT watermark_pkey;
ALTER TABLE watermark ADD PRIMARY KEY (connection_id, mapping_id, kind);

-- Salesforce records that a reconcile saw, until it has compared.
CREATE TABLE seen (
    connection_id BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    salesforce_id TEXT NOT NULL,
    PRIMARY KEY (connection_id, run_id, mapping_id, salesforce_id)
);
