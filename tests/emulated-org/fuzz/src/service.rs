//! An organisation that is asked in the same thread, and made anew after so many inputs.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::time::Duration;

use actix_http::Request;
use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, web};
use chrono::DateTime;
use emulated_org::tokens::Session;
use emulated_org::{Clock, Options, Org, http};
use tokio::runtime::{Builder, Runtime};

/// The versioned path below which all requests go.
pub const ROOT: &str = "/services/data/v68.0";

/// So many inputs meet one organisation: they write, and memory and time should not grow with their number.
const INPUTS: u32 = 500;

/// The moment at which the organisation's clock stands: an input does the same whenever it is played.
const MOMENT: i64 = 1_800_000_000;

type Routes = dyn Fn(Request) -> std::pin::Pin<Box<dyn Future<Output = Result<ServiceResponse, Error>>>>;

/// An organisation and the way to ask it.
pub struct Asked {
    runtime: Runtime,
    routes: Rc<Routes>,
    pub org: web::Data<Org>,
    token: String,
    inputs: u32,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

thread_local! {
    /// Never dropped at the end of the thread, where actix has no memory of its own left to drop requests into.
    static ASKED: ManuallyDrop<RefCell<Option<Asked>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Plays one input against this thread's organisation, which is made by `furnish` where there is none yet.
pub fn with_organisation(furnish: impl Fn(&Asked), input: impl FnOnce(&Asked)) {
    ASKED.with(|asked| {
        let mut asked = asked.borrow_mut();
        if asked.as_ref().is_none_or(|asked| asked.inputs == INPUTS) {
            let new = Asked::new();
            furnish(&new);
            *asked = Some(new);
        }
        if let Some(asked) = asked.as_mut() {
            asked.inputs += 1;
            input(asked);
        }
    });
}

impl Asked {
    fn new() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap_or_else(|error| fail(&error));
        let options = Options {
            clock: Clock::fixed(DateTime::from_timestamp(MOMENT, 0).unwrap_or_default()),
            session_timeout: Duration::from_hours(24 * 365),
            daily_api_limit: Some(u64::MAX),
            ..Options::default()
        };
        let org = web::Data::new(Org::new(&options).unwrap_or_else(|error| fail(&error)));
        let session = Session {
            user: org.admin,
            app: "fuzz".to_owned(),
            scopes: vec!["api".to_owned()],
        };
        let token = org.tokens.issue(org.id, session, org.clock.now());
        let application = App::new()
            .app_data(org.clone())
            .app_data(http::composite::Router::default())
            .configure(http::configure);
        let service = Rc::new(runtime.block_on(init_service(application)));
        let routes = move |request| {
            let service = Rc::clone(&service);
            Box::pin(async move { service.call(request).await }) as _
        };
        Self {
            runtime,
            routes: Rc::new(routes),
            org,
            token,
            inputs: 0,
        }
    }

    /// Asks, and checks what holds of every answer: it is none of an internal error.
    pub fn ask(&self, method: Method, path: &str, media_type: &str, body: Vec<u8>) -> Answer {
        let request = TestRequest::default()
            .method(method)
            .uri(&format!("{ROOT}{path}"))
            .insert_header(("authorization", format!("Bearer {}", self.token)))
            .insert_header(("content-type", media_type))
            .set_payload(body)
            .to_request();
        let routes = Rc::clone(&self.routes);
        let answer = self.runtime.block_on(async move {
            match routes(request).await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    let body = to_bytes(response.into_body()).await;
                    let body = body.map(|bytes| bytes.to_vec()).unwrap_or_default();
                    Answer { status, body }
                }
                Err(error) => Answer {
                    status: error.as_response_error().status_code().as_u16(),
                    body: error.to_string().into_bytes(),
                },
            }
        });
        assert!(
            answer.status < 500,
            "{path} was answered with {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        answer
    }
}

#[expect(clippy::panic, reason = "a fuzzer's only way to say that something is wrong")]
fn fail(error: &dyn std::fmt::Display) -> ! {
    panic!("the organisation could not be made: {error}")
}
