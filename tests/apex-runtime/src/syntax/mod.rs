//! From Apex text to a tree: `tree-sitter-sfapex` reads, [`parse`] turns its nodes into the [`ast`].

pub mod ast;
pub mod parse;

pub use ast::Position;
