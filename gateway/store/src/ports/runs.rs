//! Sync runs and watermarks.

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, MappingId, RunId, SalesforceId};
use causeway_core::ports::runs::{Pace, PartProgress, Run, RunFilter, RunKind, RunPart, RunState, Watermark};
use causeway_core::ports::{Runs, StoreError};
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl as ConditionalUpsert;
use diesel::upsert::excluded;

use super::seen;
use crate::columns::{Word, from_column, from_json, micros, moment, to_column, to_json};
use crate::engine::on_engine;
use crate::error::unexpected;
use crate::schema::{sync_part, sync_run, watermark};
use crate::session::Session;

impl Runs for Session {
    fn start_run(
        &mut self,
        connection: ConnectionId,
        kind: RunKind,
        mappings: &[MappingId],
        at: Instant,
    ) -> Result<RunId, StoreError> {
        self.port(|session| start(session, connection, kind, mappings, at))
    }

    fn run(&mut self, connection: ConnectionId, id: RunId) -> Result<Option<Run>, StoreError> {
        self.port(|session| {
            let row = on_engine!(session, |db| sync_run::table
                .find((connection.0, id.0))
                .select(RunRow::as_select())
                .first(db)
                .optional());
            match session.checked(row)? {
                Some(row) => with_parts(session, connection, vec![row]).map(|mut runs| runs.pop()),
                None => Ok(None),
            }
        })
    }

    fn runs(
        &mut self,
        connection: ConnectionId,
        filter: RunFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        self.port(|session| {
            let kinds = words(filter.kind);
            let states = words(filter.state);
            let rows = on_engine!(session, |db| QueryDsl::filter(
                sync_run::table,
                sync_run::connection_id
                    .eq(connection.0)
                    .and(sync_run::id.lt(before.map_or(i64::MAX, |id| id.0)))
                    .and(sync_run::kind.eq_any(&kinds))
                    .and(sync_run::state.eq_any(&states)),
            )
            .order(sync_run::id.desc())
            .limit(i64::from(limit))
            .select(RunRow::as_select())
            .load(db));
            let rows = session.checked(rows)?;
            with_parts(session, connection, rows)
        })
    }

    fn unfinished_runs(&mut self) -> Result<Vec<(ConnectionId, RunId)>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| QueryDsl::filter(
                sync_run::table,
                sync_run::state.eq_any(unfinished()),
            )
            .order((sync_run::created_at, sync_run::connection_id, sync_run::id))
            .select((sync_run::connection_id, sync_run::id))
            .load::<(i64, i64)>(db));
            let rows = session.checked(rows)?;
            Ok(rows
                .into_iter()
                .map(|(connection, run)| (ConnectionId(connection), RunId(run)))
                .collect())
        })
    }

    fn save_part(&mut self, connection: ConnectionId, run: RunId, part: &RunPart) -> Result<(), StoreError> {
        self.port(|session| {
            let progress = to_json(&part.progress)?;
            let outcomes = to_json(&part.outcomes)?;
            let rows = to_column(part.rows)?;
            let expected = part.expected.map(to_column).transpose()?;
            let dropped = to_column(part.dropped)?;
            let saved = on_engine!(session, |db| diesel::update(sync_part::table.find((
                connection.0,
                run.0,
                part.mapping.0
            )))
            .set((
                sync_part::progress.eq(&progress),
                sync_part::row_count.eq(rows),
                sync_part::expected.eq(expected),
                sync_part::outcomes.eq(&outcomes),
                sync_part::dropped.eq(dropped),
            ))
            .execute(db));
            match session.checked(saved)? {
                0 => Err(unexpected(format!(
                    "run {run} has no part for mapping {}",
                    part.mapping
                ))),
                _ => Ok(()),
            }
        })
    }

    fn set_run_state(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        state: RunState,
        error: Option<&str>,
        at: Instant,
    ) -> Result<(), StoreError> {
        self.port(|session| {
            let finished = (!state.is_unfinished()).then(|| micros(at));
            let moved = on_engine!(session, |db| diesel::update(
                sync_run::table.find((connection.0, run.0))
            )
            .set((
                sync_run::state.eq(state.word()),
                sync_run::error.eq(error),
                sync_run::finished_at.eq(finished),
            ))
            .execute(db));
            match session.checked(moved)? {
                0 => Err(unexpected(format!("there is no run {run}"))),
                _ => Ok(()),
            }
        })
    }

    fn set_run_pace(&mut self, connection: ConnectionId, run: RunId, pace: Pace) -> Result<(), StoreError> {
        self.port(|session| {
            let pace = to_json(&pace)?;
            let noted = on_engine!(session, |db| diesel::update(
                sync_run::table.find((connection.0, run.0))
            )
            .set(sync_run::pace.eq(&pace))
            .execute(db));
            match session.checked(noted)? {
                0 => Err(unexpected(format!("there is no run {run}"))),
                _ => Ok(()),
            }
        })
    }

    fn watermark(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        of: Watermark,
    ) -> Result<Option<Instant>, StoreError> {
        self.port(|session| {
            let at = on_engine!(session, |db| watermark::table
                .find((connection.0, mapping.0, of.word()))
                .select(watermark::at)
                .first::<i64>(db)
                .optional());
            session.checked(at)?.map(moment).transpose()
        })
    }

    fn raise_watermark(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        of: Watermark,
        to: Instant,
    ) -> Result<(), StoreError> {
        self.port(|session| {
            let raised = on_engine!(session, |db| ConditionalUpsert::filter(
                diesel::insert_into(watermark::table)
                    .values((
                        watermark::connection_id.eq(connection.0),
                        watermark::mapping_id.eq(mapping.0),
                        watermark::kind.eq(of.word()),
                        watermark::at.eq(micros(to)),
                    ))
                    .on_conflict((watermark::connection_id, watermark::mapping_id, watermark::kind,))
                    .do_update()
                    .set(watermark::at.eq(excluded(watermark::at))),
                watermark::at.lt(excluded(watermark::at)),
            )
            .execute(db));
            session.checked(raised).map(drop)
        })
    }

    fn note_seen(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
        ids: &[SalesforceId],
    ) -> Result<(), StoreError> {
        self.port(|session| seen::note(session, connection, run, mapping, ids))
    }

    fn seen_count(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
    ) -> Result<u64, StoreError> {
        self.port(|session| seen::count(session, connection, run, mapping))
    }

    fn unseen(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
        before: Instant,
        after: Option<SalesforceId>,
        limit: u32,
    ) -> Result<Vec<SalesforceId>, StoreError> {
        self.port(|session| seen::unseen(session, connection, run, mapping, before, after, limit))
    }

    fn forget_seen(&mut self, connection: ConnectionId, run: RunId, limit: u32) -> Result<u64, StoreError> {
        self.port(|session| seen::forget(session, connection, run, limit))
    }
}

/// The words of the states in which a run has not ended.
fn unfinished() -> Vec<&'static str> {
    let states = RunState::ALL.into_iter();
    states
        .filter(|state| state.is_unfinished())
        .map(Word::word)
        .collect()
}

/// The word that is asked for; every word where any will do.
fn words<T: Word>(wanted: Option<T>) -> Vec<&'static str> {
    match wanted {
        Some(value) => vec![value.word()],
        None => T::WORDS.iter().map(|(_, word)| *word).collect(),
    }
}

fn start(
    session: &mut Session,
    connection: ConnectionId,
    kind: RunKind,
    mappings: &[MappingId],
    at: Instant,
) -> Result<RunId, StoreError> {
    // The connection's counter is the lock under which at most one run of a kind is made.
    let id = session.take_numbers(connection, 1)?;
    let unfinished = on_engine!(session, |db| QueryDsl::filter(
        sync_run::table,
        sync_run::connection_id
            .eq(connection.0)
            .and(sync_run::kind.eq(kind.word()))
            .and(sync_run::state.eq_any(unfinished())),
    )
    .order(sync_run::id)
    .select(sync_run::id)
    .first::<i64>(db)
    .optional());
    if let Some(run) = session.checked(unfinished)? {
        return Ok(RunId(run));
    }
    let inserted = on_engine!(session, |db| diesel::insert_into(sync_run::table)
        .values((
            sync_run::connection_id.eq(connection.0),
            sync_run::id.eq(id),
            sync_run::kind.eq(kind.word()),
            sync_run::state.eq(RunState::Queued.word()),
            sync_run::created_at.eq(micros(at)),
        ))
        .execute(db));
    session.checked(inserted)?;
    let waiting = to_json(&PartProgress::Waiting)?;
    for (ordinal, mapping) in (0_i64..).zip(mappings) {
        let inserted = on_engine!(session, |db| diesel::insert_into(sync_part::table)
            .values((
                sync_part::connection_id.eq(connection.0),
                sync_part::run_id.eq(id),
                sync_part::mapping_id.eq(mapping.0),
                sync_part::ordinal.eq(ordinal),
                sync_part::progress.eq(&waiting),
                sync_part::row_count.eq(0),
                sync_part::outcomes.eq("{}"),
                sync_part::dropped.eq(0),
            ))
            .execute(db));
        session.checked(inserted)?;
    }
    Ok(RunId(id))
}

/// Reads the parts of runs in one query.
fn with_parts(
    session: &mut Session,
    connection: ConnectionId,
    runs: Vec<RunRow>,
) -> Result<Vec<Run>, StoreError> {
    let ids: Vec<i64> = runs.iter().map(|run| run.id).collect();
    let parts = on_engine!(session, |db| QueryDsl::filter(
        sync_part::table,
        sync_part::connection_id
            .eq(connection.0)
            .and(sync_part::run_id.eq_any(&ids)),
    )
    .order((sync_part::run_id, sync_part::ordinal))
    .select(PartRow::as_select())
    .load(db));
    let parts = session.checked(parts)?;
    runs.into_iter()
        .map(|run| {
            let parts = parts
                .iter()
                .filter(|part| part.run_id == run.id)
                .map(PartRow::read)
                .collect::<Result<_, _>>()?;
            run.read(parts)
        })
        .collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_run)]
struct RunRow {
    connection_id: i64,
    id: i64,
    kind: String,
    state: String,
    error: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
    pace: Option<String>,
}

impl RunRow {
    fn read(self, parts: Vec<RunPart>) -> Result<Run, StoreError> {
        Ok(Run {
            id: RunId(self.id),
            connection: ConnectionId(self.connection_id),
            kind: Word::from_word(&self.kind)?,
            state: Word::from_word(&self.state)?,
            error: self.error,
            created_at: moment(self.created_at)?,
            finished_at: self.finished_at.map(moment).transpose()?,
            pace: self
                .pace
                .map(|pace| from_json("pace of a run", &pace))
                .transpose()?,
            parts,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_part)]
struct PartRow {
    run_id: i64,
    mapping_id: i64,
    progress: String,
    row_count: i64,
    expected: Option<i64>,
    outcomes: String,
    dropped: i64,
}

impl PartRow {
    fn read(&self) -> Result<RunPart, StoreError> {
        Ok(RunPart {
            mapping: MappingId(self.mapping_id),
            progress: from_json("progress of a part", &self.progress)?,
            rows: from_column("number of rows", self.row_count)?,
            expected: self
                .expected
                .map(|expected| from_column("number of rows", expected))
                .transpose()?,
            outcomes: from_json("outcomes of a part", &self.outcomes)?,
            dropped: from_column("number of rows", self.dropped)?,
        })
    }
}
