//! Calls from outside: Apex REST, and methods that Lightning components call.
//!
//! Source: Apex Developer Guide, Apex REST Annotations and Apex REST Methods; Lightning Web Components Developer
//! Guide, Expose Apex Methods to Lightning Web Components; Apex Reference Guide, RestResponse.

use std::sync::Arc;

use serde_json::{Map, Value as Tree};

use super::value::Value;
use super::{Interrupt, Machine, Run};
use crate::catalogue::json_read::read_typed;
use crate::catalogue::json_write::Writer;
use crate::catalogue::rest::Exchange;
use crate::program::Program;
use crate::types::{ClassId, MethodId, Type};

/// A request as Apex REST hands it on.
#[derive(Debug, Clone, Default)]
pub struct RestCall {
    /// `GET`, `POST`, …
    pub method: String,
    /// Everything after `/services/apexrest`.
    pub uri: String,
    /// The address of the resource: `/services/apexrest/<mapping>`.
    pub resource: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The query's parameters in order.
    pub parameters: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Who calls.
    pub address: String,
}

/// What a REST method answers.
#[derive(Debug, Clone, Default)]
pub struct RestReply {
    /// `RestResponse.statusCode`, none where the program set none.
    pub status: Option<i32>,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the body is the method's own value as JSON.
    pub is_value: bool,
}

/// Why a call could not be made, or did not end well.
#[derive(Debug)]
pub enum OutsideError {
    /// The arguments are not what the method takes.
    Arguments(String),
    /// It ended before its end.
    Interrupted(Interrupt),
}

impl From<Interrupt> for OutsideError {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupted(interrupt)
    }
}

impl Program {
    /// The class that serves a path below `/services/apexrest`, with its mapping: an exact one before one with a
    /// wildcard, the longer one first. Mappings are case-sensitive.
    pub fn rest_class(&self, path: &str) -> Option<(ClassId, &str)> {
        let path = path.trim_end_matches('/');
        let mappings = self.classes.all().filter_map(|(id, class)| {
            let annotation = class.modifiers.annotation("restresource")?;
            let (_, mapping) = annotation.values.iter().find(|(name, _)| name == "urlmapping")?;
            Some((id, mapping.as_str()))
        });
        let fitting = mappings.filter_map(|(id, mapping)| match mapping.strip_suffix("/*") {
            Some(start) => {
                let rest = path.strip_prefix(start)?;
                (rest.is_empty() || rest.starts_with('/')).then_some((false, start.len(), id, mapping))
            }
            None => (mapping.trim_end_matches('/') == path).then_some((true, mapping.len(), id, mapping)),
        });
        let (.., id, mapping) = fitting.max_by_key(|(exact, length, ..)| (*exact, *length))?;
        Some((id, mapping))
    }

    /// The method of a REST class that serves an HTTP method, and the HTTP methods that it serves at all.
    pub fn rest_method(&self, class: ClassId, verb: &str) -> Result<MethodId, Vec<&'static str>> {
        const VERBS: [(&str, &str); 5] = [
            ("DELETE", "httpdelete"),
            ("GET", "httpget"),
            ("PATCH", "httppatch"),
            ("POST", "httppost"),
            ("PUT", "httpput"),
        ];
        let serving = |annotation: &str| {
            let mut methods = self.classes.class(class).methods.iter().copied();
            methods.find(|id| {
                self.classes
                    .method(*id)
                    .modifiers
                    .annotation(annotation)
                    .is_some()
            })
        };
        let wanted = VERBS.iter().find(|(name, _)| *name == verb);
        wanted
            .and_then(|(_, annotation)| serving(annotation))
            .ok_or_else(|| {
                let served = VERBS
                    .iter()
                    .filter(|(_, annotation)| serving(annotation).is_some());
                served.map(|(name, _)| *name).collect()
            })
    }

    /// A static method with `@AuraEnabled`.
    pub fn controller_method(&self, class: &str, method: &str) -> Option<MethodId> {
        let class = self.classes.top_level(class)?;
        let mut methods = self.classes.class(class).methods.iter().copied();
        methods.find(|id| {
            let declared = self.classes.method(*id);
            let open = declared.is_static && declared.modifiers.annotation("auraenabled").is_some();
            open && declared.name.eq_ignore_ascii_case(method)
        })
    }

    /// Whether a method with `@AuraEnabled` is cacheable: it must not write then.
    pub fn is_cacheable(&self, method: MethodId) -> bool {
        let annotation = self.classes.method(method).modifiers.annotation("auraenabled");
        annotation.is_some_and(|annotation| {
            let mut values = annotation.values.iter();
            values.any(|(name, value)| name == "cacheable" && value.eq_ignore_ascii_case("true"))
        })
    }
}

impl Machine<'_> {
    /// Calls a REST method.
    pub fn call_rest(&mut self, method: MethodId, call: &RestCall) -> Result<RestReply, OutsideError> {
        let parameters = self.program.classes.method(method).parameters.len();
        let arguments = if parameters == 0 {
            Vec::new()
        } else {
            let tree = serde_json::from_slice(&call.body)
                .map_err(|error| OutsideError::Arguments(error.to_string()))?;
            let Tree::Object(members) = tree else {
                return Err(OutsideError::Arguments("The body is no JSON object".to_owned()));
            };
            if let Some(name) = self.unknown_parameter(method, &members) {
                return Err(OutsideError::Arguments(format!(
                    "Unexpected parameter encountered during deserialization: {name}"
                )));
            }
            self.named_arguments(method, &members)?
        };
        // With parameters the body is theirs alone.
        let body = if parameters == 0 {
            call.body.clone()
        } else {
            Vec::new()
        };
        let exchange = Exchange::begin(self, &RestCall { body, ..call.clone() })?;
        let returned = self.invoke(method, Value::Null, arguments)?;
        let mut reply = exchange.reply(self)?;
        if self.program.classes.method(method).returns != Type::Void {
            reply.is_value = true;
            let mut writer = Writer::new(false, true);
            writer.value(self, &returned)?;
            reply.body = writer.finish().into_bytes();
        }
        Ok(reply)
    }

    /// Calls a controller's method with its arguments by name; its value as JSON.
    pub fn call_controller(
        &mut self,
        method: MethodId,
        arguments: &Map<String, Tree>,
    ) -> Result<String, OutsideError> {
        let arguments = self.named_arguments(method, arguments)?;
        let returned = self.invoke(method, Value::Null, arguments)?;
        let mut writer = Writer::new(false, false);
        writer.value(self, &returned)?;
        Ok(writer.finish())
    }

    fn unknown_parameter(&self, method: MethodId, given: &Map<String, Tree>) -> Option<String> {
        let parameters = &self.program.classes.method(method).parameters;
        let known = |name: &str| {
            parameters
                .iter()
                .any(|parameter| parameter.name.eq_ignore_ascii_case(name))
        };
        given.keys().find(|name| !known(name)).cloned()
    }

    /// What is not given is null.
    fn named_arguments(&mut self, method: MethodId, given: &Map<String, Tree>) -> Run<Vec<Value>> {
        let program = self.program;
        let mut arguments = Vec::new();
        for parameter in &program.classes.method(method).parameters {
            let value = match given
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&parameter.name))
            {
                Some((_, tree)) => read_typed(self, tree, &parameter.ty, false)?,
                None => Value::Null,
            };
            arguments.push(value);
        }
        Ok(arguments)
    }

    /// What a client is told of an exception: the message of an AuraHandledException in its own words.
    pub fn client_message(&self, interrupt: &Interrupt) -> Option<Arc<str>> {
        match interrupt {
            Interrupt::Exception(exception) => exception
                .exception
                .as_ref()
                .and_then(|state| state.borrow().client_message.clone()),
            Interrupt::Fatal(_) | Interrupt::NullChain => None,
        }
    }
}
