//! The pages' HTML, and the policy under which browsers show it.

use causeway_core::embed::template::{Template, escaped};
use causeway_core::ports::embeds::EmbedTemplate;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::words::{Language, label};
use crate::app::embed::Content;
use crate::http::salesforce_records::standing_name;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const TEST_SCRIPT: &str = include_str!("test_page.js");

/// How often a page reads its record again.
const REFRESH_MILLISECONDS: u32 = 30_000;

/// Who may frame a card of which nobody knows whose it was: any org, since it says nothing of anybody.
const ANY_ORG: [&str; 3] = [
    "https://*.lightning.force.com",
    "https://*.my.salesforce.com",
    "https://*.vf.force.com",
];

/// What lets a page's own script and style through its policy.
#[derive(Debug)]
pub struct Nonces {
    /// Of the script.
    pub script: String,
    /// Of the style; partners' templates know it too.
    pub style: String,
}

impl Nonces {
    /// The content security policy of a page that these origins may frame; any org, where none is known.
    pub fn policy(&self, framed_by: &[String]) -> String {
        let ancestors = if framed_by.is_empty() {
            ANY_ORG.join(" ")
        } else {
            framed_by.join(" ")
        };
        // A template is no address that is fetched, so no source has to be let in for its frame.
        format!(
            "default-src 'none'; script-src 'nonce-{}'; style-src 'nonce-{}'; img-src data:; connect-src 'self'; \
             frame-src 'none'; frame-ancestors {ancestors}; base-uri 'none'; form-action 'none'",
            self.script, self.style
        )
    }
}

/// A record as its page shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmbeddedRecord)]
pub struct EmbeddedView {
    /// How it stands, as in `/v1/salesforce/records/{id}`.
    #[schema(examples("upToDate"))]
    pub status: &'static str,
    /// The same in the page's language.
    #[schema(examples("Up to date"))]
    pub status_text: &'static str,
    /// Its fields; none where a partner's template shows them.
    pub fields: Vec<EmbeddedField>,
    /// The partner's template with the record's values; null for the built-in page.
    pub frame: Option<String>,
}

/// A field as its page shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedField {
    /// Partner field.
    #[schema(examples("last_name"))]
    pub name: String,
    /// As people read it.
    #[schema(examples("Last name"))]
    pub label: String,
    /// Value in the page's language; empty where it has none.
    #[schema(examples("Ng"))]
    pub value: String,
}

impl From<&Content> for EmbeddedView {
    fn from(content: &Content) -> Self {
        let language = language(content);
        let panel = &content.panel;
        let fields = panel.fields.iter().map(|field| EmbeddedField {
            name: field.partner.clone(),
            label: label(&field.partner),
            value: language.value(field.partner_value.as_ref(), &panel.references),
        });
        let fields: Vec<EmbeddedField> = fields.collect();
        let frame = content
            .template
            .as_ref()
            .map(|template| rendered(template, content, &fields));
        EmbeddedView {
            status: standing_name(&panel.standing),
            status_text: language.standing(&panel.standing),
            fields: if frame.is_some() { Vec::new() } else { fields },
            frame,
        }
    }
}

/// The page of a record.
pub fn page(
    content: &Content,
    nonces: &Nonces,
    bearer: &str,
    origins: &[String],
    record_url: &str,
) -> String {
    let language = language(content);
    let view = EmbeddedView::from(content);
    let shown = match &view.frame {
        // Without allow-scripts and allow-same-origin: what a partner's template holds runs nothing and reaches nothing.
        Some(frame) => format!(
            "<p id=\"status\" class=\"status {}\" role=\"status\" hidden>{}</p>\
             <iframe id=\"frame\" title=\"{}\" sandbox srcdoc=\"{}\"></iframe>",
            view.status,
            escaped(view.status_text),
            escaped(language.heading()),
            escaped(frame)
        ),
        None => format!(
            "<h1>{}</h1><p id=\"status\" class=\"status {}\" role=\"status\">{}</p>{}",
            escaped(language.heading()),
            view.status,
            escaped(view.status_text),
            list(&view.fields, language)
        ),
    };
    let session = in_script(&json!({
        "bearer": bearer,
        "origins": origins,
        "record": record_url,
        "refreshMilliseconds": REFRESH_MILLISECONDS,
    }));
    document(
        language,
        &nonces.style,
        &format!(
            "<main id=\"shown\">{shown}</main><p id=\"over\" class=\"card\" role=\"alert\" hidden>{}</p>\
             <script nonce=\"{}\">{}({session});</script>",
            escaped(language.gone()),
            nonces.script,
            SCRIPT.trim_end()
        ),
    )
}

/// The page that shows that pages are shown: it tells the page around it so.
pub fn test_page(language: Language, nonces: &Nonces, origins: &[String]) -> String {
    document(
        language,
        &nonces.style,
        &format!(
            "<main class=\"card\">{}</main><script nonce=\"{}\">{}({});</script>",
            escaped(language.shown()),
            nonces.script,
            TEST_SCRIPT.trim_end(),
            in_script(&json!({ "origins": origins }))
        ),
    )
}

/// A page that says one thing.
pub fn card(language: Language, nonces: &Nonces, says: &str) -> String {
    document(
        language,
        &nonces.style,
        &format!("<main class=\"card\" role=\"alert\">{}</main>", escaped(says)),
    )
}

fn document(language: Language, style_nonce: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title>\
         <style nonce=\"{style_nonce}\">{STYLE}</style></head><body>{body}</body></html>\n",
        language.code(),
        escaped(language.heading()),
    )
}

fn list(fields: &[EmbeddedField], language: Language) -> String {
    if fields.is_empty() {
        return format!("<p>{}</p>", escaped(language.nothing()));
    }
    let rows: String = fields
        .iter()
        .map(|field| {
            format!(
                "<div><dt>{}</dt><dd data-field=\"{}\">{}</dd></div>",
                escaped(&field.label),
                escaped(&field.name),
                escaped(&field.value)
            )
        })
        .collect();
    format!("<dl>{rows}</dl>")
}

/// A template with the record's values. One that was checked and cannot be read now shows nothing.
fn rendered(template: &EmbedTemplate, content: &Content, fields: &[EmbeddedField]) -> String {
    let (panel, language) = (&content.panel, language(content));
    let Ok(read) = Template::parse(&template.html) else {
        return String::new();
    };
    read.render(|name| match name {
        "record.id" => panel.record.map(|id| id.to_string()),
        "record.key" => panel.key.clone(),
        "record.object" => panel.object.clone(),
        "record.owner" => panel.owner.as_ref().map(|owner| owner.partner.clone()),
        "record.salesforceId" => Some(panel.salesforce_id.to_string()),
        "record.status" => Some(language.standing(&panel.standing).to_owned()),
        "record.updatedAt" => panel.updated_at.map(|at| language.moment(at)),
        "style.nonce" => Some(content.style_nonce.clone()),
        name => fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value.clone()),
    })
}

fn language(content: &Content) -> Language {
    Language::parse(&content.language).unwrap_or_default()
}

/// JSON that can stand inside a script element: nothing in it ends the element or a line.
fn in_script(value: &serde_json::Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_script_ends_it() {
        let hostile = json!({"a": "</script><script>alert(1)</script>\u{2028}"});
        let text = in_script(&hostile);
        assert!(!text.contains('<') && !text.contains('\u{2028}'), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), hostile);
    }
}
