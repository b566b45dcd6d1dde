-- What the org's admin set on the package's pages. The revision is swapped with each change.
CREATE TABLE admin_settings (
    connection_id BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL,
    settings TEXT NOT NULL
);

-- What crossed between both sides, by the hour since 1970 in which it did.
CREATE TABLE activity_hour (
    connection_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    noted TEXT NOT NULL,
    PRIMARY KEY (connection_id, hour)
);

-- How fast a run got on of late.
ALTER TABLE sync_run ADD COLUMN pace TEXT;
