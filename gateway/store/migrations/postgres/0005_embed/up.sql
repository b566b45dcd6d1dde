-- The Salesforce user whose save a change follows from.
ALTER TABLE field_history ADD COLUMN saved_by TEXT;

-- Names of Salesforce users, as they were last read. No name: Salesforce shows no such user.
CREATE TABLE salesforce_user (
    connection_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, id)
);

-- Codes that open the page of a record once. Only their hashes are kept. Those that were used stay a while, so that
-- who comes with one again is told so inside the frame.
CREATE TABLE embed_code (
    code TEXT NOT NULL,
    connection_id BIGINT NOT NULL,
    opens TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (code)
);
CREATE INDEX embed_code_expiry ON embed_code (connection_id, expires_at);

-- Pages that partners made. An empty site stands for every site that has no page of its own under the name.
CREATE TABLE embed_template (
    connection_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    site TEXT NOT NULL,
    html TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, name, site)
);
