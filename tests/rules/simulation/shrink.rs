//! A history that fails, reduced to the steps that it needs.

use super::case::{Case, Step};
use super::driver::Run;
use super::invariants::Violation;

/// The shortest case found that breaks the same invariant.
///
/// # Panics
/// If the case breaks none.
pub fn shrunk(case: &Case) -> (Case, Violation) {
    by(case, |case| case.play(None).err())
}

/// As [`shrunk`], as `play` judges.
pub fn by(case: &Case, play: impl Fn(&Case) -> Option<Violation>) -> (Case, Violation) {
    let mut best = case.clone();
    let mut violation = play(&best).expect("a case that fails");
    let rule = violation.rule;
    let mut try_out = |case: Case, best: &mut Case| {
        let Some(found) = play(&case).filter(|found| found.rule == rule) else {
            return false;
        };
        (*best, violation) = (case, found);
        true
    };
    // Large parts first, then single steps.
    let mut size = best.steps.len().max(1);
    while size > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let mut case = best.clone();
            case.steps.drain(at..(at + size).min(best.steps.len()));
            if !try_out(case, &mut best) {
                at += size;
            }
        }
        size /= 2;
    }
    for at in 0..best.steps.len() {
        if let Step::Run(run) = &best.steps[at] {
            let mut case = best.clone();
            case.steps[at] = Step::Run(Run {
                full: run.full,
                ..Run::default()
            });
            try_out(case, &mut best);
        }
    }
    for plain in [
        Case {
            page: None,
            ..best.clone()
        },
        Case {
            has_crowd: false,
            ..best.clone()
        },
    ] {
        try_out(
            Case {
                steps: best.steps.clone(),
                ..plain
            },
            &mut best,
        );
    }
    (best, violation)
}
