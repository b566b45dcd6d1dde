//! Controllers of Visualforce pages: extensions of a standard controller, made for one request.

use apex_runtime::host::{AccessMode, QueryAnswer, QueryCall};
use apex_runtime::run::page::PageValue;
use apex_runtime::{Machine, Value};

use super::outside::CallError;
use crate::id::RecordId;
use crate::org::Org;

/// What a page needs of its controllers.
#[derive(Clone, Debug)]
pub(crate) struct PageCall {
    /// The extensions, in the order in which the page names them.
    pub(crate) extensions: Vec<String>,
    /// The page's address.
    pub(crate) address: String,
    pub(crate) object: String,
    /// The record's id; none for a record that is not saved yet.
    pub(crate) id: Option<String>,
    /// The fields of the record that the page names.
    pub(crate) fields: Vec<String>,
}

/// Reads what the controllers of an open page have under a name.
pub(crate) type Ask<'a> = dyn FnMut(&str) -> Result<Option<PageValue>, String> + 'a;

impl Org {
    /// Makes the controllers of a page and lets `render` ask them. Nothing may be written meanwhile: what a page does
    /// while it is drawn, a reload would do again (Visualforce Developer Guide, Controller Methods: DML is not allowed
    /// in getters and constructors).
    pub(crate) fn with_page<T>(
        &self,
        user: RecordId,
        call: &PageCall,
        render: impl FnOnce(&mut Ask<'_>) -> T,
    ) -> Result<T, CallError> {
        let installed = self.apex.installed().ok_or(CallError::Unknown)?;
        let mut found = Vec::new();
        for name in &call.extensions {
            if !self.access_of(user).has_class(name) {
                return Err(CallError::NoAccess(name.clone()));
            }
            let extension = installed.program.page_extension(name).ok_or_else(|| {
                CallError::Arguments(format!(
                    "Unknown constructor '{name}.{name}(ApexPages.StandardController controller)'"
                ))
            })?;
            found.push(extension);
        }
        self.call_apex(&installed, user, |machine| {
            machine.limits.read_only = true;
            machine.open_page(&call.address)?;
            let record = self.record_of(machine, call);
            let mut made = Vec::new();
            for extension in found {
                made.push(machine.new_page_extension(extension, record.clone())?);
            }
            let mut failed = None;
            let rendered = render(&mut |name: &str| {
                for extension in &made {
                    match machine.page_value(extension, name) {
                        Ok(None) => {}
                        Ok(found) => return Ok(found),
                        Err(interrupt) => {
                            failed = Some(interrupt);
                            return Err(format!("the controllers have no value for {name}"));
                        }
                    }
                }
                Ok(None)
            });
            match failed {
                Some(interrupt) => Err(interrupt.into()),
                None => Ok(rendered),
            }
        })
    }

    /// The standard controller's record: its id, and the fields that the page names, as the user may read them.
    fn record_of(&self, machine: &mut Machine<'_>, call: &PageCall) -> Value {
        let blank = || {
            let record = apex_runtime::run::value::RecordObject::new(call.object.as_str().into());
            Value::Record(std::rc::Rc::new(record))
        };
        let Some(id) = &call.id else { return blank() };
        let mut fields = vec!["Id".to_owned()];
        fields.extend(
            call.fields
                .iter()
                .filter(|field| !field.eq_ignore_ascii_case("Id"))
                .cloned(),
        );
        let text = format!(
            "SELECT {} FROM {} WHERE Id = '{id}'",
            fields.join(", "),
            call.object
        );
        let query = QueryCall {
            text: text.into(),
            shape: None,
            binds: Vec::new(),
            access: AccessMode::User,
            sharing: true,
        };
        match machine.host.query(&query) {
            Ok(QueryAnswer::Records(records)) => records.into_iter().next().map_or_else(blank, Value::Record),
            _ => blank(),
        }
    }

    /// The text of a custom label.
    pub(crate) fn label_text(&self, name: &str) -> Option<String> {
        let labels = self.labels(&self.metadata.labels());
        let mut labels = labels.into_iter();
        labels
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, text)| text)
    }
}
