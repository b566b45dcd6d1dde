//! Who calls, and in which API version.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::ApiError;
use super::request_options::RequestOptions;
use crate::data::{Author, Authority, DuplicateOptions};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Schema;
use crate::unit_of_work::UnitOfWork;
use crate::writes::UnluckyRows;

/// An API version such as 68.0, by its major number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub u16);

/// The caller of a data API request; the gate before the routes has checked session and version.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user the session acts as.
    pub user: RecordId,
    /// The API version in the path.
    pub version: ApiVersion,
    /// What the request's headers ask for.
    pub options: RequestOptions,
    /// Rows that this request is told are locked.
    pub(crate) unlucky: Option<UnluckyRows>,
    /// The unit of work that this request's writes are a part of.
    pub(crate) unit: Option<Arc<UnitOfWork>>,
}

impl ApiVersion {
    /// Reads the path segment `v68.0`.
    #[must_use]
    pub fn from_segment(segment: &str) -> Option<Self> {
        let major = segment.strip_prefix('v')?.strip_suffix(".0")?;
        let canonical = major.bytes().all(|byte| byte.is_ascii_digit()) && !major.starts_with('0');
        canonical.then(|| major.parse().ok().map(Self)).flatten()
    }

    /// The path below which this version's resources lie: `/services/data/v68.0`.
    #[must_use]
    pub fn root(self) -> String {
        format!("/services/data/v{}.0", self.0)
    }
}

impl Caller {
    /// The metadata as this caller sees it: what the caller must not read is not there.
    #[must_use]
    pub fn schema(&self, org: &Org) -> Arc<Schema> {
        Arc::clone(org.access_of(self.user).schema_outside())
    }

    /// The author of what this caller writes now.
    #[must_use]
    pub fn author(&self, org: &Org) -> Author {
        Author {
            user: self.user,
            now: org.clock.now(),
            authority: Authority::User,
            duplicates: DuplicateOptions {
                allow_save: self.options.duplicate_rule.allow_save,
                include_record_details: self.options.duplicate_rule.include_record_details,
                version: self.version.0,
            },
        }
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(ApiError::invalid_session),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::ApiVersion;

    #[test]
    fn versions_are_written_with_v_and_point_zero() {
        assert_eq!(ApiVersion::from_segment("v68.0"), Some(ApiVersion(68)));
        for wrong in [
            "68.0",
            "v68",
            "v68.1",
            "v068.0",
            "v.0",
            "v-1.0",
            "v99999999.0",
            "V68.0",
        ] {
            assert_eq!(ApiVersion::from_segment(wrong), None, "{wrong}");
        }
    }
}
