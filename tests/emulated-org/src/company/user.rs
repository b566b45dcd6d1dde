//! The sales team.

use super::culture::mail_word;
use super::person::name;
use super::plan::{Plan, Stream, roll_culture};
use super::{Draft, Ids, Row, reference};
use crate::value::Value;

/// The domain of the generated company itself.
const DOMAIN: &str = "harborline.example";

/// The user at an index. The first leads sales, the last has left.
pub fn user(plan: &Plan, index: u64, ids: &Ids) -> Row {
    let mut dice = plan.dice(Stream::User, index);
    let culture = roll_culture(&mut dice);
    let name = name(&mut dice, culture);
    let mail = format!("{}@{DOMAIN}", name.mail_box);
    let mut draft = Draft::default();
    draft
        // Usernames are unique among all organisations of the world, so they carry more than the name.
        .text(
            "Username",
            format!("{}.{index}.s{}@{DOMAIN}", name.mail_box, plan.seed),
        )
        .text("Email", mail)
        .text("FirstName", name.first)
        .text("LastName", name.last)
        .text("Alias", alias(&name.mail_box))
        .text(
            "CommunityNickname",
            format!("{}{index}s{}", mail_word(&name.mail_box), plan.seed),
        )
        .text("TimeZoneSidKey", culture.time_zone)
        .text("LocaleSidKey", culture.locale)
        .text("LanguageLocaleKey", culture.language)
        .text("EmailEncodingKey", "UTF-8")
        .text("CompanyName", "Harborline")
        .text("Department", "Sales")
        .text("Country", culture.country)
        .text("Phone", dice.fill(culture.phone))
        .set("ProfileId", ids.profile.clone())
        .set("IsActive", Value::Boolean(index != plan.inactive_user()));
    if index == 0 {
        draft.text("Title", "Head of Sales");
    } else {
        draft.text(
            "Title",
            dice.word(&["Account Executive", "Sales Development", "Key Account Manager"]),
        );
        draft.set("ManagerId", reference(&ids.users, 0));
    }
    draft.0
}

/// Eight characters at most: the initial and the start of the family name.
fn alias(mail_box: &str) -> String {
    let (first, last) = mail_box.split_once('.').unwrap_or(("", mail_box));
    first.chars().take(1).chain(last.chars().take(7)).collect()
}
