//! `EncodingUtil` (Apex Reference Guide, "EncodingUtil Class").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::blob::bytes;
use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.EncodingUtil")
        .method("static String base64Encode(Blob value)", base64_encode)
        .method("static Blob base64Decode(String text)", base64_decode)
        .method("static String convertToHex(Blob value)", to_hex)
        .method("static Blob convertFromHex(String text)", from_hex)
        .method("static String urlEncode(String text, String charset)", url_encode)
        .method("static String urlDecode(String text, String charset)", url_decode);
}

fn base64_encode(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::from(STANDARD.encode(bytes(m, arguments.first())?)))
}

fn base64_decode(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    // Line ends within are left out, as public code (apex-recipes) relies on.
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    match STANDARD.decode(digits) {
        Ok(bytes) => Ok(Value::Blob(bytes.into())),
        Err(_) => Err(m.not_supported("EncodingUtil.base64Decode of malformed text")),
    }
}

fn to_hex(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let digits: String = bytes(m, arguments.first())?
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    Ok(Value::from(digits))
}

fn from_hex(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    let pairs: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .filter(|p| p.len() == 2)
                .and_then(|p| u8::from_str_radix(p, 16).ok())
        })
        .collect();
    match pairs {
        Some(bytes) => Ok(Value::Blob(bytes.into())),
        None => Err(m.raise("InvalidParameterValueException", "Invalid hex string")),
    }
}

fn utf8(m: &Machine<'_>, arguments: &[Value]) -> Run<()> {
    let charset = m.text(arguments, 1)?;
    if charset.eq_ignore_ascii_case("utf-8") {
        return Ok(());
    }
    Err(m.not_supported(format!("the charset {charset}")))
}

/// As HTML forms are encoded: a space is a plus.
fn url_encode(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    utf8(m, arguments)?;
    Ok(Value::from(encoded(&m.text(arguments, 0)?)))
}

/// Text as `application/x-www-form-urlencoded` has it.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn url_decode(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    utf8(m, arguments)?;
    let text = m.text(arguments, 0)?;
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|d| u8::from_str_radix(d, 16).ok());
                match code {
                    Some(code) if digits.len() == 2 => out.push(code),
                    _ => {
                        return Err(m.raise(
                            "IllegalArgumentException",
                            "URLDecoder: Illegal hex characters in escape (%) pattern",
                        ));
                    }
                }
            }
            other => out.push(other),
        }
    }
    Ok(Value::from(String::from_utf8_lossy(&out).into_owned()))
}
