//! Which of several methods a call means, by the static types of its arguments.

use super::body::BodyCompiler;
use crate::types::Type;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This one.
    One(usize),
    /// None takes these arguments.
    None,
    /// Several do equally well.
    Ambiguous,
}

impl BodyCompiler<'_, '_> {
    /// Chooses the candidate whose parameters are nearest to the arguments.
    pub(crate) fn choose(&self, candidates: &[Vec<Type>], arguments: &[Type]) -> Choice {
        let mut best: Vec<(usize, u32)> = Vec::new();
        for (index, parameters) in candidates.iter().enumerate() {
            let Some(distance) = self.distance(parameters, arguments) else {
                continue;
            };
            match best.first() {
                Some((_, least)) if distance > *least => {}
                Some((_, least)) if distance == *least => best.push((index, distance)),
                _ => best = vec![(index, distance)],
            }
        }
        // An argument of unknown type may mean any of them.
        let open = arguments
            .iter()
            .any(|argument| matches!(argument, Type::Unsupported(_)));
        let applicable = || {
            candidates
                .iter()
                .filter(|c| self.distance(c, arguments).is_some())
        };
        if open && applicable().nth(1).is_some() {
            return Choice::Ambiguous;
        }
        match best.as_slice() {
            [] => Choice::None,
            [(only, _)] => Choice::One(*only),
            several => {
                let most_specific = several.iter().find(|(index, _)| {
                    several
                        .iter()
                        .all(|(other, _)| index == other || self.more_specific(candidates, *index, *other))
                });
                most_specific.map_or(Choice::Ambiguous, |(index, _)| Choice::One(*index))
            }
        }
    }

    fn distance(&self, parameters: &[Type], arguments: &[Type]) -> Option<u32> {
        if parameters.len() != arguments.len() {
            return None;
        }
        let hierarchy = self.unit.hierarchy();
        let mut sum = 0;
        for (parameter, argument) in parameters.iter().zip(arguments) {
            sum += hierarchy.assign(argument, parameter)?.1;
        }
        Some(sum)
    }

    fn more_specific(&self, candidates: &[Vec<Type>], index: usize, other: usize) -> bool {
        let (Some(a), Some(b)) = (candidates.get(index), candidates.get(other)) else {
            return false;
        };
        let hierarchy = self.unit.hierarchy();
        a.iter().zip(b).all(|(x, y)| hierarchy.assign(x, y).is_some())
    }
}
