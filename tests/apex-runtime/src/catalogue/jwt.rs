//! `Auth.JWT` and `Auth.JWS` (Apex Reference Guide, Auth Namespace). Certificates
//! belong to the org, so the host signs. In which order the claims
//! stand is not documented.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::declaration::Declarations;
use super::json_write::Writer;
use crate::run::hash_table::HashTable;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// How long a token is valid, in seconds, where the program says nothing.
const VALIDITY: i32 = 300;

/// The claims.
#[derive(Debug, Default)]
struct Jwt {
    texts: BTreeMap<&'static str, Value>,
    additional: Option<Value>,
    validity: Option<i32>,
    skew: i32,
}

#[derive(Debug)]
struct Jws {
    jwt: Value,
    certificate: String,
}

macro_rules! claims {
    ($class:ident, $($name:literal $get:literal $set:literal;)*) => {
        $({
            fn read(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
                m.with_state(this, |jwt: &mut Jwt| jwt.texts.get($name).cloned().unwrap_or(Value::Null))
            }
            fn write(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
                let given = m.any(arguments, 0);
                m.with_state(this, |jwt: &mut Jwt| jwt.texts.insert($name, given))?;
                Ok(Value::Null)
            }
            $class.method(concat!("String ", $get, "()"), read);
            $class.method(concat!("void ", $set, "(String value)"), write);
        })*
    };
}

pub(super) fn declare(catalogue: &mut Declarations) {
    let class = catalogue.class("Auth.JWT");
    claims! { class,
        "iss" "getIss" "setIss";
        "sub" "getSub" "setSub";
        "aud" "getAud" "setAud";
    }
    class
        .constructor("new()", new_jwt)
        .method("Integer getValidityLength()", validity)
        .method("void setValidityLength(Integer seconds)", set_validity)
        .method("Integer getNbfClockSkew()", skew)
        .method("void setNbfClockSkew(Integer seconds)", set_skew)
        .method("Map<String, Object> getAdditionalClaims()", additional)
        .method(
            "void setAdditionalClaims(Map<String, Object> claims)",
            set_additional,
        )
        .method("String toJSONString()", to_json);
    catalogue
        .class("Auth.JWS")
        .constructor("new(Auth.JWT jwt, String certificate)", new_jws)
        .method("String getCompactSerialization()", compact);
}

fn new_jwt(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("Auth.JWT", Jwt::default())
}

fn validity(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |jwt: &mut Jwt| {
        Value::Integer(jwt.validity.unwrap_or(VALIDITY))
    })
}

fn set_validity(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let seconds = m.integer(arguments, 0)?;
    m.with_state(this, |jwt: &mut Jwt| jwt.validity = Some(seconds))?;
    Ok(Value::Null)
}

fn skew(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |jwt: &mut Jwt| Value::Integer(jwt.skew))
}

fn set_skew(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let seconds = m.integer(arguments, 0)?;
    m.with_state(this, |jwt: &mut Jwt| jwt.skew = seconds)?;
    Ok(Value::Null)
}

fn additional(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |jwt: &mut Jwt| {
        jwt.additional.clone().unwrap_or(Value::Null)
    })
}

fn set_additional(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let given = m.any(arguments, 0);
    m.with_state(this, |jwt: &mut Jwt| jwt.additional = Some(given))?;
    Ok(Value::Null)
}

/// The claims as JSON, with the times of now.
fn claims_text(m: &mut Machine<'_>, this: &Value) -> Run<String> {
    let now = m.host.now().div_euclid(1000);
    let (texts, additional, validity, skew) = m.with_state(this, |jwt: &mut Jwt| {
        let validity = jwt.validity.unwrap_or(VALIDITY);
        (jwt.texts.clone(), jwt.additional.clone(), validity, jwt.skew)
    })?;
    let claims = Value::map(Type::String, Type::Object, HashTable::default());
    for (name, value) in texts.into_iter().filter(|(_, value)| !value.is_null()) {
        m.map_put(&claims, Value::from(name), value)?;
    }
    for (name, moment) in [
        ("nbf", now - i64::from(skew)),
        ("iat", now),
        ("exp", now + i64::from(validity)),
    ] {
        m.map_put(&claims, Value::from(name), Value::Long(moment))?;
    }
    if let Some(Value::Map(more)) = additional {
        let entries: Vec<_> = more.table.borrow().iter().cloned().collect();
        for (name, value) in entries {
            m.map_put(&claims, name, value)?;
        }
    }
    let mut writer = Writer::new(false, false);
    writer.value(m, &claims)?;
    Ok(writer.finish())
}

fn to_json(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::from(claims_text(m, this)?))
}

fn new_jws(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let jwt = m.any(arguments, 0);
    if jwt.is_null() {
        return Err(m.null_argument());
    }
    let certificate = m.text(arguments, 1)?.to_string();
    m.platform_object("Auth.JWS", Jws { jwt, certificate })
}

/// RFC 7515, 7.1.
fn compact(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let (jwt, certificate) =
        m.with_state(this, |jws: &mut Jws| (jws.jwt.clone(), jws.certificate.clone()))?;
    let claims = claims_text(m, &jwt)?;
    let input = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let host = m.host;
    let signature = host
        .sign(&certificate, input.as_bytes())
        .map_err(|error| m.from_host(error))?;
    Ok(Value::from(format!(
        "{input}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}
