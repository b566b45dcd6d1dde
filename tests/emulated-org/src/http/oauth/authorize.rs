//! The authorization endpoint: a page to log in on, then one to allow or deny access on.
//!
//! The pages are plain forms. For scripts: `POST` to the address of the page itself, with
//! - `username` and `pw`, or `as` and a username: logs in. Anybody may log in with `as`, which is this organisation's
//!   own way; `pw` is for users who were given a password through `/emulator/users/password`.
//! - `action=allow` or `action=deny`, and the `confirmation` that stands in the page: decides. Needs the cookie
//!   `sid` of the login.

use actix_web::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};

use super::approval::Standing;
use super::form::{Form, same};
use super::host::Host;
use super::request::AuthorizationRequest;
use super::{OAuthError, pages, refuse};
use crate::id::RecordId;
use crate::org::Org;
use crate::tokens::logins::Browser;

/// The cookie that Salesforce keeps sessions of its own pages in.
const SESSION_COOKIE: &str = "sid";

pub(super) async fn show(org: web::Data<Org>, request: HttpRequest) -> HttpResponse {
    let query = Form::parse(request.query_string().as_bytes());
    let asked = match AuthorizationRequest::read(&org, &query) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    match browser_of(&org, &request) {
        Some(browser) if !asked.prompts("login") => proceed(&org, &asked, &browser),
        // OpenID Connect Core, section 3.1.2.6; that Salesforce answers so is believed.
        _ if asked.prompts("none") => asked.refused(&refuse("login_required", "user is not logged in")),
        _ => pages::login(&org, &asked, None),
    }
}

pub(super) async fn submit(org: web::Data<Org>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let query = Form::parse(request.query_string().as_bytes());
    let asked = match AuthorizationRequest::read(&org, &query) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    let form = Form::parse(&body);
    let Some(action) = form.get("action") else {
        return log_in(&org, &request, &asked, &form);
    };
    let confirmation = form.get("confirmation").unwrap_or_default();
    let browser = browser_of(&org, &request).filter(|browser| same(&browser.confirmation, confirmation));
    match (action, browser) {
        ("allow", Some(browser)) => allow(&org, &asked, &browser),
        ("deny", Some(_)) => asked.refused(&refuse("access_denied", "end-user denied authorization")),
        // Another user is to log in, or the login has ended meanwhile.
        _ => pages::login(&org, &asked, None),
    }
}

fn log_in(org: &Org, request: &HttpRequest, asked: &AuthorizationRequest, form: &Form) -> HttpResponse {
    const WRONG: &str = "Please check your username and password. If you still can't log in, contact your Salesforce \
                         administrator.";
    let user = match logged_in(org, &Host::of_request(org, request), form) {
        Ok(user) => user,
        // Which of the two was wrong, or that a user exists, is not for everybody.
        Err(_refused) => return pages::login(org, asked, Some(WRONG)),
    };
    let (cookie, browser) = org.logins.open(user, org.clock.now());
    let mut answer = proceed(org, asked, &browser);
    if let Some(cookie) = session_cookie(org, &cookie) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

/// What gives a browser the cookie of a user who has logged in.
pub(crate) fn session_cookie(org: &Org, cookie: &str) -> Option<HeaderValue> {
    let secure = match org.instance_url().starts_with("https:") {
        true => "; Secure",
        false => "",
    };
    // The value is word characters and dots.
    let cookie = format!("{SESSION_COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).ok()
}

fn logged_in(org: &Org, host: &Host, form: &Form) -> Result<RecordId, OAuthError> {
    let wrong = || refuse("invalid_grant", "authentication failure");
    if !host.serves(org) {
        return Err(wrong());
    }
    let picked = form.get("as");
    let username = picked.or_else(|| form.get("username")).ok_or_else(wrong)?;
    let user = org.user_named(username).ok_or_else(wrong)?.id;
    let password = form.get("pw").unwrap_or_default();
    if picked.is_none() && !org.logins.check_password(user, password, org.clock.now()) {
        return Err(wrong());
    }
    org.may_log_in(user)?;
    Ok(user)
}

/// What comes after the login: the question, or the way back.
fn proceed(org: &Org, asked: &AuthorizationRequest, browser: &Browser) -> HttpResponse {
    let is_settled = match Standing::of(org, &asked.app, browser.user) {
        // What the callback gets in these two cases is what apps' own pages look for.
        Standing::NotAdminApproved => {
            return asked.refused(&refuse(
                "OAUTH_APP_ACCESS_DENIED",
                "user is not admin approved to access this app",
            ));
        }
        Standing::NotInstalled => {
            return asked.refused(&refuse(
                "OAUTH_APPROVAL_ERROR_GENERIC",
                "An unexpected error has occurred during authentication. Please try again.",
            ));
        }
        Standing::AdminApproved => true,
        Standing::SelfApproved(approved) => asked.scopes.iter().all(|scope| approved.contains(scope)),
        Standing::NotAsked => false,
    };
    if is_settled && !asked.prompts("consent") {
        asked.granted(org, browser.user)
    } else if asked.prompts("none") {
        asked.refused(&refuse("consent_required", "user has not approved this consumer"))
    } else {
        pages::approval(org, asked, browser)
    }
}

fn allow(org: &Org, asked: &AuthorizationRequest, browser: &Browser) -> HttpResponse {
    // The page may be older than the policy.
    if !matches!(
        Standing::of(org, &asked.app, browser.user),
        Standing::AdminApproved | Standing::SelfApproved(_) | Standing::NotAsked
    ) {
        return proceed(org, asked, browser);
    }
    org.grants
        .approve(&asked.app.consumer_key, browser.user, &asked.scopes);
    asked.granted(org, browser.user)
}

/// The browser of a request, if a user who still may is logged in there.
pub(crate) fn browser_of(org: &Org, request: &HttpRequest) -> Option<Browser> {
    let browser = org.logins.browser(cookie_of(request)?, org.clock.now())?;
    org.may_log_in(browser.user).is_ok().then_some(browser)
}

/// Logs the user of a request's browser out.
pub(crate) fn end_browser(org: &Org, request: &HttpRequest) {
    if let Some(cookie) = cookie_of(request) {
        org.logins.close(cookie);
    }
}

fn cookie_of(request: &HttpRequest) -> Option<&str> {
    let cookies = request.headers().get_all(COOKIE);
    let mut pairs = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='));
    let (_, cookie) = pairs.find(|(name, _)| *name == SESSION_COOKIE)?;
    Some(cookie)
}
