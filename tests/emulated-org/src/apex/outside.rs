//! Calls of Apex from outside: REST services, and controllers of Lightning components.
//!
//! Source: Apex Developer Guide, Exposing Apex Classes as REST Web Services; Lightning Web Components Developer Guide,
//! Secure Apex Classes.

use std::sync::Arc;

use apex_runtime::run::Interrupt;
use apex_runtime::{Failure, Machine, OutsideError, RestCall, RestReply};
use serde_json::{Map, Value as Json};

use super::Installed;
use super::session::{Hold, Session};
use crate::data::{Author, Authority, DuplicateOptions};
use crate::id::RecordId;
use crate::org::Org;

/// Why a call was refused or failed.
#[derive(Debug)]
pub(crate) enum CallError {
    /// Nothing of this name can be called.
    Unknown,
    /// The user has no access to this class.
    NoAccess(String),
    /// The HTTP methods that the class serves are others.
    Method(Vec<&'static str>),
    /// The arguments are not what the method takes.
    Arguments(String),
    /// An exception that nothing caught.
    Failed(Box<Thrown>),
}

/// What a client learns of an exception.
#[derive(Debug)]
pub(crate) struct Thrown {
    /// `System.DmlException`
    pub(crate) class: String,
    /// Its message.
    pub(crate) message: String,
    /// The message of an AuraHandledException.
    pub(crate) for_clients: Option<String>,
    pub(crate) failure: Failure,
    /// Whether the program declares the class.
    pub(crate) is_own: bool,
}

impl Org {
    /// Serves a request below `/services/apexrest`.
    pub(crate) fn serve_apex_rest(&self, user: RecordId, call: RestCall) -> Result<RestReply, CallError> {
        let installed = self.apex.installed().ok_or(CallError::Unknown)?;
        let program = &installed.program;
        let path = call.uri.clone();
        let (class, mapping) = program.rest_class(&path).ok_or(CallError::Unknown)?;
        let name = program.classes.class(class).name.to_string();
        self.must_reach_class(user, &name)?;
        let method = program
            .rest_method(class, &call.method)
            .map_err(CallError::Method)?;
        let call = RestCall {
            resource: format!("/services/apexrest{mapping}"),
            ..call
        };
        self.call_apex(&installed, user, |machine| machine.call_rest(method, &call))
    }

    /// Calls a method that a class opens to Lightning components; its value as JSON.
    pub(crate) fn call_controller(
        &self,
        user: RecordId,
        class: &str,
        method: &str,
        arguments: &Map<String, Json>,
    ) -> Result<String, CallError> {
        let installed = self.apex.installed().ok_or(CallError::Unknown)?;
        let found = installed
            .program
            .controller_method(class, method)
            .ok_or(CallError::Unknown)?;
        self.must_reach_class(user, class)?;
        let read_only = installed.program.is_cacheable(found);
        self.call_apex(&installed, user, |machine| {
            machine.limits.read_only = read_only;
            machine.call_controller(found, arguments)
        })
    }

    fn must_reach_class(&self, user: RecordId, class: &str) -> Result<(), CallError> {
        if self.access_of(user).has_class(class) {
            return Ok(());
        }
        Err(CallError::NoAccess(class.to_owned()))
    }

    pub(super) fn call_apex<T>(
        &self,
        installed: &Arc<Installed>,
        user: RecordId,
        run: impl FnOnce(&mut Machine<'_>) -> Result<T, OutsideError>,
    ) -> Result<T, CallError> {
        let author = Author {
            user,
            now: self.clock.now(),
            authority: Authority::User,
            duplicates: DuplicateOptions::default(),
        };
        let mut claim = self.row_locks.claim();
        let session = Session::new(self, installed, author, Hold::Open, &mut claim);
        let ended = {
            let mut machine = Machine::new(&installed.program, &session);
            run(&mut machine).map_err(|error| match error {
                OutsideError::Arguments(words) => CallError::Arguments(words),
                OutsideError::Interrupted(interrupt) => {
                    CallError::Failed(Box::new(Thrown::of(&machine, &interrupt)))
                }
            })
        };
        if ended.is_err() {
            session.roll_back();
        }
        session.commit();
        ended
    }
}

impl Thrown {
    fn of(machine: &Machine<'_>, interrupt: &Interrupt) -> Self {
        let failure = Failure::of(machine, interrupt);
        let (class, message) = failure.message.split_once(": ").unwrap_or(("", &failure.message));
        Self {
            class: class.to_owned(),
            message: message.to_owned(),
            for_clients: machine.client_message(interrupt).map(|text| text.to_string()),
            is_own: !class.is_empty() && !class.starts_with("System."),
            failure,
        }
    }
}
