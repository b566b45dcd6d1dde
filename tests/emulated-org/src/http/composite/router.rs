//! How subrequests reach the resources: through the routes of requests of their own, without the gate before them,
//! which their request has passed.

use std::rc::Rc;

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::body::to_bytes;
use actix_web::dev::{AppConfig, Payload, ServiceResponse};
use actix_web::http::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, LOCATION,
};
use actix_web::http::{Method, Uri};
use actix_web::middleware::NormalizePath;
use actix_web::web::{self, Bytes};
use actix_web::{App, Error, HttpMessage, HttpResponse};
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value as Json};
use tokio::sync::OnceCell;

use crate::http::gate::has_written;
use crate::http::{ApiError, Caller, subrequest_routes};
use crate::org::Org;

/// The routes of subrequests, one set for each thread of the server, made when first asked for.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "holds the routes")]
pub struct Router {
    service: OnceCell<Rc<Dispatch>>,
}

type Dispatch = dyn Fn(Request) -> LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

/// One subrequest, ready to be sent.
pub(super) struct Subrequest {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Option<Json>,
}

/// What became of a subrequest.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Map<String, Json>,
    pub body: Json,
    pub has_written: bool,
}

impl Router {
    pub(super) async fn ask(&self, org: &web::Data<Org>, caller: Caller, subrequest: Subrequest) -> Answer {
        let Ok(dispatch) = self.dispatch(org).await else {
            let message = "the routes of subrequests could not be made";
            return Answer::refused(&ApiError::new(500, "UNKNOWN_EXCEPTION", message));
        };
        let mut request = match &subrequest.body {
            Some(body) => Request::with_payload(Payload::from(Bytes::from(body.to_string()))),
            None => Request::new(),
        };
        let head = request.head_mut();
        head.method = subrequest.method;
        head.uri = subrequest.uri;
        head.headers = subrequest.headers;
        if subrequest.body.is_some() {
            let json = HeaderValue::from_static("application/json");
            head.headers.insert(CONTENT_TYPE, json);
        }
        request.extensions_mut().insert(caller);
        let response = match dispatch(request).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        Answer::read(response).await
    }

    async fn dispatch(&self, org: &web::Data<Org>) -> Result<&Rc<Dispatch>, ()> {
        let make = || async {
            let application = App::new()
                .app_data(org.clone())
                .wrap(NormalizePath::trim())
                .configure(subrequest_routes);
            let service = application
                .into_factory()
                .new_service(AppConfig::default())
                .await?;
            let dispatch: Rc<Dispatch> = Rc::new(move |request| Box::pin(service.call(request)));
            Ok(dispatch)
        };
        self.service.get_or_try_init(make).await
    }
}

impl Answer {
    /// The answer to a subrequest that never reached a resource.
    pub(super) fn refused(error: &ApiError) -> Self {
        Self {
            status: error.status,
            headers: Map::new(),
            body: Json::Array(vec![error.to_json()]),
            has_written: false,
        }
    }

    async fn read(response: HttpResponse) -> Self {
        /// The headers that answers to subrequests show in the guide's examples.
        const SHOWN: [(HeaderName, &str); 3] = [
            (LOCATION, "Location"),
            (ETAG, "ETag"),
            (LAST_MODIFIED, "Last-Modified"),
        ];
        let status = response.status().as_u16();
        let has_written = has_written(&response);
        let headers = SHOWN
            .into_iter()
            .filter_map(|(header, name)| {
                let value = response.headers().get(header)?.to_str().ok()?;
                Some((name.to_owned(), Json::from(value)))
            })
            .collect();
        let body = match to_bytes(response.into_body()).await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or(Json::Null),
            Err(_) => Json::Null,
        };
        Self {
            status,
            headers,
            body,
            has_written,
        }
    }

    /// Whether the subrequest did not do what it was to do. A key that several records have refuses an upsert
    /// with 300; 304 refuses nothing.
    pub(super) fn is_failure(&self) -> bool {
        self.status >= 300 && self.status != 304
    }
}
