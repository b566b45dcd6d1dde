//! The API budget as Salesforce tells it with every answer.

use std::sync::Mutex;

/// Header that carries the usage (REST API Developer Guide, "Limit Info Header").
pub const HEADER: &str = "Sforce-Limit-Info";

/// Daily API requests of the whole org. Salesforce counts asynchronously: the number is close, not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiUsage {
    /// Requests used in the last 24 hours.
    pub used: u64,
    /// Requests allowed in 24 hours.
    pub allowed: u64,
}

/// The usage last told.
#[derive(Debug, Default)]
pub struct LastUsage(Mutex<Option<ApiUsage>>);

impl LastUsage {
    /// Remembers what a header says; a header of another form changes nothing.
    pub fn note(&self, header: &str) {
        if let Some(usage) = read(header) {
            *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(usage);
        }
    }

    /// The usage last told; `None` before the first answer.
    pub fn get(&self) -> Option<ApiUsage> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Reads `api-usage=18/5000`, also where a per-app part follows.
pub fn read(header: &str) -> Option<ApiUsage> {
    let numbers = header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, allowed) = numbers.split_once('/')?;
    Some(ApiUsage {
        used: used.trim().parse().ok()?,
        allowed: allowed.trim().parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documented_forms_are_read() {
        let usage = Some(ApiUsage {
            used: 25,
            allowed: 5_000,
        });
        assert_eq!(read("api-usage=25/5000"), usage);
        assert_eq!(
            read("api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)"),
            usage
        );
    }

    #[test]
    fn other_forms_change_nothing() {
        let last = LastUsage::default();
        last.note("api-usage=1/2");
        for header in [
            "",
            "api-usage",
            "api-usage=x/2",
            "per-app-api-usage=17/250(appName=a)",
        ] {
            last.note(header);
        }
        assert_eq!(last.get(), Some(ApiUsage { used: 1, allowed: 2 }));
    }
}
