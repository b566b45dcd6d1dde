//! The rules of the house that no compiler enforces: who may know whom, and that the map of features is honest.

use std::fs;
use std::path::{Path, PathBuf};

/// A rule: files below `within` must not contain `word`.
struct Ban {
    within: &'static str,
    except: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        within: "gateway/core/src",
        except: &[],
        words: &[
            "tokio",
            "reqwest",
            "actix",
            "diesel",
            "Utc::now",
            "SystemTime",
            "Instant::now",
            "rand::",
        ],
        why: "core is pure: no runtime, no network, no database, no clock, no randomness",
    },
    Ban {
        within: "gateway/service/src",
        except: &[],
        words: &["diesel", "rusqlite", "tokio_postgres"],
        why: "only the store knows SQL",
    },
    Ban {
        within: "gateway/service/src/app",
        except: &[],
        words: &[
            "actix_web",
            "reqwest",
            "HttpResponse",
            "crate::http",
            "crate::workers",
            "crate::cli",
        ],
        why: "use cases see no HTTP type and nobody who calls them",
    },
    Ban {
        within: "gateway/service/src/salesforce",
        except: &[],
        words: &[
            "crate::http",
            "crate::app",
            "crate::workers",
            "crate::cli",
            "causeway_store",
            "actix_web",
        ],
        why: "the protocol client knows only the protocol",
    },
    Ban {
        within: "gateway/service/src/http",
        except: &[],
        words: &[
            "causeway_store",
            "crate::salesforce",
            "crate::workers",
            "crate::cli",
            "reqwest",
        ],
        why: "routes call use cases, nothing below them",
    },
    Ban {
        within: "gateway/service/src/workers",
        except: &[],
        words: &[
            "causeway_store",
            "crate::http",
            "crate::cli",
            "actix_web",
            "reqwest",
        ],
        why: "workers call use cases, nothing below them",
    },
    Ban {
        within: "gateway/service/src",
        except: &["gateway/service/src/salesforce"],
        words: &["salesforce::wire"],
        why: "wire structs never leave the edge they belong to",
    },
    Ban {
        within: "gateway",
        except: &["gateway/service/tests", "gateway/service/Cargo.toml"],
        words: &["emulated_org", "emulated-org"],
        why: "the product does not know what it is tested against",
    },
    Ban {
        within: "tests/emulated-org",
        except: &[],
        words: &[
            "causeway_core",
            "causeway_store",
            "causeway-core",
            "causeway-store",
            "causeway::",
        ],
        why: "a mistake shared with the gateway would hide itself",
    },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                files_below(&path, found);
            }
        } else if path
            .extension()
            .is_some_and(|ending| ending == "rs" || ending == "toml")
        {
            found.push(path);
        }
    }
}

/// Lines of code that break a ban; comments may speak of anything.
fn offences(ban: &Ban, text: &str) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter_map(|(number, line)| {
            ban.words
                .iter()
                .find(|word| line.contains(*word))
                .map(|word| format!("line {}: {word}", number + 1))
        })
        .collect()
}

#[test]
fn direction_rules() {
    let root = root();
    let mut broken = Vec::new();
    for ban in BANS {
        let mut files = Vec::new();
        files_below(&root.join(ban.within), &mut files);
        assert!(
            !files.is_empty(),
            "nothing below {}: is the rule out of date?",
            ban.within
        );
        for file in files {
            let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if ban.except.iter().any(|except| name.starts_with(except)) {
                continue;
            }
            for offence in offences(ban, &fs::read_to_string(&file).unwrap()) {
                broken.push(format!("{name}, {offence} ({})", ban.why));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn direction_rules_refuse_a_bad_sample() {
    for ban in BANS {
        for word in ban.words {
            assert_eq!(
                offences(ban, &format!("use std::fmt;\nuse {word};\n")).len(),
                1,
                "{word}"
            );
            assert!(
                offences(ban, &format!("// {word} is banned here\n")).is_empty(),
                "{word}"
            );
        }
    }
}

/// Test names that `docs/FEATURES.md` gives as proof.
fn named_tests(features: &str) -> Vec<String> {
    features
        .lines()
        .filter(|line| line.starts_with("| "))
        .flat_map(|line| {
            line.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn feature_map_names_tests_that_exist() {
    let root = root();
    let features = fs::read_to_string(root.join("docs/FEATURES.md")).unwrap();
    let mut files = Vec::new();
    files_below(&root.join("gateway"), &mut files);
    files_below(&root.join("tests"), &mut files);
    let journeys = fs::read_dir(root.join("tests/lightning/browser")).unwrap();
    files.extend(
        journeys
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(".test.mjs")),
    );
    let sources: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let names = named_tests(&features);
    assert!(
        names.len() > 20,
        "the map names {} tests only; did its form change?",
        names.len()
    );
    let missing: Vec<_> = names
        .into_iter()
        .filter(|name| {
            // A function of Rust's, or the title of a browser test, which needs no backslash where it stands.
            let title = name.replace('\'', "\\'");
            !sources.contains(&format!("fn {name}(")) && !sources.contains(&format!("\ntest('{title}',"))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "docs/FEATURES.md names tests that do not exist: {missing:?}"
    );
}

#[test]
fn feature_map_has_a_state_for_every_row() {
    let features = fs::read_to_string(root().join("docs/FEATURES.md")).unwrap();
    let rows: Vec<Vec<&str>> = features
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes().get(3).is_some_and(u8::is_ascii_digit))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), 263, "F1 to F210, G1 to G12, P1 to P25, B1 to B16");
    for row in rows {
        let state = row.get(2).copied().unwrap_or_default();
        assert!(
            state == "not yet"
                || (state.starts_with("shown by `") && state.ends_with('`'))
                || (state.starts_with("partly: ") && state.contains("missing")),
            "{} has no honest state: {state:?}",
            row[0]
        );
    }
}
