//! The attempts of one request: which kinds of a second try it has had, and whether it may have another.

use super::Error;
use super::answer::{AnswerTrouble, Size};
use super::asked::Asked;

/// How often a request is sent that fails for no reason of its own.
pub(super) const ATTEMPTS: u32 = 5;
/// How often a request is sent whose answer does not come in time, each for a smaller page: a minute each.
const SLOW: u32 = 4;
/// How often a refused proof is answered with a new one: for a nonce, for the clock, with a new token.
const PROOFS: u32 = 3;
/// How often a refused token is answered with another one.
const RENEWALS: u32 = 3;

/// The attempts of one request so far. Each kind of refusal has tries of its own.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failed: u32,
    slow: u32,
    proofs: u32,
    renewals: u32,
    has_doubted: bool,
    /// The newest trouble, in words.
    trouble: String,
}

/// The next step after trouble.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask again after a pause for so many failures.
    Pause(u32),
    /// Tell the trouble.
    GiveUp,
}

impl Tries {
    /// Whether this is the first attempt.
    pub(super) fn is_first(&self) -> bool {
        self.failed + self.proofs + self.renewals == 0 && !self.has_doubted
    }

    /// How often it has failed.
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }

    /// The newest trouble, in words.
    pub(super) fn trouble(&self) -> &str {
        &self.trouble
    }

    /// The end of a request that has no time left, or no tries: it has failed if it met trouble, however often it could
    /// be sent.
    pub(super) fn verdict(&self, error: Error, asked: &Asked) -> Error {
        if error != Error::OutOfTime || self.trouble.is_empty() {
            return error;
        }
        let (path, trouble, failed) = (asked.path(), &self.trouble, self.failed.max(1));
        Error::Failed(format!("GET {path}: {trouble} (after {failed} attempts)"))
    }

    /// Whether this is the first doubt: a refusal that may pass.
    pub(super) fn doubt(&mut self) -> bool {
        !std::mem::replace(&mut self.has_doubted, true)
    }

    /// How often the token was refused, this time included; `None` after the last try.
    pub(super) fn renew(&mut self) -> Option<u32> {
        self.renewals += 1;
        (self.renewals <= RENEWALS).then_some(self.renewals)
    }

    /// How many proofs were refused, this one included; `None` after the last try.
    pub(super) fn prove(&mut self) -> Option<u32> {
        self.proofs += 1;
        (self.proofs <= PROOFS).then_some(self.proofs)
    }

    /// Notes trouble of a request that has no pages.
    pub(super) fn fail(&mut self) -> Next {
        self.failed += 1;
        if self.failed < ATTEMPTS {
            Next::Pause(self.failed)
        } else {
            Next::GiveUp
        }
    }

    /// Notes trouble of a request for a page, and makes the request easier where that may help: a smaller page
    /// first, and on the smallest one without decoration.
    pub(super) fn fail_on(&mut self, trouble: AnswerTrouble, asked: &mut Asked) -> Next {
        self.trouble = trouble.text;
        let is_worth_less = match trouble.size {
            Size::Indifferent => false,
            Size::Suspect => self.failed > 0,
            Size::TooMuch | Size::Slow => true,
        };
        self.slow += u32::from(trouble.size == Size::Slow);
        if self.slow >= SLOW {
            return Next::GiveUp;
        }
        let is_eased = is_worth_less && (asked.halve() || asked.undecorate());
        if is_eased || (trouble.size == Size::Suspect && self.failed == 0) {
            self.failed += 1;
            return Next::Pause(self.failed.min(ATTEMPTS));
        }
        // A body that is too large stays so.
        if matches!(trouble.size, Size::TooMuch | Size::Slow) {
            Next::GiveUp
        } else {
            self.fail()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(size: Size, target: &str) -> Vec<String> {
        let (mut tries, mut asked) = (Tries::default(), Asked::new(target, ""));
        let trouble = || AnswerTrouble {
            text: "no".into(),
            size,
        };
        let mut sent = vec![asked.target().to_owned()];
        while tries.fail_on(trouble(), &mut asked) != Next::GiveUp {
            sent.push(asked.target().to_owned());
        }
        sent
    }

    #[test]
    fn a_page_that_fails_again_is_halved_until_the_floor_and_then_left() {
        let sizes = |size, target| -> Vec<u32> {
            targets(size, target)
                .iter()
                .map(|target| super::super::link::limit_of(target).unwrap())
                .collect()
        };
        assert_eq!(
            sizes(Size::Suspect, "/u?limit=200"),
            [200, 200, 100, 50, 25, 12, 10]
        );
        assert_eq!(
            sizes(Size::TooMuch, "/u?limit=200"),
            [200, 100, 50, 25, 12, 10]
        );
        assert_eq!(sizes(Size::Slow, "/u?limit=200"), [200, 100, 50, 25]);
        assert_eq!(sizes(Size::Indifferent, "/u?limit=200"), [200; 5]);
        assert_eq!(sizes(Size::Suspect, "/u?limit=1"), [1; 5]);
        assert_eq!(targets(Size::Suspect, "/u").len(), 5);
        assert_eq!(targets(Size::TooMuch, "/u").len(), 1);
    }

    #[test]
    fn decoration_goes_last_and_the_page_is_whole_again() {
        let sent = targets(Size::Suspect, "/g?limit=40&expand=stats");
        assert_eq!(
            sent[..5],
            [
                "/g?limit=40&expand=stats",
                "/g?limit=40&expand=stats",
                "/g?limit=20&expand=stats",
                "/g?limit=10&expand=stats",
                "/g?limit=40"
            ]
        );
        assert_eq!(sent[5..], ["/g?limit=20", "/g?limit=10"]);
    }
}
