//! From trees to a program: declare the classes, link them, then compile each body to [`ir`].

mod access;
mod assign;
mod body;
mod call;
mod completion;
mod create;
mod declare;
mod expression;
pub mod ir;
mod link;
mod operator;
mod overload;
mod resolve;
mod statement;
mod token;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::catalogue::{Catalogue, absent_objects};
use crate::error::{CompileError, Unsupported};
use crate::program::{ClassCode, Program, References, Source, SourceKind, Trigger};
use crate::schema::Schema;
use crate::syntax::Position;
use crate::syntax::ast::{Block, Expression, MethodDeclaration, Statement, Unit};
use crate::syntax::parse;
use crate::types::{ClassId, ClassTable, FieldId, Hierarchy, MethodId, Type};

pub(crate) type Compiled<T> = Result<T, CompileError>;

/// A body that waits to be compiled until all classes are known.
pub(crate) enum Pending {
    /// A method or accessor; for accessors the field behind it.
    Method(MethodId, Block, Option<FieldId>),
    /// A constructor with its chained call.
    Constructor(MethodId, Option<(bool, Vec<Expression>, Position)>, Block),
}

/// Initialisers of a class in the order in which they stand.
pub(crate) enum Initializer {
    /// The value of a field.
    Field(FieldId, Expression),
    /// A block.
    Block(Block),
}

/// Everything that is known while compiling.
pub(crate) struct Compiler<'a> {
    pub(crate) classes: ClassTable,
    pub(crate) catalogue: &'static Catalogue,
    pub(crate) schema: &'a Schema,
    pub(crate) pending: Vec<(ClassId, Pending)>,
    pub(crate) initializers: HashMap<ClassId, (Vec<Initializer>, Vec<Initializer>)>,
    pub(crate) unsupported: Vec<Unsupported>,
    pub(crate) lines: HashMap<Arc<str>, BTreeSet<u32>>,
    pub(crate) errors: Vec<CompileError>,
    /// The objects of triggers, by the hidden classes that hold them.
    pub(crate) trigger_objects: HashMap<ClassId, Arc<str>>,
    pub(crate) references: RefCell<References>,
}

impl<'a> Compiler<'a> {
    fn new(classes: ClassTable, schema: &'a Schema) -> Self {
        Self {
            classes,
            catalogue: Catalogue::standard(),
            schema,
            pending: Vec::new(),
            initializers: HashMap::new(),
            unsupported: Vec::new(),
            lines: HashMap::new(),
            errors: Vec::new(),
            trigger_objects: HashMap::new(),
            references: RefCell::default(),
        }
    }

    pub(crate) fn hierarchy(&self) -> Hierarchy<'_> {
        Hierarchy {
            classes: &self.classes,
            catalogue: self.catalogue,
        }
    }

    /// Keeps an error and goes on, so that one compilation reports all.
    pub(crate) fn note<T>(&mut self, result: Compiled<T>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    pub(crate) fn error(&self, class: ClassId, at: Position, message: impl Into<String>) -> CompileError {
        CompileError::new(&self.classes.class(class).file, at, message)
    }
}

/// Compiles sources into a program.
pub(crate) fn compile(sources: &[Source], schema: &Arc<Schema>) -> Result<Program, Vec<CompileError>> {
    let mut compiler = Compiler::new(ClassTable::default(), schema);
    let mut units = Vec::new();
    for source in sources {
        let parsed = parse::parse_unit(&source.name, &source.text);
        if let Some(unit) = compiler.note(parsed) {
            units.push((source, unit));
        }
    }
    let mut headers = Vec::new();
    let mut triggers = Vec::new();
    for (source, unit) in units {
        match unit {
            Unit::Type(declaration) => {
                let added = compiler.add_types(&source.name, None, declaration, &mut headers);
                compiler.note(added);
            }
            Unit::Trigger(declaration) => triggers.push((source, declaration)),
            Unit::Anonymous(..) => {}
        }
        debug_assert!(
            source.kind != SourceKind::Anonymous,
            "anonymous blocks are compiled by themselves"
        );
    }
    compiler.declare(headers);
    let mut program_triggers = Vec::new();
    for (source, declaration) in triggers {
        // No record can fire it.
        let object = &declaration.object;
        if let Some(what) = absent_objects::object_name(&object.text, schema) {
            compiler.unsupported.push(Unsupported {
                what,
                file: source.name.as_str().into(),
                line: object.at.line,
            });
            continue;
        }
        let name = Arc::clone(&declaration.name.text);
        let (class, method) = compiler.add_routine(
            &source.name,
            &format!("Trigger.{name}"),
            declaration.body.statements,
            declaration.methods,
        );
        match schema.object(&declaration.object.text) {
            Some(object) => {
                compiler.trigger_objects.insert(class, Arc::clone(&object.name));
                program_triggers.push(Trigger {
                    name,
                    object: Arc::clone(&object.name),
                    events: declaration.events,
                    class,
                    method,
                });
            }
            None => compiler.errors.push(CompileError::new(
                &source.name,
                declaration.object.at,
                format!("Invalid type: {}", declaration.object.text),
            )),
        }
    }
    let mut program = finish(compiler, Program::empty(Arc::clone(schema)))?;
    program.triggers = program_triggers;
    for source in sources {
        program
            .versions
            .insert(source.name.as_str().into(), source.api_version);
    }
    Ok(program)
}

/// Adds an anonymous block to a copy of a program.
pub(crate) fn compile_anonymous(
    program: &Program,
    text: &str,
) -> Result<(Program, MethodId), Vec<CompileError>> {
    let schema = Arc::clone(&program.schema);
    let mut compiler = Compiler::new(program.classes.clone(), &schema);
    let unit = parse::parse_anonymous(text).map_err(|error| vec![error])?;
    let Unit::Anonymous(statements, methods) = unit else {
        return Err(Vec::new());
    };
    let (_, method) = compiler.add_routine("AnonymousBlock", "AnonymousBlock", statements, methods);
    Ok((finish(compiler, program.clone())?, method))
}

impl Compiler<'_> {
    /// Statements outside a class live in a class that no program can name.
    fn add_routine(
        &mut self,
        file: &str,
        name: &str,
        statements: Vec<Statement>,
        methods: Vec<MethodDeclaration>,
    ) -> (ClassId, MethodId) {
        let class = self.add_hidden_class(file, name);
        for mut method in methods {
            if !method.modifiers.has("static") {
                method.modifiers.keywords.push("static".into());
            }
            let declared = self.declare_method(class, method);
            self.note(declared);
        }
        let body = Block {
            statements,
            at: Position { line: 1, column: 1 },
        };
        let method = self.add_hidden_method(class);
        self.pending.push((class, Pending::Method(method, body, None)));
        (class, method)
    }
}

fn finish(mut compiler: Compiler<'_>, mut program: Program) -> Result<Program, Vec<CompileError>> {
    let vtables = compiler.link();
    if !compiler.errors.is_empty() {
        return Err(compiler.errors);
    }
    program.bodies.resize(compiler.classes.method_count(), None);
    for (class, pending) in std::mem::take(&mut compiler.pending) {
        let (method, compiled) = compiler.compile_pending(class, pending);
        if let (Some(body), Some(place)) = (compiler.note(compiled), program.bodies.get_mut(method.0)) {
            *place = Some(Arc::new(body));
        }
    }
    let mut initializers = std::mem::take(&mut compiler.initializers);
    let ids: Vec<_> = compiler.classes.all().map(|(id, _)| id).collect();
    for class in ids.into_iter().skip(program.code.len()) {
        let (statics, instances) = initializers.remove(&class).unwrap_or_default();
        let statics = compiler.compile_initializers(class, true, statics);
        let instances = compiler.compile_initializers(class, false, instances);
        program.code.push(Arc::new(ClassCode { statics, instances }));
    }
    if !compiler.errors.is_empty() {
        compiler
            .errors
            .sort_by(|a, b| (&a.file, a.at).cmp(&(&b.file, b.at)));
        return Err(compiler.errors);
    }
    program.classes = compiler.classes;
    program.vtables = vtables;
    program.unsupported.extend(compiler.unsupported);
    program.lines.extend(compiler.lines);
    program.references.extend(compiler.references.into_inner());
    Ok(program)
}

/// The name by which messages speak of a type.
pub(crate) fn type_name(classes: &ClassTable, catalogue: &Catalogue, ty: &Type) -> String {
    let name = |t: &Type| type_name(classes, catalogue, t);
    match ty {
        Type::Void => "void".into(),
        Type::Null => "NULL".into(),
        Type::Object => "Object".into(),
        Type::Boolean => "Boolean".into(),
        Type::Integer => "Integer".into(),
        Type::Long => "Long".into(),
        Type::Double => "Double".into(),
        Type::Decimal => "Decimal".into(),
        Type::String => "String".into(),
        Type::Id => "Id".into(),
        Type::Blob => "Blob".into(),
        Type::Date => "Date".into(),
        Type::Datetime => "Datetime".into(),
        Type::Time => "Time".into(),
        Type::SObject => "SObject".into(),
        Type::Record(object) => object.to_string(),
        Type::List(t) => format!("List<{}>", name(t)),
        Type::Set(t) => format!("Set<{}>", name(t)),
        Type::Map(k, v) => format!("Map<{},{}>", name(k), name(v)),
        Type::Iterable(t) => format!("System.Iterable<{}>", name(t)),
        Type::Iterator(t) => format!("System.Iterator<{}>", name(t)),
        Type::Platform(id, arguments) => {
            let base = catalogue.class(*id).qualified_name();
            if arguments.is_empty() {
                base
            } else {
                let all: Vec<_> = arguments.iter().map(name).collect();
                format!("{base}<{}>", all.join(","))
            }
        }
        Type::User(id) => classes.class(*id).name.to_string(),
        Type::Parameter(n) => format!("T{n}"),
        Type::Unsupported(what) => what.to_string(),
    }
}
