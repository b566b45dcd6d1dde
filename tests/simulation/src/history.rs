//! One history: a world from a seed, some steps, and rest. A failing one is made short.

use chrono::TimeDelta;

use causeway_core::ports::runs::RunKind;

use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::world::{Broken, World};

/// Steps that a history has at least.
pub const FEWEST: u32 = 50;
/// Steps that a history has at most.
pub const MOST: u32 = 90;

/// A history to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// What decides everything.
    pub seed: u64,
    /// The steps to take, by number.
    pub steps: Vec<u32>,
}

/// A history that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The history.
    pub history: History,
    /// The step at which it was seen; none at rest.
    pub at: Option<u32>,
    /// What was broken.
    pub broken: Broken,
    /// What happened, where that was asked for.
    pub trace: Vec<String>,
}

impl History {
    /// The whole history of a seed.
    pub fn of(seed: u64) -> History {
        let mut dice = Dice::new(seed, 3);
        let steps = u32::try_from(dice.between(i64::from(FEWEST), i64::from(MOST))).unwrap_or(FEWEST);
        History {
            seed,
            steps: (0..steps).collect(),
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// What broke, and when.
    pub fn run(&self, traced: bool) -> Result<Coverage, Box<Failure>> {
        let fail = |at: Option<u32>, broken: Broken, trace: Option<Vec<String>>| {
            Box::new(Failure {
                history: self.clone(),
                at,
                broken,
                trace: trace.unwrap_or_default(),
            })
        };
        let mut world = World::new(self.seed).map_err(|broken| fail(None, broken, None))?;
        world.trace = traced.then(Vec::new);
        if traced {
            let lines = format!("{:#?}", world.setting);
            world.tell(|| lines);
        }
        for step in &self.steps {
            world.dice = Dice::new(self.seed, 1_000 + u64::from(*step));
            world.tell(|| format!("--- step {step}"));
            if let Err(broken) = world.step() {
                return Err(fail(Some(*step), broken, world.trace));
            }
        }
        world.dice = Dice::new(self.seed, 4);
        world.tell(|| "--- rest".to_owned());
        match world.begin_rest() {
            Ok(()) => Ok(world.met),
            Err(broken) => Err(fail(None, broken, world.trace)),
        }
    }

    /// A shorter history that still fails in the same way, with all that happened in it.
    pub fn shrink(&self) -> Option<Box<Failure>> {
        let failure = self.run(false).err()?;
        let kind = failure.broken.kind();
        let steps: Vec<u32> = match failure.at {
            Some(at) => self.steps.iter().copied().filter(|step| *step <= at).collect(),
            None => self.steps.clone(),
        };
        let of = |steps: &[u32]| History {
            seed: self.seed,
            steps: steps.to_vec(),
        };
        let fails = |steps: &[u32]| {
            let run = of(steps).run(false);
            run.is_err_and(|failure| failure.broken.kind() == kind)
        };
        let steps = shortest(steps, fails);
        of(&steps).run(true).err()
    }

    /// The command that runs it again.
    pub fn command(&self) -> String {
        let whole = History::of(self.seed);
        if whole.steps == self.steps {
            return format!("scripts/simulate --seed {}", self.seed);
        }
        let steps: Vec<String> = self.steps.iter().map(u32::to_string).collect();
        format!(
            "scripts/simulate --seed {} --steps {}",
            self.seed,
            steps.join(",")
        )
    }
}

/// Leaves steps out, in pieces that grow smaller, as long as it still fails without them.
pub fn shortest(steps: Vec<u32>, fails: impl Fn(&[u32]) -> bool) -> Vec<u32> {
    let mut shortest = steps;
    let mut piece = shortest.len().div_ceil(2).max(1);
    loop {
        let mut shrunk = false;
        let mut from = 0;
        while from < shortest.len() {
            let kept = shortest.iter().enumerate();
            let candidate: Vec<u32> = kept
                .filter(|(at, _)| *at < from || *at >= from + piece)
                .map(|(_, step)| *step)
                .collect();
            if fails(&candidate) {
                shortest = candidate;
                shrunk = true;
            } else {
                from += piece;
            }
        }
        if piece == 1 && !shrunk {
            return shortest;
        }
        piece = (piece / 2).max(1);
    }
}

impl World {
    /// Something happens, and everybody works a little.
    ///
    /// # Errors
    /// What broke.
    pub fn step(&mut self) -> Result<(), Broken> {
        if self.serial == 0 {
            self.start_run(RunKind::Initial)?;
        }
        self.act()?;
        self.check_steady()?;
        for _ in 0..self.dice.between(0, 14) {
            let millis = self.dice.between(0, 3_000);
            self.pass(TimeDelta::milliseconds(millis))?;
            let crew = self.workers.len();
            match self.dice.below(crew + 2) {
                0 => {
                    self.pump()?;
                }
                1 => self.read_feed()?,
                worker => {
                    self.work(worker - 2)?;
                }
            }
            self.check_steady()?;
            if self.dice.percent(self.setting.faults.crash) {
                self.crash()?;
            }
        }
        let seconds = self.dice.between(0, 60);
        self.pass(TimeDelta::seconds(seconds))
    }

    fn begin_rest(&mut self) -> Result<(), Broken> {
        self.start_run(RunKind::Initial)?;
        self.come_to_rest()
    }
}
