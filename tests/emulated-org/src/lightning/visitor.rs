//! Who asks for a page or its data.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::error::PageError;
use crate::access::Access;
use crate::http::request_options::RequestOptions;
use crate::http::{ApiVersion, Caller, browser_of};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Schema;

/// The header without which nothing is changed: another site's form cannot send it, and its scripts may not.
const PROOF: (&str, &str) = ("x-requested-with", "lightning");

/// The version that pages speak with the write path in.
const PAGE_VERSION: ApiVersion = ApiVersion(67);

/// The user of a browser that is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) user: RecordId,
    pub(crate) access: Arc<Access>,
}

impl Visitor {
    /// The metadata as the user sees it.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        self.access.schema()
    }

    /// The user as the write path knows callers.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            user: self.user,
            version: PAGE_VERSION,
            options: RequestOptions::default(),
            unlucky: None,
            unit: None,
        }
    }

    /// Refuses who may not customise the application.
    pub(crate) fn must_customize(&self) -> Result<(), PageError> {
        if self.access.has_permission("CustomizeApplication") {
            Ok(())
        } else {
            Err(PageError::insufficient())
        }
    }

    pub(super) fn of(request: &HttpRequest) -> Result<Self, PageError> {
        let org = request
            .app_data::<web::Data<Org>>()
            .ok_or_else(|| PageError::new(500, "the server was built without an organisation"))?;
        org.catch_up();
        let browser = browser_of(org, request).ok_or_else(PageError::no_session)?;
        let proof = request
            .headers()
            .get(PROOF.0)
            .and_then(|value| value.to_str().ok());
        if !request.method().is_safe() && proof != Some(PROOF.1) {
            return Err(PageError::new(
                403,
                "This request did not come from a page of this organization.",
            ));
        }
        Ok(Self {
            user: browser.user,
            access: org.access_of(browser.user),
        })
    }
}

impl FromRequest for Visitor {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}
