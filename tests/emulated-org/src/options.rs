//! How an organisation is made.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::company::CompanyOptions;
use crate::limits::Allocation;
use crate::org::Switches;

/// Settings of a new organisation; [`Options::default`] makes a plain Enterprise one on a free port.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API versions served, by major number. The default is what Salesforce serves in November 2026:
    /// 31.0 to 68.0.
    pub api_versions: RangeInclusive<u16>,
    /// The edition, which decides the allocations.
    pub edition: Edition,
    /// The organisation's name.
    pub organization_name: String,
    /// The daily API requests; `None` for what the edition has.
    pub daily_api_limit: Option<u64>,
    /// SFDX source folders with custom objects and fields.
    pub sfdx_source: Vec<PathBuf>,
    /// SFDX source folders of managed packages that are installed. Their protected custom settings are seen by their
    /// code alone. Their names carry no namespace here.
    pub packages: Vec<PathBuf>,
    /// The address to listen on; port 0 for a free one.
    pub bind: String,
    /// The clock.
    pub clock: Clock,
    /// A generated company to fill the organisation with.
    pub company: Option<CompanyOptions>,
    /// How long an unused session lasts.
    pub session_timeout: Duration,
    /// Tells the ids of this organisation from those of others; below 3,844.
    pub pod: u16,
    /// The My Domain origin, such as `https://acme.my.salesforce.com`, where a proxy or a name leads to the server; it
    /// is the `instance_url` of all tokens. `None` for the origin that the server listens on.
    /// Whatever it is, hosts whose names begin with `login.` or `test.` are the login hosts, and all others, such as
    /// `127.0.0.1`, are My Domain, where people may log in too.
    pub my_domain: Option<String>,
    /// Whether the organisation is a sandbox, a full one: its users log in at the test host, and it has more daily
    /// API requests.
    pub is_sandbox: bool,
    /// Whether accounts can be persons.
    pub person_accounts: bool,
    /// A folder with the Java archives of apex-ls: deployments then pass its type checks too.
    pub apex_checker: Option<PathBuf>,
    /// The built shell of the Lightning app: a folder with `index.html` and `assets`. Without it a page says so.
    pub lightning: Option<PathBuf>,
    /// Behaviour that the documentation leaves open.
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_versions: 31..=68,
            edition: Edition::Enterprise,
            organization_name: "Northwind Instruments".to_owned(),
            daily_api_limit: None,
            sfdx_source: Vec::new(),
            packages: Vec::new(),
            bind: "127.0.0.1:0".to_owned(),
            clock: Clock::system(),
            company: None,
            session_timeout: Duration::from_hours(2),
            pod: 1_217,
            my_domain: None,
            is_sandbox: false,
            person_accounts: false,
            apex_checker: None,
            lightning: None,
            switches: Switches::default(),
        }
    }
}

/// The daily API requests of a full sandbox, whatever the edition (Salesforce Developer Limits and Allocations Quick
/// Reference).
pub(crate) const FULL_SANDBOX_CALLS: u64 = 5_000_000;

/// The edition of an organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edition {
    /// For development, with small allocations.
    Developer,
    /// Professional, with the API bought.
    Professional,
    /// Enterprise.
    #[default]
    Enterprise,
    /// Unlimited.
    Unlimited,
}

impl Edition {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Developer,
        Self::Professional,
        Self::Enterprise,
        Self::Unlimited,
    ];

    /// The `OrganizationType` of the Organization record.
    #[must_use]
    pub fn organization_type(self) -> &'static str {
        match self {
            Self::Developer => "Developer Edition",
            Self::Professional => "Professional Edition",
            Self::Enterprise => "Enterprise Edition",
            Self::Unlimited => "Unlimited Edition",
        }
    }

    /// The name in this crate's options and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Developer => "Developer",
            Self::Professional => "Professional",
            Self::Enterprise => "Enterprise",
            Self::Unlimited => "Unlimited",
        }
    }

    /// How many requests of 20 seconds or longer may be under way at once. Source: Salesforce Developer Limits and
    /// Allocations Quick Reference; 25 in production and sandboxes, 5 in Developer Edition and trials.
    #[must_use]
    pub fn concurrent_long_requests(self) -> u32 {
        match self {
            Self::Developer => 5,
            Self::Professional | Self::Enterprise | Self::Unlimited => 25,
        }
    }

    /// The allocations with ten licences. Source: Salesforce Developer Limits and Allocations Quick Reference;
    /// storage sizes are believed.
    #[must_use]
    pub fn allocations(self) -> Vec<(Allocation, u64)> {
        const LICENCES: u64 = 10;
        let (requests, delivered, published) = match self {
            Self::Developer => (15_000, 10_000, 50_000),
            Self::Professional => (100_000 + LICENCES * 1_000, 0, 0),
            Self::Enterprise => (100_000 + LICENCES * 1_000, 25_000, 250_000),
            Self::Unlimited => (100_000 + LICENCES * 5_000, 50_000, 250_000),
        };
        vec![
            (Allocation::DailyApiRequests, requests),
            (Allocation::DailyAsyncApexExecutions, 250_000),
            (Allocation::DailyBulkApiBatches, 15_000),
            (Allocation::DailyBulkV2IngestRecords, 150_000_000),
            (Allocation::DailyBulkV2QueryFileStorageMB, 976_562),
            (Allocation::DailyBulkV2QueryJobs, 10_000),
            (Allocation::DailyDeliveredPlatformEvents, delivered),
            (Allocation::DataStorageMB, 10_240),
            (Allocation::FileStorageMB, 10_240),
            (Allocation::HourlyPublishedPlatformEvents, published),
        ]
    }
}
