//! People save records in an org with the package while everything goes wrong that can be made to go wrong, and in a
//! twin org without it: no save may fail because of the package, and nothing may be lost.

mod deeds;
pub mod faults;
pub mod guards;
pub mod record;
pub mod saves;
pub mod truth;
pub mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::ScenarioError;
use world::World;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Saves to make.
    pub saves: u32,
    /// Decides everything.
    pub seed: u64,
    /// The package's source.
    pub package: PathBuf,
    /// Stops at the first violation.
    pub stops_early: bool,
}

/// What a run met.
#[derive(Debug, Default)]
pub struct Report {
    /// Saves made, and rows in them.
    pub saves: u64,
    /// Rows in them.
    pub rows: u64,
    /// Rows that were refused in both orgs.
    pub refused_in_both: u64,
    /// Each fault and each kind of save, and how often it was met.
    pub met: BTreeMap<String, u64>,
    /// What must not be, as far as it is told.
    pub violations: Vec<String>,
    /// How often more it was.
    pub untold: u64,
    /// Records whose news could be kept in no way at all, and which the gateway's own comparison found.
    pub found_by_comparison: u64,
    /// Records compared, each time that all are.
    pub compared: u64,
}

impl Report {
    /// Counts.
    pub fn meet(&mut self, what: &str, times: u64) {
        *self.met.entry(what.to_owned()).or_default() += times;
    }

    /// Notes what must not be.
    pub fn violate(&mut self, what: String) {
        if self.violations.len() < MOST_TOLD {
            self.violations.push(what);
        } else {
            self.untold += 1;
        }
    }
}

/// Violations that are told in full; one cause often leads to one at every quiet moment that follows.
const MOST_TOLD: usize = 20;

/// How many saves lie between two moments at which nothing is wrong and the package must be quick.
const QUIET_EVERY: u32 = 30;

/// Saves from which on everything that is to be met must have been met.
pub const LONG: u32 = 3_000;

/// Runs it. `told` hears how many saves were made, and what came of them so far.
///
/// # Errors
/// When the world itself does not work.
pub async fn run(plan: &Plan, mut told: impl FnMut(u32, &Report)) -> Result<Report, ScenarioError> {
    let mut world = World::start(plan).await?;
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut report = Report::default();
    // The shortest runs, in which a day is most of the work, have one.
    let outages = if plan.saves < 150 {
        vec![plan.saves / 2]
    } else {
        vec![plan.saves / 3, plan.saves * 4 / 5]
    };
    for save in 0..plan.saves {
        faults::season(&mut world, &mut random, &mut report);
        let on_save_path = random.random_range(0..100) < 40 && faults::arm(&mut world, &mut random);
        if on_save_path && random.random_range(0..2) == 0 {
            saves::noted(&mut world, &mut random, &mut report, None).await?;
        } else {
            saves::one(&mut world, &mut random, &mut report).await?;
        }
        world.settle()?;
        world
            .clock
            .advance(Duration::from_secs(random.random_range(1..60)));
        if save % QUIET_EVERY == QUIET_EVERY - 1 {
            quiet(&mut world, &mut random, &mut report).await?;
        }
        if outages.contains(&save) {
            outage(&mut world, &mut random, &mut report).await?;
        }
        if plan.stops_early && !report.violations.is_empty() {
            break;
        }
        told(save + 1, &report);
    }
    faults::end_season(&mut world);
    world.org.faults().apex().end();
    drain(&mut world, &mut report).await?;
    saves::without_room(&mut world, &mut random, &mut report).await?;
    world.settle()?;
    if !plan.stops_early || report.violations.is_empty() {
        truth::check(&mut world, &mut report).await?;
    }
    for (fault, times) in world.org.faults().apex().met() {
        report.meet(&fault, times);
    }
    if plan.saves >= LONG && !plan.stops_early {
        for fault in faults::missed(&report.met) {
            report.violate(format!("{fault}: was never met"));
        }
        if report.found_by_comparison == 0 {
            report.violate("nothing was found by comparison alone".to_owned());
        }
    }
    world.stop().await;
    Ok(report)
}

/// Nothing is wrong: a save is a row and no note to compare, and a single failure is made good within two minutes
/// without another save.
async fn quiet(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    faults::end_season(world);
    world.org.faults().apex().end();
    recover(world)?;
    let notes = world.markers()?;
    saves::plain(world, random, report).await?;
    if world.markers()? > notes {
        report.violate("a save without any trouble became a note to compare its object".to_owned());
    }
    world.settle()?;
    // Without a job a row waits, and is not noted besides.
    let notes = world.markers()?;
    faults::begin(world, faults::Season::AsyncUsedUp);
    saves::plain(world, random, report).await?;
    faults::end(world, faults::Season::AsyncUsedUp);
    if world.markers()? > notes {
        report.violate("a save without a job became a note to compare its object".to_owned());
    }
    // The gateway fails once, with nobody saving after it.
    let failed = faults::gateway_failed();
    world.org.faults().apex().fail_next_callouts(1, failed);
    saves::plain(world, random, report).await?;
    world.settle()?;
    world.org.faults().apex().end();
    let before = world.waiting().await?;
    world.clock.advance(Duration::from_secs(125));
    world.settle()?;
    let after = world.waiting().await?;
    if after > 0 {
        report.violate(format!(
            "two minutes after a failure {after} of {before} rows still wait: {}",
            world.what_waits().await?
        ));
    }
    accidents(world, random, report).await?;
    report.meet("quiet moments", 1);
    if report
        .met
        .get("quiet moments")
        .is_some_and(|times| times % 10 == 0)
    {
        // Salesforce empties recycle bins after 15 days, in which everybody has compared. What is erased before anybody
        // has heard of it would be held for a person, since nobody can tell it from a record that is hidden.
        drain(world, report).await?;
        truth::check(world, report).await?;
        world.org.org().purge_recycle_bin();
        world.twin.org().purge_recycle_bin();
        world.binned.clear();
    }
    Ok(())
}

/// What one accident in the package's own code costs: nothing of what is sent, and one heartbeat.
async fn accidents(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    let empty = emulated_org::faults::CalloutFault::Answered {
        status: 202,
        headers: Vec::new(),
        body: "{}".to_owned(),
    };
    world.org.faults().apex().fail_next_callouts(1, empty);
    saves::plain(world, random, report).await?;
    world.settle()?;
    if world.waiting().await? == 0 {
        report.violate("a row went though no answer spoke of it".to_owned());
    }
    world.clock.advance(Duration::from_secs(125));
    world.settle()?;
    world
        .org
        .faults()
        .apex()
        .fail_method("PendingChange", "of", 0, faults::EXCEPTION);
    saves::plain(world, random, report).await?;
    world.settle()?;
    let after = world.waiting().await?;
    if after > 0 {
        report.violate(format!(
            "{after} rows wait after an accident with one claim: {}",
            world.what_waits().await?
        ));
    }
    let at = random.random_range(0..faults::OF_THE_HEARTBEAT.len());
    if let Some((class, method)) = faults::OF_THE_HEARTBEAT.get(at) {
        let apex = world.org.faults();
        apex.apex().fail_method(class, method, 0, faults::EXCEPTION);
    }
    world.clock.advance(Duration::from_mins(16));
    world.settle()?;
    world.org.faults().apex().end();
    Ok(())
}

/// Lets waits between attempts pass, so that a quiet moment begins without them.
fn recover(world: &mut World) -> Result<(), ScenarioError> {
    for _ in 0..2 {
        world.clock.advance(Duration::from_mins(75));
        world.settle()?;
    }
    Ok(())
}

/// The gateway is away for a day; then the sweeper alone makes good for it.
async fn outage(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    faults::end_season(world);
    world.org.faults().apex().end();
    let refused = |world: &World| {
        let met = world.org.faults().apex().met();
        met.get("callout refused").copied().unwrap_or_default()
    };
    let before = refused(world);
    let away = emulated_org::faults::CalloutFault::Refused;
    world.org.faults().apex().fail_next_callouts(100_000, away);
    let refuses = emulated_org::faults::StatementFault::Refused("STORAGE_LIMIT_EXCEEDED");
    let insert = emulated_org::faults::Statement::Insert;
    world
        .org
        .faults()
        .apex()
        .fail_statements(insert, "Outbox__c", 0, 1, refuses);
    saves::noted(world, random, report, None).await?;
    let notes = world.markers()?;
    // The first of these saves meets the failure, the others wait for the next attempt's time.
    for _ in 0..10 {
        saves::plain(world, random, report).await?;
        world.settle()?;
    }
    let hasty = refused(world) - before;
    if hasty > 4 {
        report.violate(format!("{hasty} attempts within a minute without the gateway"));
    }
    for _ in 0..24 {
        saves::plain(world, random, report).await?;
        world.settle()?;
        world.clock.advance(Duration::from_hours(1));
        world.settle()?;
    }
    if world.markers()? < notes {
        report.violate("a note went though the gateway was away".to_owned());
    }
    let attempts = refused(world) - before;
    // A heartbeat each quarter of an hour, and an attempt to send an hour once waits have grown.
    if attempts > 200 {
        report.violate(format!("{attempts} attempts in a day without the gateway"));
    }
    world.org.faults().apex().end();
    world.clock.advance(Duration::from_mins(75));
    world.settle()?;
    world.clock.advance(Duration::from_mins(16));
    world.settle()?;
    let waiting = world.waiting().await?;
    if waiting > 0 {
        report.violate(format!(
            "{waiting} rows still wait after the gateway came back: {}",
            world.what_waits().await?
        ));
    }
    report.meet("days without the gateway", 1);
    Ok(())
}

/// Lets time pass until nothing waits on either side.
async fn drain(world: &mut World, report: &mut Report) -> Result<(), ScenarioError> {
    for _ in 0..16 {
        world.clock.advance(Duration::from_mins(31));
        world.settle()?;
        if world.waiting().await? == 0 && world.markers()? == 0 {
            world.gateway_rests().await?;
            world.settle()?;
            return Ok(());
        }
        // A comparison that is under way takes real time, and keeps notes waiting meanwhile.
        world.gateway_rests().await?;
    }
    let (rows, notes) = (world.waiting().await?, world.markers()?);
    report.violate(format!(
        "{rows} rows and {notes} notes wait for ever: {}",
        world.what_waits().await?
    ));
    world.gateway_rests().await
}
