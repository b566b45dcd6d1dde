//! Batch Apex by its parts, so that whoever runs it gives each part a transaction (Apex Developer Guide,
//! "Using Batch Apex"). Without `Database.Stateful` every chunk begins with the object as it was enqueued.

use super::frozen::Frozen;
use super::jobs::JobView;
use super::value::Value;
use super::{Machine, Run};
use crate::host::Job;
use crate::types::Type;

/// Records a Batchable may get at once.
const MAXIMUM_CHUNK: usize = 2000;

impl Machine<'_> {
    fn batch_context(&self, id: &str) -> Run<Value> {
        self.platform_object(
            "Database.BatchableContext",
            JobView {
                id: id.into(),
                child: id.into(),
            },
        )
    }

    /// Whether a Batchable keeps its fields from one part to the next.
    fn is_stateful(&self, work: &Value) -> bool {
        let stateful = self.catalogue.find("Database.Stateful").map(Type::platform);
        stateful.is_some_and(|stateful| self.is_instance(work, &stateful))
    }

    /// `start`: the chunks, and the object for the next part. A new transaction.
    pub fn batch_start(&mut self, job: &Job, id: &str) -> Run<(Vec<Frozen>, Frozen)> {
        self.start_job(job, id);
        let work = job.work.thaw(self)?;
        let items = self.batch_items(id, &work)?;
        let size = job.chunk.clamp(1, MAXIMUM_CHUNK);
        let mut chunks = Vec::new();
        for chunk in items.chunks(size) {
            let element = self.element_of(chunk);
            chunks.push(Frozen::of(self, &Value::list(element, chunk.to_vec()))?);
        }
        let after = self.after_part(job, &work)?;
        Ok((chunks, after))
    }

    fn element_of(&self, chunk: &[Value]) -> Type {
        chunk
            .first()
            .map_or(Type::Object, |first| self.runtime_type(first))
    }

    fn after_part(&self, job: &Job, work: &Value) -> Run<Frozen> {
        if self.is_stateful(work) {
            Frozen::of(self, work)
        } else {
            Ok(job.work.clone())
        }
    }

    /// `execute` with one chunk. A new transaction.
    pub fn batch_execute(&mut self, job: &Job, id: &str, work: &Frozen, chunk: &Frozen) -> Run<Frozen> {
        self.start_job(job, id);
        let work = work.thaw(self)?;
        let chunk = chunk.thaw(self)?;
        let context = self.batch_context(id)?;
        self.invoke_interface("Database.Batchable", "execute", &work, &[context, chunk])?;
        self.after_part(job, &work)
    }

    /// `finish`. A new transaction.
    pub fn batch_finish(&mut self, job: &Job, id: &str, work: &Frozen) -> Run<()> {
        self.start_job(job, id);
        let work = work.thaw(self)?;
        let context = self.batch_context(id)?;
        self.invoke_interface("Database.Batchable", "finish", &work, &[context])?;
        Ok(())
    }

    /// What `start` yields, whether a locator, a list or an iterable.
    fn batch_items(&mut self, id: &str, work: &Value) -> Run<Vec<Value>> {
        let context = self.batch_context(id)?;
        let found = self.invoke_interface("Database.Batchable", "start", work, &[context])?;
        if let Value::List(_) | Value::Set(_) = found {
            return self.elements(&found);
        }
        let iterator = match &found {
            Value::Native(native) => {
                let ty = native.ty.clone();
                self.invoke_named(&ty, "iterator", &found)?
            }
            _ => self.invoke_interface("Iterable", "iterator", &found, &[])?,
        };
        let mut items = Vec::new();
        while self
            .invoke_interface("Iterator", "hasNext", &iterator, &[])?
            .as_bool()
            == Some(true)
        {
            items.push(self.invoke_interface("Iterator", "next", &iterator, &[])?);
        }
        Ok(items)
    }

    /// A method without parameters of a platform object.
    pub(crate) fn invoke_named(&mut self, ty: &Type, name: &str, this: &Value) -> Run<Value> {
        let found = self.catalogue.members(ty).and_then(|(id, _)| {
            let methods = self.catalogue.class(id).methods.get(&name.to_ascii_lowercase())?;
            methods
                .iter()
                .copied()
                .find(|m| self.catalogue.method(*m).parameters.is_empty())
        });
        match found {
            Some(method) => self.invoke_platform(method, this, &[]),
            None => {
                let class = self.type_name(ty);
                Err(self.not_supported(format!("{class}.{name}")))
            }
        }
    }

    /// A whole batch in a test: one chunk at most.
    pub(super) fn run_batch(&mut self, job: &Job, id: &str, work: &Value) -> Run<()> {
        let items = self.batch_items(id, work)?;
        if items.len() > job.chunk {
            let words = "No more than one executeBatch can be called from within a test method.  Please make \
                         sure the iterable returned from your start method matches the batch size, resulting in \
                         one executeBatch invocation.";
            return Err(self.raise("UnexpectedException", words));
        }
        let mut after = self.after_part(job, work)?;
        if !items.is_empty() {
            let chunk = Frozen::of(self, &Value::list(self.element_of(&items), items))?;
            self.limits = Default::default();
            after = self.batch_execute(job, id, &after, &chunk)?;
        }
        self.limits = Default::default();
        self.batch_finish(job, id, &after)
    }
}
