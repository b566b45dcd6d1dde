//! The organisation's behaviour over real HTTP.

mod binary;
mod bulk;
mod certificate;
mod chaos;
mod client;
mod clock;
mod collections;
mod company;
mod crud;
mod derived;
mod describe;
mod faults;
mod hostile;
mod ingest;
mod keyset;
mod limits;
mod oauth;
mod objects;
mod people;
mod replication;
mod rules;
mod sfdx;
mod soql;
mod strictness;
mod tree;
mod validation;
