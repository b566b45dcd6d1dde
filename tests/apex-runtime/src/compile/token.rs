//! Names that stand for what the org holds: tokens of objects and fields, describes, labels, the records of a
//! trigger, and what only some objects have.

use std::sync::Arc;

use super::Compiled;
use super::body::{BodyCompiler, Typed};
use super::ir::{Constant, Expr, ExprKind};
use crate::catalogue::PlatformMethodId;
use crate::catalogue::absent_objects;
use crate::schema::SObjectMember;
use crate::syntax::ast::{Expression, ExpressionKind, Name};
use crate::types::Type;

impl BodyCompiler<'_, '_> {
    fn platform_type(&self, name: &str) -> Type {
        self.unit
            .catalogue
            .find(name)
            .map_or(Type::Object, Type::platform)
    }

    /// The first method of that name of a platform class.
    fn method_of(&self, class: &str, method: &str) -> Option<PlatformMethodId> {
        let id = self.unit.catalogue.find(class)?;
        self.unit
            .catalogue
            .class(id)
            .methods
            .get(method)?
            .first()
            .copied()
    }

    fn constant(&self, name: &Name, constant: Constant, ty: &str) -> Typed {
        Typed {
            expr: Expr::new(name.at.line, ExprKind::Constant(constant)),
            ty: self.platform_type(ty),
        }
    }

    /// A describe of a token, as `getDescribe()` makes it.
    fn described(&self, token: Typed, class: &str, result: &str) -> Option<Typed> {
        let method = self.method_of(class, "getdescribe")?;
        let line = token.expr.line;
        Some(Typed {
            expr: Expr::new(
                line,
                ExprKind::CallPlatform(method, Some(Box::new(token.expr)), Vec::new()),
            ),
            ty: self.platform_type(result),
        })
    }

    fn field_token(&self, object: &str, name: &Name) -> Option<Typed> {
        let described = self.unit.schema.object(object)?;
        let field = match described.member(&name.text)? {
            SObjectMember::Field(field) => Arc::clone(&field.name),
            _ => return None,
        };
        let token = Constant::FieldToken(Arc::clone(&described.name), field);
        Some(self.constant(name, token, "Schema.SObjectField"))
    }

    /// `Account.SObjectType.fields.Name`: a token, where `Schema.SObjectType.Account.fields.Name` is a describe (public
    /// test suites, fflib-apex-common, compare it with tokens).
    pub(super) fn token_by_object(&self, fields: &Expression, name: &Name) -> Option<Typed> {
        let object = behind(fields, "fields").and_then(|token| behind(token, "sobjecttype"))?;
        match self.as_type(object)? {
            Type::Record(object) => self.field_token(&object, name),
            _ => None,
        }
    }

    /// What a name behind a type means beyond its own members; none where it means nothing.
    pub(super) fn token(&mut self, ty: &Type, name: &Name) -> Compiled<Option<Typed>> {
        Ok(match ty {
            // `Account.SObjectType`, `Account.Name`
            Type::Record(object) if name.key() == "sobjecttype" => {
                let token = Constant::ObjectToken(Arc::clone(object));
                Some(self.constant(name, token, "Schema.SObjectType"))
            }
            Type::Record(object) => match self.field_token(object, name) {
                Some(token) => Some(token),
                None if name.key() == "fields" => None,
                None if absent_objects::is_field(object, &name.text) => {
                    Some(self.unsupported(name.at, format!("{object}.{}", name.text)))
                }
                None => {
                    let message = format!("Variable does not exist: {}", name.text);
                    return Err(self.error(name.at, message));
                }
            },
            // The token of an object that the org has not stands for its name alone; its describe is refused.
            Type::Unsupported(what) if name.key() == "sobjecttype" => {
                absent_objects::object_name(what, self.unit.schema).map(|object| {
                    self.constant(name, Constant::ObjectToken(object.into()), "Schema.SObjectType")
                })
            }
            Type::Unsupported(what) => self.label(what, name),
            Type::Platform(id, _) => match self.unit.catalogue.class(*id).qualified_name().as_str() {
                // `Schema.SObjectType.Account` is a describe, unlike `Account.SObjectType`.
                "Schema.SObjectType" => {
                    let object = self.unit.schema.object(&name.text);
                    let token = object.map(|object| Constant::ObjectToken(Arc::clone(&object.name)));
                    let token = token.map(|token| self.constant(name, token, "Schema.SObjectType"));
                    token.and_then(|token| {
                        self.described(token, "Schema.SObjectType", "Schema.DescribeSObjectResult")
                    })
                }
                "System.Trigger" => self.trigger_records(name),
                _ => None,
            },
            _ => None,
        })
    }

    /// `System.Label.Greeting`, `Label.namespace.Greeting`
    fn label(&self, what: &str, name: &Name) -> Option<Typed> {
        let key = what.to_ascii_lowercase();
        let key = key.strip_prefix("system.").unwrap_or(&key);
        let namespace = match key.strip_prefix("label")? {
            "" => None,
            rest => Some(rest.strip_prefix('.')?.to_owned()),
        };
        let schema = self.unit.schema;
        let text = match namespace {
            Some(namespace) => schema.label(&format!("{namespace}.{}", name.text))?,
            None => schema.label(&name.text)?,
        };
        let constant = ExprKind::Constant(Constant::String(Arc::clone(text)));
        Some(Typed {
            expr: Expr::new(name.at.line, constant),
            ty: Type::String,
        })
    }

    /// Inside a trigger its records are of the trigger's object.
    fn trigger_records(&self, name: &Name) -> Option<Typed> {
        let object = self.unit.trigger_objects.get(&self.class)?;
        let record = Type::Record(Arc::clone(object));
        let ty = match name.key().as_str() {
            "new" | "old" => Type::list(record),
            "newmap" | "oldmap" => Type::map(Type::Id, record),
            _ => return None,
        };
        let class = self.unit.catalogue.find("System.Trigger")?;
        let getter = self
            .unit
            .catalogue
            .class(class)
            .properties
            .get(&name.key())?
            .getter;
        Some(Typed {
            expr: Expr::new(name.at.line, ExprKind::CallPlatform(getter, None, Vec::new())),
            ty,
        })
    }

    /// `Schema.SObjectType.Account.fields.Name`: a describe.
    pub(super) fn described_field(&self, fields: &Typed, name: &Name) -> Option<Typed> {
        if fields.ty != self.platform_type("Schema.SObjectTypeFields") {
            return None;
        }
        let object = constant_object(&fields.expr)?;
        let token = self.field_token(&object, name)?;
        self.described(token, "Schema.SObjectField", "Schema.DescribeFieldResult")
    }

    /// `Schema.SObjectType.Account.fieldSets.Short`: what the map of field sets holds under the name.
    pub(super) fn described_field_set(&self, sets: &Typed, name: &Name) -> Option<Typed> {
        if sets.ty != self.platform_type("Schema.SObjectTypeFieldSets") {
            return None;
        }
        let object = self.unit.schema.object(&constant_object(&sets.expr)?)?;
        let mut names = object.field_sets.iter().map(|set| &set.name);
        let known = names.find(|known| known.eq_ignore_ascii_case(&name.text))?;
        let map = self.method_of("Schema.SObjectTypeFieldSets", "getmap")?;
        let get = self.method_of("System.Map", "get")?;
        let line = name.at.line;
        let receiver = Some(Box::new(sets.expr.clone()));
        let map = Expr::new(line, ExprKind::CallPlatform(map, receiver, Vec::new()));
        let key = Expr::new(line, ExprKind::Constant(Constant::String(Arc::clone(known))));
        Some(Typed {
            expr: Expr::new(line, ExprKind::CallPlatform(get, Some(Box::new(map)), vec![key])),
            ty: self.platform_type("Schema.FieldSet"),
        })
    }

    /// `MySetting__c.getInstance()` and its like return records of the type they are called on.
    pub(super) fn setting_methods(&self, ty: &Type, name: &str) -> Vec<(PlatformMethodId, Vec<Type>)> {
        let Type::Record(object) = ty else {
            return Vec::new();
        };
        let described = self.unit.schema.object(object);
        let has_them = described.is_some_and(|o| o.setting.is_some()) || object.ends_with("__mdt");
        let Some(id) = self
            .unit
            .catalogue
            .find("CustomSettingOrMetadata")
            .filter(|_| has_them)
        else {
            return Vec::new();
        };
        let methods = self
            .unit
            .catalogue
            .class(id)
            .methods
            .get(&name.to_ascii_lowercase());
        let all = methods.into_iter().flatten();
        all.map(|method| (*method, Vec::new())).collect()
    }

    /// What a method of records returns, where that is the type it is called on.
    pub(super) fn own_record(&self, returns: Type, receiver: &Type) -> Type {
        match (&returns, receiver) {
            (Type::SObject, Type::Record(_)) => receiver.clone(),
            (Type::Map(key, value), Type::Record(_)) if **value == Type::SObject => {
                Type::map(Type::clone(key), receiver.clone())
            }
            _ => returns,
        }
    }

    /// What a dynamic query may bind: all variables that are visible where it stands.
    pub(super) fn visible_variables(&mut self, name: &Name) -> Vec<(Arc<str>, Expr)> {
        let mut names: Vec<Arc<str>> = self.local_names();
        let mut class = Some(self.class);
        while let Some(current) = class {
            for ancestor in self.unit.classes.lineage(current) {
                let fields = &self.unit.classes.class(ancestor).fields;
                names.extend(fields.iter().map(|field| Arc::clone(&field.name)));
            }
            class = self.unit.classes.class(current).outer;
        }
        let mut seen = std::collections::HashSet::new();
        let mut visible = Vec::new();
        for variable in names {
            if !seen.insert(variable.to_ascii_lowercase()) {
                continue;
            }
            let written = Name {
                text: Arc::clone(&variable),
                at: name.at,
            };
            if let Ok(typed) = self.variable(&written) {
                visible.push((variable, typed.expr));
            }
        }
        visible
    }
}

/// What a member of that name is read from.
fn behind<'e>(expression: &'e Expression, member: &str) -> Option<&'e Expression> {
    match &expression.kind {
        ExpressionKind::Field(object, name, false) if name.key() == member => Some(object),
        _ => None,
    }
}

/// The object whose token a chain of describes starts from.
fn constant_object(expr: &Expr) -> Option<Arc<str>> {
    match &expr.kind {
        ExprKind::Constant(Constant::ObjectToken(object)) => Some(Arc::clone(object)),
        ExprKind::CallPlatform(_, Some(inner), _) => constant_object(inner),
        _ => None,
    }
}
