//! What the package in an org captures, and what an admin has to see to about it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::Instant;
use crate::id::SalesforceId;
use crate::mapping::MappingPlan;
use crate::ports::marks::MarkingRefused;
use crate::ports::packages::PackageReport;

/// A package that is well reports every few minutes. One that was silent for longer is in trouble.
const SILENT_AFTER: TimeDelta = TimeDelta::minutes(60);

/// What was saved is sent within seconds; by then the job that sends what was left has come by twice.
const LATE_AFTER: TimeDelta = TimeDelta::minutes(30);

/// What every reading of a record carries, whatever is mapped.
const ALWAYS_READ: [&str; 2] = ["Id", "SystemModstamp"];

/// The fields that a package captures, by object: those that any mapping reads, beside what every reading carries.
pub fn captured<'p>(plans: impl IntoIterator<Item = &'p MappingPlan>) -> BTreeMap<String, BTreeSet<String>> {
    let mut captured: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for plan in plans {
        let fields = plan.salesforce_fields().into_iter();
        let fields = fields
            .filter(|name| !ALWAYS_READ.contains(name))
            .map(str::to_owned);
        captured
            .entry(plan.salesforce_object.clone())
            .or_default()
            .extend(fields);
    }
    captured
}

/// A package's version: major, minor, patch, build. What is left out is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageVersion([u32; 4]);

impl PackageVersion {
    /// A version by its first two parts.
    pub const fn of(major: u32, minor: u32) -> PackageVersion {
        PackageVersion([major, minor, 0, 0])
    }

    /// The version of this text, such as `1.2` or `1.2.0.3`. None for any other text.
    pub fn parse(text: &str) -> Option<PackageVersion> {
        let mut version = [0; 4];
        let mut places = version.iter_mut();
        for part in text.split('.') {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *places.next()? = digits.then(|| part.parse().ok())??;
        }
        Some(PackageVersion(version))
    }
}

/// A version of the package that can be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRelease {
    /// The version.
    pub version: PackageVersion,
    /// Its id in Salesforce, `04t…`, by which an org installs it; none where nobody has said it.
    pub id: Option<SalesforceId>,
}

impl PackageRelease {
    /// Whether a package of this version is older. One that cannot be read is.
    pub fn outdates(&self, version: &str) -> bool {
        PackageVersion::parse(version).is_none_or(|version| version < self.version)
    }
}

/// The major and minor part, which is how people name versions.
impl std::fmt::Display for PackageVersion {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PackageVersion([major, minor, ..]) = self;
        write!(out, "{major}.{minor}")
    }
}

/// Something that an admin has to see to, with the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageIssue {
    /// Stable code.
    pub code: &'static str,
    /// Since when, where that is known.
    pub since: Option<Instant>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub next_step: &'static str,
}

/// What an admin has to see to about a package that has to be of version `latest`, the gravest first.
pub fn issues(report: Option<&PackageReport>, latest: &PackageRelease, now: Instant) -> Vec<PackageIssue> {
    let Some(report) = report else {
        return vec![PackageIssue {
            code: "package-never-heard",
            since: None,
            message: "The package in Salesforce has not reported yet".to_owned(),
            next_step: "In Salesforce, open the Causeway app, Connection Settings, and pair it with this gateway",
        }];
    };
    let mut issues = Vec::new();
    if now - report.at > SILENT_AFTER {
        issues.push(PackageIssue {
            code: "package-silent",
            since: Some(report.at),
            message: format!(
                "The package in Salesforce has not reported since {}",
                report.at.format("%Y-%m-%d %H:%M UTC")
            ),
            next_step: "In Salesforce, open Connection Settings and press Save Settings, which schedules its job \
                        again; then press Test",
        });
    }
    if let Some(trouble) = &report.trouble {
        issues.push(PackageIssue {
            code: "package-trouble",
            since: Some(trouble.since),
            message: format!("The package reports: {}", trouble.message),
            next_step: "In Salesforce, open Connection Settings and press Test; it names what to change",
        });
    }
    if let Some(oldest) = report
        .queue
        .oldest
        .filter(|oldest| report.at - *oldest > LATE_AFTER)
    {
        issues.push(PackageIssue {
            code: "package-late",
            since: Some(oldest),
            message: format!("{} saved changes wait in Salesforce to be sent", report.queue.rows),
            next_step: "Nothing is lost. If it lasts: in Salesforce, Setup, Apex Jobs, look for jobs of Causeway that \
                        failed, and whether the day's asynchronous Apex is used up",
        });
    }
    if !report.sweeper_scheduled {
        issues.push(PackageIssue {
            code: "package-unscheduled",
            since: Some(report.at),
            message: "The package's job that sends what was left is not scheduled".to_owned(),
            next_step: "In Salesforce, open Connection Settings and press Save Settings",
        });
    }
    if !report.markers.is_empty() {
        issues.push(PackageIssue {
            code: "package-reconcile",
            since: Some(report.at),
            message: format!(
                "Room ran short while these were saved: {}. They are reconciled",
                report.markers.join(", ")
            ),
            next_step: "If it comes often: in Salesforce, Setup, Storage Usage, and look for other automation that \
                        spends a transaction's limits",
        });
    }
    if latest.outdates(&report.version) {
        issues.push(PackageIssue {
            code: "package-out-of-date",
            since: None,
            message: format!(
                "Version {} of the package is not the latest, which is {}",
                report.version, latest.version
            ),
            next_step: "Install the latest version of the package; settings stay as they are",
        });
    }
    issues
}

/// Salesforce refuses to give a mapping's linked records the partner record's id.
pub fn unmarked(plan: &MappingPlan, refused: &MarkingRefused) -> PackageIssue {
    PackageIssue {
        code: "records-unmarked",
        since: Some(refused.since),
        message: format!(
            "Linked records of {} are not given their id at the partner. {}",
            plan.salesforce_object,
            refused.message.trim_end_matches('.')
        ),
        next_step: "Mend what Salesforce names, then force a synchronization",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::packages::{PackageQueue, PackageTrouble};

    fn minutes(minutes: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn well(at: Instant) -> PackageReport {
        PackageReport {
            at,
            version: "1.2".to_owned(),
            running_user: None,
            queue: PackageQueue {
                rows: 0,
                oldest: None,
            },
            markers: Vec::new(),
            sweeper_scheduled: true,
            trouble: None,
        }
    }

    fn codes(report: Option<&PackageReport>, now: Instant) -> Vec<&'static str> {
        let latest = PackageVersion::parse("1.2").unwrap();
        let found = issues(
            report,
            &PackageRelease {
                version: latest,
                id: None,
            },
            now,
        );
        assert!(
            found
                .iter()
                .all(|issue| !issue.message.is_empty() && !issue.next_step.is_empty())
        );
        found.into_iter().map(|issue| issue.code).collect()
    }

    #[test]
    fn a_package_that_is_well_needs_nothing() {
        assert_eq!(codes(Some(&well(minutes(0))), minutes(60)), Vec::<&str>::new());
    }

    #[test]
    fn a_package_that_never_reported_has_to_be_paired() {
        assert_eq!(codes(None, minutes(0)), ["package-never-heard"]);
    }

    #[test]
    fn silence_is_told_after_an_hour() {
        assert_eq!(codes(Some(&well(minutes(0))), minutes(61)), ["package-silent"]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_the_gravest_first() {
        let report = PackageReport {
            version: "1.1.9.9".to_owned(),
            queue: PackageQueue {
                rows: 3,
                oldest: Some(minutes(0)),
            },
            markers: vec!["Contact".to_owned(), "Lead".to_owned()],
            sweeper_scheduled: false,
            trouble: Some(PackageTrouble {
                code: "gateway-401".to_owned(),
                message: "The gateway refuses the key".to_owned(),
                since: minutes(1),
            }),
            ..well(minutes(31))
        };
        assert_eq!(
            codes(Some(&report), minutes(92)),
            [
                "package-silent",
                "package-trouble",
                "package-late",
                "package-unscheduled",
                "package-reconcile",
                "package-out-of-date"
            ]
        );
    }

    #[test]
    fn what_waits_for_half_an_hour_is_not_late_yet() {
        let report = PackageReport {
            queue: PackageQueue {
                rows: 1,
                oldest: Some(minutes(0)),
            },
            ..well(minutes(30))
        };
        assert_eq!(codes(Some(&report), minutes(30)), Vec::<&str>::new());
    }

    #[test]
    fn versions_compare_part_by_part_and_other_texts_are_none() {
        let version = |text| PackageVersion::parse(text);
        assert_eq!(version("1.2"), version("1.2.0.0"));
        assert_eq!(version("1.2"), Some(PackageVersion::of(1, 2)));
        assert_eq!(PackageVersion::of(1, 2).to_string(), "1.2");
        assert!(version("1.10") > version("1.9.9.9"));
        assert!(version("2") > version("1.99"));
        for wrong in ["", "1.", "1.2.3.4.5", "1.+2", "beta", "1.2b", "1.99999999999"] {
            assert_eq!(version(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_version_that_cannot_be_read_counts_as_out_of_date() {
        let report = PackageReport {
            version: "beta".to_owned(),
            ..well(minutes(0))
        };
        assert_eq!(codes(Some(&report), minutes(0)), ["package-out-of-date"]);
    }
}
