//! SOSL in tests (Apex Developer Guide, "Adding SOSL Queries to Unit Tests"): it finds what
//! `Test.setFixedSearchResults` was given, by the objects of its RETURNING clause. Elsewhere it needs the search
//! index of Salesforce and is refused.

use std::sync::Arc;

use crate::host::{AccessMode, QueryAnswer, QueryCall};
use crate::run::limits::Limit;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

impl Machine<'_> {
    /// One list of records for each object of the RETURNING clause.
    pub(crate) fn search(&mut self, text: &str) -> Run<Value> {
        self.count(Limit::Searches, 1)?;
        if !self.test.running {
            return Err(self.not_supported("SOSL outside of tests"));
        }
        let Some(clauses) = returning(text) else {
            return Err(self.not_supported("SOSL without simple RETURNING clauses"));
        };
        let ids = Value::list(Type::Id, self.test.search_results.clone());
        let (access, sharing) = self.access(None);
        let mut lists = Vec::new();
        for (object, fields) in clauses {
            let Some(object) = self.program.schema.object(&object).map(|o| Arc::clone(&o.name)) else {
                return Err(self.not_supported(format!("SOSL for {object}")));
            };
            let call = QueryCall {
                text: format!("SELECT {fields} FROM {object} WHERE Id IN :found").into(),
                shape: None,
                binds: vec![("found".into(), ids.clone())],
                access: match access {
                    AccessMode::User => AccessMode::User,
                    _ => AccessMode::System,
                },
                sharing,
            };
            let host = self.host;
            let rows = match host.query(&call).map_err(|error| self.from_host(error))? {
                QueryAnswer::Records(rows) => rows.into_iter().map(Value::Record).collect(),
                QueryAnswer::Count(_) => Vec::new(),
            };
            lists.push(Value::list(Type::Record(object), rows));
        }
        Ok(Value::list(Type::list(Type::SObject), lists))
    }
}

/// `RETURNING Account(Name), Contact`: objects and their fields; none where there is more to it.
fn returning(text: &str) -> Option<Vec<(String, String)>> {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let at = flat.to_ascii_uppercase().find(" RETURNING ")?;
    let mut rest = flat
        .get(at + " RETURNING ".len()..)?
        .trim()
        .trim_end_matches(']')
        .trim();
    let mut clauses = Vec::new();
    loop {
        let end = rest.find(['(', ',']).unwrap_or(rest.len());
        let object = rest.get(..end)?.trim().to_owned();
        if object.is_empty() || !object.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        rest = rest.get(end..)?;
        let mut fields = "Id".to_owned();
        if let Some(inside) = rest.strip_prefix('(') {
            let (list, after) = inside.split_once(')')?;
            // Filters, orders and limits of a clause have blanks between their words.
            if list.split(',').any(|field| field.trim().contains(' ')) {
                return None;
            }
            list.trim().clone_into(&mut fields);
            if !fields
                .split(',')
                .any(|field| field.trim().eq_ignore_ascii_case("Id"))
            {
                fields.push_str(", Id");
            }
            rest = after.trim_start();
        }
        clauses.push((object, fields));
        rest = match rest.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.trim().is_empty() => return Some(clauses),
            None => return None,
        };
    }
}
