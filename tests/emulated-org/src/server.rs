//! The organisation as a running server, and what tests do to it without HTTP.

use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, NormalizePath, from_fn};
use actix_web::{App as Application, HttpServer, web};

use crate::access::{self, AccessBook, AccessError, Extras};
use crate::apex::TypeChecker;
use crate::apex::source::ApexSourceError;
use crate::app::App;
pub use crate::app::AppError;
use crate::automation::{Automation, RuleDefinition, RuleError};
use crate::bootstrap::{self, ADMIN_USERNAME, FirstRecords, INTEGRATION_USERNAME};
use crate::bulk;
use crate::catch_up::Agenda;
use crate::clock::Clock;
use crate::company::Company;
use crate::data::{
    Author, Authority, Data, Draft, DuplicateOptions, Operation, Refusal, SaveError, Transaction,
};
use crate::faults::Faults;
use crate::http;
use crate::id::RecordId;
use crate::lightning::LightningBook;
use crate::limits::{Allocation, Limits};
use crate::long_requests::LongRequests;
use crate::metadata::Metadata;
use crate::options::{FULL_SANDBOX_CALLS, Options};
use crate::org::Org;
use crate::people::{Deed, Done};
use crate::request_log::RequestLog;
use crate::schema::sfdx::{self, SfdxError};
use crate::schema::{Schema, SchemaError};
use crate::soql;
use crate::switches::SwitchBoard;
use crate::tokens::Tokens;
use crate::value::Value;

/// Why an organisation could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The standard objects contradict themselves.
    #[error("the standard objects: {0}")]
    Schema(#[from] SchemaError),
    /// The SFDX source could not be loaded.
    #[error("the SFDX source: {0}")]
    Sfdx(#[from] SfdxError),
    /// Apex could not be read.
    #[error("Apex: {0}")]
    ApexSource(#[from] ApexSourceError),
    /// The first records were refused.
    #[error("the organisation's first records were refused: {0:?}")]
    Bootstrap(Refusal),
    /// The record type of persons was refused.
    #[error("Person Accounts: {0}")]
    Access(#[from] AccessError),
    /// The company was refused.
    #[error("the generated company: {0}")]
    Company(#[from] SeedError),
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Why rows were not seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// No such object.
    #[error("object {0} does not exist")]
    UnknownObject(String),
    /// No such field.
    #[error("object {object} has no field {field}")]
    UnknownField {
        /// The object.
        object: String,
        /// The name that is no field.
        field: String,
    },
    /// A row was refused; the rows before it are written.
    #[error("row {row} of {object} was refused: {errors:?}")]
    Refused {
        /// The object.
        object: String,
        /// Which row, from 0.
        row: usize,
        /// Why.
        errors: Vec<SaveError>,
    },
}

/// A person to make a user of.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Username, in the form of an e-mail address; unique.
    pub username: String,
    /// Whether the user may log in and own records.
    pub is_active: bool,
}

/// A running organisation. Dropping it stops the server without waiting; see [`EmulatedOrg::stop`].
#[expect(missing_debug_implementations, reason = "holds keys and a million rows")]
pub struct EmulatedOrg {
    org: web::Data<Org>,
    server: ServerHandle,
}

impl EmulatedOrg {
    /// Makes the organisation and starts its server on the current Tokio runtime.
    ///
    /// # Errors
    /// The metadata or the company is refused, or the address is taken.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let org = web::Data::new(Org::new(&options)?);

        let shared = org.clone();
        let bind = |source| StartError::Bind {
            address: options.bind.clone(),
            source,
        };
        let server = HttpServer::new(move || {
            Application::new()
                .app_data(shared.clone())
                .app_data(http::composite::Router::default())
                .wrap(from_fn(http::observe))
                .wrap(Compress::default())
                // `//services` occurs in the wild: clients join a host that ends in a slash.
                .wrap(NormalizePath::trim())
                .configure(http::configure)
        })
        .workers(2)
        .shutdown_timeout(2)
        .disable_signals()
        .bind(options.bind.as_str())
        .map_err(bind)?;
        if let Some(address) = server.addrs().first() {
            // Set once, here.
            org.url.get_or_init(|| format!("http://{address}"));
        }
        crate::apex::jobs::serve(&org);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);

        let running = Self { org, server: handle };
        if let Some(company) = options.company {
            Company::generate(company).write_to(running.org.standard_profile, |object, rows| {
                running.seed(object, rows)
            })?;
        }
        Ok(running)
    }

    /// Where the organisation answers, such as `http://127.0.0.1:40123`: login host and instance alike.
    #[must_use]
    pub fn url(&self) -> &str {
        self.org.url()
    }

    /// The organisation's state.
    #[must_use]
    pub fn org(&self) -> &Org {
        &self.org
    }

    /// The organisation's id.
    #[must_use]
    pub fn organization_id(&self) -> RecordId {
        self.org.id
    }

    /// The clock, to read, set and advance.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.org.clock
    }

    /// The faults, to set and end.
    #[must_use]
    pub fn faults(&self) -> OrgFaults<'_> {
        OrgFaults { org: &self.org }
    }

    /// Which requests there were.
    #[must_use]
    pub fn request_log(&self) -> &RequestLog {
        &self.org.request_log
    }

    /// The username of the administrator.
    #[must_use]
    pub fn admin_username(&self) -> &'static str {
        ADMIN_USERNAME
    }

    /// The username of the integration user.
    #[must_use]
    pub fn integration_username(&self) -> &'static str {
        INTEGRATION_USERNAME
    }

    /// The profile "Standard User".
    #[must_use]
    pub fn standard_profile(&self) -> RecordId {
        self.org.standard_profile
    }

    /// Registers an app, or replaces the one with its consumer key.
    ///
    /// # Errors
    /// Its key is no RSA certificate or public key, or a callback URL is none that Salesforce takes.
    pub fn register_app(&self, app: App) -> Result<(), AppError> {
        self.org.register_app(app)
    }

    /// Makes a user with the profile "Standard User".
    ///
    /// # Errors
    /// The username is taken or malformed.
    pub fn create_user(&self, user: &NewUser) -> Result<RecordId, SeedError> {
        let mut fields = bootstrap::user_fields(
            &user.first_name,
            &user.last_name,
            &user.username,
            self.org.standard_profile,
        );
        fields.push(("IsActive", Value::Boolean(user.is_active)));
        let refused = |errors| SeedError::Refused {
            object: "User".to_owned(),
            row: 0,
            errors,
        };
        let ids = self.seed("User", [fields])?;
        ids.first().copied().ok_or_else(|| refused(Vec::new()))
    }

    /// Freezes a user, or thaws it: a frozen user cannot log in but may own records. No such user, no effect.
    pub fn freeze_user(&self, username: &str, frozen: bool) {
        let Some(user) = self.org.user_named(username) else {
            return;
        };
        self.org.freeze(user.id, frozen);
    }

    /// Writes records without HTTP, in the administrator's name and through the same validation, with the
    /// organisation's own rules switched off. Audit fields
    /// may be given, as with the permission "Set Audit Fields upon Record Creation".
    ///
    /// Answers the ids in the order of the rows.
    ///
    /// # Errors
    /// The first row that is refused; the rows before it stay.
    pub fn seed<'r, Rows>(&self, object: &str, rows: Rows) -> Result<Vec<RecordId>, SeedError>
    where
        Rows: IntoIterator<Item = Vec<(&'r str, Value)>>,
    {
        /// Rows written under one lock, so that readers get their turn.
        const CHUNK: usize = 5_000;
        let schema = self.org.schema();
        let object = schema
            .object(object)
            .ok_or_else(|| SeedError::UnknownObject(object.to_owned()))?;
        let author = Author {
            user: self.org.admin,
            now: self.org.clock.now(),
            authority: Authority::AuditFields,
            duplicates: DuplicateOptions::default(),
        };
        let mut ids = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut data = self.org.write();
            let mut transaction = Transaction::begin(&mut data, &schema, author);
            for fields in rows.by_ref().take(CHUNK) {
                let mut draft = Draft::default();
                draft.values.reserve_exact(fields.len());
                for (name, value) in fields {
                    let (at, _) = object.field(name).ok_or_else(|| SeedError::UnknownField {
                        object: object.name.clone(),
                        field: name.to_owned(),
                    })?;
                    // A later value for the same field wins.
                    draft.values.retain(|(known, _)| *known != at);
                    draft.values.push((at, value));
                }
                let operation = Operation::Create {
                    object: Arc::clone(object),
                    draft,
                };
                let saved = transaction
                    .save(operation)
                    .map_err(|refusal| SeedError::Refused {
                        object: object.name.clone(),
                        row: ids.len(),
                        errors: refusal.into_errors(),
                    })?;
                ids.push(saved.id);
            }
        }
        Ok(ids)
    }

    /// Adds a rule of the organisation's own: a flow or a validation rule.
    ///
    /// # Errors
    /// What it names does not exist or does not fit.
    pub fn add_rule(&self, definition: RuleDefinition) -> Result<(), RuleError> {
        self.org.add_rule(definition)
    }

    /// Lets a user do something on the organisation's pages; no such user, no record.
    pub fn act(&self, username: &str, deed: &Deed) -> Done {
        match self.org.user_named(username) {
            Some(user) => self.org.act(user.id, deed, None),
            None => Done::Now(Err(SaveError::unknown_record().into())),
        }
    }

    /// Changes the daily API limit.
    pub fn set_daily_api_limit(&self, requests: u64) {
        self.org
            .limits
            .set_maximum(Allocation::DailyApiRequests, requests);
    }

    /// Stops the server: no new connections, requests under way get two seconds.
    pub async fn stop(self) {
        self.server.stop(true).await;
    }
}

impl Drop for EmulatedOrg {
    fn drop(&mut self) {
        // Asking is enough: nobody waits for the answer.
        drop(self.server.stop(false));
    }
}

/// The faults of a running organisation; see [`Faults`].
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "only a view of the organisation")]
pub struct OrgFaults<'a> {
    org: &'a Org,
}

impl OrgFaults<'_> {
    /// Ends all sessions: every token is refused with `INVALID_SESSION_ID` from now on.
    pub fn expire_all_tokens(&self) {
        self.org.tokens.expire_all();
    }
}

impl std::ops::Deref for OrgFaults<'_> {
    type Target = Faults;

    fn deref(&self) -> &Faults {
        &self.org.faults
    }
}

impl Org {
    /// Makes an organisation that no server serves, for those who hand it requests themselves: without its
    /// company, at no address.
    ///
    /// # Errors
    /// The metadata is refused.
    pub fn new(options: &Options) -> Result<Self, StartError> {
        let mut schema = Schema::standard()?;
        if options.person_accounts {
            schema.enable_person_accounts()?;
        }
        let folders = [options.sfdx_source.as_slice(), options.packages.as_slice()].concat();
        sfdx::load(&mut schema, &folders)?;
        sfdx::protect(&mut schema, &options.packages)?;
        if options.person_accounts {
            schema.mirror_contact_fields()?;
        }
        let mut data = Data::new(&schema, options.pod);
        data.go_by(&options.clock);
        let first = bootstrap::write(&mut data, &schema, options).map_err(StartError::Bootstrap)?;
        let unlimited = first.unlimited;
        let org = organisation(schema, data, first, options);
        for permission_set in unlimited {
            org.access.add_extras(permission_set, Extras::everything());
        }
        if options.person_accounts {
            org.add_person_record_type()?;
        }
        org.load_custom_permissions(&folders)?;
        access::adopt_metadata(&org, &sfdx::access(&folders)?)?;
        org.load_custom_metadata(&folders)?;
        if let Some(archives) = &options.apex_checker {
            org.metadata.set_apex_check(Arc::new(TypeChecker::new(archives)));
        }
        org.load_apex(&folders)?;
        org.load_pages(&folders)?;
        Ok(org)
    }
}

fn organisation(schema: Schema, data: Data, first: FirstRecords, options: &Options) -> Org {
    let mut allocations = options.edition.allocations();
    if options.is_sandbox {
        allocations.push((Allocation::DailyApiRequests, FULL_SANDBOX_CALLS));
    }
    if let Some(daily) = options.daily_api_limit {
        allocations.push((Allocation::DailyApiRequests, daily));
    }
    let org = Org {
        schema: Arc::new(schema).into(),
        data: data.into(),
        clock: options.clock.clone(),
        faults: Faults::default(),
        limits: Limits::new(allocations),
        long_requests: Arc::new(LongRequests::new(options.edition.concurrent_long_requests())),
        tokens: Tokens::new(options.session_timeout),
        request_log: RequestLog::default(),
        switches: SwitchBoard::default(),
        bulk: bulk::Jobs::default(),
        ingest: bulk::ingest::Jobs::default(),
        classic: bulk::classic::Jobs::default(),
        automation: Automation::default(),
        access: AccessBook::default(),
        apex: Default::default(),
        lightning: LightningBook::new(options.lightning.clone()),
        row_locks: Arc::default(),
        agenda: Agenda::default(),
        retention: Default::default(),
        late_commits: Default::default(),
        cursors: soql::Cursors::default(),
        metadata: Metadata::new(options.pod),
        id: first.organization,
        admin: first.admin,
        standard_profile: first.standard_profile,
        edition: options.edition,
        api_versions: options.api_versions.clone(),
        apps: Default::default(),
        grants: Default::default(),
        codes: Default::default(),
        logins: Default::default(),
        signing_key: Default::default(),
        my_domain: options.my_domain.clone(),
        is_sandbox: options.is_sandbox,
        frozen_users: Default::default(),
        schema_changed: options.clock.now().into(),
        url: Default::default(),
    };
    org.set_switches(options.switches);
    org
}
