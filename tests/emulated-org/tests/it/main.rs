//! The organisation's behaviour over real HTTP.

mod binary;
mod bulk;
mod certificate;
mod client;
mod clock;
mod collections;
mod company;
mod crud;
mod derived;
mod describe;
mod faults;
mod hostile;
mod limits;
mod oauth;
mod objects;
mod replication;
mod sfdx;
mod soql;
mod strictness;
mod tree;
mod validation;
