//! Lightning record pages: which one an object has, and what stands in its regions.
//!
//! Source: Metadata API Developer Guide, FlexiPage, and CustomObject, `actionOverrides`.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::book::Piece;
use super::error::PageError;
use crate::metadata::xml::Element;
use crate::org::Org;
use crate::schema::Object;

/// Facets may hold facets; a page that held itself would have no end.
const MOST_NESTED: u8 = 8;

/// The record pages of an object.
pub(super) fn of_object(org: &Org, object: &Object) -> Vec<Arc<Piece>> {
    let all = org.pieces("FlexiPage").into_iter();
    all.filter(|page| {
        let of = page.definition.text_of("sobjectType");
        page.definition.text_of("type") == Some("RecordPage")
            && of.is_some_and(|of| of.eq_ignore_ascii_case(&object.name))
    })
    .collect()
}

/// The name of the page that is activated for an object, in Setup or by its metadata.
pub(super) fn active(org: &Org, object: &Object) -> Option<String> {
    org.lightning.record_page(&object.name).or_else(|| {
        let stored = org.metadata.component("CustomObject", &object.name)?;
        let definition = stored.component.definition.as_ref()?;
        let overridden = definition.all("actionOverrides").find(|entry| {
            entry.text_of("actionName") == Some("View")
                && entry.text_of("type") == Some("Flexipage")
                && entry.text_of("formFactor") != Some("Small")
        })?;
        overridden.text_of("content").map(str::to_owned)
    })
}

/// The page of an object's records as the shell draws it.
pub(super) fn drawn(org: &Org, object: &Object) -> Result<Json, PageError> {
    let page = active(org, object).and_then(|name| org.piece("FlexiPage", &name));
    let Some(page) = page else {
        return Ok(json!({
            "name": "Default",
            "regions": [
                { "name": "header", "items": [{ "kind": "highlights" }] },
                { "name": "main", "items": [{ "kind": "detail" }] },
            ],
        }));
    };
    let drawing = Drawing {
        page: &page.definition,
    };
    let regions = page
        .definition
        .all("flexiPageRegions")
        .filter(|region| region.text_of("type") != Some("Facet"))
        .map(|region| {
            let name = region.text_of("name").unwrap_or_default();
            Ok(json!({ "name": name, "items": drawing.items(region, MOST_NESTED)? }))
        })
        .collect::<Result<Vec<_>, PageError>>()?;
    Ok(json!({ "name": page.name, "regions": regions }))
}

struct Drawing<'a> {
    page: &'a Element,
}

impl Drawing<'_> {
    fn items(&self, region: &Element, depth: u8) -> Result<Vec<Json>, PageError> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| PageError::not_supported("facets nested this deeply"))?;
        // Before version 49.0 regions held their components directly.
        let instances = region.all("itemInstances").flat_map(|item| &item.children);
        let instances = instances.chain(region.all("componentInstances"));
        instances.map(|instance| self.item(instance, depth)).collect()
    }

    fn item(&self, instance: &Element, depth: u8) -> Result<Json, PageError> {
        if instance.child("visibilityRule").is_some() {
            return Err(PageError::not_supported("visibilityRule on a record page"));
        }
        if instance.name == "fieldInstance" {
            let field = instance.text_of("fieldItem").unwrap_or_default();
            let field = field.strip_prefix("Record.").unwrap_or(field);
            return Ok(json!({ "kind": "field", "field": field }));
        }
        let component = instance.text_of("componentName").unwrap_or_default();
        let properties = properties(instance);
        Ok(match component {
            "force:highlightsPanel" => json!({ "kind": "highlights" }),
            "force:detailPanel" => json!({ "kind": "detail" }),
            "force:relatedListContainer" => json!({ "kind": "relatedLists" }),
            "flexipage:tabset" => json!({ "kind": "tabset", "tabs": self.tabs(&properties, depth)? }),
            "flexipage:visualforcePage" => json!({
                "kind": "visualforcePage",
                "page": properties.get("pageName"),
                "label": properties
                    .get("showLabel")
                    .filter(|shown| *shown == "true")
                    .and_then(|_| properties.get("label")),
                "height": properties
                    .get("height")
                    .and_then(Json::as_str)
                    .and_then(|height| height.parse::<u32>().ok())
                    .unwrap_or(200),
            }),
            own if !own.contains(':') || own.starts_with("c:") => json!({
                "kind": "component",
                "component": own.strip_prefix("c:").unwrap_or(own),
                "properties": properties,
            }),
            other => json!({ "kind": "unknown", "component": other }),
        })
    }

    fn tabs(&self, properties: &Map<String, Json>, depth: u8) -> Result<Vec<Json>, PageError> {
        let facet = |properties: &Map<String, Json>, name: &str| {
            let wanted = properties.get(name).and_then(Json::as_str);
            self.page
                .all("flexiPageRegions")
                .find(|region| wanted.is_some() && region.text_of("name") == wanted)
        };
        let Some(tabs) = facet(properties, "tabs") else {
            return Ok(Vec::new());
        };
        tabs.all("itemInstances")
            .flat_map(|item| &item.children)
            .map(|tab| {
                let of_tab = self::properties(tab);
                let items = match facet(&of_tab, "body") {
                    Some(body) => self.items(body, depth)?,
                    None => Vec::new(),
                };
                let title = of_tab.get("title").and_then(Json::as_str).unwrap_or_default();
                Ok(json!({ "label": title_of(title), "items": items }))
            })
            .collect()
    }
}

/// The titles that Salesforce has words for.
fn title_of(title: &str) -> &str {
    match title {
        "Standard.Tab.detail" => "Details",
        "Standard.Tab.relatedLists" => "Related",
        "Standard.Tab.activity" => "Activity",
        "Standard.Tab.collaborate" => "Chatter",
        own => own,
    }
}

fn properties(instance: &Element) -> Map<String, Json> {
    let properties = instance
        .all("componentInstanceProperties")
        .filter_map(|property| {
            let name = property.text_of("name")?;
            let value = match property.child("valueList") {
                Some(list) => {
                    let items = list.all("valueListItems");
                    Json::from_iter(items.filter_map(|item| item.text_of("value")))
                }
                None => json!(property.text_of("value")),
            };
            Some((name.to_owned(), value))
        });
    properties.collect()
}
