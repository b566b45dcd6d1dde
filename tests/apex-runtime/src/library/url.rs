//! `UUID` (Apex Reference Guide, "UUID Class"). `URL` needs the org's addresses and is not here.

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

#[derive(Debug)]
struct Uuid(String);

pub(super) fn declare(library: &mut Declarations) {
    library
        .class("System.UUID")
        .method("static UUID randomUUID()", random)
        .method("String toString()", to_string);
}

/// Version 4, variant 1.
fn random(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let bits = (u128::from(m.host.random()) << 64) | u128::from(m.host.random());
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let text = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
    match m.library.find("System.UUID") {
        Some(id) => Ok(Value::native(crate::types::Type::platform(id), Uuid(text))),
        None => Err(m.null_pointer()),
    }
}

fn to_string(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |uuid: &mut Uuid| Value::from(uuid.0.as_str()))
}
