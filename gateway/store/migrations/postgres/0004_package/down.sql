DROP TABLE package_report;
DROP TABLE pairing;
