-- Codes with which a package, once, gives the gateway its key. Only their hashes are kept.
CREATE TABLE pairing (
    code TEXT PRIMARY KEY,
    connection_id BIGINT NOT NULL,
    client TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX pairing_client ON pairing (connection_id, client);

-- What the package of a connection's org last told of itself.
CREATE TABLE package_report (
    connection_id BIGINT PRIMARY KEY,
    report TEXT NOT NULL
);
