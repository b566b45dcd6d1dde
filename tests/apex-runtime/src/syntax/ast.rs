//! The shape of Apex source after parsing: names as written, nothing resolved.

use std::sync::Arc;

/// A line and column, both counted from one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line, from one.
    pub line: u32,
    /// The column, from one.
    pub column: u32,
}

/// An identifier as written; Apex compares it without regard to case.
#[derive(Debug, Clone)]
pub struct Name {
    /// The text as written.
    pub text: Arc<str>,
    /// Where it stands.
    pub at: Position,
}

impl Name {
    /// The form by which Apex compares identifiers.
    pub fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }
}

/// A type as written: `Map<String, List<Outer.Inner>>`.
#[derive(Debug, Clone)]
pub struct TypeName {
    /// The dotted parts; `void` is written as the part "void".
    pub parts: Vec<Name>,
    /// What stands between angle brackets.
    pub arguments: Vec<TypeName>,
    /// Pairs of brackets behind it: `Integer[]` is a list.
    pub dimensions: usize,
    /// Where it starts.
    pub at: Position,
}

/// An annotation such as `@IsTest(SeeAllData=true)`.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// The name in lower case.
    pub name: String,
    /// Its named values, names in lower case, values as written without quotes.
    pub values: Vec<(String, String)>,
}

/// Modifiers and annotations of a declaration.
#[derive(Debug, Clone, Default)]
pub struct Modifiers {
    /// Keywords in lower case: "public", "static", "with sharing", …
    pub keywords: Vec<String>,
    /// Annotations in order.
    pub annotations: Vec<Annotation>,
}

impl Modifiers {
    /// Whether the keyword was written.
    pub fn has(&self, keyword: &str) -> bool {
        self.keywords.iter().any(|k| k == keyword)
    }

    /// The annotation of that lower-case name.
    pub fn annotation(&self, name: &str) -> Option<&Annotation> {
        self.annotations.iter().find(|a| a.name == name)
    }
}

/// A whole file.
#[derive(Debug, Clone)]
pub enum Unit {
    /// A class, interface or enum.
    Type(TypeDeclaration),
    /// A trigger.
    Trigger(TriggerDeclaration),
    /// Statements for anonymous execution, and the methods declared among them.
    Anonymous(Vec<Statement>, Vec<MethodDeclaration>),
}

/// What kind of type a declaration makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeKind {
    /// `class`
    Class,
    /// `interface`
    Interface,
    /// `enum`
    Enum,
}

/// A class, interface or enum.
#[derive(Debug, Clone)]
pub struct TypeDeclaration {
    /// Class, interface or enum.
    pub kind: TypeKind,
    /// Modifiers and annotations.
    pub modifiers: Modifiers,
    /// Its simple name.
    pub name: Name,
    /// `extends` of a class.
    pub superclass: Option<TypeName>,
    /// `implements` of a class, `extends` of an interface.
    pub interfaces: Vec<TypeName>,
    /// Constants of an enum.
    pub constants: Vec<Name>,
    /// Members in order: the order of initialisers counts.
    pub members: Vec<Member>,
}

/// A member of a class.
#[derive(Debug, Clone)]
pub enum Member {
    /// A field or a property.
    Field(FieldDeclaration),
    /// A method.
    Method(MethodDeclaration),
    /// A constructor.
    Constructor(ConstructorDeclaration),
    /// `static { … }` (true) or `{ … }` (false).
    Initializer(bool, Block),
    /// An inner type.
    Type(TypeDeclaration),
}

/// One field; `Integer a, b;` makes two.
#[derive(Debug, Clone)]
pub struct FieldDeclaration {
    /// Modifiers and annotations.
    pub modifiers: Modifiers,
    /// Its type.
    pub ty: TypeName,
    /// Its name.
    pub name: Name,
    /// The value given at the declaration.
    pub value: Option<Expression>,
    /// Accessors, where it is a property.
    pub accessors: Option<Vec<Accessor>>,
}

/// `get` or `set` of a property.
#[derive(Debug, Clone)]
pub struct Accessor {
    /// Modifiers.
    pub modifiers: Modifiers,
    /// True for `set`.
    pub is_setter: bool,
    /// The body; none means automatic.
    pub body: Option<Block>,
    /// Where it stands.
    pub at: Position,
}

/// A parameter of a method, constructor or catch clause.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its type.
    pub ty: TypeName,
    /// Its name.
    pub name: Name,
}

/// A method.
#[derive(Debug, Clone)]
pub struct MethodDeclaration {
    /// Modifiers and annotations.
    pub modifiers: Modifiers,
    /// What it returns.
    pub returns: TypeName,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// The body; none for abstract methods.
    pub body: Option<Block>,
}

/// A constructor.
#[derive(Debug, Clone)]
pub struct ConstructorDeclaration {
    /// Modifiers.
    pub modifiers: Modifiers,
    /// The name, which must be the class's.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// `this(…)` (true) or `super(…)` (false) as the first statement.
    pub chained: Option<(bool, Vec<Expression>, Position)>,
    /// The rest of the body.
    pub body: Block,
}

/// A trigger.
#[derive(Debug, Clone)]
pub struct TriggerDeclaration {
    /// Its name.
    pub name: Name,
    /// The sObject it is on.
    pub object: Name,
    /// Events in lower case: "before insert", …
    pub events: Vec<String>,
    /// The body.
    pub body: Block,
    /// Methods declared in its body.
    pub methods: Vec<MethodDeclaration>,
}

/// Statements between braces.
#[derive(Debug, Clone)]
pub struct Block {
    /// The statements.
    pub statements: Vec<Statement>,
    /// Where the brace opens.
    pub at: Position,
}

/// A statement with its place.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where it starts.
    pub at: Position,
}

/// The kinds of statements.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// `{ … }`
    Block(Block),
    /// `Integer a = 1, b;`
    Local(TypeName, Vec<(Name, Option<Expression>)>, bool),
    /// An expression for its effect.
    Expression(Expression),
    /// `if`
    If(Expression, Box<Statement>, Option<Box<Statement>>),
    /// `while`
    While(Expression, Box<Statement>),
    /// `do … while`
    DoWhile(Block, Expression),
    /// `for (init; condition; update)`
    For(
        Vec<Statement>,
        Option<Expression>,
        Vec<Expression>,
        Box<Statement>,
    ),
    /// `for (Type name : value)`
    ForEach(TypeName, Name, Expression, Box<Statement>),
    /// `return`
    Return(Option<Expression>),
    /// `throw`
    Throw(Expression),
    /// `try`
    Try(Block, Vec<(Parameter, Block)>, Option<Block>),
    /// `switch on`
    Switch(Expression, Vec<(SwitchLabel, Block)>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `System.runAs(user) { … }`
    RunAs(Expression, Block),
    /// A lone `;`
    Empty,
}

/// What stands behind `when`.
#[derive(Debug, Clone)]
pub enum SwitchLabel {
    /// Values.
    Values(Vec<Expression>),
    /// `when Account a`
    Type(TypeName, Name),
    /// `when else`
    Else,
}

/// An expression with its place.
#[derive(Debug, Clone)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it starts; for a member access, where the member's name stands.
    pub at: Position,
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// `1`
    Integer(i32),
    /// `1L`
    Long(i64),
    /// `1.5d`
    Double(f64),
    /// `1.50`, its digits kept
    Decimal(String),
    /// `'text'`, escapes resolved
    String(Arc<str>),
}

/// Which DML statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DmlKind {
    /// `insert`
    Insert,
    /// `update`
    Update,
    /// `upsert`
    Upsert,
    /// `delete`
    Delete,
    /// `undelete`
    Undelete,
    /// `merge`
    Merge,
}

/// A query literal: the text with each bind expression replaced by `:bindN`.
#[derive(Debug, Clone)]
pub struct Query {
    /// The text with numbered binds.
    pub text: String,
    /// The bind expressions by number.
    pub binds: Vec<Expression>,
    /// The object in FROM.
    pub object: Name,
    /// What the query yields.
    pub shape: QueryShape,
}

/// What a query yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryShape {
    /// Records of the object.
    Records,
    /// `SELECT COUNT()`: an Integer.
    Count,
    /// Aggregates: a list of AggregateResult.
    Aggregate,
}

/// The kinds of expressions.
#[derive(Debug, Clone)]
pub enum ExpressionKind {
    /// A literal.
    Literal(Literal),
    /// An identifier.
    Name(Name),
    /// `this`
    This,
    /// `super`, only left of a dot.
    Super,
    /// `(expression)`: ends a chain of safe navigation.
    Parenthesized(Box<Expression>),
    /// `object.field` and `object?.field`.
    Field(Box<Expression>, Name, bool),
    /// `name(…)`, `object.name(…)`, `object?.name(…)`.
    Call(Option<Box<Expression>>, Name, Vec<Expression>, bool),
    /// `list[index]`
    Index(Box<Expression>, Box<Expression>),
    /// `new Type(…)`
    New(TypeName, Vec<Expression>),
    /// `new List<T>{…}`, `new T[]{…}`
    NewValues(TypeName, Vec<Expression>),
    /// `new Map<K, V>{k => v}`
    NewPairs(TypeName, Vec<(Expression, Expression)>),
    /// `new T[n]`
    NewSized(TypeName, Box<Expression>),
    /// `(Type) value`
    Cast(TypeName, Box<Expression>),
    /// `value instanceof Type`
    InstanceOf(Box<Expression>, TypeName),
    /// `Type.class`
    ClassLiteral(TypeName),
    /// `-x`, `+x`, `!x`, `~x`
    Unary(&'static str, Box<Expression>),
    /// `++x` (true) and `x++` (false); +1 or -1.
    Increment(Box<Expression>, i32, bool),
    /// `a + b` and all other operators.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// `a = b`, `a += b`: the operator without its `=`.
    Assign(Box<Expression>, Option<&'static str>, Box<Expression>),
    /// `c ? a : b`
    Ternary(Box<Expression>, Box<Expression>, Box<Expression>),
    /// `[SELECT …]`
    Query(Box<Query>),
    /// `[FIND …]`, kept as text.
    Search(String),
    /// A DML statement; `as user` is `Some(true)`, `as system` `Some(false)`; the last is the upsert key
    /// or the merge's duplicates.
    Dml(DmlKind, Option<bool>, Box<Expression>, Option<Box<Expression>>),
    /// Something the grammar knows and the runtime does not.
    Unsupported(String),
}
