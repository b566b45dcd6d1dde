//! Logging in and out.
//!
//! One browser is logged in once: the pages that ask users to allow an app know the same cookie.

use std::fmt::Write as _;

use actix_web::http::header::{HeaderValue, LOCATION, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::{Escaped, Form, Host, NEVER_STORED, browser_of, end_browser, session_cookie};
use crate::org::Org;

/// Where who logs in goes who asked for nothing else.
const HOME: &str = "/lightning/page/home";

/// What Salesforce tells whoever could not be logged in, whatever the reason.
const WRONG: &str = "Please check your username and password. If you still can't log in, contact your Salesforce \
                     administrator.";

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/login")
                .route(web::get().to(show))
                .route(web::post().to(submit)),
        )
        .route("/secur/logout.jsp", web::get().to(log_out));
}

/// The way to the login page for whoever asked for an address without a session.
pub(super) fn redirect_to_login(request: &HttpRequest) -> HttpResponse {
    let wanted = request
        .uri()
        .path_and_query()
        .map_or(HOME, |wanted| wanted.as_str());
    let to = format!(
        "/login?startURL={}",
        utf8_percent_encode(wanted, NON_ALPHANUMERIC)
    );
    HttpResponse::Found()
        .insert_header((LOCATION, to))
        .insert_header(NEVER_STORED)
        .finish()
}

async fn show(org: web::Data<Org>, request: HttpRequest) -> HttpResponse {
    let query = Form::parse(request.query_string().as_bytes());
    let start = start_of(&query);
    match browser_of(&org, &request) {
        Some(_) => away(start),
        None => page(start, "", None),
    }
}

async fn submit(org: web::Data<Org>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let query = Form::parse(request.query_string().as_bytes());
    let form = Form::parse(&body);
    let start = match form.get("startURL") {
        Some(_) => start_of(&form),
        None => start_of(&query),
    };
    let username = form.get("username").unwrap_or_default();
    // Salesforce's own form calls it `pw`.
    let password = form
        .get("pw")
        .or_else(|| form.get("password"))
        .unwrap_or_default();
    let now = org.clock.now();
    let user = org
        .user_named(username)
        .map(|user| user.id)
        .filter(|user| Host::of_request(&org, &request).serves(&org) && org.may_log_in(*user).is_ok())
        .filter(|user| org.logins.check_password(*user, password, now));
    let Some(user) = user else {
        return page(start, username, Some(WRONG));
    };
    let (cookie, _) = org.logins.open(user, now);
    let mut answer = away(start);
    if let Some(cookie) = session_cookie(&org, &cookie) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

async fn log_out(org: web::Data<Org>, request: HttpRequest) -> HttpResponse {
    end_browser(&org, &request);
    let mut answer = away("/login");
    let ended = HeaderValue::from_static("sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    answer.headers_mut().append(SET_COOKIE, ended);
    answer
}

fn away(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, to.to_owned()))
        .insert_header(NEVER_STORED)
        .finish()
}

/// The address that a form or a query asks to go to: a path of this organisation, never another site's.
fn start_of(form: &Form) -> &str {
    form.get("startURL")
        .filter(|start| is_local(start))
        .unwrap_or(HOME)
}

/// Browsers read a backslash as a slash and pass over control characters, so that `/\host` leads away.
fn is_local(address: &str) -> bool {
    address.starts_with('/')
        && !address.starts_with("//")
        && address
            .chars()
            .all(|character| character.is_ascii_graphic() && character != '\\')
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f6f9;color:#181818}main{max-width:\
                     22rem;margin:4rem auto;padding:2rem;background:#fff;border:1px solid #d8dde6;border-radius:.25rem}\
                     h1{font-size:1.5rem;font-weight:400;margin:0 0 1.5rem}label,input,button{display:block;width:100%;\
                     box-sizing:border-box}label{font-size:.8125rem;color:#444}input{font:inherit;padding:.5rem;margin:\
                     .125rem 0 1rem;border:1px solid #747474;border-radius:.25rem}button{font:inherit;padding:.5rem;\
                     border:0;border-radius:.25rem;background:#0176d3;color:#fff;cursor:pointer}#error{margin:0 0 1rem;\
                     color:#8e030f}";

fn page(start: &str, username: &str, problem: Option<&str>) -> HttpResponse {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut body = String::new();
    // Writing to a text cannot fail.
    let _written = write!(
        body,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Login | Salesforce</title><style nonce=\"{nonce}\">{STYLE}\
         </style></head><body><main><h1>Log In to Salesforce</h1>"
    );
    if let Some(problem) = problem {
        let _written = write!(body, "<p role=\"alert\" id=\"error\">{}</p>", Escaped(problem));
    }
    let _written = write!(
        body,
        "<form id=\"login_form\" method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"startURL\" value=\"{}\">\
         <label for=\"username\">Username</label><input id=\"username\" name=\"username\" type=\"text\" \
         autocomplete=\"username\" value=\"{}\"><label for=\"password\">Password</label><input id=\"password\" name=\"pw\" \
         type=\"password\" autocomplete=\"current-password\"><button id=\"Login\" type=\"submit\">Log In</button></form>\
         </main></body></html>",
        Escaped(start),
        Escaped(username)
    );
    HttpResponse::Ok()
        .content_type("text/html;charset=utf-8")
        .insert_header(("Content-Security-Policy", policy))
        .insert_header(("X-Frame-Options", "DENY"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(NEVER_STORED)
        .body(body)
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_paths_of_the_organisation_are_gone_to() {
        assert!(is_local("/lightning/r/Contact/003x/view?a=b"));
        for away in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\tx",
            "lightning",
            "",
        ] {
            assert!(!is_local(away), "{away}");
        }
    }
}
