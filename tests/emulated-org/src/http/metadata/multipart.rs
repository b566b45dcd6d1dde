//! The parts of a `multipart/form-data` body (RFC 7578), as far as deployments send them.

/// One part.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Its media type; text without one.
    pub media_type: String,
    /// Its body.
    pub body: &'a [u8],
}

/// The parts of a body; `None` if it is not of this form.
pub(super) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary")
            .then(|| value.trim_matches('"'))
    })?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mut rest = body.strip_prefix(format!("--{boundary}").as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        // The line break before the first header stays: a part may have none.
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(rest.get(..head_end)?).ok()?;
        rest = rest.get(head_end + 4..)?;
        let end = find(rest, &delimiter)?;
        let media_type = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type")
                .then(|| value.trim().to_ascii_lowercase())
        });
        parts.push(Part {
            media_type: media_type.unwrap_or_else(|| "text/plain".to_owned()),
            body: rest.get(..end)?,
        });
        rest = rest.get(end + delimiter.len()..)?;
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_split_at_the_boundary_alone() {
        let body = b"--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\n\r\na\r\n--y\r\n--x--\r\n";
        let parts = parts("multipart/form-data; boundary=\"x\"", body).expect("parts");
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].media_type, "application/json");
        assert_eq!(parts[1].body, b"a\r\n--y");
    }

    #[test]
    fn a_body_cut_short_is_none() {
        assert!(parts("multipart/form-data; boundary=x", b"--x\r\n\r\nabc").is_none());
        assert!(parts("application/json", b"--x--").is_none());
    }
}
