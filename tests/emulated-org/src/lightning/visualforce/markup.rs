//! Markup of pages and components, read as the XML that it must be.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::lightning::error::PageError;

/// A piece of markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Text with merge fields.
    Text(String),
    /// A character that HTML has a name for, such as `nbsp`.
    Entity(String),
    Element(Element),
}

/// An element, of HTML or of Visualforce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// With its prefix: `apex:page`.
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 64;

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut known = self.attributes.iter();
        known
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Calls `each` with every text that may hold merge fields.
    pub(super) fn each_text(&self, each: &mut impl FnMut(&str)) {
        for (_, value) in &self.attributes {
            each(value);
        }
        for child in &self.children {
            match child {
                Node::Text(text) => each(text),
                Node::Element(element) => element.each_text(each),
                Node::Entity(_) => {}
            }
        }
    }
}

/// Reads the markup of a page or a component: one root element.
pub(super) fn read(name: &str, text: &str) -> Result<Element, PageError> {
    let refuse = |reason: String| PageError::new(500, format!("{name}: {reason}"));
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(|error| refuse(error.to_string()))? {
            Event::Start(tag) => {
                if open.len() >= MAX_DEPTH {
                    return Err(refuse("elements lie too deep in each other".to_owned()));
                }
                open.push(element(&tag).map_err(refuse)?);
            }
            Event::Empty(tag) => close(element(&tag).map_err(refuse)?, &mut open, &mut root),
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    close(element, &mut open, &mut root);
                }
            }
            Event::Text(part) => add_text(&mut open, part.xml10_content().as_ref()),
            Event::CData(part) => add_text(&mut open, part.xml10_content().as_ref()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content().to_string();
                match quick_xml::escape::unescape(&format!("&{name};")) {
                    Ok(text) => add_text(&mut open, &text),
                    Err(_unknown) => {
                        if let Some(parent) = open.last_mut() {
                            parent.children.push(Node::Entity(name));
                        }
                    }
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match (root, open.first()) {
        (Some(root), None) => Ok(root),
        (_, Some(unclosed)) => Err(refuse(format!("{} is not closed", unclosed.name))),
        (None, None) => Err(refuse("there is no element".to_owned())),
    }
}

fn element(tag: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element {
        name: tag.name().as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
        element
            .attributes
            .push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(Node::Element(element)),
        None => *root = Some(element),
    }
}

fn add_text(open: &mut [Element], text: &str) {
    let Some(parent) = open.last_mut() else { return };
    match parent.children.last_mut() {
        Some(Node::Text(known)) => known.push_str(text),
        _ => parent.children.push(Node::Text(text.to_owned())),
    }
}
