//! Custom labels that deployments bring, which programs are compiled with.
//!
//! Source: Metadata API Developer Guide, CustomLabels.

use std::collections::BTreeMap;

use super::Metadata;
use super::deploy::Attempt;
use super::package::Component;
use super::store::Components;

const KIND: &str = "CustomLabel";

impl Attempt {
    /// The custom labels as the deployment would leave them: name and text.
    pub(super) fn labels(&self, stored: &Components) -> BTreeMap<String, String> {
        let doomed = |name: &str| {
            let mut doomed = self.package.doomed.iter();
            doomed.any(|doomed| doomed.kind == KIND && doomed.name.eq_ignore_ascii_case(name))
        };
        let old = stored.of(KIND).map(|stored| &stored.component);
        let new = self
            .package
            .components
            .iter()
            .filter(|component| component.kind == KIND);
        old.filter(|label| !doomed(&label.name))
            .chain(new)
            .map(text_of)
            .collect()
    }
}

impl Metadata {
    /// The custom labels that were deployed: name and text.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        let components = self.components();
        components
            .of(KIND)
            .map(|stored| text_of(&stored.component))
            .collect()
    }
}

fn text_of(label: &Component) -> (String, String) {
    let text = label
        .definition
        .as_ref()
        .and_then(|definition| definition.text_of("value"));
    (label.name.clone(), text.unwrap_or_default().to_owned())
}
