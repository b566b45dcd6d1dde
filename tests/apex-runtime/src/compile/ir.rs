//! What the machine runs: every name resolved, every overload chosen, every conversion written out.

use std::sync::Arc;

use crate::catalogue::PlatformMethodId;
use crate::syntax::ast::{DmlKind, QueryShape};
use crate::types::{ClassId, Conversion, FieldId, MethodId, PlatformId, Type};

/// A compiled body: of a method, constructor, accessor, initialiser, trigger or anonymous block.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// How many local slots it needs; parameters come first.
    pub slots: usize,
    /// A constructor's call of another: on the same class or the superclass.
    pub chained: Option<ChainedConstructor>,
    /// Its statements.
    pub statements: Vec<Stmt>,
}

/// `this(…)` or `super(…)`.
#[derive(Debug, Clone)]
pub struct ChainedConstructor {
    /// True for `this(…)`, after which the initialisers do not run again.
    pub same_class: bool,
    /// The line of the call.
    pub line: u32,
    /// What is called.
    pub target: ConstructorTarget,
    /// Its arguments.
    pub arguments: Vec<Expr>,
}

/// What constructs an object.
#[derive(Debug, Clone, Copy)]
pub enum ConstructorTarget {
    /// A written constructor.
    Written(ClassId, MethodId),
    /// The one without parameters that every class without constructors has.
    Implicit(ClassId),
    /// One of the four that exception classes have.
    Exception,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Stmt {
    /// Its line.
    pub line: u32,
    /// What it does.
    pub kind: StmtKind,
}

/// The kinds of statements.
#[derive(Debug, Clone)]
pub enum StmtKind {
    /// Statements in a scope.
    Block(Vec<Stmt>),
    /// A local variable starts, null without a value.
    Local(usize, Option<Expr>),
    /// An expression for its effect.
    Expr(Expr),
    /// `if`
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    /// `while`
    While(Expr, Box<Stmt>),
    /// `do … while`
    DoWhile(Vec<Stmt>, Expr),
    /// `for (;;)`
    For(Vec<Stmt>, Option<Expr>, Vec<Expr>, Box<Stmt>),
    /// `for (x : values)`: the slot, what to iterate, and the conversion of each element.
    ForEach(usize, Conversion, Iteration, Expr, Box<Stmt>),
    /// `return`
    Return(Option<Expr>),
    /// `throw`
    Throw(Expr),
    /// `try`: body, catches (type, slot, body), finally.
    Try(Vec<Stmt>, Vec<(Type, usize, Vec<Stmt>)>, Option<Vec<Stmt>>),
    /// `switch on`: subject, rules, else.
    Switch(Expr, Vec<(SwitchTest, Vec<Stmt>)>, Option<Vec<Stmt>>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `System.runAs`
    RunAs(Expr, Vec<Stmt>),
    /// Nothing.
    Empty,
}

/// How a `for` over values takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iteration {
    /// One after the other.
    Elements,
    /// Query rows in lists of 200.
    Chunks,
}

/// When a rule of a `switch` applies.
#[derive(Debug, Clone)]
pub enum SwitchTest {
    /// One of the values is equal.
    Values(Vec<Expr>),
    /// The record is of the type; it is then put into the slot.
    Record(Type, usize),
}

/// An expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// The line at which an exception of it is reported.
    pub line: u32,
    /// What it computes.
    pub kind: ExprKind,
}

/// A constant.
#[derive(Debug, Clone)]
pub enum Constant {
    /// `null`
    Null,
    /// A Boolean.
    Boolean(bool),
    /// An Integer.
    Integer(i32),
    /// A Long.
    Long(i64),
    /// A Double.
    Double(f64),
    /// A Decimal.
    Decimal(crate::run::decimal::Decimal),
    /// A String.
    String(Arc<str>),
    /// A constant of an enum.
    Enum(EnumOwner, usize),
    /// `X.class`
    Type(Type),
    /// `Account.SObjectType`
    ObjectToken(Arc<str>),
    /// `Account.Name`
    FieldToken(Arc<str>, Arc<str>),
}

/// The enum that a constant belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EnumOwner {
    /// Of the program.
    User(ClassId),
    /// Of the platform.
    Platform(PlatformId),
}

/// How a method of the program is reached.
#[derive(Debug, Clone)]
pub enum Receiver {
    /// A static method.
    Static,
    /// By the object's own class.
    Virtual(Box<Expr>),
    /// Exactly this one: `super.method()`.
    Exact(Box<Expr>),
}

/// Binary operators on two values of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `+` of numbers.
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `&` of numbers and Booleans.
    BitAnd,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `>>>`
    ShiftRightUnsigned,
    /// `+` with a String on one side.
    Concatenate,
    /// Days added to a Date or Datetime.
    AddDays,
    /// Days taken from a Date or Datetime.
    SubtractDays,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `===`
    Identical,
    /// `!==`
    NotIdentical,
}

/// What can be assigned to.
#[derive(Debug, Clone)]
pub enum Place {
    /// A local variable or parameter.
    Local(usize),
    /// A static field.
    Static(FieldId),
    /// A field of an object, by slot.
    Instance(Expr, usize),
    /// A property with a setter that has a body, or that lies behind a getter with one.
    Property(Option<Expr>, Accessors),
    /// A property of a platform object.
    PlatformProperty(Expr, PlatformMethodId, PlatformMethodId),
    /// An element of a list.
    Index(Expr, Expr),
    /// A field of a record.
    Record(Expr, Arc<str>),
    /// A parent record of a record.
    Parent(Expr, Arc<str>),
}

/// How a property with written accessors is read and written.
#[derive(Debug, Clone, Copy)]
pub struct Accessors {
    /// Its field.
    pub field: FieldId,
    /// The getter, where it has a body.
    pub getter: Option<MethodId>,
    /// The setter, where it has a body.
    pub setter: Option<MethodId>,
}

/// A query with its binds.
#[derive(Debug, Clone)]
pub struct QueryPlan {
    /// The text, binds numbered `:bind0`, `:bind1`, …
    pub text: Arc<str>,
    /// The object in FROM.
    pub object: Arc<str>,
    /// What it yields.
    pub shape: QueryShape,
    /// Bind values.
    pub binds: Vec<Expr>,
}

/// The kinds of expressions.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A constant.
    Constant(Constant),
    /// A local variable or parameter.
    Local(usize),
    /// `this`
    This,
    /// A static field.
    Static(FieldId),
    /// A field of an object, by slot.
    Instance(Box<Expr>, usize),
    /// A field of a record.
    Record(Box<Expr>, Arc<str>),
    /// A parent record or child list of a record.
    Related(Box<Expr>, Arc<str>, bool),
    /// An element of a list.
    Index(Box<Expr>, Box<Expr>),
    /// `place = value`
    Assign(Box<Place>, Box<Expr>),
    /// `place op= value`: the place's value is converted, combined and converted back.
    Compound(Box<Place>, Operation, Conversion, Box<Expr>, Conversion),
    /// `++` and `--`: step, and whether the new value is the result.
    Increment(Box<Place>, i32, bool),
    /// `-x`
    Negate(Box<Expr>),
    /// `!x`
    Not(Box<Expr>),
    /// `~x`
    Complement(Box<Expr>),
    /// An operator on two values.
    Binary(Operation, Box<Expr>, Box<Expr>),
    /// `&&`
    And(Box<Expr>, Box<Expr>),
    /// `||`
    Or(Box<Expr>, Box<Expr>),
    /// `??`
    Coalesce(Box<Expr>, Box<Expr>),
    /// `c ? a : b`
    Ternary(Box<Expr>, Box<Expr>, Box<Expr>),
    /// An implicit conversion.
    Convert(Conversion, Box<Expr>),
    /// A cast.
    Cast(Type, Box<Expr>),
    /// `instanceof`
    InstanceOf(Box<Expr>, Type),
    /// A method of the program.
    Call(MethodId, Receiver, Vec<Expr>),
    /// A method of the platform; none for static ones.
    CallPlatform(PlatformMethodId, Option<Box<Expr>>, Vec<Expr>),
    /// `new` of a class of the program.
    New(ClassId, ConstructorTarget, Vec<Expr>),
    /// `new` of a platform class.
    NewPlatform(PlatformMethodId, Type, Vec<Expr>),
    /// A collection of the type, filled from another one or a size.
    NewCollection(Type, Option<Box<Expr>>),
    /// `new T[n]`: n nulls.
    NewSized(Type, Box<Expr>),
    /// A list or set with its elements.
    NewValues(Type, Vec<Expr>),
    /// A map with its entries.
    NewPairs(Type, Vec<(Expr, Expr)>),
    /// A record with fields set.
    NewRecord(Arc<str>, Vec<(Arc<str>, Expr)>),
    /// Left of `?.`: null ends the enclosing chain.
    SafeReceiver(Box<Expr>),
    /// A chain with `?.` in it: null where a receiver was null.
    Chain(Box<Expr>),
    /// `[SELECT …]`
    Query(Box<QueryPlan>),
    /// The one row of a query assigned to a record.
    OnlyRow(Box<Expr>),
    /// A dynamic query, and the variables that its text may bind.
    DynamicQuery(Box<Expr>, Vec<(Arc<str>, Expr)>),
    /// `[FIND … RETURNING …]`
    Search(Arc<str>),
    /// `Database.getQueryLocator([SELECT …])`
    Locator(Box<QueryPlan>),
    /// A DML statement: user mode, records, key or duplicates.
    Dml(DmlKind, Option<bool>, Box<Expr>, Option<DmlExtra>),
    /// Reaching it stops the transaction with "not supported".
    Unsupported(Arc<str>),
}

/// What stands behind the records of a DML statement.
#[derive(Debug, Clone)]
pub enum DmlExtra {
    /// The field that an upsert matches by.
    Key(Arc<str>),
    /// What a merge absorbs.
    Duplicates(Box<Expr>),
}

impl Expr {
    /// An expression at a line.
    pub fn new(line: u32, kind: ExprKind) -> Self {
        Self { line, kind }
    }
}
