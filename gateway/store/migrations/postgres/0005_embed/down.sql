DROP TABLE salesforce_user;
DROP TABLE embed_template;
DROP TABLE embed_code;
ALTER TABLE field_history DROP COLUMN saved_by;
