//! The second half of a reconcile: looking up what Salesforce did not show.

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::runs::{PartProgress, RunPart};
use causeway_core::ports::{Lane, StoreError};
use causeway_core::units::salesforce_news::Applied;

use crate::app::App;
use crate::app::sync::failing::Interrupt;
use crate::app::sync::part::PartWork;
use crate::failpoint;

/// Links that are looked up together.
const AT_ONCE: u32 = 200;

/// Noted records that are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: u32 = 5_000;

impl PartWork<'_> {
    /// Goes over from streaming to comparing.
    pub(super) async fn begin_comparing(
        &self,
        part: RunPart,
        watermark: Instant,
    ) -> Result<RunPart, Interrupt> {
        self.check_complete(&part)?;
        self.save(RunPart {
            progress: PartProgress::Comparing {
                plan: self.plan.revision,
                watermark,
                after: None,
            },
            expected: part.expected.or(Some(part.rows)),
            ..part
        })
        .await
    }

    /// Looks up the records that links take for present and the stream did not have, from where the part stands.
    pub(super) async fn compare(&self, mut part: RunPart) -> Result<RunPart, Interrupt> {
        let PartProgress::Comparing {
            plan,
            watermark,
            mut after,
        } = part.progress.clone()
        else {
            return Ok(part);
        };
        self.still_in_force(plan)?;
        loop {
            let (connection, run, mapping) = (self.connection, self.run, self.plan.mapping);
            let ids = self
                .app
                .store
                .read(move |tx| tx.unseen(connection, run, mapping, watermark, after, AT_ONCE))
                .await?;
            let Some(last) = ids.last() else {
                self.log_counts(&part).await?;
                return self.finish(part, watermark).await;
            };
            after = Some(*last);
            let rows = u64::try_from(ids.len()).unwrap_or(u64::MAX);
            let reached = RunPart {
                progress: PartProgress::Comparing {
                    plan,
                    watermark,
                    after,
                },
                rows: part.rows + rows,
                expected: part.expected.map(|expected| expected + rows),
                ..part
            };
            part = self.look_up(&ids, Applied::default(), &reached, None).await?;
            failpoint::reached("sync.page_applied");
        }
    }

    /// Says in the log how many records either side has.
    async fn log_counts(&self, part: &RunPart) -> Result<(), Interrupt> {
        let setting = self.unit_setting();
        let part = part.clone();
        self.app
            .store
            .write(Lane::Bulk, move |tx| setting.counts(tx, &part))
            .await?;
        Ok(())
    }
}

/// Forgets what a reconcile saw.
pub(super) async fn forget(app: &App, connection: ConnectionId, run: RunId) -> Result<(), StoreError> {
    loop {
        let forgotten = app
            .store
            .write(Lane::Bulk, move |tx| {
                tx.forget_seen(connection, run, FORGOTTEN_AT_ONCE)
            })
            .await?;
        if forgotten == 0 {
            return Ok(());
        }
    }
}
