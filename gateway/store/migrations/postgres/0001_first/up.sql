-- Moments are microseconds since 1970 (UTC). JSON is text, so that both engines keep it letter for letter.
-- Every table of a connection leads with its id, so that a distributed database can shard by it.

CREATE TABLE tenant (
    id BIGINT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    PRIMARY KEY (id)
);

CREATE TABLE connection (
    id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL UNIQUE,
    environment TEXT NOT NULL,
    login_url TEXT NOT NULL,
    consumer_key TEXT NOT NULL,
    username TEXT NOT NULL,
    sealed_private_key BYTEA NOT NULL,
    api_version TEXT NOT NULL,
    organization TEXT,
    instance_url TEXT,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);

-- The next number of a connection. Whoever writes takes its row, and keeps it until the commit: numbers therefore
-- become visible in order. Connection 0 numbers the tenants and connections themselves.
CREATE TABLE counter (
    connection_id BIGINT NOT NULL,
    next BIGINT NOT NULL,
    PRIMARY KEY (connection_id)
);
INSERT INTO counter (connection_id, next) VALUES (0, 1);

CREATE TABLE client (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id TEXT NOT NULL UNIQUE,
    key_kind TEXT NOT NULL,
    key_data BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (connection_id, id)
);

CREATE TABLE partner_user (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    salesforce_user TEXT,
    PRIMARY KEY (connection_id, id)
);

CREATE TABLE mapping (
    connection_id BIGINT NOT NULL REFERENCES connection (id),
    id BIGINT NOT NULL,
    partner_object TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id),
    UNIQUE (connection_id, partner_object)
);

CREATE TABLE mapping_plan (
    connection_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL,
    compiled TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, mapping_id, revision),
    FOREIGN KEY (connection_id, mapping_id) REFERENCES mapping (connection_id, id)
);

CREATE TABLE link (
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    salesforce_id TEXT NOT NULL,
    record_id BIGINT,
    status TEXT NOT NULL,
    held_reason TEXT,
    modstamp BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    plan_revision BIGINT NOT NULL,
    agreed TEXT NOT NULL,
    status_since BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id),
    UNIQUE (connection_id, salesforce_id, mapping_id)
);
-- Most links are in step; the few that are not are listed and counted.
CREATE INDEX link_aside ON link (connection_id, status, id, mapping_id) WHERE status <> 'linked';

CREATE TABLE record (
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    object TEXT NOT NULL,
    link_id BIGINT,
    salesforce_id TEXT,
    owner TEXT NOT NULL,
    fields TEXT NOT NULL,
    presence TEXT NOT NULL,
    position BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id)
);
CREATE UNIQUE INDEX record_feed ON record (connection_id, position);
CREATE INDEX record_object ON record (connection_id, object, id);

CREATE TABLE field_history (
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    link_id BIGINT NOT NULL,
    field BIGINT NOT NULL,
    at BIGINT NOT NULL,
    salesforce_before TEXT,
    salesforce_after TEXT,
    partner_before TEXT,
    partner_after TEXT,
    cause TEXT NOT NULL,
    plan_revision BIGINT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (connection_id, id)
);
CREATE INDEX field_history_link ON field_history (connection_id, link_id, id);

CREATE TABLE inbox (
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    object TEXT NOT NULL,
    salesforce_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    modstamp BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    fields TEXT NOT NULL,
    source TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id)
);
CREATE INDEX inbox_head ON inbox (connection_id, object, salesforce_id, id);

-- One row for each Salesforce record with waiting changes. While a worker holds it, ready_at is the end of its
-- lease: so one index finds what is ready, what was put off and what was left behind by a dead worker.
CREATE TABLE head (
    connection_id BIGINT NOT NULL,
    object TEXT NOT NULL,
    salesforce_id TEXT NOT NULL,
    lane BIGINT NOT NULL,
    ready_at BIGINT NOT NULL,
    worker TEXT,
    fence BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (connection_id, object, salesforce_id)
);
CREATE INDEX head_ready ON head (lane, ready_at);

CREATE TABLE idempotency (
    client TEXT NOT NULL,
    route TEXT NOT NULL,
    request_key TEXT NOT NULL,
    body_hash BYTEA NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (client, route, request_key)
);

CREATE TABLE lease (
    connection_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT,
    held_until BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (connection_id, name)
);

CREATE TABLE sync_run (
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (connection_id, id)
);

CREATE TABLE sync_part (
    connection_id BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    progress TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    expected BIGINT,
    outcomes TEXT NOT NULL,
    dropped BIGINT NOT NULL,
    PRIMARY KEY (connection_id, run_id, mapping_id),
    FOREIGN KEY (connection_id, run_id) REFERENCES sync_run (connection_id, id)
);

CREATE TABLE watermark (
    connection_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, mapping_id)
);

CREATE TABLE log_entry (
    connection_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    direction TEXT NOT NULL,
    method TEXT NOT NULL,
    status BIGINT NOT NULL,
    object TEXT NOT NULL,
    salesforce_id TEXT,
    record_id BIGINT,
    run_id BIGINT,
    data TEXT NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (connection_id, id)
);
CREATE INDEX log_entry_salesforce ON log_entry (connection_id, salesforce_id, id) WHERE salesforce_id IS NOT NULL;
CREATE INDEX log_entry_failed ON log_entry (connection_id, id) WHERE status >= 400;
