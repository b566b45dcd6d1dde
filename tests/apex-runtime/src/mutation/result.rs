//! What a method returns in the place of what it should.

/// Another result of a method, by its type: the opposite, nothing, or an empty one. None where it would be the same, or
/// where another rule makes the same mistake.
pub(super) fn instead_of(code: &str, kind: &str, returns: &str) -> Option<String> {
    let ty = returns.trim();
    let lower = ty.to_ascii_lowercase();
    let other = match lower.as_str() {
        "" | "void" => return None,
        "boolean" => match code.to_ascii_lowercase().as_str() {
            "true" => "false".to_owned(),
            "false" => "true".to_owned(),
            _ => format!("!({code})"),
        },
        "string" => "''".to_owned(),
        "integer" | "long" | "decimal" | "double" => "0".to_owned(),
        _ if kind == "null_literal" => return None,
        _ if lower.ends_with('>') => format!("new {ty}()"),
        _ => "null".to_owned(),
    };
    // `a == b` has its own opposite.
    let is_comparison = kind == "binary_expression"
        && [" == ", " != ", " < ", " > ", " <= ", " >= "]
            .iter()
            .any(|sign| code.contains(sign))
        && ![" && ", " || "].iter().any(|sign| code.contains(sign));
    if lower == "boolean" && is_comparison {
        return None;
    }
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    (compact(code) != compact(&other)).then_some(other)
}
