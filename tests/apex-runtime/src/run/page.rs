//! A Visualforce page asks its controllers: extensions are made, and their properties and getters read.
//!
//! Source: Visualforce Developer Guide, Building a Controller Extension, Controller Methods (getters), and Order of
//! Execution in a Visualforce Page.

use super::value::{ObjectClass, Value};
use super::{Machine, Run};
use crate::catalogue::page::{open, standard_controller};
use crate::compile::ir::ConstructorTarget;
use crate::program::Program;
use crate::types::{ClassId, MethodId, Type, Visibility};

/// What a page makes of a value of its controllers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageValue {
    /// No value.
    Null,
    /// A check box.
    Boolean(bool),
    /// Everything else, as text.
    Text(String),
}

impl Program {
    /// The class of a name, and its constructor from a standard controller, if it has them.
    #[must_use]
    pub fn page_extension(&self, name: &str) -> Option<(ClassId, MethodId)> {
        let class = self.classes.top_level(name)?;
        let controller = crate::catalogue::Catalogue::standard().find("ApexPages.StandardController")?;
        let wanted = [Type::platform(controller)];
        let mut constructors = self.classes.class(class).constructors.iter().copied();
        let found = constructors.find(|id| {
            let constructor = self.classes.method(*id);
            constructor.same_parameters(&wanted) && is_open(&constructor.modifiers)
        })?;
        Some((class, found))
    }
}

/// Pages reach what is public or global.
fn is_open(modifiers: &crate::syntax::ast::Modifiers) -> bool {
    Visibility::of(modifiers) >= Visibility::Public
}

impl Machine<'_> {
    /// Begins a request for the page at an address; `ApexPages.currentPage` answers it from now on.
    pub fn open_page(&mut self, address: &str) -> Run<()> {
        open(self, address)
    }

    /// Makes an extension of the standard controller of a record.
    pub fn new_page_extension(
        &mut self,
        (class, constructor): (ClassId, MethodId),
        record: Value,
    ) -> Run<Value> {
        let controller = standard_controller(self, record)?;
        self.construct(
            class,
            ConstructorTarget::Written(class, constructor),
            vec![controller],
        )
    }

    /// What an extension has under a name: a property, or a method `get<Name>`. None where it has neither.
    pub fn page_value(&mut self, extension: &Value, name: &str) -> Run<Option<PageValue>> {
        let Value::Object(object) = extension else {
            return Ok(None);
        };
        let ObjectClass::User(class) = object.class else {
            return Ok(None);
        };
        let program = self.program;
        let getter_name = format!("get{name}");
        for ancestor in program.classes.lineage(class) {
            let declared = program.classes.class(ancestor);
            let property = declared
                .fields
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name) && !field.is_static);
            // A field without accessors is no property, and pages do not read it.
            if let Some(field) =
                property.filter(|field| field.is_property && field.readable && is_open(&field.modifiers))
            {
                let value = match field.getter {
                    Some(getter) => self.invoke_virtual(getter, extension.clone(), Vec::new())?,
                    None => self.instance_slot(extension, field.slot)?,
                };
                return self.page_text(&value).map(Some);
            }
            let method = declared.methods.iter().copied().find(|id| {
                let method = program.classes.method(*id);
                method.parameters.is_empty()
                    && !method.is_static
                    && method.name.eq_ignore_ascii_case(&getter_name)
                    && is_open(&method.modifiers)
            });
            if let Some(method) = method {
                let value = self.invoke_virtual(method, extension.clone(), Vec::new())?;
                return self.page_text(&value).map(Some);
            }
        }
        Ok(None)
    }

    fn page_text(&mut self, value: &Value) -> Run<PageValue> {
        Ok(match value {
            Value::Null => PageValue::Null,
            Value::Boolean(boolean) => PageValue::Boolean(*boolean),
            Value::String(_) | Value::Id(_) | Value::Integer(_) | Value::Long(_) | Value::Decimal(_) => {
                PageValue::Text(self.string_value(value)?)
            }
            _ => return Err(self.not_supported("a value of this type on a Visualforce page")),
        })
    }
}
