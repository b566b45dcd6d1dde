-- How far linked Salesforce records were given the partner record's id, by the field that carries it.
CREATE TABLE marking (
    connection_id BIGINT NOT NULL,
    mapping_id BIGINT NOT NULL,
    field TEXT NOT NULL,
    up_to BIGINT NOT NULL,
    refused TEXT,
    PRIMARY KEY (connection_id, mapping_id, field)
);
