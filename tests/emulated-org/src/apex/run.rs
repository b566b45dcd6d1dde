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
        let (ended, log) = self.execute_anonymous(user, text);
        ended.map(|()| log)
    }

    /// Runs an anonymous block in a user's name; what it wrote into its debug log is there even where it failed.
    pub(crate) fn execute_anonymous(
        &self,
        user: RecordId,
        text: &str,
    ) -> (Result<(), AnonymousError>, Vec<String>) {
        let installed = match self.apex.installed() {
            Some(installed) => installed,
            None => {
                let empty =
                    Installed::compile(Vec::new(), &self.schema(), &self.labels(&self.metadata.labels()));
                match empty {
                    Ok(empty) => Arc::new(empty),
                    Err(errors) => return (Err(AnonymousError::Compile(errors)), Vec::new()),
                }
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
        (ended, log)
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
