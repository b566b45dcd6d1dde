//! A strict Salesforce organisation over HTTP, for tests: it holds records, enforces the metadata's rules,
//! and where Salesforce would refuse it refuses, in Salesforce's words.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use emulated_org::{App, EmulatedOrg, Options};
//!
//! let org = EmulatedOrg::start(Options::default()).await?;
//! org.register_app(App::pre_authorized("consumer-key", std::fs::read_to_string("public-key.pem")?))?;
//! println!("{} as {}", org.url(), org.admin_username());
//! org.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod access;
pub mod apex;
pub mod app;
pub mod automation;
mod bootstrap;
pub mod bulk;
mod catch_up;
pub mod clock;
pub mod company;
pub mod data;
mod dice;
pub mod faults;
pub mod formula;
pub mod http;
pub mod id;
mod lightning;
pub mod limits;
pub mod long_requests;
pub mod metadata;
pub mod options;
pub mod org;
pub mod people;
pub mod request_log;
mod retention;
pub mod row_locks;
pub mod schema;
pub mod server;
pub mod soql;
pub mod switches;
pub mod tokens;
mod unit_of_work;
pub mod value;
mod writes;

pub use app::{App, AppError, Approval};
pub use catch_up::Agenda;
pub use clock::Clock;
pub use id::RecordId;
pub use options::{Edition, Options};
pub use org::{Org, Switches};
pub use people::{Deed, Done, LeadConversion};
pub use server::{EmulatedOrg, NewUser, SeedError, StartError};
pub use value::Value;
