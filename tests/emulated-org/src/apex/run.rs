//! Programs that are started from outside: anonymous blocks.

use std::sync::Arc;

use apex_runtime::AnonymousError;

use super::Installed;
use super::session::{Hold, Session};
use crate::data::{Author, Authority, DuplicateOptions};
use crate::id::RecordId;
use crate::org::Org;

impl Org {
    /// Runs an anonymous block in a user's name; the lines of its debug log.
    ///
    /// # Errors
    /// It does not compile, or it failed and is taken back.
    pub fn run_anonymous_apex(&self, user: RecordId, text: &str) -> Result<Vec<String>, AnonymousError> {
        let installed = match self.apex.installed() {
            Some(installed) => installed,
            None => {
                let empty = Installed::compile(Vec::new(), &self.schema(), &self.apex.labels());
                Arc::new(empty.map_err(AnonymousError::Compile)?)
            }
        };
        let mut claim = self.row_locks.claim();
        let session = Session::new(self, &installed, self.apex_author(user), Hold::Open, &mut claim);
        let ended = installed.program.execute_anonymous(&session, text);
        if ended.is_err() {
            session.roll_back();
        }
        let log = session.log.take();
        session.commit();
        ended.map(|()| log)
    }

    fn apex_author(&self, user: RecordId) -> Author {
        Author {
            user,
            now: self.clock.now(),
            authority: Authority::User,
            duplicates: DuplicateOptions::default(),
        }
    }
}
