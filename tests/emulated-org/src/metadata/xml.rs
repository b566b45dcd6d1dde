//! XML as a tree that remembers where its elements stand, so that what is refused can be pointed at.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The namespace of all metadata files.
pub(crate) const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// The namespace that tools write who take files from the Tooling API; deployments take it as well (public packages,
/// such as lwc-recipes, deploy with it).
pub(crate) const TOOLING_NAMESPACE: &str = "urn:metadata.tooling.soap.sforce.com";

/// How deep elements may lie in each other: far deeper than any metadata type asks for.
const MAX_DEPTH: usize = 64;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// The text directly inside it.
    pub text: String,
    /// The elements inside it, in order.
    pub children: Vec<Element>,
    /// What `xmlns` says on it.
    pub namespace: Option<String>,
    /// The line of its start tag, from 1.
    pub line: usize,
    /// The column behind its start tag, from 1: what Java's parsers call an element's place.
    pub column: usize,
}

/// Where and why a text is no XML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub reason: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Element {
    /// Reads a document: one root element.
    ///
    /// # Errors
    /// Text that is no well-formed XML.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        let mut place = Place::default();
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        loop {
            let event = reader.read_event();
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            place.advance(text, at);
            let event = event.map_err(|error| place.refuse(error.to_string()))?;
            match event {
                Event::Start(tag) => {
                    if root.is_some() || open.len() >= MAX_DEPTH {
                        return Err(place.refuse(MARKUP_AFTER_ROOT.to_owned()));
                    }
                    open.push(place.element(&tag));
                }
                Event::Empty(tag) => {
                    let element = place.element(&tag);
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None if root.is_none() => root = Some(element),
                        None => return Err(place.refuse(MARKUP_AFTER_ROOT.to_owned())),
                    }
                }
                Event::End(_) => {
                    let Some(element) = open.pop() else { continue };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => root = Some(element),
                    }
                }
                Event::Text(part) => place.append(&mut open, part.xml10_content().as_ref())?,
                Event::CData(part) => place.append(&mut open, part.xml10_content().as_ref())?,
                Event::GeneralRef(reference) => {
                    let name = format!("&{};", reference.xml10_content());
                    let resolved = quick_xml::escape::unescape(&name)
                        .map_err(|error| place.refuse(error.to_string()))?;
                    place.append(&mut open, &resolved)?;
                }
                // A document type could define entities that grow without end.
                Event::DocType(_) => return Err(place.refuse("DOCTYPE is not allowed".to_owned())),
                Event::Eof => break,
                _ => {}
            }
        }
        if let Some(element) = open.last() {
            let reason = format!(
                "The element type \"{0}\" must be terminated by the matching end-tag \"</{0}>\".",
                element.name
            );
            return Err(place.refuse(reason));
        }
        root.ok_or_else(|| place.refuse("Premature end of file.".to_owned()))
    }

    /// The first element of this name inside.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements of this name inside.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element of this name inside, without the space around it.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// Whether the first element of this name inside says true.
    #[must_use]
    pub fn says(&self, name: &str) -> bool {
        self.text_of(name) == Some("true")
    }

    /// All elements at a path such as `layoutSections/layoutColumns`.
    #[must_use]
    pub fn at(&self, path: &str) -> Vec<&Self> {
        let mut found = vec![self];
        for step in path.split('/') {
            let inside = found.into_iter().flat_map(|element| &element.children);
            found = inside.filter(|child| child.name == step).collect();
        }
        found
    }

    /// The document again, as the root element of a metadata file.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write_into(&mut text, Some(NAMESPACE));
        text
    }

    fn write_into(&self, text: &mut String, namespace: Option<&str>) {
        text.push('<');
        text.push_str(&self.name);
        if let Some(namespace) = namespace {
            text.push_str(&format!(" xmlns=\"{namespace}\""));
        }
        text.push('>');
        if self.children.is_empty() {
            text.push_str(&quick_xml::escape::escape(&self.text));
        }
        for child in &self.children {
            child.write_into(text, None);
        }
        text.push_str(&format!("</{}>", self.name));
    }
}

const MARKUP_AFTER_ROOT: &str = "The markup in the document following the root element must be well-formed.";

/// How far the reader has come.
#[derive(Debug)]
struct Place {
    at: usize,
    line: usize,
    column: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            at: 0,
            line: 1,
            column: 1,
        }
    }
}

impl Place {
    fn advance(&mut self, text: &str, to: usize) {
        let Some(passed) = text.get(self.at..to) else {
            return;
        };
        for character in passed.chars() {
            if character == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.at = to;
    }

    fn element(&self, tag: &BytesStart<'_>) -> Element {
        let namespace = tag
            .attributes()
            .flatten()
            .find(|attribute| attribute.key.as_ref() == "xmlns")
            .map(|attribute| attribute.value.to_string());
        Element {
            name: tag.local_name().as_ref().to_owned(),
            namespace,
            line: self.line,
            column: self.column,
            ..Element::default()
        }
    }

    fn append(&self, open: &mut [Element], text: &str) -> Result<(), Malformed> {
        match open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(self.refuse("Content is not allowed in prolog.".to_owned())),
        }
        Ok(())
    }

    fn refuse(&self, reason: String) -> Malformed {
        Malformed {
            reason,
            line: self.line,
            column: self.column,
        }
    }
}
