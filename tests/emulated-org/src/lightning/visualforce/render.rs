//! Tags into HTML: those of Visualforce that pages of packages use, and HTML as it is. Another tag or attribute is
//! refused by its name.
//!
//! Source: Visualforce Developer Guide, Standard Component Reference.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::expression::{Part, Worth, parts, worth};
use super::markup::{Element, Node, read};
use super::page::Page;
use crate::http::Escaped;
use crate::lightning::error::PageError;

/// Components may hold components; one that held itself would have no end.
const MOST_NESTED: u8 = 16;

/// HTML elements that have no end tag.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "col", "wbr", "source", "area"];

/// HTML elements that would run or load something else than the page.
const REFUSED: [&str; 8] = [
    "script", "style", "object", "embed", "base", "meta", "link", "form",
];

/// What `apex:slds` becomes: the design system as the pages around have it.
const DESIGN_SYSTEM: &str = "<link rel=\"stylesheet\" href=\"/lightning/assets/design-system.css\">";

/// What asks the controllers of the page: a name, and its value if they have it.
pub(super) type AskControllers<'a> = dyn FnMut(&str) -> Result<Option<Worth>, PageError> + 'a;

/// Where markup stands: on the page, or in a component with its attributes and its body.
#[derive(Clone, Copy)]
struct Scope<'s> {
    attributes: Option<&'s BTreeMap<String, Worth>>,
    body: Option<(&'s [Node], &'s Scope<'s>)>,
    depth: u8,
}

/// Renders a page.
pub(super) struct Renderer<'p, 'a> {
    page: &'p Page<'p>,
    controllers: &'p mut AskControllers<'a>,
    out: String,
}

impl<'p, 'a> Renderer<'p, 'a> {
    pub(super) fn new(page: &'p Page<'p>, controllers: &'p mut AskControllers<'a>) -> Self {
        Self {
            page,
            controllers,
            out: String::new(),
        }
    }

    /// The whole document.
    pub(super) fn document(mut self) -> Result<String, PageError> {
        const KNOWN: &[&str] = &[
            "standardController",
            "extensions",
            "docType",
            "lightningStylesheets",
            "showHeader",
            "sidebar",
            "title",
            "cache",
            "applyHtmlTag",
            "applyBodyTag",
            "standardStylesheets",
        ];
        let root = &self.page.root;
        check(root, KNOWN)?;
        let scope = Scope {
            attributes: None,
            body: None,
            depth: MOST_NESTED,
        };
        let title = self.attribute(root, "title", &scope)?.unwrap_or_default();
        let head = format!(
            "<!DOCTYPE html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>",
            Escaped(self.page.language().split('_').next().unwrap_or_default()),
            Escaped(&title)
        );
        self.out.push_str(&head);
        self.nodes(&root.children, &scope)?;
        self.out.push_str("</body></html>");
        Ok(self.out)
    }

    fn nodes(&mut self, nodes: &[Node], scope: &Scope<'_>) -> Result<(), PageError> {
        for node in nodes {
            match node {
                Node::Text(text) => {
                    let text = self.merged(text, scope)?;
                    self.put(format_args!("{}", Escaped(&text)));
                }
                Node::Entity(name) => self.put(format_args!("&{name};")),
                Node::Element(element) => self.element(element, scope)?,
            }
        }
        Ok(())
    }

    fn element(&mut self, element: &Element, scope: &Scope<'_>) -> Result<(), PageError> {
        match element.name.split_once(':') {
            None => self.html(element, scope),
            Some(("c", name)) => self.component(element, name, scope),
            Some(("apex", name)) => {
                let rendered = match element.attribute("rendered") {
                    Some(text) => self.worth_of(text, scope)?.truth()?,
                    None => true,
                };
                if rendered {
                    self.tag(element, name, scope)
                } else {
                    Ok(())
                }
            }
            Some(_) => Err(PageError::not_supported(format!("the tag {}", element.name))),
        }
    }

    fn html(&mut self, element: &Element, scope: &Scope<'_>) -> Result<(), PageError> {
        let name = element.name.to_ascii_lowercase();
        let runs = element
            .attributes
            .iter()
            .find(|(name, _)| name.to_ascii_lowercase().starts_with("on"));
        if REFUSED.contains(&name.as_str()) {
            return Err(PageError::not_supported(format!(
                "the element {name} on a Visualforce page"
            )));
        }
        if let Some((attribute, _)) = runs {
            return Err(PageError::not_supported(format!(
                "{name} {attribute} on a Visualforce page"
            )));
        }
        self.put(format_args!("<{name}"));
        for (attribute, text) in &element.attributes {
            let value = self.merged(text, scope)?;
            self.put(format_args!(" {attribute}=\"{}\"", Escaped(&value)));
        }
        self.out.push('>');
        if VOID.contains(&name.as_str()) {
            return Ok(());
        }
        self.nodes(&element.children, scope)?;
        self.put(format_args!("</{name}>"));
        Ok(())
    }

    fn tag(&mut self, element: &Element, name: &str, scope: &Scope<'_>) -> Result<(), PageError> {
        match name {
            "outputPanel" => {
                check(element, &["rendered", "layout", "id", "styleClass", "style"])?;
                let html = match element.attribute("layout").unwrap_or("inline") {
                    "none" => None,
                    "block" => Some("div"),
                    _ => Some("span"),
                };
                self.wrapped(element, html, scope)
            }
            "outputText" => {
                check(
                    element,
                    &["rendered", "value", "escape", "id", "styleClass", "style"],
                )?;
                if element.attribute("escape").is_some_and(|escape| escape != "true") {
                    return Err(PageError::not_supported("apex:outputText escape=\"false\""));
                }
                let text = self.attribute(element, "value", scope)?.unwrap_or_default();
                let is_plain = ["id", "styleClass", "style"]
                    .iter()
                    .all(|name| element.attribute(name).is_none());
                if is_plain {
                    self.put(format_args!("{}", Escaped(&text)));
                    return Ok(());
                }
                self.start("span", element, scope)?;
                self.put(format_args!("{}</span>", Escaped(&text)));
                Ok(())
            }
            "outputField" => {
                check(element, &["rendered", "value", "id", "styleClass", "style"])?;
                let display = self.field(element, scope)?;
                self.start("span", element, scope)?;
                self.put(format_args!("{}</span>", Escaped(&display)));
                Ok(())
            }
            "iframe" => self.frame(element, scope),
            "slds" => {
                check(element, &[])?;
                self.out.push_str(DESIGN_SYSTEM);
                Ok(())
            }
            "componentBody" => {
                check(element, &["rendered"])?;
                match scope.body {
                    Some((nodes, outer)) => self.nodes(nodes, outer),
                    None => Ok(()),
                }
            }
            // What a component may be given is read before it is rendered.
            "attribute" => Ok(()),
            _ => Err(PageError::not_supported(format!("the tag {}", element.name))),
        }
    }

    fn wrapped(&mut self, element: &Element, html: Option<&str>, scope: &Scope<'_>) -> Result<(), PageError> {
        let Some(html) = html else {
            return self.nodes(&element.children, scope);
        };
        self.start(html, element, scope)?;
        self.nodes(&element.children, scope)?;
        self.put(format_args!("</{html}>"));
        Ok(())
    }

    /// The start of the element that a tag becomes.
    fn start(&mut self, html: &str, element: &Element, scope: &Scope<'_>) -> Result<(), PageError> {
        self.put(format_args!("<{html}"));
        for (attribute, html) in [("id", "id"), ("styleClass", "class"), ("style", "style")] {
            if let Some(value) = self.attribute(element, attribute, scope)? {
                self.put(format_args!(" {html}=\"{}\"", Escaped(&value)));
            }
        }
        self.out.push('>');
        Ok(())
    }

    /// What the user reads of a field; nothing where the user may not read it.
    fn field(&mut self, element: &Element, scope: &Scope<'_>) -> Result<String, PageError> {
        let text = element.attribute("value").unwrap_or_default();
        let refuse = || {
            let message = format!("Could not resolve field '{text}' from <apex:outputField> value binding");
            PageError::new(500, message)
        };
        let parts = parts(text)?;
        let [Part::Merge(crate::formula::Expression::Path(path))] = parts.as_slice() else {
            return Err(refuse());
        };
        if scope.attributes.is_some() {
            return Err(refuse());
        }
        let cell = self.page.cell(path).ok_or_else(refuse)?;
        Ok(cell.display.clone())
    }

    fn frame(&mut self, element: &Element, scope: &Scope<'_>) -> Result<(), PageError> {
        const KNOWN: &[&str] = &[
            "rendered",
            "src",
            "title",
            "width",
            "height",
            "frameborder",
            "scrolling",
            "id",
        ];
        check(element, KNOWN)?;
        self.out.push_str("<iframe");
        for name in ["src", "title", "width", "height", "id"] {
            if let Some(value) = self.attribute(element, name, scope)? {
                self.put(format_args!(" {name}=\"{}\"", Escaped(&value)));
            }
        }
        let border = element.attribute("frameborder") == Some("true");
        let scrolling = element.attribute("scrolling") == Some("true");
        self.put(format_args!(
            " frameborder=\"{}\" scrolling=\"{}\"></iframe>",
            u8::from(border),
            if scrolling { "yes" } else { "no" }
        ));
        Ok(())
    }

    fn component(&mut self, element: &Element, name: &str, scope: &Scope<'_>) -> Result<(), PageError> {
        let piece = self.page.org.piece("ApexComponent", name);
        let piece = piece.ok_or_else(|| PageError::new(500, format!("Component c:{name} does not exist")))?;
        let root = read(&piece.name, piece.source.as_deref().unwrap_or_default())?;
        if root.name != "apex:component" {
            return Err(PageError::new(
                500,
                format!("{name}: the root element must be apex:component"),
            ));
        }
        check(&root, &["layout", "access"])?;
        let depth = scope
            .depth
            .checked_sub(1)
            .ok_or_else(|| PageError::not_supported("components nested this deeply"))?;
        let mut attributes = BTreeMap::new();
        for declared in root.children.iter().filter_map(attribute_tag) {
            check(declared, &["name", "type", "required", "description", "default"])?;
            let own = declared.attribute("name").unwrap_or_default();
            let given = match element.attribute(own).or_else(|| declared.attribute("default")) {
                Some(text) => self.worth_of(text, scope)?,
                None if declared.attribute("required") == Some("true") => {
                    let message = format!("Missing required attribute {own} in <c:{name}>");
                    return Err(PageError::new(500, message));
                }
                None => Worth::Null,
            };
            attributes.insert(own.to_ascii_lowercase(), given);
        }
        let unknown = element
            .attributes
            .iter()
            .find(|(given, _)| !attributes.contains_key(&given.to_ascii_lowercase()));
        if let Some((unknown, _)) = unknown {
            let message = format!("Unsupported attribute {unknown} in <c:{name}>");
            return Err(PageError::new(500, message));
        }
        let inner = Scope {
            attributes: Some(&attributes),
            body: Some((&element.children, scope)),
            depth,
        };
        self.nodes(&root.children, &inner)
    }

    fn attribute(
        &mut self,
        element: &Element,
        name: &str,
        scope: &Scope<'_>,
    ) -> Result<Option<String>, PageError> {
        match element.attribute(name) {
            Some(text) => self.merged(text, scope).map(Some),
            None => Ok(None),
        }
    }

    /// The value of an attribute that is one merge field, or its text.
    fn worth_of(&mut self, text: &str, scope: &Scope<'_>) -> Result<Worth, PageError> {
        match parts(text)?.as_slice() {
            [Part::Merge(expression)] => self.expression(expression, scope),
            _ => self.merged(text, scope).map(Worth::Text),
        }
    }

    /// A text with its merge fields filled in.
    fn merged(&mut self, text: &str, scope: &Scope<'_>) -> Result<String, PageError> {
        let mut merged = String::new();
        for part in parts(text)? {
            match part {
                Part::Plain(plain) => merged.push_str(&plain),
                Part::Merge(expression) => {
                    merged.push_str(&self.expression(&expression, scope)?.text()?);
                }
            }
        }
        Ok(merged)
    }

    fn expression(
        &mut self,
        expression: &crate::formula::Expression,
        scope: &Scope<'_>,
    ) -> Result<Worth, PageError> {
        let page = self.page;
        let controllers = &mut *self.controllers;
        worth(expression, &mut |path| {
            if path.starts_with('$') {
                return page.global(path);
            }
            // A component knows what it is given, and nothing of the page.
            if let Some(attributes) = scope.attributes {
                let given = attributes.get(&path.to_ascii_lowercase()).cloned();
                return given.ok_or_else(|| unknown(path));
            }
            if let Some(cell) = page.cell(path) {
                return Ok(cell.worth.clone());
            }
            if path.contains('.') {
                return Err(PageError::not_supported(format!("{{!{path}}}")));
            }
            controllers(path)?.ok_or_else(|| unknown(path))
        })
    }

    fn put(&mut self, part: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _written = self.out.write_fmt(part);
    }
}

fn attribute_tag(node: &Node) -> Option<&Element> {
    match node {
        Node::Element(element) if element.name == "apex:attribute" => Some(element),
        _ => None,
    }
}

fn unknown(name: &str) -> PageError {
    PageError::new(500, format!("Unknown property '{name}'"))
}

/// Refuses attributes that are not known here.
fn check(element: &Element, known: &[&str]) -> Result<(), PageError> {
    let other = element.attributes.iter().map(|(name, _)| name).find(|name| {
        !known.iter().any(|known| known.eq_ignore_ascii_case(name)) && !name.starts_with("xmlns")
    });
    match other {
        None => Ok(()),
        Some(other) => Err(PageError::not_supported(format!("{} {other}", element.name))),
    }
}
