//! Classes that a deployment must leave alone.

use super::deploy::Attempt;
use super::result::Problem;
use super::store::Components;
use crate::org::Org;

impl Attempt {
    /// Classes that would change or go while jobs of theirs wait or run, or scheduled ones of classes that name them.
    ///
    /// Source: Salesforce Help, Deployment Settings ("Allow deployments of components when corresponding Apex jobs are
    /// pending or in progress" is off unless somebody turns it on); the words are those that people report.
    pub(super) fn classes_with_jobs(
        &self,
        org: &Org,
        stored: &Components,
    ) -> Vec<(&'static str, String, String, Problem)> {
        let jobs = org.classes_with_jobs();
        let changed = self.package.components.iter().filter(|component| {
            let known = stored.get(component.kind, &component.name);
            component.kind == "ApexClass" && known.is_none_or(|known| known.component != **component)
        });
        let changed = changed.map(|component| (component.name.as_str(), component.file.as_str()));
        let doomed = self.package.doomed.iter();
        let doomed = doomed.filter(|doomed| doomed.kind == "ApexClass");
        let doomed = doomed.map(|doomed| (doomed.name.as_str(), doomed.file));
        let refused = changed.chain(doomed).filter_map(|(name, file)| {
            let kinds = jobs.get(&name.to_ascii_lowercase())?;
            let problem = Problem::new(kinds.words());
            Some(("ApexClass", name.to_owned(), file.to_owned(), problem))
        });
        refused.collect()
    }
}
