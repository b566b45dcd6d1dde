//! Codes and templates of embedded pages.

use causeway_core::id::{ConnectionId, MappingId};
use causeway_core::ports::Lane;
use causeway_core::ports::embeds::{EmbedCode, EmbedTemplate, OpenedRecord, Opening};
use causeway_core::ports::packages::CodeHash;

use crate::given::{at, connection, contact_id};
use crate::place::Place;

fn code(connection: ConnectionId, code: &str, expires: i64) -> EmbedCode {
    EmbedCode {
        code: CodeHash(code.to_owned()),
        connection,
        expires_at: at(expires),
        opens: Opening {
            record: Some(OpenedRecord {
                mapping: MappingId(1),
                salesforce_id: contact_id(1),
            }),
            client: "miller-package".to_owned(),
            frame_name: Some("landing".to_owned()),
            site_key: None,
            language: "de".to_owned(),
            origins: vec!["https://miller.lightning.force.com".to_owned()],
        },
    }
}

fn template(name: &str, site: Option<&str>, html: &str) -> EmbedTemplate {
    EmbedTemplate {
        name: name.to_owned(),
        site: site.map(str::to_owned),
        html: html.to_owned(),
        updated_at: at(1),
    }
}

pub async fn a_code_opens_once_whoever_comes_at_the_same_time(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let hash = || CodeHash("a".to_owned());
    store
        .write(Lane::Interactive, move |unit| {
            unit.add_embed_code(&code(id, "a", 60), at(0))
        })
        .await
        .unwrap();
    let found = store.read(move |unit| unit.embed_code(&hash())).await.unwrap();
    assert_eq!(found, Some(code(id, "a", 60)));

    let tries = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .write(Lane::Interactive, move |unit| unit.use_embed_code(&hash(), at(1)))
                .await
                .unwrap()
        })
    });
    let mut first = 0;
    for tried in tries.collect::<Vec<_>>() {
        first += usize::from(tried.await.unwrap());
    }
    assert_eq!(first, 1);
    // Whoever comes later is told so inside the org's frame.
    let found = store.read(move |unit| unit.embed_code(&hash())).await.unwrap();
    assert_eq!(found, Some(code(id, "a", 60)));
    let unknown = store
        .write(Lane::Interactive, |unit| {
            unit.use_embed_code(&CodeHash("b".to_owned()), at(1))
        })
        .await;
    assert_eq!(unknown, Ok(false));
}

pub async fn codes_are_forgotten_a_while_after_they_expired(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "other").await;
    let known = store
        .write(Lane::Interactive, move |unit| {
            unit.add_embed_code(&code(id, "old", 10), at(0))?;
            unit.add_embed_code(&code(other, "of-another", 10), at(0))?;
            unit.add_embed_code(&code(id, "young", 20), at(0))?;
            unit.add_embed_code(&code(id, "new", 99), at(20))?;
            ["old", "of-another", "young", "new"]
                .into_iter()
                .map(|code| Ok(unit.embed_code(&CodeHash(code.to_owned()))?.is_some()))
                .collect::<Result<Vec<bool>, _>>()
        })
        .await
        .unwrap();
    assert_eq!(known, [false, true, true, true]);
}

pub async fn a_template_is_found_by_its_name_and_site(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "other").await;
    let (all, of_site, of_every, of_nobody) = store
        .write(Lane::Interactive, move |unit| {
            unit.put_embed_template(id, &template("landing", None, "for every site"))?;
            unit.put_embed_template(id, &template("landing", Some("fairs"), "first"))?;
            unit.put_embed_template(id, &template("landing", Some("fairs"), "second"))?;
            unit.put_embed_template(other, &template("landing", None, "of another"))?;
            Ok((
                unit.embed_templates(id)?,
                unit.embed_template(id, "landing", Some("fairs"))?,
                unit.embed_template(id, "landing", None)?,
                unit.embed_template(id, "landing", Some("nul\0"))?,
            ))
        })
        .await
        .unwrap();
    let every = template("landing", None, "for every site");
    let fairs = template("landing", Some("fairs"), "second");
    assert_eq!(all, [every.clone(), fairs.clone()]);
    assert_eq!((of_site, of_every, of_nobody), (Some(fairs), Some(every), None));

    let removed = store
        .write(Lane::Interactive, move |unit| {
            Ok((
                unit.remove_embed_template(id, "landing", None)?,
                unit.remove_embed_template(id, "landing", None)?,
                unit.embed_templates(id)?.len(),
                unit.embed_templates(other)?.len(),
            ))
        })
        .await;
    assert_eq!(removed, Ok((true, false, 1, 1)));
}
