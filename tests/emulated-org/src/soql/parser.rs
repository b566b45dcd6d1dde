//! Reads a query text into the tree of [`super::ast`].
//!
//! Source: SOQL and SOSL Reference, SOQL SELECT Syntax and Condition Expression Syntax. The grammar is the
//! printed one: `AND` and `OR` mix only with parentheses, and `NOT` stands alone or in parentheses.

mod condition;
mod expression;
mod value;

use super::ast::{
    FieldGroup, GroupBy, NamedParent, OrderKey, Path, Purpose, Query, Select, SelectItem, Subtotals, Word,
};
use super::error::SoqlError;
use super::lexer::TokenKind;
use super::token_stream::TokenStream;

/// The longest query, in characters. Source: Salesforce Developer Limits, SOQL and SOSL Limits.
pub const MAX_QUERY_LENGTH: usize = 100_000;
/// The most rows that `OFFSET` may skip. Source: SOQL and SOSL Reference, OFFSET.
pub const MAX_OFFSET: u64 = 2_000;
/// The most keys of `ORDER BY`. Source: SOQL and SOSL Reference, ORDER BY.
const MAX_ORDER_KEYS: usize = 32;
/// Deeper parentheses are refused before they could exhaust the stack.
const MAX_DEPTH: usize = 100;
/// Words that begin what comes after `FROM`, so that they are no alias.
const CLAUSES: [&str; 12] = [
    "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "ALL", "AS",
];

/// Words that no alias can be. Source: SOQL and SOSL Reference, Alias Notation.
const RESERVED: [&str; 20] = [
    "AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES", "LAST", "LIKE",
    "LIMIT", "NOT", "NULL", "NULLS", "OR", "SELECT", "WHERE", "WITH",
];

/// Reads one query.
///
/// # Errors
/// `MALFORMED_QUERY` for a text that is no SOQL, or uses a part of SOQL that the emulated org has not;
/// `NUMBER_OUTSIDE_VALID_RANGE` for an offset beyond [`MAX_OFFSET`].
pub fn parse(text: &str) -> Result<Query, SoqlError> {
    if text.chars().count() > MAX_QUERY_LENGTH {
        return Err(SoqlError::malformed(format!(
            "SOQL statements cannot be longer than {MAX_QUERY_LENGTH} characters."
        )));
    }
    parse_whole(text, false)
}

/// Reads a query in which values stand for the binds of Apex: a list may be empty, and the length of the text
/// says nothing.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_bound(text: &str) -> Result<Query, SoqlError> {
    parse_whole(text, true)
}

fn parse_whole(text: &str, bound: bool) -> Result<Query, SoqlError> {
    let mut parser = Parser {
        text,
        tokens: TokenStream::new(text)?,
        depth: 0,
        bound,
    };
    let query = parser.query()?;
    match parser.tokens.peek().kind {
        TokenKind::End => Ok(query),
        _ => Err(parser.tokens.unexpected()),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: TokenStream,
    depth: usize,
    bound: bool,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, SoqlError> {
        self.tokens.expect_word("SELECT")?;
        let select = self.select()?;
        self.tokens.expect_word("FROM")?;
        let from = self.path()?;
        let alias = self.alias()?;
        let mut named_parents = Vec::new();
        while self.tokens.eat_mark(",") {
            let path = self.path()?;
            let alias = self.alias()?.ok_or_else(|| self.tokens.unexpected())?;
            named_parents.push(NamedParent { path, alias });
        }
        let scope = if self.tokens.eat_word("USING") {
            self.tokens.expect_word("SCOPE")?;
            Some(self.name()?)
        } else {
            None
        };
        let filter = if self.tokens.eat_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        self.refuse_with()?;
        let group = if self.tokens.eat_word("GROUP") {
            self.tokens.expect_word("BY")?;
            Some(self.group_by()?)
        } else {
            None
        };
        let mut order = Vec::new();
        if self.tokens.eat_word("ORDER") {
            self.tokens.expect_word("BY")?;
            order.push(self.order_key()?);
            while self.tokens.eat_mark(",") {
                order.push(self.order_key()?);
            }
        }
        if order.len() > MAX_ORDER_KEYS {
            // The limit is documented, its words are believed.
            return Err(SoqlError::malformed("maximum 32 fields are allowed in ORDER BY"));
        }
        let limit = if self.tokens.eat_word("LIMIT") {
            Some(self.row_count()?)
        } else {
            None
        };
        let offset = if self.tokens.eat_word("OFFSET") {
            Some(self.row_count()?)
        } else {
            None
        };
        if offset.is_some_and(|rows| rows > MAX_OFFSET) {
            return Err(SoqlError {
                code: "NUMBER_OUTSIDE_VALID_RANGE",
                message: format!("Maximum SOQL offset allowed is {MAX_OFFSET}"),
            });
        }
        let purpose = self.purpose()?;
        if self.tokens.at_word("UPDATE") {
            return Err(SoqlError::unsupported("the clause UPDATE"));
        }
        if self.tokens.at_word("ALL") {
            return Err(SoqlError::malformed("ALL ROWS not allowed in this context"));
        }
        Ok(Query {
            select,
            from,
            alias,
            named_parents,
            scope,
            filter,
            group,
            order,
            limit,
            offset,
            purpose,
        })
    }

    fn select(&mut self) -> Result<Select, SoqlError> {
        if self.tokens.at_word("COUNT")
            && self.tokens.mark_follows(1, "(")
            && self.tokens.mark_follows(2, ")")
        {
            self.tokens.skip(3);
            return Ok(Select::Count);
        }
        let mut items = vec![self.select_item()?];
        while self.tokens.eat_mark(",") {
            items.push(self.select_item()?);
        }
        Ok(Select::Items(items))
    }

    fn select_item(&mut self) -> Result<SelectItem, SoqlError> {
        if self.tokens.at_mark("(") {
            return self
                .in_parentheses(Self::query)
                .map(|query| SelectItem::Subquery(Box::new(query)));
        }
        if self.tokens.at_word("TYPEOF") && self.tokens.peek_at(1).kind == TokenKind::Word {
            return Err(SoqlError::unsupported("TYPEOF"));
        }
        if self.tokens.at_word("FIELDS") && self.tokens.mark_follows(1, "(") {
            let at = self.tokens.peek().at;
            self.tokens.skip(2);
            let group = match self.tokens.peek().text.to_ascii_uppercase().as_str() {
                "ALL" => FieldGroup::All,
                "STANDARD" => FieldGroup::Standard,
                "CUSTOM" => FieldGroup::Custom,
                _ => return Err(self.tokens.unexpected()),
            };
            self.tokens.skip(1);
            self.tokens.expect_mark(")")?;
            return Ok(SelectItem::Fields { group, at });
        }
        let expression = self.expression()?;
        let alias = if self.at_alias() { Some(self.name()?) } else { None };
        Ok(SelectItem::Expression { expression, alias })
    }

    fn alias(&mut self) -> Result<Option<Word>, SoqlError> {
        let explicit = self.tokens.eat_word("AS");
        if !explicit && CLAUSES.iter().any(|clause| self.tokens.at_word(clause)) {
            return Ok(None);
        }
        if self.at_alias() {
            self.name().map(Some)
        } else if explicit {
            Err(self.tokens.unexpected())
        } else {
            Ok(None)
        }
    }

    fn at_alias(&self) -> bool {
        let token = self.tokens.peek();
        token.kind == TokenKind::Word && !RESERVED.iter().any(|word| self.tokens.at_word(word))
    }

    /// `WITH SECURITY_ENFORCED`, `WITH USER_MODE` and `WITH SYSTEM_MODE` belong to Apex alone (Apex Developer
    /// Guide, Filter SOQL Queries Using WITH SECURITY_ENFORCED); the words of the refusal are believed.
    fn refuse_with(&self) -> Result<(), SoqlError> {
        if !self.tokens.at_word("WITH") {
            return Ok(());
        }
        let mode = self.tokens.peek_at(1);
        let of_apex = ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"];
        if of_apex.iter().any(|word| mode.text.eq_ignore_ascii_case(word)) {
            return Err(SoqlError::unexpected_token(mode.shown()));
        }
        Err(SoqlError::unsupported("the clause WITH"))
    }

    fn group_by(&mut self) -> Result<GroupBy, SoqlError> {
        let subtotals = match () {
            () if !self.tokens.mark_follows(1, "(") => Subtotals::None,
            () if self.tokens.eat_word("ROLLUP") => Subtotals::Rollup,
            () if self.tokens.eat_word("CUBE") => Subtotals::Cube,
            () => Subtotals::None,
        };
        let keys = if subtotals == Subtotals::None {
            self.group_keys()?
        } else {
            self.in_parentheses(Self::group_keys)?
        };
        let having = if self.tokens.eat_word("HAVING") {
            Some(self.condition()?)
        } else {
            None
        };
        Ok(GroupBy {
            subtotals,
            keys,
            having,
        })
    }

    fn group_keys(&mut self) -> Result<Vec<super::ast::Expression>, SoqlError> {
        let mut keys = vec![self.expression()?];
        while self.tokens.eat_mark(",") {
            keys.push(self.expression()?);
        }
        Ok(keys)
    }

    fn order_key(&mut self) -> Result<OrderKey, SoqlError> {
        let expression = self.expression()?;
        let descending = self.tokens.eat_word("DESC");
        if !descending {
            self.tokens.eat_word("ASC");
        }
        let mut nulls_last = false;
        if self.tokens.eat_word("NULLS") {
            nulls_last = self.tokens.eat_word("LAST");
            if !nulls_last {
                self.tokens.expect_word("FIRST")?;
            }
        }
        Ok(OrderKey {
            expression,
            descending,
            nulls_last,
        })
    }

    fn row_count(&mut self) -> Result<u64, SoqlError> {
        if self.tokens.at_mark(":") {
            return Err(self.bind_variable());
        }
        let token = self.tokens.peek();
        if token.kind != TokenKind::Number {
            return Err(self.tokens.unexpected());
        }
        let rows = token
            .text
            .parse()
            .ok()
            .ok_or_else(|| SoqlError::unexpected_token(token.shown()))?;
        self.tokens.skip(1);
        Ok(rows)
    }

    fn purpose(&mut self) -> Result<Option<Purpose>, SoqlError> {
        if !self.tokens.eat_word("FOR") {
            return Ok(None);
        }
        let purposes = [
            ("VIEW", Purpose::View),
            ("REFERENCE", Purpose::Reference),
            ("UPDATE", Purpose::Update),
        ];
        let found = purposes
            .into_iter()
            .find_map(|(word, purpose)| self.tokens.eat_word(word).then_some(purpose));
        found.map(Some).ok_or_else(|| self.tokens.unexpected())
    }

    /// Reads what stands in parentheses, whose number one inside the other is bounded.
    fn in_parentheses<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, SoqlError>,
    ) -> Result<T, SoqlError> {
        self.tokens.expect_mark("(")?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SoqlError::unsupported(
                "a query with more than 100 nested parentheses",
            ));
        }
        let read = inside(self)?;
        self.depth -= 1;
        self.tokens.expect_mark(")")?;
        Ok(read)
    }

    fn path(&mut self) -> Result<Path, SoqlError> {
        let first = self.name()?;
        let mut path = Path {
            names: vec![first.text],
            at: first.at,
        };
        while self.tokens.eat_mark(".") {
            path.names.push(self.name()?.text);
        }
        Ok(path)
    }

    fn name(&mut self) -> Result<Word, SoqlError> {
        let token = self.tokens.peek();
        if token.kind != TokenKind::Word {
            return Err(self.tokens.unexpected());
        }
        let word = Word {
            text: token.text.clone(),
            at: token.at,
        };
        self.tokens.skip(1);
        Ok(word)
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
