//! The answer to `columns=true`: what the columns of a query are, without rows.
//!
//! Salesforce documents little of it. The keys, parents as columns with `joinColumns`, and subqueries as such
//! columns marked `aggregate` are what clients read: the data plugin of the Salesforce CLI.

use serde_json::{Value as Json, json};

use crate::schema::{Field, FieldType};
use crate::soql::grouping::GroupColumn;
use crate::soql::path::FieldPath;
use crate::soql::{Column, Output, Plan};

pub(super) fn metadata(plan: &Plan) -> Json {
    let mut columns = Columns::default();
    columns.add_output(&plan.output);
    let id_selected = columns.0.iter().any(|column| column.name == "Id");
    json!({
        "columnMetadata": columns.into_json(),
        "entityName": plan.object.name,
        "groupBy": matches!(plan.output, Output::Groups(_)),
        "idSelected": id_selected,
        "keyPrefix": plan.object.key_prefix,
    })
}

/// Columns of one level.
#[derive(Default)]
struct Columns(Vec<Node>);

/// One column with those below it.
struct Node {
    name: String,
    aggregate: bool,
    display: String,
    /// The field; none for a parent or a subquery.
    field: Option<Field>,
    below: Columns,
}

impl Columns {
    fn add_output(&mut self, output: &Output) {
        match output {
            Output::Count => {}
            Output::Columns(paths) => paths.iter().for_each(|path| self.add_path(path)),
            Output::Records(columns) => columns.iter().for_each(|column| self.add_column(column)),
            Output::Groups(grouping) => self.0.extend(grouping.columns.iter().map(Node::of_group)),
        }
    }

    fn add_column(&mut self, column: &Column) {
        match column {
            Column::Field(path)
            | Column::Made {
                path, alias: None, ..
            } => self.add_path(path),
            Column::Made {
                path,
                alias: Some(alias),
                ..
            } => self.0.push(Node::of_field(alias, &path.field)),
            Column::Children(children) => {
                let mut below = Self::default();
                below.add_output(&children.plan.output);
                self.0.push(Node {
                    name: children.name.clone(),
                    aggregate: true,
                    display: children.name.clone(),
                    field: None,
                    below,
                });
            }
        }
    }

    fn add_path(&mut self, path: &FieldPath) {
        let Some((leaf, relationships)) = path.names.split_last() else {
            return;
        };
        let mut level = &mut self.0;
        for relationship in relationships {
            let known = level
                .iter()
                .position(|node| node.field.is_none() && !node.aggregate && node.name == *relationship);
            let at = known.unwrap_or_else(|| {
                level.push(Node {
                    name: relationship.clone(),
                    aggregate: false,
                    display: relationship.clone(),
                    field: None,
                    below: Self::default(),
                });
                level.len() - 1
            });
            let Some(node) = level.get_mut(at) else { return };
            level = &mut node.below.0;
        }
        level.push(Node::of_field(leaf, &path.field));
    }

    fn into_json(self) -> Vec<Json> {
        self.0.into_iter().map(Node::into_json).collect()
    }
}

impl Node {
    fn of_field(name: &str, field: &Field) -> Self {
        Self {
            name: name.to_owned(),
            aggregate: false,
            display: name.to_owned(),
            field: Some(field.clone()),
            below: Columns::default(),
        }
    }

    fn of_group(column: &GroupColumn) -> Self {
        Self {
            name: column.name.clone(),
            aggregate: column.aggregate,
            display: column.written.clone(),
            field: Some(column.field.clone()),
            below: Columns::default(),
        }
    }

    fn into_json(self) -> Json {
        let field = self.field.as_ref();
        let kind = field.map(|field| field.kind);
        json!({
            "aggregate": self.aggregate,
            "apexType": kind.map(apex_type),
            "booleanType": kind == Some(FieldType::Boolean),
            "columnName": self.name,
            "custom": field.is_some_and(|field| field.custom),
            "displayName": self.display,
            "foreignKeyName": Json::Null,
            "insertable": field.is_some_and(|field| field.createable),
            "joinColumns": self.below.into_json(),
            "numberType": kind.is_some_and(FieldType::is_number),
            "textType": kind.is_some_and(FieldType::is_text),
            "updatable": field.is_some_and(|field| field.updateable),
        })
    }
}

fn apex_type(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Id | FieldType::Reference => "Id",
        FieldType::Boolean => "Boolean",
        FieldType::Int => "Integer",
        FieldType::Long => "Long",
        FieldType::Double | FieldType::Currency | FieldType::Percent => "Double",
        FieldType::Date => "Date",
        FieldType::Datetime => "Datetime",
        FieldType::Time => "Time",
        FieldType::Address => "Address",
        FieldType::Location => "Location",
        FieldType::Base64 => "Blob",
        _ => "String",
    }
}
