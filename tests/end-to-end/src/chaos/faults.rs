//! What goes wrong: single faults, and seasons that last for some saves.

use std::collections::BTreeMap;

use emulated_org::faults::{CalloutFault, Statement, StatementFault};
use emulated_org::limits::Allocation;
use rand::RngExt;
use rand::rngs::StdRng;

use super::Report;
use super::world::World;

/// Something that lasts for some saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Season {
    /// No record has room any more, in both orgs.
    StorageFull,
    /// The day's asynchronous Apex is used up, in both orgs.
    AsyncUsedUp,
    /// The gateway is away.
    GatewayAway,
}

/// What failing methods throw.
pub const EXCEPTION: &str = "NullPointerException";

/// How many executions an org has in a day.
const EXECUTIONS: u64 = 250_000_000;

/// Methods of the package that run inside a save, below the two that catch whatever comes: `Capture.run`, and
/// `ReconcileMarkers` with what it does when a note fails too.
pub const OF_THE_SAVE: [(&str, &str); 16] = [
    ("Capture", "isCaptured"),
    ("CaptureSwitch", "isOff"),
    ("CapturedFields", "of"),
    ("CapturedFields", "isEmpty"),
    ("ChangeDetector", "find"),
    ("ChangeDetector", "entry"),
    ("Room", "forWork"),
    ("Effects", "reach"),
    ("Capture", "keep"),
    ("Room", "forRow"),
    ("ChangeDetector", "write"),
    ("Effects", "insertRecord"),
    ("Pump", "startAfterSave"),
    ("Room", "forJob"),
    ("DispatchState", "mayTry"),
    ("Effects", "enqueue"),
];

/// Methods of the package that run inside a pump and its finalizer.
pub const OF_THE_PUMP: [(&str, &str); 18] = [
    ("Pump", "execute"),
    ("PumpSelector", "isEarlierAtWork"),
    ("Pump", "sendAll"),
    ("Room", "forRequest"),
    ("OutboxSelector", "next"),
    ("Delivery", "send"),
    ("PendingChange", "of"),
    ("RecordSelector", "read"),
    ("PendingChange", "toNews"),
    ("ChangePost", "add"),
    ("ChangePost", "flush"),
    ("GatewayClient", "postChanges"),
    ("GatewayClient", "send"),
    ("ChangePost", "note"),
    ("Delivery", "settle"),
    ("Delivery", "drop"),
    ("DispatchState", "succeeded"),
    ("PumpFinalizer", "execute"),
];

/// Methods of the package that run inside the sweeper and a heartbeat.
pub const OF_THE_HEARTBEAT: [(&str, &str); 6] = [
    ("Sweeper", "execute"),
    ("Heartbeat", "execute"),
    ("Heartbeat", "exchange"),
    ("GatewayClient", "postHeartbeat"),
    ("Heartbeat", "take"),
    ("DispatchState", "heard"),
];

/// Faults besides methods that fail.
const OTHERS: u32 = 23;

/// What a gateway says that fails.
pub fn gateway_failed() -> CalloutFault {
    CalloutFault::answered(503)
}

/// A fault of one call, as it lies in the deck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// A method of the package fails.
    Method(&'static str, &'static str),
    /// One of the others, by its number.
    Other(u32),
}

/// All of them.
fn deck() -> Vec<Card> {
    let methods = OF_THE_SAVE.iter().chain(&OF_THE_PUMP);
    let methods = methods.map(|(class, method)| Card::Method(class, method));
    methods.chain((0..OTHERS).map(Card::Other)).collect()
}

/// Draws the next one: each comes as often as any other.
fn draw(world: &mut World, random: &mut StdRng) -> Card {
    if world.deck.is_empty() {
        world.deck = deck();
    }
    let at = random.random_range(0..world.deck.len());
    world.deck.swap_remove(at)
}

/// The names of faults that a run has not met.
pub fn missed(met: &BTreeMap<String, u64>) -> Vec<String> {
    let methods = OF_THE_SAVE.iter().chain(&OF_THE_PUMP).chain(&OF_THE_HEARTBEAT);
    let methods = methods.map(|(class, method)| format!("call of {class}.{method}: {EXCEPTION}"));
    let others = [
        "insert of outbox__c: storage_limit_exceeded",
        "insert of outbox__c: unable_to_lock_row",
        "insert of outbox__c: field_custom_validation_exception",
        "insert of outbox__c: dmlexception",
        "insert of outbox__c: nullpointerexception",
        "insert of reconcile__c: limit_exceeded",
        "insert of reconcile__c: dmlexception",
        "delete of outbox__c: dmlexception",
        "delete of outbox__c: unable_to_lock_row",
        "query of outbox__c: queryexception",
        "query of contact: queryexception",
        "update of dispatch_state__c: dmlexception",
        "callout timed out",
        "callout answer lost",
        "callout refused",
        "callout cut",
        "callout answered 200",
        "callout answered 202",
        "callout answered 401",
        "callout answered 403",
        "callout answered 422",
        "callout answered 429",
        "callout answered 503",
        "season StorageFull",
        "season AsyncUsedUp",
        "season GatewayAway",
        "days without the gateway",
        "burn dml",
        "burn most",
        "burn dml events",
        "burn queries",
        "burn jobs",
        "burn cpu",
        "burn heap",
        "burn error",
        "merge",
        "conversion",
        "cascade deletes",
        "Bulk job",
        "Bulk deletes",
    ];
    methods
        .chain(others.into_iter().map(str::to_owned))
        .filter(|name| !met.contains_key(name))
        .collect()
}

/// Arms one fault. Whether it is one of the save path: the next save can then leave a note at most.
pub fn arm(world: &mut World, random: &mut StdRng) -> bool {
    let card = draw(world, random);
    let faults = world.org.faults();
    let apex = faults.apex();
    if world.season.is_none() {
        // One at a time, so that each shows what it does by itself.
        apex.end();
    }
    let outbox = |statement, fault| apex.fail_statements(statement, "Outbox__c", 0, 1, fault);
    let note = |times, fault| apex.fail_statements(Statement::Insert, "Reconcile__c", 0, times, fault);
    let refused = |code| StatementFault::Refused(code);
    let thrown = |class| StatementFault::Thrown(class);
    let which = match card {
        Card::Method(class, method) => {
            apex.fail_method(class, method, 0, EXCEPTION);
            return false;
        }
        Card::Other(which) => which,
    };
    match which {
        0 => outbox(Statement::Insert, refused("STORAGE_LIMIT_EXCEEDED")),
        1 => outbox(Statement::Insert, refused("UNABLE_TO_LOCK_ROW")),
        2 => outbox(Statement::Insert, refused("FIELD_CUSTOM_VALIDATION_EXCEPTION")),
        3 => outbox(Statement::Insert, thrown("DmlException")),
        4 => outbox(Statement::Insert, thrown("NullPointerException")),
        5 => {
            // Neither row nor note: the event is what is left, and it has to come again.
            outbox(Statement::Insert, refused("STORAGE_LIMIT_EXCEEDED"));
            note(2, refused("LIMIT_EXCEEDED"));
        }
        6 => {
            outbox(Statement::Insert, thrown("DmlException"));
            note(1, thrown("DmlException"));
        }
        7 => outbox(Statement::Delete, thrown("DmlException")),
        8 => outbox(Statement::Delete, refused("UNABLE_TO_LOCK_ROW")),
        9 => outbox(Statement::Query, thrown("QueryException")),
        10 => apex.fail_statements(
            Statement::Query,
            "Contact",
            0,
            1,
            StatementFault::Thrown("QueryException"),
        ),
        11 => apex.fail_statements(
            Statement::Update,
            "Dispatch_State__c",
            0,
            1,
            StatementFault::Thrown("DmlException"),
        ),
        22 => apex.fail_next_callouts(1, CalloutFault::Cut),
        12 => apex.fail_next_callouts(1, CalloutFault::TimedOut),
        13 => apex.fail_next_callouts(1, CalloutFault::AnswerLost),
        14 => apex.fail_next_callouts(1, CalloutFault::Refused),
        15 => apex.fail_next_callouts(1, CalloutFault::answered(401)),
        16 => apex.fail_next_callouts(1, CalloutFault::answered(403)),
        17 => {
            let wait = vec![("Retry-After".to_owned(), "30".to_owned())];
            let busy = CalloutFault::Answered {
                status: 429,
                headers: wait,
                body: "{}".to_owned(),
            };
            apex.fail_next_callouts(1, busy);
        }
        18 => apex.fail_next_callouts(1, CalloutFault::answered(500 + random.random_range(0..5))),
        19 => apex.fail_next_callouts(1, CalloutFault::answered(422)),
        // A sign-in page where the gateway should be, and an answer that says nothing of the changes.
        20 => apex.fail_next_callouts(
            1,
            CalloutFault::Answered {
                status: 200,
                headers: Vec::new(),
                body: "<html>Sign in</html>".to_owned(),
            },
        ),
        _ => apex.fail_next_callouts(
            1,
            CalloutFault::Answered {
                status: 202,
                headers: Vec::new(),
                body: "{}".to_owned(),
            },
        ),
    }
    which <= 6
}

/// Begins and ends seasons.
pub fn season(world: &mut World, random: &mut StdRng, report: &mut Report) {
    match world.season.take() {
        Some((season, left)) if left > 0 => world.season = Some((season, left - 1)),
        Some((season, _)) => end(world, season),
        None if random.random_range(0..40) == 0 => {
            let season = match random.random_range(0..3) {
                0 => Season::StorageFull,
                1 => Season::AsyncUsedUp,
                _ => Season::GatewayAway,
            };
            begin(world, season);
            report.meet(&format!("season {season:?}"), 1);
            world.season = Some((season, random.random_range(2..8)));
        }
        None => {}
    }
}

/// Ends the season that there is.
pub fn end_season(world: &mut World) {
    if let Some((season, _)) = world.season.take() {
        end(world, season);
    }
}

/// Begins a season.
pub fn begin(world: &World, season: Season) {
    for org in [&world.org, &world.twin] {
        match season {
            Season::StorageFull => org.org().set_storage_full(true),
            Season::AsyncUsedUp => org
                .org()
                .limits
                .set_maximum(Allocation::DailyAsyncApexExecutions, 0),
            Season::GatewayAway => org
                .faults()
                .apex()
                .fail_next_callouts(100_000, CalloutFault::Refused),
        }
    }
}

/// Ends a season.
pub fn end(world: &World, season: Season) {
    for org in [&world.org, &world.twin] {
        match season {
            Season::StorageFull => org.org().set_storage_full(false),
            Season::AsyncUsedUp => org
                .org()
                .limits
                .set_maximum(Allocation::DailyAsyncApexExecutions, EXECUTIONS),
            Season::GatewayAway => org.faults().apex().end(),
        }
    }
}
