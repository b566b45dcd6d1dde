//! What sources name: imports of Lightning web components, controllers of pages, fields in formulas, labels in Apex.

use super::package::Component;
use super::references::own_object;
use super::result::Problem;
use super::world::World;
use super::xml::Element;

/// The first thing that a component's source names and that is not there, with the file at fault.
pub(super) fn check(component: &Component, world: &World<'_>) -> Option<(String, Problem)> {
    let whole = |problem: Problem| (component.file.clone(), problem);
    match component.kind {
        "LightningComponentBundle" => lightning(component, world),
        "ApexPage" | "ApexComponent" => markup(component.source()?, world).map(whole),
        "ApexClass" | "ApexTrigger" => labels(component.source()?, world).map(whole),
        "ValidationRule" => {
            let formula = component.definition.as_ref()?.child("errorConditionFormula")?;
            formula_fields(own_object(component), formula, world).map(whole)
        }
        "CustomField" => {
            let formula = component.definition.as_ref()?.child("formula")?;
            formula_fields(own_object(component), formula, world).map(whole)
        }
        _ => None,
    }
}

/// Source: LWC Developer Guide, `@salesforce` Modules.
fn lightning(component: &Component, world: &World<'_>) -> Option<(String, Problem)> {
    for (path, bytes) in &component.sources {
        let Ok(text) = std::str::from_utf8(bytes) else {
            continue;
        };
        let file = path.rsplit('/').next().unwrap_or(path);
        let problem = if path.ends_with(".js") && !path.contains("/__tests__/") {
            quoted(text).find_map(|(at, module)| {
                let problem = module_problem(component, module, file, world)?;
                Some(at_offset(text, at, problem))
            })
        } else if path.ends_with(".html") {
            after_all(text, "<c-").find_map(|(at, rest)| {
                let tag = word(rest, |letter| {
                    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
                });
                let name = camel_case(tag);
                (!world.has("LightningComponentBundle", &name))
                    .then(|| at_offset(text, at, no_module(&name, &component.name)))
            })
        } else {
            None
        };
        if let Some(problem) = problem {
            return Some((path.clone(), problem));
        }
    }
    None
}

fn no_module(name: &str, of: &str) -> String {
    format!("No MODULE named markup://c:{name} found : [markup://c:{of}]")
}

fn module_problem(component: &Component, module: &str, file: &str, world: &World<'_>) -> Option<String> {
    if let Some(name) = module.strip_prefix("c/") {
        let name = name.split('/').next().unwrap_or(name);
        return (!world.has("LightningComponentBundle", name)).then(|| no_module(name, &component.name));
    }
    let (kind, name) = module.strip_prefix("@salesforce/")?.split_once('/')?;
    let unknown = |kind: &str| Some(format!("Invalid reference {name} of type {kind} in file {file}"));
    match kind {
        "apex" => {
            let class = name.split('.').next().unwrap_or(name);
            (!world.has("ApexClass", class))
                .then(|| format!("Unable to find Apex action class referenced as '{class}'."))
        }
        "label" => {
            let label = name.strip_prefix("c.")?;
            if world.has("CustomLabel", label) {
                None
            } else {
                unknown("label")
            }
        }
        "schema" => match name.split_once('.') {
            None if world.schema.object(name).is_none() => unknown("sobject"),
            Some((object, path)) if !world.has_field_path(object, path) => unknown("sobjectField"),
            _ => None,
        },
        "resourceUrl" if !world.has("StaticResource", name) => unknown("resourceUrl"),
        "customPermission" if !world.has("CustomPermission", name) => unknown("customPermission"),
        "messageChannel" => {
            let channel = name.trim_end_matches("__c");
            if world.has("LightningMessageChannel", channel) {
                None
            } else {
                unknown("messageChannel")
            }
        }
        _ => None,
    }
}

/// Source: Visualforce Developer Guide, `apex:page` and `apex:component`.
fn markup(text: &str, world: &World<'_>) -> Option<Problem> {
    let text = text.trim_start();
    let start = text.find("<apex:")?;
    let head = text.get(start..)?;
    let head = head.get(..head.find('>').unwrap_or(head.len()))?;
    let attribute = |name: &str| {
        let rest = after_all(head, &format!(" {name}=")).next()?.1;
        let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        rest.get(1..)?.split(quote).next()
    };
    for name in ["controller", "extensions"] {
        for class in attribute(name).unwrap_or_default().split(',').map(str::trim) {
            if !class.is_empty() && !world.has("ApexClass", class) {
                return Some(Problem::new(format!("Apex class '{class}' does not exist")));
            }
        }
    }
    if let Some(object) = attribute("standardController")
        && world.schema.object(object).is_none()
    {
        return Some(Problem::new(format!(
            "The object '{object}' of the standard controller does not exist"
        )));
    }
    for (_, rest) in after_all(text, "$Label.") {
        let label = word(rest, is_name);
        if !label.is_empty() && !rest.starts_with("Site.") && !world.has("CustomLabel", label) {
            return Some(Problem::new(format!(
                "Field $Label.{label} does not exist. Check spelling."
            )));
        }
    }
    None
}

/// Apex: `Label.Name` and `System.Label.Name`.
fn labels(source: &str, world: &World<'_>) -> Option<Problem> {
    let code = without_texts(source, true);
    after_all(&code, "Label.").find_map(|(at, rest)| {
        let before = code.get(..at)?.trim_end();
        let qualified = before.ends_with("System.");
        let inside_name =
            before.len() == at && before.ends_with(|letter: char| is_name(letter) || letter == '.');
        if inside_name && !qualified {
            return None;
        }
        let label = word(rest, is_name);
        if label.is_empty() || label == "get" || world.has("CustomLabel", label) {
            return None;
        }
        Some(at_offset(
            source,
            at,
            format!("External string does not exist: {label}"),
        ))
    })
}

/// The fields that a formula names. Its functions and types are asked elsewhere.
fn formula_fields(object: &str, formula: &Element, world: &World<'_>) -> Option<Problem> {
    let code = without_texts(&formula.text, false);
    let mut rest = code.as_str();
    while let Some(start) =
        rest.find(|letter: char| letter.is_ascii_alphanumeric() || letter == '$' || letter == '_')
    {
        rest = rest.get(start..)?;
        let name = word(rest, |letter| {
            is_name(letter) || matches!(letter, '.' | '$' | ':')
        });
        rest = rest.get(name.len()..)?;
        let is_function = rest.trim_start().starts_with('(');
        let is_literal = name.starts_with(|letter: char| letter.is_ascii_digit())
            || ["TRUE", "FALSE", "NULL"]
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word));
        if is_function || is_literal || known(object, name, world) {
            continue;
        }
        return Some(Problem::at(
            formula,
            format!("Field {name} does not exist. Check spelling."),
        ));
    }
    None
}

fn known(object: &str, name: &str, world: &World<'_>) -> bool {
    let Some(global) = name.strip_prefix('$') else {
        // `Owner:User.Name` says which of several parents is meant.
        return match name.split_once(':') {
            Some((reference, path)) => {
                let (parent, rest) = path.split_once('.').unwrap_or((path, "Id"));
                world.has_field_path(object, reference) && world.has_field_path(parent, rest)
            }
            None => world.has_field_path(object, name),
        };
    };
    let (source, path) = global.split_once('.').unwrap_or((global, ""));
    match source {
        "Permission" => world.has("CustomPermission", path),
        "Label" => world.has("CustomLabel", path),
        "User" | "Profile" | "Organization" | "RecordType" => world.has_field_path(source, path),
        "Setup" | "ObjectType" => path
            .split_once('.')
            .is_some_and(|(object, rest)| source == "ObjectType" || world.has_field_path(object, rest)),
        "CustomMetadata" => {
            let mut steps = path.splitn(3, '.');
            let (kind, record, field) = (steps.next(), steps.next(), steps.next());
            kind.zip(record)
                .zip(field)
                .is_some_and(|((kind, record), field)| {
                    let stem = kind.trim_end_matches("__mdt");
                    world.has("CustomMetadata", &format!("{stem}.{record}"))
                        && world.has_field(&format!("{kind}.{field}"))
                })
        }
        "UserRole" | "System" | "Api" => true,
        _ => false,
    }
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn word(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|letter| !belongs(letter)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// What follows each occurrence of a text, with the place of the occurrence.
fn after_all<'a>(text: &'a str, wanted: &str) -> impl Iterator<Item = (usize, &'a str)> {
    text.match_indices(wanted)
        .filter_map(|(at, found)| Some((at, text.get(at + found.len()..)?)))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The texts between quotes that name modules.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    ["@salesforce/", "c/"].into_iter().flat_map(move |prefix| {
        ['\'', '"'].into_iter().flat_map(move |quote| {
            text.match_indices(prefix).filter_map(move |(at, _)| {
                if !text.get(..at)?.ends_with(quote) {
                    return None;
                }
                let module = text.get(at..)?.split(quote).next()?;
                // A text that is no import, such as a path, is none of ours.
                let line = text.get(..at)?.rsplit('\n').next()?;
                (line.contains("from ") || line.contains("import")).then_some((at, module))
            })
        })
    })
}

/// `my-button` is the component `myButton`.
fn camel_case(tag: &str) -> String {
    let mut name = String::with_capacity(tag.len());
    let mut upper = false;
    for letter in tag.chars() {
        if letter == '-' {
            upper = true;
        } else {
            name.push(if upper {
                letter.to_ascii_uppercase()
            } else {
                letter
            });
            upper = false;
        }
    }
    name
}

fn at_offset(text: &str, offset: usize, what: String) -> Problem {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
    Problem {
        text: what,
        line: Some(line),
        column: Some(column),
    }
}

/// The same text with comments and literals blanked, so that places stay.
pub(super) fn without_texts(source: &str, line_comments: bool) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source.chars().peekable();
    let mut until: Option<&str> = None;
    while let Some(letter) = rest.next() {
        let blank = |letter: char| {
            if letter == '\n' {
                "\n".to_owned()
            } else {
                " ".repeat(letter.len_utf8())
            }
        };
        match until {
            Some("*/") if letter == '*' && rest.peek() == Some(&'/') => {
                rest.next();
                code.push_str("  ");
                until = None;
            }
            Some("\n") if letter == '\n' => {
                code.push('\n');
                until = None;
            }
            Some(quote @ ("'" | "\"")) => {
                code.push_str(&blank(letter));
                if letter == '\\' {
                    if let Some(escaped) = rest.next() {
                        code.push_str(&blank(escaped));
                    }
                } else if quote.starts_with(letter) {
                    until = None;
                }
            }
            Some(_) => code.push_str(&blank(letter)),
            None => match letter {
                '\'' | '"' => {
                    until = Some(if letter == '"' { "\"" } else { "'" });
                    code.push(' ');
                }
                '/' if rest.peek() == Some(&'*') => {
                    rest.next();
                    code.push_str("  ");
                    until = Some("*/");
                }
                '/' if line_comments && rest.peek() == Some(&'/') => {
                    until = Some("\n");
                    code.push(' ');
                }
                _ => code.push(letter),
            },
        }
    }
    code
}

/// An Apex source without its comments, texts kept.
pub(super) fn without_comments(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source.chars().peekable();
    let mut in_text = false;
    while let Some(letter) = rest.next() {
        match (letter, rest.peek()) {
            ('\\', Some(_)) if in_text => {
                code.push(letter);
                code.extend(rest.next());
            }
            ('\'', _) => {
                in_text = !in_text;
                code.push(letter);
            }
            ('/', Some('/')) if !in_text => {
                while rest.peek().is_some_and(|letter| *letter != '\n') {
                    rest.next();
                }
            }
            ('/', Some('*')) if !in_text => {
                rest.next();
                while let Some(letter) = rest.next() {
                    if letter == '*' && rest.peek() == Some(&'/') {
                        rest.next();
                        break;
                    }
                }
            }
            _ => code.push(letter),
        }
    }
    code
}
