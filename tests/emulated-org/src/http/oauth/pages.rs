//! The two pages of the authorization endpoint. They run no script; whatever a request, an app or a user brings is
//! escaped.

use std::fmt::Write as _;

use actix_web::HttpResponse;

use super::NEVER_STORED;
use super::request::AuthorizationRequest;
use crate::org::Org;
use crate::tokens::logins::Browser;

/// So many users can be picked from; others type their username.
const PICKED_FROM: usize = 20;

pub(super) fn login(org: &Org, asked: &AuthorizationRequest, problem: Option<&str>) -> HttpResponse {
    let mut body = String::from("<h1>Log in</h1>");
    if let Some(problem) = problem {
        add(
            &mut body,
            format_args!("<p role=\"alert\" id=\"error\">{}</p>", Escaped(problem)),
        );
    }
    let hint = asked.login_hint.as_deref().unwrap_or_default();
    add(
        &mut body,
        format_args!(
            "<form id=\"login_form\" method=\"post\">\
             <label for=\"username\">Username</label>\
             <input id=\"username\" name=\"username\" type=\"text\" autocomplete=\"username\" value=\"{}\">\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"pw\" type=\"password\" autocomplete=\"current-password\">\
             <button id=\"Login\" type=\"submit\">Log In</button></form>\
             <form id=\"pick_form\" method=\"post\"><h2>Or, in this emulated organisation, as</h2><ul>",
            Escaped(hint)
        ),
    );
    for username in org.active_usernames(PICKED_FROM) {
        let username = Escaped(&username);
        add(
            &mut body,
            format_args!(
                "<li><button name=\"as\" type=\"submit\" value=\"{username}\">{username}</button></li>"
            ),
        );
    }
    body.push_str("</ul></form>");
    page(asked, "Log in", &body)
}

pub(super) fn approval(org: &Org, asked: &AuthorizationRequest, browser: &Browser) -> HttpResponse {
    let username = org.username(browser.user).unwrap_or_default();
    let mut body = String::new();
    add(
        &mut body,
        format_args!(
            "<h1>Allow Access?</h1><p><strong>{}</strong> is asking to:</p><ul id=\"scopes\">",
            Escaped(&asked.app.name)
        ),
    );
    for scope in &asked.scopes {
        add(
            &mut body,
            format_args!(
                "<li data-scope=\"{}\">{}</li>",
                Escaped(scope),
                Escaped(described(scope))
            ),
        );
    }
    add(
        &mut body,
        format_args!(
            "</ul><p>Do you want to allow access for {}?</p><form id=\"editPage\" method=\"post\">\
             <input type=\"hidden\" name=\"confirmation\" value=\"{}\">\
             <button id=\"oadeny\" name=\"action\" type=\"submit\" value=\"deny\">Deny</button>\
             <button id=\"oaapprove\" name=\"action\" type=\"submit\" value=\"allow\">Allow</button>\
             <button name=\"action\" type=\"submit\" value=\"switch\">Not you?</button></form>",
            Escaped(&username),
            Escaped(&browser.confirmation)
        ),
    );
    page(asked, "Allow Access?", &body)
}

/// What people are told of a scope (Salesforce Help, OAuth Tokens and Scopes).
fn described(scope: &str) -> &str {
    match scope {
        "api" => "Manage user data via APIs",
        "refresh_token" | "offline_access" => "Perform requests at any time",
        "full" => "Full access",
        "web" => "Manage user data via Web browsers",
        "id" | "profile" | "email" | "address" | "phone" => "Access the identity URL service",
        "openid" => "Access unique user identifiers",
        "chatter_api" => "Access Connect REST API resources",
        "custom_permissions" => "Access custom permissions",
        other => other,
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;\
                     color:#181818;background:#fff}label,input{display:block;width:100%;box-sizing:border-box}\
                     input{font:inherit;padding:.4rem;margin:0 0 1rem}button{font:inherit;padding:.4rem 1rem;\
                     margin:0 .5rem .5rem 0}ul{padding-left:1.2rem}#pick_form ul{list-style:none;padding:0}\
                     #error{color:#8e030f}";

fn page(asked: &AuthorizationRequest, title: &str, body: &str) -> HttpResponse {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        asked.form_target()
    );
    HttpResponse::Ok()
        .content_type("text/html;charset=utf-8")
        .insert_header(("Content-Security-Policy", policy))
        .insert_header(("X-Frame-Options", "DENY"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(NEVER_STORED)
        .body(format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
             <style nonce=\"{nonce}\">{STYLE}</style></head><body><main>{body}</main></body></html>"
        ))
}

fn add(page: &mut String, part: std::fmt::Arguments<'_>) {
    page.push_str(&part.to_string());
}

/// Text as HTML shows it, between tags and in quoted attributes.
#[derive(Clone, Copy)]
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => formatter.write_str("&amp;"),
            '<' => formatter.write_str("&lt;"),
            '>' => formatter.write_str("&gt;"),
            '"' => formatter.write_str("&quot;"),
            '\'' => formatter.write_str("&#39;"),
            other => formatter.write_char(other),
        })
    }
}
