//! Arguments of catalogue functions by type; null where a value is needed raises.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::compile::ir::EnumOwner;
use crate::run::decimal::Decimal;
use crate::run::value::{NativeState, Value};
use crate::run::{Interrupt, Machine, Run};
use crate::types::Type;

macro_rules! argument {
    ($(#[$doc:meta] $name:ident: $type:ty = $variant:pat => $value:expr;)*) => {
        impl Machine<'_> {
            $(#[$doc]
            pub(crate) fn $name(&self, arguments: &[Value], index: usize) -> Run<$type> {
                match arguments.get(index) {
                    Some($variant) => Ok($value),
                    _ => Err(self.null_argument()),
                }
            })*
        }
    };
}

argument! {
    /// An Integer.
    integer: i32 = Value::Integer(value) => *value;
    /// A Long.
    long: i64 = Value::Long(value) => *value;
    /// A Double.
    double: f64 = Value::Double(value) => *value;
    /// A Decimal.
    decimal: Decimal = Value::Decimal(value) => value.clone();
    /// A Boolean.
    boolean: bool = Value::Boolean(value) => *value;
    /// A String or an Id.
    text: Arc<str> = Value::String(value) | Value::Id(value) => Arc::clone(value);
    /// A Date.
    date: NaiveDate = Value::Date(value) => *value;
    /// A Datetime.
    datetime: i64 = Value::Datetime(value) => *value;
    /// A Time.
    time: i32 = Value::Time(value) => *value;
}

impl Machine<'_> {
    /// What an argument that must not be null raises.
    pub(crate) fn null_argument(&self) -> Interrupt {
        self.raise("NullPointerException", "Argument cannot be null.")
    }

    /// An argument of any type.
    pub(crate) fn any(&self, arguments: &[Value], index: usize) -> Value {
        arguments.get(index).cloned().unwrap_or(Value::Null)
    }

    /// The object itself, read as one of the types above.
    pub(crate) fn this<'v>(&self, this: &'v Value) -> &'v [Value] {
        std::slice::from_ref(this)
    }

    /// A number of the text's characters as an Integer.
    pub(crate) fn count_of(&self, count: usize) -> Value {
        Value::Integer(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// A new object of a platform class.
    pub(crate) fn platform_object(&self, class: &str, state: impl NativeState) -> Run<Value> {
        match self.catalogue.find(class) {
            Some(id) => Ok(Value::native(Type::platform(id), state)),
            None => Err(self.not_supported(class)),
        }
    }

    /// A constant of a platform enum.
    pub(crate) fn platform_constant(&self, class: &str, name: &str) -> Run<Value> {
        let found = self.catalogue.find(class).and_then(|id| {
            let constants = &self.catalogue.class(id).constants;
            let index = constants.iter().position(|c| &**c == name)?;
            Some(Value::Enum(EnumOwner::Platform(id), index))
        });
        found.ok_or_else(|| self.not_supported(format!("{class}.{name}")))
    }

    /// Works on the state of a platform object.
    pub(crate) fn with_state<S: NativeState, T>(
        &self,
        this: &Value,
        work: impl FnOnce(&mut S) -> T,
    ) -> Run<T> {
        let Value::Native(native) = this else {
            return Err(self.null_pointer());
        };
        let mut state = native.state.borrow_mut();
        match (**state).as_any().downcast_mut::<S>() {
            Some(state) => Ok(work(state)),
            None => Err(self.not_supported("this object's method")),
        }
    }
}
