//! Method calls: whose method is meant, and which overload.

use std::sync::Arc;

use super::Compiled;
use super::body::{BodyCompiler, Typed, convert};
use super::ir::{Constant, Expr, ExprKind, Receiver};
use super::overload::Choice;
use crate::catalogue::PlatformMethodId;
use crate::syntax::ast::{Expression, ExpressionKind, Name};
use crate::types::{ClassId, MethodId, Type, Visibility};

impl BodyCompiler<'_, '_> {
    pub(crate) fn call(
        &mut self,
        object: Option<&Expression>,
        name: &Name,
        arguments: &[Expression],
        safe: bool,
    ) -> Compiled<Typed> {
        match object {
            None => {
                let arguments = self.arguments(arguments)?;
                self.own_method(name, arguments)
            }
            Some(Expression {
                kind: ExpressionKind::Super,
                ..
            }) => {
                let arguments = self.arguments(arguments)?;
                self.super_method(name, arguments)
            }
            Some(object) => {
                if !safe && let Some(ty) = self.as_type(object) {
                    let arguments = self.arguments(arguments)?;
                    return self.static_method(&ty, name, arguments);
                }
                let receiver = self.receiver(object, safe)?;
                let arguments = self.arguments(arguments)?;
                self.instance_method(receiver, name, arguments)
            }
        }
    }

    pub(crate) fn arguments(&mut self, arguments: &[Expression]) -> Compiled<Vec<Typed>> {
        arguments
            .iter()
            .map(|argument| self.expression(argument))
            .collect()
    }

    /// Methods of that name, nearest first; an overridden one is left out.
    fn methods_named(&self, class: ClassId, name: &str) -> Vec<MethodId> {
        let classes = &self.unit.classes;
        let mut found: Vec<MethodId> = Vec::new();
        let mut add = |method: MethodId| {
            let declared = classes.method(method);
            let types: Vec<_> = declared.parameters.iter().map(|p| p.ty.clone()).collect();
            if declared.name.eq_ignore_ascii_case(name)
                && !found
                    .iter()
                    .any(|other| classes.method(*other).same_parameters(&types))
            {
                found.push(method);
            }
        };
        for ancestor in classes.lineage(class) {
            classes.class(ancestor).methods.iter().copied().for_each(&mut add);
        }
        for interface in classes.all_interfaces(class) {
            if let Type::User(interface) = interface {
                classes
                    .class(interface)
                    .methods
                    .iter()
                    .copied()
                    .for_each(&mut add);
            }
        }
        found
    }

    fn own_method(&mut self, name: &Name, arguments: Vec<Typed>) -> Compiled<Typed> {
        let mut class = Some(self.class);
        while let Some(current) = class {
            let methods = self.methods_named(current, &name.text);
            if !methods.is_empty() {
                let Some(method) = self.pick(&methods, name, &arguments)? else {
                    return Ok(self.unknown_overload(name));
                };
                let declared = self.unit.classes.method(method);
                let receiver = if declared.is_static {
                    Receiver::Static
                } else if self.is_static || current != self.class {
                    let message = format!(
                        "Non static method cannot be referenced from a static context: {}",
                        name.text
                    );
                    return Err(self.error(name.at, message));
                } else {
                    self.this_receiver(name.at.line)
                };
                return self.user_call(method, receiver, arguments, name);
            }
            class = self.unit.classes.class(current).outer;
        }
        if !self.is_static {
            let this = Expr::new(name.at.line, ExprKind::This);
            let inherited = self.platform_methods(&Type::User(self.class), &name.text, false);
            if !inherited.is_empty() {
                return self.platform_call(inherited, Some(this), name, arguments);
            }
        }
        Err(self.missing_method(name, &arguments, &self.class_name()))
    }

    fn super_method(&mut self, name: &Name, arguments: Vec<Typed>) -> Compiled<Typed> {
        if let Some(superclass) = self.unit.classes.superclass(self.class) {
            let methods = self.methods_named(superclass, &name.text);
            if !methods.is_empty() {
                let Some(method) = self.pick(&methods, name, &arguments)? else {
                    return Ok(self.unknown_overload(name));
                };
                if self.unit.classes.method(method).is_abstract {
                    let message = format!("Abstract methods cannot be called directly: {}", name.text);
                    return Err(self.error(name.at, message));
                }
                let this = Box::new(Expr::new(name.at.line, ExprKind::This));
                return self.user_call(method, Receiver::Exact(this), arguments, name);
            }
        }
        let what = format!("super.{}", name.text);
        Ok(self.unsupported(name.at, what))
    }

    fn static_method(&mut self, ty: &Type, name: &Name, arguments: Vec<Typed>) -> Compiled<Typed> {
        if let Type::User(class) = ty {
            let methods = self.methods_named(*class, &name.text);
            if !methods.is_empty() {
                let Some(method) = self.pick(&methods, name, &arguments)? else {
                    return Ok(self.unknown_overload(name));
                };
                if !self.unit.classes.method(method).is_static {
                    let message = format!(
                        "Non static method cannot be referenced from a static context: {}",
                        name.text
                    );
                    return Err(self.error(name.at, message));
                }
                return self.user_call(method, Receiver::Static, arguments, name);
            }
        }
        if self.enum_constants(ty).is_some()
            && let Some(done) = self.enum_method(ty, name, &arguments)?
        {
            return Ok(done);
        }
        if let (Type::Record(object), "getsobjecttype", []) = (ty, name.key().as_str(), &*arguments) {
            let token = ExprKind::Constant(Constant::ObjectToken(Arc::clone(object)));
            let class = self.unit.catalogue.find("Schema.SObjectType");
            return Ok(Typed {
                expr: Expr::new(name.at.line, token),
                ty: class.map_or(Type::Object, Type::platform),
            });
        }
        let settings = self.setting_methods(ty, &name.text);
        if !settings.is_empty() {
            let line = name.at.line;
            let mut passed = vec![Typed {
                expr: Expr::new(line, ExprKind::Constant(Constant::Type(ty.clone()))),
                ty: Type::Object,
            }];
            passed.extend(arguments);
            let done = self.platform_call(settings, None, name, passed)?;
            let returned = self.own_record(done.ty, ty);
            return Ok(Typed {
                expr: done.expr,
                ty: returned,
            });
        }
        if let (Type::Platform(id, _), "getquerylocator", [only]) = (ty, name.key().as_str(), &*arguments)
            && self.unit.catalogue.class(*id).qualified_name() == "System.Database"
            && let ExprKind::Query(plan) = &only.expr.kind
        {
            let locator = self.unit.catalogue.find("Database.QueryLocator");
            return Ok(Typed {
                expr: Expr::new(name.at.line, ExprKind::Locator(plan.clone())),
                ty: locator.map_or(Type::Object, Type::platform),
            });
        }
        let methods = self.platform_methods(ty, &name.text, true);
        if methods.is_empty() {
            if let Type::User(class) = ty {
                let class = Arc::clone(&self.unit.classes.class(*class).name);
                return Err(self.missing_method(name, &arguments, &class));
            }
            let what = format!("{}.{}", self.display(ty), name.text);
            return Ok(self.unsupported(name.at, what));
        }
        let done = self.platform_call(methods, None, name, arguments)?;
        let dynamic = matches!(name.key().as_str(), "query" | "countquery" | "getquerylocator");
        let is_database = matches!(ty, Type::Platform(id, _)
            if self.unit.catalogue.class(*id).qualified_name() == "System.Database");
        if !(dynamic && is_database) || matches!(done.expr.kind, ExprKind::Unsupported(_)) {
            return Ok(done);
        }
        let variables = self.visible_variables(name);
        let kind = ExprKind::DynamicQuery(Box::new(done.expr), variables);
        Ok(Typed {
            expr: Expr::new(name.at.line, kind),
            ty: done.ty,
        })
    }

    /// `values()` and `valueOf(name)`, which every enum has.
    fn enum_method(&mut self, ty: &Type, name: &Name, arguments: &[Typed]) -> Compiled<Option<Typed>> {
        let (wanted, result) = match (name.key().as_str(), arguments.len()) {
            ("values", 0) => ("constantsof", Type::list(ty.clone())),
            ("valueof", 1) => ("constantnamed", ty.clone()),
            _ => return Ok(None),
        };
        let Some(method) = self.unit.catalogue.find("Enum").and_then(|id| {
            self.unit
                .catalogue
                .class(id)
                .methods
                .get(wanted)
                .and_then(|methods| methods.first().copied())
        }) else {
            return Ok(None);
        };
        let line = name.at.line;
        let mut passed = vec![Expr::new(line, ExprKind::Constant(Constant::Type(ty.clone())))];
        for argument in arguments {
            passed.push(self.coerce(argument.clone(), &Type::String, name.at)?);
        }
        let kind = ExprKind::CallPlatform(method, None, passed);
        Ok(Some(Typed {
            expr: Expr::new(line, kind),
            ty: result,
        }))
    }

    fn instance_method(&mut self, receiver: Typed, name: &Name, arguments: Vec<Typed>) -> Compiled<Typed> {
        if let Type::Unsupported(what) = &receiver.ty {
            let what = format!("{what}.{}", name.text);
            return Ok(self.unsupported(name.at, what));
        }
        if let Type::User(class) = &receiver.ty {
            let methods = self.methods_named(*class, &name.text);
            if !methods.is_empty() {
                let Some(method) = self.pick(&methods, name, &arguments)? else {
                    return Ok(self.unknown_overload(name));
                };
                if self.unit.classes.method(method).is_static {
                    let message = format!(
                        "Static method cannot be referenced from a non static context: {}",
                        name.text
                    );
                    return Err(self.error(name.at, message));
                }
                return self.user_call(
                    method,
                    Receiver::Virtual(Box::new(receiver.expr)),
                    arguments,
                    name,
                );
            }
        }
        // `record.Field.addError(message)` adds to the record, and names the field.
        if name.key() == "adderror"
            && let ExprKind::Record(record, field) = &receiver.expr.kind
        {
            let line = name.at.line;
            let field = Constant::String(Arc::clone(field));
            let mut passed = vec![Typed {
                expr: Expr::new(line, ExprKind::Constant(field)),
                ty: Type::String,
            }];
            passed.extend(arguments);
            let methods = self.platform_methods(&Type::SObject, "addError", false);
            let record = Expr::clone(record);
            return self.platform_call(methods, Some(record), name, passed);
        }
        let methods = self.platform_methods(&receiver.ty, &name.text, false);
        if methods.is_empty() {
            return match &receiver.ty {
                Type::User(class) => {
                    let class = Arc::clone(&self.unit.classes.class(*class).name);
                    Err(self.missing_method(name, &arguments, &class))
                }
                Type::Void | Type::Null => {
                    let ty = self.name_of(&receiver.ty);
                    Err(self.missing_method(name, &arguments, &ty))
                }
                ty => {
                    let what = format!("{}.{}", self.display(ty), name.text);
                    Ok(self.unsupported(name.at, what))
                }
            };
        }
        let done = self.platform_call(methods, Some(receiver.expr), name, arguments)?;
        if name.key() != "clone" {
            return Ok(done);
        }
        // A copy of a record is of the record's own type.
        let ty = self.own_record(done.ty, &receiver.ty);
        Ok(Typed { expr: done.expr, ty })
    }

    fn display(&self, ty: &Type) -> String {
        match self.unit.catalogue.members(ty) {
            Some((id, _)) => self.unit.catalogue.class(id).display_name(),
            None => self.name_of(ty),
        }
    }

    /// Platform methods of that name which a type has, with the arguments of the class they stand in.
    fn platform_methods(&self, ty: &Type, name: &str, is_static: bool) -> Vec<(PlatformMethodId, Vec<Type>)> {
        let key = name.to_ascii_lowercase();
        let mut found = Vec::new();
        let mut waiting = vec![ty.clone()];
        while let Some(ty) = waiting.pop() {
            if let Type::User(id) = &ty {
                waiting.extend(self.unit.classes.all_interfaces(*id));
                waiting.extend(self.unit.classes.platform_base(*id).cloned());
                if self.enum_constants(&ty).is_some() {
                    waiting.extend(self.unit.catalogue.find("Enum").map(Type::platform));
                }
                continue;
            }
            let Some((id, arguments)) = self.unit.catalogue.members(&ty) else {
                continue;
            };
            let class = self.unit.catalogue.class(id);
            for &method in class.methods.get(&key).into_iter().flatten() {
                if self.unit.catalogue.method(method).is_static == is_static {
                    found.push((method, arguments.clone()));
                }
            }
            if class.kind == crate::catalogue::PlatformKind::Enum {
                waiting.extend(self.unit.catalogue.find("Enum").map(Type::platform));
            }
            waiting.extend(class.parents.iter().map(|parent| parent.substitute(&arguments)));
        }
        // What every object has, unless its own class says it better.
        if found.is_empty() && !is_static && *ty != Type::Object && *ty != Type::Void && *ty != Type::Null {
            return self.platform_methods(&Type::Object, name, false);
        }
        found
    }

    fn platform_call(
        &mut self,
        methods: Vec<(PlatformMethodId, Vec<Type>)>,
        receiver: Option<Expr>,
        name: &Name,
        arguments: Vec<Typed>,
    ) -> Compiled<Typed> {
        let catalogue = self.unit.catalogue;
        let candidates: Vec<Vec<Type>> = methods
            .iter()
            .map(|(method, given)| {
                catalogue
                    .method(*method)
                    .parameters
                    .iter()
                    .map(|p| p.substitute(given))
                    .collect()
            })
            .collect();
        let types: Vec<_> = arguments.iter().map(|a| a.ty.clone()).collect();
        let choice = self.choose(&candidates, &types);
        if choice == Choice::Ambiguous && types.iter().any(|t| matches!(t, Type::Unsupported(_))) {
            let mut results = methods
                .iter()
                .map(|(method, _)| catalogue.method(*method))
                .filter(|method| method.parameters.len() == types.len())
                .map(|method| &method.returns);
            let first = results.next();
            if results.any(|result| Some(result) != first) {
                return Ok(self.unknown_overload(name));
            }
        }
        let index = match choice {
            Choice::One(index) => Some(index),
            Choice::Ambiguous => candidates.iter().position(|c| c.len() == types.len()),
            Choice::None => None,
        };
        let Some(((method, given), parameters)) =
            index.and_then(|index| Some((methods.get(index)?, candidates.get(index)?)))
        else {
            // It may be an overload that the catalogue lacks, so it is not called wrong.
            let class = methods
                .first()
                .map(|(method, _)| catalogue.class(catalogue.method(*method).class).display_name());
            let written: Vec<_> = types.iter().map(|t| self.name_of(t)).collect();
            let what = format!(
                "{}.{}({})",
                class.unwrap_or_default(),
                name.text,
                written.join(", ")
            );
            return Ok(self.unsupported(name.at, what));
        };
        let returns = catalogue.method(*method).returns.substitute(given);
        let mut passed = Vec::new();
        for (argument, parameter) in arguments.into_iter().zip(parameters) {
            passed.push(self.coerce(argument, parameter, name.at)?);
        }
        let kind = ExprKind::CallPlatform(*method, receiver.map(Box::new), passed);
        Ok(Typed {
            expr: Expr::new(name.at.line, kind),
            ty: returns,
        })
    }

    /// An argument's type is not known here, so neither is the overload.
    fn unknown_overload(&mut self, name: &Name) -> Typed {
        let what = format!("choosing among overloads of {}", name.text);
        self.unsupported(name.at, what)
    }

    /// Chooses among methods of the program; none where an unsupported type leaves it open.
    fn pick(&self, methods: &[MethodId], name: &Name, arguments: &[Typed]) -> Compiled<Option<MethodId>> {
        let classes = &self.unit.classes;
        let candidates: Vec<Vec<Type>> = methods
            .iter()
            .map(|m| {
                classes
                    .method(*m)
                    .parameters
                    .iter()
                    .map(|p| p.ty.clone())
                    .collect()
            })
            .collect();
        let types: Vec<_> = arguments.iter().map(|a| a.ty.clone()).collect();
        match self.choose(&candidates, &types) {
            Choice::One(index) => match methods.get(index) {
                Some(method) => Ok(Some(*method)),
                None => Err(self.missing_method(name, arguments, &self.class_name())),
            },
            Choice::Ambiguous if types.iter().any(|t| matches!(t, Type::Unsupported(_))) => Ok(None),
            Choice::Ambiguous => {
                let written: Vec<_> = types.iter().map(|t| self.name_of(t)).collect();
                let message = format!("Method is ambiguous: {}({})", name.text, written.join(", "));
                Err(self.error(name.at, message))
            }
            Choice::None => {
                let owner = methods
                    .first()
                    .map(|m| Arc::clone(&classes.class(classes.method(*m).class).name));
                Err(self.missing_method(name, arguments, &owner.unwrap_or_default()))
            }
        }
    }

    fn missing_method(&self, name: &Name, arguments: &[Typed], class: &str) -> crate::error::CompileError {
        let types: Vec<_> = arguments.iter().map(|a| self.name_of(&a.ty)).collect();
        let message = format!(
            "Method does not exist or incorrect signature: void {}({}) from the type {class}",
            name.text,
            types.join(", ")
        );
        self.error(name.at, message)
    }

    pub(crate) fn user_call(
        &mut self,
        method: MethodId,
        receiver: Receiver,
        arguments: Vec<Typed>,
        name: &Name,
    ) -> Compiled<Typed> {
        let declared = self.unit.classes.method(method).clone();
        let visibility = Visibility::of(&declared.modifiers);
        if self
            .check_visible(
                declared.class,
                visibility,
                &declared.modifiers,
                &name.text,
                name.at,
            )
            .is_err()
        {
            let message = format!("Method is not visible: {}", name.text);
            return Err(self.error(name.at, message));
        }
        let mut passed = Vec::new();
        for (argument, parameter) in arguments.into_iter().zip(&declared.parameters) {
            passed.push(self.coerce(argument, &parameter.ty, name.at)?);
        }
        let kind = ExprKind::Call(method, receiver, passed);
        Ok(Typed {
            expr: convert(crate::types::Conversion::Identity, Expr::new(name.at.line, kind)),
            ty: declared.returns,
        })
    }
}
