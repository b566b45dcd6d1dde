-- Both ways: a link may wait for its Salesforce record, and tells what is on its way there.
CREATE TABLE link_both_ways (
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    salesforce_id TEXT,
    record_id BIGINT,
    status TEXT NOT NULL,
    status_data TEXT,
    modstamp BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    plan_revision BIGINT NOT NULL,
    agreed TEXT NOT NULL,
    status_since BIGINT NOT NULL,
    outgoing TEXT,
    PRIMARY KEY (connection_id, id),
    UNIQUE (connection_id, salesforce_id, mapping_id)
);
INSERT INTO link_both_ways
SELECT connection_id, id, mapping_id, salesforce_id, record_id, status, held_reason, modstamp, observed, revision,
       plan_revision, agreed, status_since, NULL
FROM link;
DROP TABLE link;
ALTER TABLE link_both_ways RENAME TO link;
-- Most links are in step; the few that are not are listed and counted.
CREATE INDEX link_aside ON link (connection_id, status, id, mapping_id) WHERE status <> 'linked';

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
) WITHOUT ROWID;
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
) WITHOUT ROWID;
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
) WITHOUT ROWID;

ALTER TABLE connection ADD COLUMN integration_user TEXT;
ALTER TABLE connection ADD COLUMN daily_calls BIGINT;
ALTER TABLE connection ADD COLUMN daily_allowance BIGINT;

CREATE TABLE watermark_by_kind (
    connection_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, mapping_id, kind)
) WITHOUT ROWID;
INSERT INTO watermark_by_kind SELECT connection_id, mapping_id, 'changes', at FROM watermark;
DROP TABLE watermark;
ALTER TABLE watermark_by_kind RENAME TO watermark;

-- Salesforce records that a reconcile saw, until it has compared.
CREATE TABLE seen (
    connection_id BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    salesforce_id TEXT NOT NULL,
    PRIMARY KEY (connection_id, run_id, mapping_id, salesforce_id)
) WITHOUT ROWID;
