//! What people in the org and at the partner do, and what else happens.

use causeway_core::decide::{HeldReason, LinkStatus};
use causeway_core::id::{RecordId, SalesforceId};
use causeway_core::ports::runs::RunKind;
use causeway_core::units::partner_news::{Address, PartnerPost, PostMode, PostedEvent};
use causeway_core::units::person;
use chrono::TimeDelta;

use crate::org::row::{Actor, Values};
use crate::org::save::Save;
use crate::org::schema::Object;
use crate::org::{USERS, id};
use crate::partner::Request;
use crate::values;
use crate::world::{Broken, World};

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Insert,
    Update,
    UpdateLate,
    Delete,
    Undelete,
    Erase,
    Merge,
    Convert,
    Transfer,
    Drift,
    Lock,
    PartnerCreate,
    PartnerEdit,
    PartnerDelete,
    PartnerUndelete,
    Person,
    Instant,
    Reconcile,
    Hours,
    Nothing,
}

const WEIGHTS: [(Action, u32); 20] = [
    (Action::Insert, 10),
    (Action::Update, 22),
    (Action::UpdateLate, 4),
    (Action::Delete, 4),
    (Action::Undelete, 3),
    (Action::Erase, 1),
    (Action::Merge, 3),
    (Action::Convert, 2),
    (Action::Transfer, 2),
    (Action::Drift, 2),
    (Action::Lock, 3),
    (Action::PartnerCreate, 9),
    (Action::PartnerEdit, 24),
    (Action::PartnerDelete, 4),
    (Action::PartnerUndelete, 3),
    (Action::Person, 4),
    (Action::Instant, 5),
    (Action::Reconcile, 2),
    (Action::Hours, 3),
    (Action::Nothing, 2),
];

impl World {
    /// Something happens.
    ///
    /// # Errors
    /// What broke.
    pub fn act(&mut self) -> Result<(), Broken> {
        let total: u32 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut left = u32::try_from(self.dice.below(usize::try_from(total).unwrap_or(1))).unwrap_or(0);
        let mut action = Action::Nothing;
        for (candidate, weight) in WEIGHTS {
            if left < weight {
                action = candidate;
                break;
            }
            left -= weight;
        }
        self.met.met(&format!("action {action:?}"));
        match action {
            Action::Insert => self.insert(),
            Action::Update => self.update(false),
            Action::UpdateLate => {
                let late = self
                    .dice
                    .percent(self.setting.faults.late_commit.saturating_mul(3));
                self.update(late);
            }
            Action::Delete => self.delete(),
            Action::Undelete => self.undelete(),
            Action::Erase => self.erase(),
            Action::Merge => self.merge(),
            Action::Convert => self.convert(),
            Action::Transfer => self.transfer(),
            Action::Drift => self.drift(),
            Action::Lock => self.lock(),
            Action::PartnerCreate => return self.partner_create(),
            Action::PartnerEdit => return self.partner_edit(),
            Action::PartnerDelete => return self.partner_life(true),
            Action::PartnerUndelete => return self.partner_life(false),
            Action::Person => return self.person(),
            Action::Instant => return self.start_run(RunKind::Instant),
            Action::Reconcile => return self.start_run(RunKind::Reconcile),
            Action::Hours => {
                let minutes = self.dice.between(5, 600);
                return self.pass(TimeDelta::minutes(minutes));
            }
            Action::Nothing => {}
        }
        Ok(())
    }

    fn some_object(&mut self) -> Object {
        self.dice.choose(
            &[Object::Account, Object::Contact, Object::Contact, Object::Lead],
            Object::Contact,
        )
    }

    fn some_live(&mut self, object: Object) -> Option<SalesforceId> {
        let live = self.org.live(object);
        self.dice.pick(&live).copied()
    }

    fn insert(&mut self) {
        let object = self.some_object();
        if self.org.live(object).len() > 6 {
            return;
        }
        let accounts = self.org.live(Object::Account);
        let values = values::whole_row(&mut self.dice, object, &accounts);
        let owner = id(self.dice.choose(&USERS, "005000000000001"));
        let made = self
            .org
            .insert(Actor::Human, object, &Save::of(values.clone()), owner, None);
        self.tell(|| format!("human inserts {object:?} {values:?}: {made:?}"));
    }

    fn update(&mut self, late: bool) {
        let object = self.some_object();
        let Some(row) = self.some_live(object) else {
            return;
        };
        let accounts = self.org.live(Object::Account);
        let mut values = Values::new();
        for _ in 0..self.dice.between(1, 2) {
            if let Some((field, value)) = values::some_value(&mut self.dice, object, &accounts) {
                values.insert(field, value);
            }
        }
        if late {
            let seconds = self.dice.between(10, 240);
            self.tell(|| format!("human updates {row} {values:?}, commits in {seconds} s"));
            self.met.met("late commit");
            self.org.save_late(row, values, seconds);
            return;
        }
        let mut save = Save::of(values);
        if self.dice.percent(10) {
            save.owner = Some(id(self.dice.choose(&USERS, "005000000000001")));
        }
        let saved = self.org.update(Actor::Human, row, &save);
        self.tell(|| format!("human updates {row} {save:?}: {saved:?}"));
    }

    fn delete(&mut self) {
        let object = self.some_object();
        if let Some(row) = self.some_live(object) {
            if !self.org.children(row).is_empty() {
                self.met.met("cascade delete");
            }
            let deleted = self.org.delete(Actor::Human, row);
            self.tell(|| format!("human deletes {row}: {deleted:?}"));
        }
    }

    fn in_bin(&mut self) -> Option<SalesforceId> {
        let bin: Vec<SalesforceId> = self
            .org
            .rows()
            .filter(|row| row.gone.is_some_and(|gone| !gone.erased))
            .map(|row| row.id)
            .collect();
        self.dice.pick(&bin).copied()
    }

    fn undelete(&mut self) {
        if let Some(row) = self.in_bin() {
            let back = self.org.undelete(row);
            self.tell(|| format!("human undeletes {row}: {back}"));
        }
    }

    fn erase(&mut self) {
        if let Some(row) = self.in_bin() {
            self.tell(|| format!("human erases {row}"));
            self.org.erase(row);
        }
    }

    fn merge(&mut self) {
        let object = self.some_object();
        let (Some(winner), Some(loser)) = (self.some_live(object), self.some_live(object)) else {
            return;
        };
        let merged = self.org.merge(winner, loser, Values::new());
        if merged {
            self.met.met("merge");
        }
        self.tell(|| format!("human merges {loser} into {winner}: {merged}"));
    }

    fn convert(&mut self) {
        if let Some(lead) = self.some_live(Object::Lead) {
            let fires = self.dice.percent(50);
            let became = self.org.convert(lead, fires);
            if became.is_some() {
                self.met.met("conversion");
            }
            self.tell(|| format!("human converts {lead}, triggers {fires}: {became:?}"));
        }
    }

    fn transfer(&mut self) {
        let object = self.some_object();
        if let Some(row) = self.some_live(object) {
            let owner = id(self.dice.choose(&USERS, "005000000000001"));
            self.tell(|| format!("{row} goes to {owner}"));
            self.org.transfer(row, owner);
        }
    }

    fn drift(&mut self) {
        if let Some(row) = self.some_live(Object::Account) {
            let to = self.dice.between(1, 5);
            self.tell(|| format!("the formula of {row} moves to {to}"));
            self.org.drift(row, to);
        }
    }

    fn lock(&mut self) {
        let object = self.some_object();
        if self.dice.percent(self.setting.faults.lock.saturating_mul(4))
            && let Some(row) = self.some_live(object)
        {
            let seconds = self.dice.between(1, 90);
            self.met.met("lock");
            self.tell(|| format!("{row} is locked for {seconds} s"));
            self.org.lock(row, seconds);
        }
    }

    fn partner_create(&mut self) -> Result<(), Broken> {
        let object = self.some_object();
        let companies = self.companies();
        let fields = values::whole_record(&mut self.dice, object, &companies);
        let key = self.dice.percent(40).then(|| format!("k{}", self.dice.below(8)));
        let address = match &key {
            Some(key) => Address::Key(format!("{key}-{object:?}")),
            None => Address::New,
        };
        let owner = self.some_owner(30);
        let post = PartnerPost {
            address,
            key: None,
            if_position: None,
            changed_at: self.stated(),
            happened: PostedEvent::Upsert { fields, owner },
        };
        let mode = self.dice.choose(
            &[PostMode::Upsert, PostMode::Upsert, PostMode::CreateOnly],
            PostMode::Upsert,
        );
        self.request(object, mode, vec![post])
    }

    fn partner_edit(&mut self) -> Result<(), Broken> {
        let Some((object, record)) = self.dice.pick(&self.partner.known).copied() else {
            return self.partner_create();
        };
        let companies = self.companies();
        let mut posts = Vec::new();
        for _ in 0..self.dice.between(1, 2) {
            let fields = values::some_fields(&mut self.dice, object, &companies);
            let owner = self.some_owner(8);
            posts.push(PartnerPost {
                address: Address::Record(record),
                key: None,
                if_position: None,
                changed_at: self.stated(),
                happened: PostedEvent::Upsert { fields, owner },
            });
        }
        let mode = self
            .dice
            .choose(&[PostMode::Upsert, PostMode::UpdateOnly], PostMode::Upsert);
        self.request(object, mode, posts)
    }

    fn partner_life(&mut self, delete: bool) -> Result<(), Broken> {
        let from = if delete {
            &self.partner.known
        } else {
            &self.partner.deleted
        };
        let Some((object, record)) = self.dice.pick(from).copied() else {
            return Ok(());
        };
        let post = PartnerPost {
            address: Address::Record(record),
            key: None,
            if_position: None,
            changed_at: None,
            happened: if delete {
                PostedEvent::Delete
            } else {
                PostedEvent::Undelete
            },
        };
        self.request(object, PostMode::Upsert, vec![post])
    }

    fn request(&mut self, object: Object, mode: PostMode, posts: Vec<PartnerPost>) -> Result<(), Broken> {
        self.serial += 1;
        let key = self.dice.percent(60).then(|| format!("post-{}", self.serial));
        self.post(Request {
            key,
            object,
            mode,
            posts,
        })
    }

    fn companies(&self) -> Vec<RecordId> {
        let known = self.partner.known.iter();
        known
            .filter(|(object, _)| *object == Object::Account)
            .map(|(_, record)| *record)
            .collect()
    }

    fn some_owner(&mut self, chance: u8) -> Option<String> {
        self.dice
            .percent(chance)
            .then(|| self.dice.choose(&crate::setting::PARTNER_USERS, "u-1").to_owned())
    }

    fn stated(&mut self) -> Option<causeway_core::Instant> {
        match self.dice.below(10) {
            0..5 => None,
            5..9 => {
                let before = self.dice.between(0, 600_000);
                self.met.met("partner states a time");
                Some(self.now - TimeDelta::milliseconds(before))
            }
            _ => {
                self.met.met("partner states a future time");
                Some(self.now + TimeDelta::minutes(30))
            }
        }
    }

    /// A person looks after what is held, or brings a value back.
    fn person(&mut self) -> Result<(), Broken> {
        let (connection, at) = (self.connection, self.now);
        if self.dice.percent(20) {
            let conflicts = self.unit("conflicts", |tx| tx.conflicts(connection, None, None, 20))?;
            let Some(entry) = self.dice.pick(&conflicts).cloned() else {
                return Ok(());
            };
            let restored = self.unit("restore", |tx| {
                person::restore(tx, connection, entry.id, "person", at)
            })?;
            self.tell(|| format!("person restores {entry:?}: {restored:?}"));
            if restored.is_ok() {
                self.met.met("person restores");
                self.restored.insert((entry.link, entry.field));
            }
            return Ok(());
        }
        let held = self.unit("held", |tx| tx.held(connection, None, 50))?;
        let Some(held) = self.dice.pick(&held).cloned() else {
            return Ok(());
        };
        self.met
            .met(&format!("person sees {}", person::code(&held.reason)));
        match held.reason {
            HeldReason::DeleteAsked | HeldReason::PartnerDeleteAsked => {
                let too = self.dice.percent(50);
                let done = self.unit("decide a delete", |tx| {
                    person::decide_delete(tx, connection, held.link, too, "person", at)
                })?;
                self.tell(|| format!("person decides delete {too} of {}: {done:?}", held.link));
            }
            _ => {
                let done = self.unit("retry", |tx| {
                    person::retry(tx, connection, held.link, "person", at)
                })?;
                self.tell(|| format!("person retries {}: {done:?}", held.link));
            }
        }
        Ok(())
    }

    /// What stands where, for the counters.
    pub fn note_links(&mut self) {
        for linked in self.store.all_links(self.connection) {
            let name = match &linked.link.status {
                LinkStatus::Creating => "link creating",
                LinkStatus::Linked => "link linked",
                LinkStatus::Held { reason } => person::code(reason),
                LinkStatus::Deleted => "link deleted",
                LinkStatus::Unlinked => "link unlinked",
                LinkStatus::Merged { .. } => "link merged",
                LinkStatus::Converted { .. } => "link converted",
            };
            self.met.met(&format!("at rest: {name}"));
        }
        let mut causes = Vec::new();
        for entry in self.store.all_history(self.connection) {
            let word = format!("{:?}", entry.cause);
            let word = word.split([' ', '(']).next().unwrap_or_default();
            causes.push(format!("cause {word}"));
            if let Some(lost) = &entry.lost {
                causes.push(format!("a value of {:?} lost", lost.side));
            }
        }
        for cause in causes {
            self.met.met(&cause);
        }
    }
}
