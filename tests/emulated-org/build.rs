//! Embeds every file of `objects/`, so that an object is added by adding a file.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn Error>> {
    writeln!(io::stdout(), "cargo::rerun-if-changed=objects")?;
    let folder = Path::new(&cargo_variable("CARGO_MANIFEST_DIR")?).join("objects");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();

    let mut source = String::from("const OBJECT_FILES: &[(&str, &str)] = &[\n");
    for path in &paths {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("an object file's name is no text")?;
        let object = format!("/objects/{name}");
        writeln!(
            source,
            "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {object:?}))),"
        )?;
    }
    source.push_str("];\n");
    fs::write(
        Path::new(&cargo_variable("OUT_DIR")?).join("object_files.rs"),
        source,
    )?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo hands its folders to build scripts by environment alone"
)]
fn cargo_variable(name: &str) -> Result<String, env::VarError> {
    env::var(name)
}
