//! The tokens of a query, read one after the other.

use super::error::SoqlError;
use super::lexer::{Token, TokenKind, tokens};

/// Tokens with a place in them.
#[derive(Debug)]
pub struct TokenStream {
    tokens: Vec<Token>,
    next: usize,
}

static END: Token = Token {
    kind: TokenKind::End,
    text: String::new(),
    at: 0,
};

impl TokenStream {
    /// Cuts a text into tokens and stands before the first.
    ///
    /// # Errors
    /// Those of [`tokens`].
    pub fn new(text: &str) -> Result<Self, SoqlError> {
        Ok(Self {
            tokens: tokens(text)?,
            next: 0,
        })
    }

    /// The next token, which stays the next one.
    #[must_use]
    pub fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    /// The token after `ahead` others.
    #[must_use]
    pub fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.next + ahead).unwrap_or(&END)
    }

    /// Passes tokens.
    pub fn skip(&mut self, count: usize) {
        self.next += count;
    }

    /// Whether the next token is this keyword, in any case.
    #[must_use]
    pub fn at_word(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case(word)
    }

    /// Passes this keyword if it is next.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.next += usize::from(found);
        found
    }

    /// Passes this keyword.
    ///
    /// # Errors
    /// Another token is next.
    pub fn expect_word(&mut self, word: &str) -> Result<(), SoqlError> {
        if self.eat_word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Whether the token after `ahead` others is this mark.
    #[must_use]
    pub fn mark_follows(&self, ahead: usize, mark: &str) -> bool {
        let token = self.peek_at(ahead);
        token.kind == TokenKind::Mark && token.text == mark
    }

    /// Whether the next token is this mark.
    #[must_use]
    pub fn at_mark(&self, mark: &str) -> bool {
        self.mark_follows(0, mark)
    }

    /// Passes this mark if it is next.
    pub fn eat_mark(&mut self, mark: &str) -> bool {
        let found = self.at_mark(mark);
        self.next += usize::from(found);
        found
    }

    /// Passes this mark.
    ///
    /// # Errors
    /// Another token is next.
    pub fn expect_mark(&mut self, mark: &str) -> Result<(), SoqlError> {
        if self.eat_mark(mark) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// The refusal of the next token.
    #[must_use]
    pub fn unexpected(&self) -> SoqlError {
        SoqlError::unexpected_token(self.peek().shown())
    }
}
