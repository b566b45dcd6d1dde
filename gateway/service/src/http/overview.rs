//! How a connection's syncs stand, as callers read it.

use causeway_core::ports::settings::AdminSettings;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::budget::Budget;
use crate::app::console::{FirstSync, InstantState};

/// What the org's admin set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Settings)]
pub struct SettingsView {
    /// The partner's user, as typed, to whom records from Salesforce belong whose owner has no partner user; null:
    /// the mappings' own default owners.
    #[schema(examples("ada@example.com"))]
    pub data_owner: Option<String>,
    /// Name of the Salesforce account to which new contacts and opportunities from the partner are attached that
    /// name none.
    #[schema(examples("Acme"))]
    pub account_name: Option<String>,
    /// That account; null until the org could be asked for it.
    #[schema(examples("001ZM000001n4n5YAA"))]
    pub account_id: Option<String>,
    /// Names the partner's site that is shown on records.
    pub micro_site_key: Option<String>,
    /// Names the page that is shown on records.
    pub frame_name: Option<String>,
    /// Grows with every change of what the admin set; send it as `If-Match`, in quotes.
    #[schema(examples(3))]
    pub revision: i64,
}

impl From<&AdminSettings> for SettingsView {
    fn from(settings: &AdminSettings) -> Self {
        let account = settings.default_account.as_ref();
        SettingsView {
            data_owner: settings.data_owner.as_ref().map(|owner| owner.typed.clone()),
            account_name: account.map(|account| account.name.clone()),
            account_id: account.and_then(|account| account.id).map(|id| id.to_string()),
            micro_site_key: settings.micro_site_key.clone(),
            frame_name: settings.frame_name.clone(),
            revision: settings.revision,
        }
    }
}

/// How instant syncs stand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Instant)]
pub struct InstantView {
    /// Whether they come by themselves.
    pub enabled: bool,
    /// Minutes from one to the next; null where nobody has said it.
    #[schema(examples(15))]
    pub interval_minutes: Option<u64>,
    /// From when on the next one reads, mapping by mapping.
    pub watermark: Vec<WatermarkView>,
    /// When the newest was asked for.
    pub last_run_at: Option<DateTime<Utc>>,
}

/// From when on the next instant sync of a mapping reads.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MappingWatermark)]
pub struct WatermarkView {
    /// Number of the mapping.
    #[schema(examples("1"))]
    pub mapping: String,
    /// Partner object.
    #[schema(examples("contact"))]
    pub partner_object: String,
    /// The moment; null before the mapping's first sync.
    pub at: Option<DateTime<Utc>>,
}

impl From<&InstantState> for InstantView {
    fn from(instant: &InstantState) -> Self {
        InstantView {
            enabled: instant.every.is_some(),
            interval_minutes: instant.interval_minutes,
            watermark: instant
                .watermarks
                .iter()
                .map(|(mapping, partner_object, at)| WatermarkView {
                    mapping: mapping.to_string(),
                    partner_object: partner_object.clone(),
                    at: *at,
                })
                .collect(),
            last_run_at: instant.last_run_at,
        }
    }
}

/// Salesforce calls in 24 hours.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Budget)]
pub struct BudgetView {
    /// Whether the admin's own cap holds.
    pub enforced: bool,
    /// The admin's own cap, also while it is not enforced.
    #[schema(examples(4000))]
    pub own_cap: Option<u64>,
    /// The cap where the admin enforces none: half of what the org allows.
    #[schema(examples(5000))]
    pub automatic_cap: u64,
    /// The cap that holds.
    #[schema(examples(4000))]
    pub cap: u64,
    /// How much of it each lane may use up.
    pub lanes: LanesView,
    /// Calls of the gateway in the last 24 hours. It counts a call up to an hour longer than the org does.
    #[schema(examples(312))]
    #[serde(rename = "used24h")]
    pub used: u64,
    /// Calls that the org allows in 24 hours; null before its first answer.
    #[schema(examples(10000))]
    pub maximum: Option<u64>,
    /// Calls of everybody else in the org in the last 24 hours; null before the org told this process.
    #[schema(examples(1200))]
    #[serde(rename = "usedByOthers24h")]
    pub used_by_others: Option<u64>,
    /// When each lane goes on that stands still at the cap.
    pub free_again_at: FreeAgainView,
}

/// When calls are free again for each lane; null where they are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FreeAgain)]
pub struct FreeAgainView {
    /// Work that somebody waits for.
    pub interactive: Option<DateTime<Utc>>,
    /// Initial syncs and reconciles.
    pub bulk: Option<DateTime<Utc>>,
}

/// How much of the cap each lane may use up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lanes)]
pub struct LanesView {
    /// Work that somebody waits for.
    #[schema(examples(4000))]
    pub interactive: u64,
    /// Initial syncs and reconciles.
    #[schema(examples(3200))]
    pub bulk: u64,
}

impl From<&Budget> for BudgetView {
    fn from(budget: &Budget) -> Self {
        BudgetView {
            enforced: budget.enforced,
            own_cap: budget.own_cap,
            automatic_cap: budget.automatic_cap,
            cap: budget.cap,
            lanes: LanesView {
                interactive: budget.cap,
                bulk: budget.bulk_cap,
            },
            used: budget.used,
            maximum: budget.maximum,
            used_by_others: budget.used_by_others,
            free_again_at: FreeAgainView {
                interactive: budget.free_again_at,
                bulk: budget.bulk_free_again_at,
            },
        }
    }
}

/// Whether everything was carried over once, in a word, and since when.
pub(super) fn first_sync(first: FirstSync) -> (&'static str, Option<DateTime<Utc>>) {
    match first {
        FirstSync::NotDone => ("notDone", None),
        FirstSync::Running => ("running", None),
        FirstSync::Done { at } => ("done", at),
    }
}
