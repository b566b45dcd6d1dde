//! Templates of partners: HTML with placeholders such as `{{email}}`, and nothing else. There is no logic in them, so
//! they end, and what a record holds is always text in them, never markup.

use std::collections::BTreeSet;

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// Placeholders for what stands beside a record's fields.
pub const BESIDE_FIELDS: [&str; 8] = [
    "record.id",
    "record.key",
    "record.object",
    "record.owner",
    "record.salesforceId",
    "record.status",
    "record.updatedAt",
    // Lets the template's own style element through the page's content security policy.
    "style.nonce",
];

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'a> {
    pieces: Vec<Piece<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Html(&'a str),
    Placeholder(&'a str),
}

/// A placeholder that does not end, or that holds no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// `{{` without `}}`.
    #[error("the placeholder that begins in line {line} does not end; close it with }}}}")]
    Unclosed {
        /// Its line, from 1.
        line: usize,
    },
    /// What stands between the braces is no name.
    #[error("{{{{{name}}}}} in line {line} is no placeholder: a field's name stands there, and nothing else")]
    NoName {
        /// What stands there, cut.
        name: String,
        /// Its line, from 1.
        line: usize,
    },
}

impl<'a> Template<'a> {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateProblem`], the first.
    pub fn parse(html: &'a str) -> Result<Template<'a>, TemplateProblem> {
        let mut pieces = Vec::new();
        let (mut rest, mut line) = (html, 1);
        while let Some((before, after)) = rest.split_once(OPEN) {
            line += lines(before);
            let (inside, left) = after
                .split_once(CLOSE)
                .ok_or(TemplateProblem::Unclosed { line })?;
            let name = inside.trim();
            if !is_name(name) {
                return Err(TemplateProblem::NoName {
                    name: inside.chars().take(60).collect(),
                    line,
                });
            }
            line += lines(inside);
            pieces.push(Piece::Html(before));
            pieces.push(Piece::Placeholder(name));
            rest = left;
        }
        pieces.push(Piece::Html(rest));
        Ok(Template { pieces })
    }

    /// The names of its placeholders.
    pub fn placeholders(&self) -> BTreeSet<&'a str> {
        self.pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Placeholder(name) => Some(*name),
                Piece::Html(_) => None,
            })
            .collect()
    }

    /// Its HTML with a text in place of each placeholder; none leaves it empty.
    pub fn render(&self, mut text: impl FnMut(&str) -> Option<String>) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Html(html) => (*html).to_owned(),
                Piece::Placeholder(name) => text(name).as_deref().map(escaped).unwrap_or_default(),
            })
            .collect()
    }
}

/// A text as HTML, safe between tags and inside quoted and unquoted attributes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // These end or begin a value in an attribute without quotes.
            '`' => safe.push_str("&#96;"),
            '=' => safe.push_str("&#61;"),
            other => safe.push(other),
        }
    }
    safe
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-'))
}

fn lines(text: &str) -> usize {
    text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_text_and_never_markup() {
        let template = Template::parse("<p title='{{name}}'>{{ name }}, {{missing}}!</p>").unwrap();
        assert_eq!(template.placeholders(), BTreeSet::from(["name", "missing"]));
        let shown = template.render(|name| (name == "name").then(|| "<b onload='x=\"&\"'>".to_owned()));
        let safe = "&lt;b onload&#61;&#39;x&#61;&quot;&amp;&quot;&#39;&gt;";
        assert_eq!(shown, format!("<p title='{safe}'>{safe}, !</p>"));
    }

    #[test]
    fn what_a_value_holds_is_no_placeholder() {
        let template = Template::parse("{{a}}{{b}}").unwrap();
        let shown = template.render(|name| Some(if name == "a" { "{{b}}" } else { "B" }.to_owned()));
        assert_eq!(shown, "{{b}}B");
    }

    #[test]
    fn a_template_without_placeholders_is_its_own_html() {
        for html in ["", "<p>{ }</p>", "}} }"] {
            assert_eq!(Template::parse(html).unwrap().render(|_| None), html);
        }
    }

    #[test]
    fn a_broken_placeholder_is_named_with_its_line() {
        assert_eq!(
            Template::parse("\n\n{{name"),
            Err(TemplateProblem::Unclosed { line: 3 })
        );
        for name in ["", "#if a", "a b", "a|safe", "{a"] {
            let wrong = format!("{{{{ok}}}}\n{{{{{name}}}}}");
            assert_eq!(
                Template::parse(&wrong),
                Err(TemplateProblem::NoName {
                    name: name.to_owned(),
                    line: 2
                }),
                "{name}"
            );
        }
    }
}
