//! `/v1/connection` and `/v1/mappings`: how the caller's connection is set up.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use causeway_core::mapping::{DeletePolicy, Direction, FieldPlan, PartnerType, Scope, SyncRule};
use causeway_core::ports::connections::{Connection, Environment};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, ConnectionRead};
use super::overview::{BudgetView, InstantView, SettingsView, first_sync};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument};
use super::salesforce_package::SupportView;
use crate::app::console::{self, Overview};
use crate::app::package::{self, PackageState};
use crate::app::read::{self, MappingState, Waiting};
use crate::config::Support;

/// One Salesforce org linked with one partner account. No secret is ever shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
pub struct ConnectionView {
    /// Name.
    #[schema(examples("acme"))]
    pub name: String,
    /// `production` or `sandbox`.
    #[schema(examples("production"))]
    pub environment: &'static str,
    /// Where tokens are asked for.
    #[schema(examples("https://login.salesforce.com"))]
    pub login_url: String,
    /// Salesforce user whom the gateway acts as.
    pub username: String,
    /// API version.
    #[schema(examples("67.0"))]
    pub api_version: String,
    /// Organization id, once the org has answered.
    pub organization: Option<String>,
    /// Where the org answers, once known.
    pub instance_url: Option<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// News from Salesforce that waits to be decided.
    pub inbox: BacklogView,
    /// Records that wait to be written to Salesforce.
    pub outbox: BacklogView,
    /// Salesforce calls.
    pub calls: CallsView,
    /// The package in the org.
    pub package: PackageView,
    /// What the org's admin set.
    pub settings: SettingsView,
    /// Instant syncs.
    pub instant: InstantView,
    /// Whether everything was carried over once: `notDone`, `running` or `done`.
    #[schema(examples("done"))]
    pub first_sync: &'static str,
    /// When the first initial sync was completed.
    pub first_sync_at: Option<DateTime<Utc>>,
    /// Salesforce calls in 24 hours.
    pub budget: BudgetView,
    /// Whom to ask for help.
    pub support: SupportView,
}

/// The package in the org, as it last told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Package)]
pub struct PackageView {
    /// Its version; null before it first reported.
    #[schema(examples("1.0"))]
    pub version: Option<String>,
    /// The latest version.
    #[schema(examples("1.0"))]
    pub latest: String,
    /// Its id, by which Salesforce installs it; null where whoever runs the gateway has not said it.
    #[schema(examples("04tZM000000CqO2YAK"))]
    pub latest_id: Option<String>,
    /// Whether its version is older than that; null before it first reported.
    pub is_out_of_date: Option<bool>,
    /// When it last reported.
    pub reported_at: Option<DateTime<Utc>>,
    /// What waits in the org to be sent, in rows of the package's own queue.
    pub queue: Option<BacklogView>,
    /// What an admin has to see to, the gravest first.
    pub issues: Vec<IssueView>,
}

/// Something that an admin has to see to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Issue)]
pub struct IssueView {
    /// Stable code.
    #[schema(examples("package-silent"))]
    pub code: &'static str,
    /// Since when, where that is known.
    pub since: Option<DateTime<Utc>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub next_step: &'static str,
}

impl From<PackageState> for PackageView {
    fn from(state: PackageState) -> Self {
        let report = state.report.as_ref();
        PackageView {
            version: report.map(|report| report.version.clone()),
            latest: state.latest.version.to_string(),
            latest_id: state.latest.id.map(|id| id.to_string()),
            is_out_of_date: report.map(|report| state.latest.outdates(&report.version)),
            reported_at: report.map(|report| report.at),
            queue: report.map(|report| BacklogView {
                waiting: report.queue.rows,
                oldest: report.queue.oldest,
            }),
            issues: state
                .issues
                .into_iter()
                .map(|issue| IssueView {
                    code: issue.code,
                    since: issue.since,
                    message: issue.message,
                    next_step: issue.next_step,
                })
                .collect(),
        }
    }
}

/// What waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backlog)]
pub struct BacklogView {
    /// How much.
    #[schema(examples(0))]
    pub waiting: u64,
    /// Since when the oldest waits; null where nothing does.
    pub oldest: Option<DateTime<Utc>>,
}

/// Salesforce calls of the last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Calls)]
pub struct CallsView {
    /// How many were spent.
    #[schema(examples(312))]
    pub spent: u64,
    /// How many may be spent.
    #[schema(examples(5000))]
    pub cap: u64,
}

impl ConnectionView {
    fn new(
        connection: &Connection,
        waiting: &Waiting,
        package: PackageState,
        overview: &Overview,
        support: &Support,
    ) -> Self {
        let (first_sync, first_sync_at) = first_sync(overview.first_sync);
        ConnectionView {
            name: connection.name.clone(),
            environment: match connection.environment {
                Environment::Production => "production",
                Environment::Sandbox => "sandbox",
            },
            login_url: connection.login_url.clone(),
            username: connection.username.clone(),
            api_version: connection.api_version.clone(),
            organization: connection.organization.map(|id| id.to_string()),
            instance_url: connection.instance_url.clone(),
            enabled: connection.enabled,
            created_at: connection.created_at,
            inbox: BacklogView {
                waiting: waiting.inbox.changes,
                oldest: waiting.inbox.oldest,
            },
            outbox: BacklogView {
                waiting: waiting.outbox.links,
                oldest: waiting.outbox.oldest,
            },
            calls: CallsView {
                spent: waiting.calls_spent,
                cap: waiting.calls_cap,
            },
            package: package.into(),
            settings: SettingsView::from(&overview.settings),
            instant: InstantView::from(&overview.instant),
            first_sync,
            first_sync_at,
            budget: BudgetView::from(&overview.budget),
            support: SupportView {
                email: support.email.clone(),
                phone: support.phone.clone(),
            },
        }
    }
}

/// The mappings of a connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MappingList)]
pub struct MappingsView {
    /// Those in force.
    pub mappings: Vec<MappingView>,
}

/// A mapping in force.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Mapping)]
pub struct MappingView {
    /// Number.
    #[schema(examples("1"))]
    pub id: String,
    /// Revision; it grows with every change.
    pub revision: i64,
    /// Partner object.
    #[schema(examples("contact"))]
    pub partner_object: String,
    /// sObject.
    #[schema(examples("Contact"))]
    pub salesforce_object: String,
    /// `salesforceToPartner`, `partnerToSalesforce` or `both`.
    pub direction: &'static str,
    /// `pastAndFuture` or `futureOnly`.
    pub scope: &'static str,
    /// What a delete in Salesforce does: `delete`, `archive`, `unlink` or `ask`.
    pub delete_policy: &'static str,
    /// What a delete by the partner does: `delete`, `unlink` or `ask`.
    pub partner_delete_policy: &'static str,
    /// Owner of records whose Salesforce owner has no partner user.
    pub default_owner: String,
    /// Salesforce user or queue who owns records whose partner owner has no Salesforce user; null where the partner
    /// writes none.
    pub salesforce_default_owner: Option<String>,
    /// Who wins the owner, by the names of the fields' rules.
    #[schema(examples("salesforce"))]
    pub owner_rule: &'static str,
    /// Whether an update leaves an owner alone rather than replace it by the default owner of its side.
    pub keep_owner_on_update: bool,
    /// Salesforce field that carries the partner record's id; null where the partner writes none, or by identity.
    #[schema(examples("Partner_Id__c"))]
    pub external_id: Option<String>,
    /// Whether every linked Salesforce record is given that id.
    pub mark_linked: bool,
    /// Salesforce field that each write of the gateway sets to its moment.
    #[schema(examples("Last_Synced__c"))]
    pub last_written: Option<String>,
    /// Partner field by which records are recognised as the same on both sides.
    #[schema(examples("email"))]
    pub identity: Option<String>,
    /// Pairs of fields.
    pub fields: Vec<FieldView>,
    /// How many of its records stand where.
    pub links: LinkCountsView,
}

/// A pair of fields.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FieldMapping)]
pub struct FieldView {
    /// Partner field.
    #[schema(examples("last_name"))]
    pub partner: String,
    /// The partner field's type.
    #[serde(rename = "type")]
    #[schema(examples("Text"))]
    pub partner_type: &'static str,
    /// Salesforce field.
    #[schema(examples("LastName"))]
    pub salesforce: String,
    /// Who wins: `salesforce`, `salesforceUnlessBlank`, `partner`, `partnerUnlessBlank`, `mostRecent`, `doNotSync`.
    pub rule: &'static str,
    /// Whether the partner refuses records without a value here.
    pub required: bool,
    /// Greatest number of characters that the partner takes.
    pub max_length: Option<u32>,
    /// Partner option by Salesforce option; null: that option does not sync. Empty: options pass unchanged.
    pub choices: BTreeMap<String, Option<String>>,
}

/// How many records stand where.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkCounts)]
pub struct LinkCountsView {
    /// In step.
    pub linked: u64,
    /// Waiting for a person.
    pub held: u64,
    /// Waiting to be made in Salesforce.
    pub creating: u64,
    /// Ended: deleted, merged, converted or unlinked.
    pub deleted: u64,
}

impl From<&MappingState> for MappingView {
    fn from(state: &MappingState) -> Self {
        let plan = &state.plan;
        MappingView {
            id: plan.mapping.to_string(),
            revision: plan.revision.0,
            partner_object: plan.partner_object.clone(),
            salesforce_object: plan.salesforce_object.clone(),
            direction: match plan.direction {
                Direction::SalesforceToPartner => "salesforceToPartner",
                Direction::PartnerToSalesforce => "partnerToSalesforce",
                Direction::Both => "both",
            },
            scope: match plan.scope {
                Scope::PastAndFuture => "pastAndFuture",
                Scope::FutureOnly => "futureOnly",
            },
            delete_policy: policy_name(plan.delete_policy),
            partner_delete_policy: policy_name(plan.partner_delete_policy),
            default_owner: plan.default_owner.clone(),
            salesforce_default_owner: plan.salesforce_default_owner.map(|id| id.to_string()),
            owner_rule: rule_name(plan.owner_rule),
            keep_owner_on_update: plan.keep_owner_on_update,
            external_id: plan.external_id.clone(),
            mark_linked: plan.mark_linked,
            last_written: plan.last_written.clone(),
            identity: plan
                .identity
                .and_then(|id| plan.field(id))
                .map(|field| field.partner.clone()),
            fields: plan.fields.iter().map(FieldView::from).collect(),
            links: LinkCountsView {
                linked: state.links.linked,
                held: state.links.held,
                creating: state.links.creating,
                deleted: state.links.deleted,
            },
        }
    }
}

impl From<&FieldPlan> for FieldView {
    fn from(field: &FieldPlan) -> Self {
        FieldView {
            partner: field.partner.clone(),
            partner_type: type_name(field.partner_type),
            salesforce: field.salesforce.name.clone(),
            rule: rule_name(field.rule),
            required: field.required,
            max_length: field.max_length,
            choices: field.choices.clone(),
        }
    }
}

/// A rule as mappings and conflicts spell it.
pub(super) fn rule_name(rule: SyncRule) -> &'static str {
    match rule {
        SyncRule::Salesforce => "salesforce",
        SyncRule::SalesforceUnlessBlank => "salesforceUnlessBlank",
        SyncRule::Partner => "partner",
        SyncRule::PartnerUnlessBlank => "partnerUnlessBlank",
        SyncRule::MostRecent => "mostRecent",
        SyncRule::DoNotSync => "doNotSync",
    }
}

fn policy_name(policy: DeletePolicy) -> &'static str {
    match policy {
        DeletePolicy::Delete => "delete",
        DeletePolicy::Archive => "archive",
        DeletePolicy::Unlink => "unlink",
        DeletePolicy::Ask => "ask",
    }
}

/// A type as mappings spell it.
pub(super) fn type_name(kind: PartnerType) -> &'static str {
    match kind {
        PartnerType::Text => "Text",
        PartnerType::MultiLine => "MultiLine",
        PartnerType::Date => "Date",
        PartnerType::DateTime => "DateTime",
        PartnerType::SingleChoice => "SingleChoice",
        PartnerType::MultiChoice => "MultiChoice",
        PartnerType::Number => "Number",
        PartnerType::Currency => "Currency",
        PartnerType::Email => "Email",
        PartnerType::Phone => "Phone",
        PartnerType::Boolean => "Boolean",
        PartnerType::Reference => "Reference",
        PartnerType::Address => "Address",
    }
}

/// Read the connection.
///
/// How it is set up, what waits on both ways, what of its Salesforce calls is spent, how its syncs stand, and how the
/// package in the org is.
#[utoipa::path(
    tag = "connection",
    security(("bearer" = ["connection:read"])),
    responses(
        (status = 200, description = "The caller's connection", body = ConnectionView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/connection")]
pub async fn get_connection(
    state: web::Data<HttpState>,
    caller: Authorized<ConnectionRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let waiting = read::waiting(&state.app, caller.connection()).await?;
    let package = package::state(&state.app, caller.connection().id).await?;
    let overview = console::overview(&state.app, caller.connection()).await?;
    Ok(HttpResponse::Ok().json(ConnectionView::new(
        caller.connection(),
        &waiting,
        package,
        &overview,
        &state.support,
    )))
}

/// List mappings.
#[utoipa::path(
    tag = "connection",
    security(("bearer" = ["connection:read"])),
    responses(
        (status = 200, description = "The mappings in force", body = MappingsView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/mappings")]
pub async fn list_mappings(
    state: web::Data<HttpState>,
    caller: Authorized<ConnectionRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let mappings = read::mappings(&state.app, caller.connection().id).await?;
    Ok(HttpResponse::Ok().json(MappingsView {
        mappings: mappings.iter().map(MappingView::from).collect(),
    }))
}
