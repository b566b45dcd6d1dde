//! `Math` (Apex Reference Guide, "Math Class").

use super::decimal::mode;
use super::declaration::Declarations;
use crate::run::decimal::{Decimal, Rounding};
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    let class = catalogue.class("System.Math");
    class
        .property("static Double PI", pi, None)
        .property("static Double E", e, None)
        .method("static Integer mod(Integer a, Integer b)", modulo)
        .method("static Long mod(Long a, Long b)", modulo)
        .method("static Integer round(Double value)", round_double)
        .method("static Integer round(Decimal value)", round)
        .method("static Long roundToLong(Double value)", round_to_long)
        .method("static Long roundToLong(Decimal value)", round_to_long)
        .method("static Double random()", random)
        .method("static Decimal ceil(Decimal value)", ceil)
        .method("static Double ceil(Double value)", ceil)
        .method("static Decimal floor(Decimal value)", floor)
        .method("static Double floor(Double value)", floor)
        .method("static Double pow(Double base, Double exponent)", pow)
        .method("static Decimal rint(Decimal value)", rint)
        .method("static Double rint(Double value)", rint)
        .method("static Double sqrt(Double value)", sqrt)
        .method("static Double exp(Double value)", exp)
        .method("static Double log(Double value)", log)
        .method("static Double log10(Double value)", log10)
        .method("static Double sin(Double value)", sin)
        .method("static Double cos(Double value)", cos)
        .method("static Double tan(Double value)", tan)
        .method("static Double asin(Double value)", asin)
        .method("static Double acos(Double value)", acos)
        .method("static Double atan(Double value)", atan)
        .method("static Double atan2(Double y, Double x)", atan2)
        .method("static Double cbrt(Double value)", cbrt)
        .method("static Double cosh(Double value)", cosh)
        .method("static Double sinh(Double value)", sinh)
        .method("static Double tanh(Double value)", tanh)
        .method("static Double signum(Double value)", signum)
        .method("static Decimal signum(Decimal value)", signum);
    for ty in ["Integer", "Long", "Double", "Decimal"] {
        class
            .method(&format!("static {ty} abs({ty} value)"), abs)
            .method(&format!("static {ty} max({ty} a, {ty} b)"), max)
            .method(&format!("static {ty} min({ty} a, {ty} b)"), min);
    }
}

fn pi(_: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Double(std::f64::consts::PI))
}

fn e(_: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Double(std::f64::consts::E))
}

/// Functions of one Double.
macro_rules! of_double {
    ($($name:ident => $function:expr;)*) => {
        $(fn $name(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
            let function: fn(f64) -> f64 = $function;
            Ok(Value::Double(function(m.double(arguments, 0)?)))
        })*
    };
}

of_double! {
    sqrt => f64::sqrt;
    exp => f64::exp;
    log => f64::ln;
    log10 => f64::log10;
    sin => f64::sin;
    cos => f64::cos;
    tan => f64::tan;
    asin => f64::asin;
    acos => f64::acos;
    atan => f64::atan;
    cbrt => f64::cbrt;
    cosh => f64::cosh;
    sinh => f64::sinh;
    tanh => f64::tanh;
}

fn atan2(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Double(
        m.double(arguments, 0)?.atan2(m.double(arguments, 1)?),
    ))
}

fn pow(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Double(
        m.double(arguments, 0)?.powf(m.double(arguments, 1)?),
    ))
}

/// 53 random bits as a fraction below one.
fn random(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let bits = i64::try_from(m.host.random() >> 11).unwrap_or(0);
    Ok(Value::Double(
        Decimal::from(bits).to_f64() / 9_007_199_254_740_992.0,
    ))
}

/// The remainder with the sign of the dividend.
fn modulo(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    match (m.any(arguments, 0), m.any(arguments, 1)) {
        (_, Value::Integer(0) | Value::Long(0)) => Err(m.raise("MathException", "Divide by 0")),
        (Value::Integer(a), Value::Integer(b)) => Ok(Value::Integer(a.wrapping_rem(b))),
        (Value::Long(a), Value::Long(b)) => Ok(Value::Long(a.wrapping_rem(b))),
        _ => Err(m.null_argument()),
    }
}

fn abs(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(match m.any(arguments, 0) {
        Value::Integer(i) => Value::Integer(i.wrapping_abs()),
        Value::Long(l) => Value::Long(l.wrapping_abs()),
        Value::Double(d) => Value::Double(d.abs()),
        Value::Decimal(d) => Value::Decimal(d.abs()),
        _ => return Err(m.null_argument()),
    })
}

fn chosen(m: &Machine<'_>, arguments: &[Value], wanted: std::cmp::Ordering) -> Run<Value> {
    let (a, b) = (m.any(arguments, 0), m.any(arguments, 1));
    if a.is_null() || b.is_null() {
        return Err(m.null_argument());
    }
    Ok(if m.natural_order(&a, &b)? == wanted { a } else { b })
}

fn max(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    chosen(m, arguments, std::cmp::Ordering::Greater)
}

fn min(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    chosen(m, arguments, std::cmp::Ordering::Less)
}

fn whole(m: &Machine<'_>, arguments: &[Value], rounding: Rounding) -> Run<Value> {
    match m.any(arguments, 0) {
        Value::Decimal(d) => Ok(Value::Decimal(d.rescale(0, rounding).unwrap_or(d))),
        Value::Double(d) => Ok(Value::Double(match rounding {
            Rounding::Ceiling => d.ceil(),
            Rounding::Floor => d.floor(),
            _ => d.round_ties_even(),
        })),
        _ => Err(m.null_argument()),
    }
}

fn ceil(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    whole(m, arguments, Rounding::Ceiling)
}

fn floor(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    whole(m, arguments, Rounding::Floor)
}

fn rint(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    whole(m, arguments, Rounding::HalfEven)
}

fn number(m: &Machine<'_>, arguments: &[Value]) -> Run<Decimal> {
    match m.any(arguments, 0) {
        Value::Decimal(d) => Ok(d),
        Value::Double(d) => {
            Decimal::from_f64(d).ok_or_else(|| m.not_supported("rounding an infinite Double"))
        }
        _ => Err(m.null_argument()),
    }
}

/// Halves go to the even neighbour.
fn round(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let rounding = mode(m, &[], 0)?;
    let rounded = number(m, arguments)?.rescale(0, rounding);
    Ok(Value::Integer(rounded.map_or(0, |d| d.to_i32())))
}

fn round_double(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    round(m, this, arguments)
}

fn round_to_long(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let rounded = number(m, arguments)?.rescale(0, Rounding::HalfEven);
    Ok(Value::Long(rounded.map_or(0, |d| d.to_i64())))
}

fn signum(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(match m.any(arguments, 0) {
        Value::Decimal(d) => Value::Decimal(Decimal::from(d.signum())),
        Value::Double(d) if d == 0.0 => Value::Double(d),
        Value::Double(d) => Value::Double(d.signum()),
        _ => return Err(m.null_argument()),
    })
}
