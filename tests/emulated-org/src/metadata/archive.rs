//! The files of a zip.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

/// The most files that one deployment takes.
const MAX_FILES: usize = 10_000;
/// The most bytes that they may have unpacked.
const MAX_BYTES: u64 = 400 * 1024 * 1024;

/// Files by their paths.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// All files of a zip.
pub(super) fn unpack(zip: &[u8]) -> Result<Files, (&'static str, String)> {
    // The status code and words are believed.
    let unreadable = |error: String| {
        (
            "UNKNOWN_EXCEPTION",
            format!("The zip file cannot be read: {error}"),
        )
    };
    let mut archive =
        zip::ZipArchive::new(Cursor::new(zip)).map_err(|error| unreadable(error.to_string()))?;
    if archive.len() > MAX_FILES {
        let text = format!("Too many files in zip: the maximum is {MAX_FILES}");
        return Err(("LIMIT_EXCEEDED", text));
    }
    let mut files = Files::new();
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        let file = archive
            .by_index(index)
            .map_err(|error| unreadable(error.to_string()))?;
        if file.is_dir() {
            continue;
        }
        let name = file
            .name()
            .map_err(|error| unreadable(error.to_string()))?
            .replace('\\', "/");
        let mut bytes = Vec::new();
        // What the archive says of a file's size need not be true.
        file.take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(error.to_string()))?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            (
                "LIMIT_EXCEEDED",
                format!("The zip file unpacks to more than {MAX_BYTES} bytes"),
            )
        })?;
        files.insert(name, bytes);
    }
    Ok(files)
}

/// The files below the folder with the manifest: a package may lie in a folder of the zip.
pub(super) fn rooted(files: Files) -> Files {
    if files.contains_key("package.xml") {
        return files;
    }
    let root = files
        .keys()
        .find_map(|path| path.strip_suffix("/package.xml").map(|root| format!("{root}/")));
    let Some(root) = root.filter(|root| root.matches('/').count() == 1) else {
        return files;
    };
    files
        .into_iter()
        .filter_map(|(path, bytes)| Some((path.strip_prefix(&root)?.to_owned(), bytes)))
        .collect()
}

/// Names of layouts and profiles are escaped in file names.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = text.as_bytes().iter();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let escaped = (*byte == b'%')
            .then(|| bytes.as_slice().get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        if escaped.is_some() {
            bytes.nth(1);
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}
