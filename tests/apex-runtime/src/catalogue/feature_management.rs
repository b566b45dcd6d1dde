//! `FeatureManagement.checkPermission` (Apex Reference Guide, "FeatureManagement Class"): custom permissions of the
//! running user. Feature parameters are not supported.

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.FeatureManagement")
        .method("static Boolean checkPermission(String name)", check);
}

fn check(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let name = m.text(arguments, 0)?;
    let granted = m
        .host
        .custom_permission(&name)
        .map_err(|error| m.from_host(error))?;
    Ok(Value::Boolean(granted))
}
