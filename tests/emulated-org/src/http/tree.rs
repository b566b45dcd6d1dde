//! Records and their children in one request, all or nothing.
//!
//! Source: Salesforce REST API Developer Guide, sObject Tree.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::body::JsonBody;
use super::collections::error_json;
use super::errors::{ApiError, Refused};
use super::record::{ReadError, RecordReader};
use super::sobjects::object_named;
use super::{Caller, resource, wrote};
use crate::data::{Draft, Operation, Refusal, SaveError, Saved, Transaction, locked_by};
use crate::id::RecordId;
use crate::org::Org;
use crate::row_locks::Claim;
use crate::schema::Object;
use crate::value::Value;

const MAX_RECORDS: usize = 200;
const MAX_TYPES: usize = 5;
const MAX_LEVELS: usize = 5;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(resource("/composite/tree/{object}", "POST").route(web::post().to(create)));
}

/// A record of the tree, in the order of the body.
struct Node {
    reference: String,
    object: Arc<Object>,
    draft: Result<Draft, SaveError>,
    /// Where the parent stands in the list, and which field of this record refers to it.
    parent: Option<(usize, usize)>,
}

struct Failure {
    reference: String,
    errors: Vec<SaveError>,
}

async fn create(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String)>,
    body: JsonBody,
) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let tree = body.object()?;
    let Some(Json::Array(records)) = tree.get("records") else {
        return Err(ApiError::json_parser("records must be a list of objects").into());
    };
    let mut reader = TreeReader {
        records: RecordReader::of(&schema, &body)?,
        nodes: Vec::new(),
        references: BTreeSet::new(),
    };
    let nodes = match reader.read(object, records, None, 1) {
        Ok(()) => reader.nodes,
        Err(TreeError::Request(error)) => return Err(error.into()),
        Err(TreeError::Reference(failure)) => return Ok(failed(&[failure])),
    };
    if nodes.is_empty() {
        return Err(ApiError::new(400, "MISSING_ARGUMENT", "records must not be empty.").into());
    }
    let types: BTreeSet<&str> = nodes.iter().map(|node| node.object.name.as_str()).collect();
    if nodes.len() > MAX_RECORDS || types.len() > MAX_TYPES {
        let message = "A tree holds at most 200 records of 5 types.";
        return Err(ApiError::new(400, "EXCEEDED_ID_LIMIT", message).into());
    }
    let mut claim = org.row_locks.claim();
    let saved = save(&org, &caller, nodes, &mut claim);
    let hold = org.row_locks.holding_time();
    if saved.is_ok() && !hold.is_zero() {
        tokio::time::sleep(hold).await;
    }
    drop(claim);
    Ok(match saved {
        Ok(saved) => {
            let results: Vec<Json> = saved
                .into_iter()
                .map(|(reference, id)| json!({ "referenceId": reference, "id": id.as_str() }))
                .collect();
            wrote(HttpResponse::Created().json(json!({ "hasErrors": false, "results": results })))
        }
        Err(failures) => failed(&failures),
    })
}

/// Makes parents before children, since the body names parents first.
fn save(
    org: &Org,
    caller: &Caller,
    nodes: Vec<Node>,
    claim: &mut Claim,
) -> Result<Vec<(String, RecordId)>, Vec<Failure>> {
    let author = caller.author(org);
    let schema = org.schema();
    if nodes.iter().any(|node| org.has_triggers_on(&node.object)) {
        return save_by_levels(org, caller, nodes);
    }
    let mut data = org.write();
    let access = org.access.of(author.user, &data, &schema);
    let mut transaction = Transaction::begin(&mut data, &schema, author)
        .with_rules(&org.automation)
        .with_access(Some(access));
    let mut saved: Vec<(String, Option<RecordId>)> = Vec::with_capacity(nodes.len());
    let mut failures = Vec::new();
    for (row, node) in nodes.into_iter().enumerate() {
        let parent = node
            .parent
            .map(|(parent, field)| (saved.get(parent).and_then(|(_, id)| *id), field));
        let outcome = match (node.draft, parent) {
            // The parent failed already and is the one to be named.
            (_, Some((None, _))) => {
                saved.push((node.reference, None));
                continue;
            }
            (Err(error), _) => Err(vec![error]),
            (Ok(mut draft), parent) => {
                if let Some((Some(parent), field)) = parent {
                    draft.values.retain(|(at, _)| *at != field);
                    draft.values.push((field, Value::Id(parent)));
                }
                let operation = Operation::Create {
                    object: node.object,
                    draft,
                };
                let is_unlucky = caller.unlucky.is_some_and(|unlucky| unlucky.hit(row));
                claim
                    .take(locked_by(transaction.data(), &operation), is_unlucky)
                    .map_err(|locked| vec![locked])
                    .and_then(|()| transaction.save(operation).map_err(Refusal::into_errors))
            }
        };
        match outcome {
            Ok(record) => saved.push((node.reference, Some(record.id))),
            Err(errors) => {
                saved.push((node.reference.clone(), None));
                failures.push(Failure {
                    reference: node.reference,
                    errors,
                });
            }
        }
    }
    if failures.is_empty() {
        let saved: Vec<(String, RecordId)> = saved
            .into_iter()
            .filter_map(|(reference, id)| Some((reference, id?)))
            .collect();
        drop(data);
        let records: Vec<Saved> = saved
            .iter()
            .map(|(_, id)| Saved {
                id: *id,
                created: true,
            })
            .collect();
        org.saved(author, records.iter());
        return Ok(saved);
    }
    transaction.roll_back();
    Err(failures)
}

/// With triggers, records of one level are saved together, as through any other door, and levels one after the
/// other. That each level is a transaction of its own to the triggers' statics is believed.
fn save_by_levels(
    org: &Org,
    caller: &Caller,
    nodes: Vec<Node>,
) -> Result<Vec<(String, RecordId)>, Vec<Failure>> {
    let author = caller.author(org);
    let mut claim = org.row_locks.claim();
    let mut ids: Vec<Option<RecordId>> = vec![None; nodes.len()];
    let mut levels: Vec<usize> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let above = node.parent.and_then(|(parent, _)| levels.get(parent));
        levels.push(above.map_or(0, |level| level + 1));
    }
    let (mut written, mut failures) = (Vec::new(), Vec::new());
    for level in 0..=levels.iter().copied().max().unwrap_or_default() {
        let members: Vec<usize> = (0..nodes.len())
            .filter(|at| levels.get(*at) == Some(&level))
            .collect();
        let operations = members.iter().filter_map(|at| nodes.get(*at)).map(|node| {
            let mut draft = node.draft.clone()?;
            if let Some((parent, field)) = node.parent
                && let Some(Some(parent)) = ids.get(parent)
            {
                draft.values.retain(|(at, _)| *at != field);
                draft.values.push((field, Value::Id(*parent)));
            }
            let object = Arc::clone(&node.object);
            Ok(Operation::Create { object, draft })
        });
        let operations = operations.collect();
        let part = org.write_locked(author, operations, false, None, &mut claim);
        for (at, outcome) in members.iter().zip(&part.outcomes) {
            match (outcome, ids.get_mut(*at), nodes.get(*at)) {
                (Ok(saved), Some(id), _) => *id = Some(saved.id),
                (Err(refusal), _, Some(node)) => failures.push(Failure {
                    reference: node.reference.clone(),
                    errors: refusal.clone().into_errors(),
                }),
                _ => {}
            }
        }
        written.push(part);
        if !failures.is_empty() {
            break;
        }
    }
    if !failures.is_empty() {
        let mut data = org.write();
        for part in written.into_iter().rev() {
            data.take_back(part.undo);
        }
        return Err(failures);
    }
    for part in written {
        org.saved(author, part.outcomes.iter().flatten());
        org.after_commit(part.after);
    }
    let references = nodes.into_iter().map(|node| node.reference);
    Ok(references
        .zip(ids)
        .filter_map(|(reference, id)| Some((reference, id?)))
        .collect())
}

fn failed(failures: &[Failure]) -> HttpResponse {
    let results: Vec<Json> = failures
        .iter()
        .map(|failure| {
            let errors: Vec<Json> = failure.errors.iter().map(error_json).collect();
            json!({ "referenceId": failure.reference, "errors": errors })
        })
        .collect();
    HttpResponse::BadRequest().json(json!({ "hasErrors": true, "results": results }))
}

enum TreeError {
    Request(ApiError),
    /// The reference id is missing or doubled.
    Reference(Failure),
}

impl From<ApiError> for TreeError {
    fn from(error: ApiError) -> Self {
        Self::Request(error)
    }
}

struct TreeReader<'a> {
    records: RecordReader<'a>,
    nodes: Vec<Node>,
    references: BTreeSet<String>,
}

impl TreeReader<'_> {
    fn read(
        &mut self,
        object: &Arc<Object>,
        records: &[Json],
        parent: Option<(usize, usize)>,
        level: usize,
    ) -> Result<(), TreeError> {
        if level > MAX_LEVELS {
            return Err(ApiError::new(400, "INVALID_INPUT", "A tree has at most 5 levels.").into());
        }
        for record in records {
            let Json::Object(record) = record else {
                return Err(ApiError::json_parser("records must be a list of objects").into());
            };
            let reference = self.reference(object, record)?;
            let children: Vec<(&String, &Json)> = record
                .iter()
                .filter(|(key, _)| object.field(key).is_none() && object.child_relationship(key).is_some())
                .collect();
            let names: Vec<String> = children.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
            let skip: Vec<&str> = names.iter().map(String::as_str).collect();
            let draft = match self.records.draft(object, record, &skip) {
                Ok(draft) => Ok(draft),
                Err(ReadError::Record(error)) => Err(error),
                Err(ReadError::Request(error)) => return Err(error.into()),
            };
            let at = self.nodes.len();
            self.nodes.push(Node {
                reference,
                object: Arc::clone(object),
                draft,
                parent,
            });
            for (key, json) in children {
                self.read_children(object, key, json, at, level + 1)?;
            }
        }
        Ok(())
    }

    fn read_children(
        &mut self,
        object: &Object,
        key: &str,
        json: &Json,
        parent: usize,
        level: usize,
    ) -> Result<(), TreeError> {
        let no_column = || ApiError::no_such_column(key, &object.name);
        let relationship = object.child_relationship(key).ok_or_else(no_column)?;
        let child = self
            .records
            .schema
            .object(&relationship.child_sobject)
            .cloned()
            .ok_or_else(no_column)?;
        let (reference_field, _) = child.field(&relationship.field).ok_or_else(no_column)?;
        let Some(Json::Array(records)) = json.get("records") else {
            return Err(ApiError::json_parser(format!("{key} must hold records, a list of objects")).into());
        };
        self.read(&child, records, Some((parent, reference_field)), level)
    }

    fn reference(&mut self, object: &Object, record: &Map<String, Json>) -> Result<String, TreeError> {
        let attributes = record.get("attributes");
        let text = |name: &str| {
            attributes
                .and_then(|attributes| attributes.get(name))
                .and_then(Json::as_str)
        };
        let reference = text("referenceId").unwrap_or_default().to_owned();
        let refuse = |message: &str| {
            let errors = vec![SaveError::new("INVALID_INPUT", message)];
            TreeError::Reference(Failure {
                reference: reference.clone(),
                errors,
            })
        };
        if !text("type").is_some_and(|name| name.eq_ignore_ascii_case(&object.name)) {
            return Err(refuse(&format!(
                "Include attributes with type {} for this record.",
                object.name
            )));
        }
        if reference.is_empty() {
            return Err(refuse("Include a reference ID for each record in the request."));
        }
        if !self.references.insert(reference.clone()) {
            return Err(refuse("Duplicate ReferenceId provided in the request."));
        }
        Ok(reference)
    }
}
