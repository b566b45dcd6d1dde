//! `causeway mapping`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use causeway_core::mapping::MappingDocument;

use super::connection::{failed, find};
use super::{CommandError, Outcome, output};
use crate::app::administer::{self, MappingError};
use crate::app::{App, directory, failure, read};

/// Checks documents against the org and puts them in force. All are read before the first is applied.
pub(super) async fn apply(app: &Arc<App>, connection: &str, files: &[PathBuf]) -> Outcome {
    let connection = find(app, connection).await?;
    let mut documents = Vec::with_capacity(files.len());
    for file in files {
        documents.push((file, document(file)?));
    }
    let mut refused = 0;
    for (file, document) in &documents {
        match administer::apply_mapping(app, connection.id, document).await {
            Ok(applied) => output::line(&format!(
                "{} -> {}: revision {}{}",
                applied.salesforce_object,
                applied.partner_object,
                applied.revision.0,
                if applied.changed { "" } else { ", as before" }
            )),
            Err(error) => {
                refused += 1;
                output::error(&format!("{}: {}", file.display(), explain(&error)));
            }
        }
    }
    if refused > 0 {
        return Err(CommandError::new(format!(
            "{refused} of {} mappings are not in force",
            documents.len()
        )));
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the mappings in force.
pub(super) async fn list(app: &Arc<App>, connection: &str) -> Outcome {
    let connection = find(app, connection).await?;
    let mappings = read::mappings(app, connection.id).await.map_err(failed)?;
    let rows: Vec<Vec<String>> = mappings
        .iter()
        .map(|state| {
            vec![
                state.plan.partner_object.clone(),
                state.plan.salesforce_object.clone(),
                state.plan.revision.0.to_string(),
                state.plan.fields.len().to_string(),
                state.links.linked.to_string(),
                state.links.held.to_string(),
                state.links.deleted.to_string(),
            ]
        })
        .collect();
    output::table(
        &[
            "partner",
            "Salesforce",
            "revision",
            "fields",
            "linked",
            "held",
            "deleted",
        ],
        &rows,
    );
    Ok(ExitCode::SUCCESS)
}

/// Prints the document of the mapping in force.
pub(super) async fn show(app: &Arc<App>, connection: &str, object: &str) -> Outcome {
    let connection = find(app, connection).await?;
    let document = directory::document(app, connection.id, object)
        .await
        .map_err(failed)?;
    match document {
        Some(document) => {
            output::line(&document);
            Ok(ExitCode::SUCCESS)
        }
        None => Err(CommandError::new(format!(
            "no mapping gives the partner object {object:?}; see `causeway mapping list`"
        ))),
    }
}

fn document(file: &Path) -> Result<MappingDocument, CommandError> {
    let refused = |message: String| CommandError::new(format!("{}: {message}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| refused(format!("cannot be read ({error})")))?;
    serde_json::from_str(&text).map_err(|error| refused(format!("is no mapping document: {error}")))
}

fn explain(error: &MappingError) -> String {
    match error {
        MappingError::Problems(problems) => problems
            .iter()
            .map(|problem| format!("\n  {problem}"))
            .collect::<String>(),
        MappingError::Salesforce(failure) => format!(
            "{} ({})",
            causeway_core::failure::policy(failure, causeway_core::failure::Call::Read).advice,
            failure::describe(failure)
        ),
        other => other.to_string(),
    }
}
