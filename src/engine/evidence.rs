//! Evidence: a reading that lost more than events explain is believed only if another answer of Okta bears it out.
//!
//! A weakened admin role answers with short lists, with empty ones and with 404, not with errors. So one of the missing
//! records is asked for by itself or from its other side; if it is there, the reading was short. If it is not, an object
//! that must have records decides whether the role still shows any.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ask::Answer;
use super::ledger::Missing;
use super::reading::{Shape, kind_of, reading};
use super::replica::Replica;
use super::scope::Scope;
use super::status::is_deprovisioned;
use crate::body::Body;
use crate::streams::change::{Identity, Kind, Of, Read};
use crate::streams::{Assembly, STREAMS, Source, Stream, id_of};

/// An object that must have records shows at least this share of them.
const LEAST_SHARE_PERCENT: u64 = 80;
/// How often one path is asked in a run: what it shows does not change from one doubt to the next.
const MOST_ASKED: usize = 3;
/// Objects that are asked, one after another, until one answers.
const MOST_OTHERS: usize = 3;

/// A request that decides on a doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    /// The user whose records are missing: one who was deactivated has lost them.
    User,
    /// One of the missing records.
    Record,
    /// All records of the other object of a missing pair: this id is among them, or not.
    OtherSide(String),
    /// Another object, which must have so many records.
    Other { id: String, expected: u64 },
    /// The object itself whose record is missing, if no other has any.
    Itself,
}

/// A reading that lost more than events explain.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    pub(super) stream: &'static Stream,
    pub(super) scope: Scope,
    pub(super) missing: Missing,
    /// The first manifest that may hold lines of the reading.
    pub(super) since: u64,
    /// When its first request was sent.
    pub(super) began: Timestamp,
    /// Whether its lines differ from what readers held.
    pub(super) differs: bool,
    look: Option<(Look, String)>,
    /// The ticket of the look that is under way.
    ticket: Option<u64>,
    asked: Vec<String>,
    /// Whether one of the asked did not answer, as opposed to being gone.
    has_failed: bool,
    /// Whether one of the asked shows nothing.
    sees_nothing: bool,
    knows_life: bool,
    knows_record: bool,
    knows_itself: bool,
}

/// What a look says of a doubt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The records are gone.
    Believed,
    /// They are not, as another answer shows.
    Contradicted,
    /// Nothing that must be there shows.
    Blind,
    /// Some of what must be there shows, and some does not: an event may be late that explains it.
    Unclear,
    /// No answer decides: the reading is done again.
    Undecided(String),
    /// Another look is needed.
    Open,
}

/// Readings that wait for evidence.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    doubts: Vec<Doubt>,
    /// Streams of which another object showed in this run what it must.
    sound: BTreeMap<&'static str, bool>,
    /// How often a path was asked.
    paths: BTreeMap<String, usize>,
}

impl Doubt {
    pub(super) fn new(
        stream: &'static Stream,
        scope: Scope,
        missing: Missing,
        (since, began, differs): (u64, Timestamp, bool),
        knows_life: bool,
    ) -> Self {
        Self {
            stream,
            scope,
            missing,
            since,
            began,
            differs,
            look: None,
            ticket: None,
            asked: Vec::new(),
            has_failed: false,
            sees_nothing: false,
            knows_life,
            knows_record: false,
            knows_itself: false,
        }
    }

    /// The path of the look that comes next; `None` where none is left.
    fn choose(&mut self, replica: &Replica, is_sound: Option<bool>) -> Option<Verdict> {
        if let (false, Scope::Parent(Kind::User, id)) = (self.knows_life, &self.scope) {
            self.look = Some((Look::User, format!("/api/v1/users/{id}")));
            return None;
        }
        if is_sound == Some(false) {
            return Some(Verdict::Blind);
        }
        if !self.knows_record {
            self.knows_record = true;
            self.look = self.look_at_record();
            if self.look.is_some() {
                return None;
            }
        }
        if is_sound == Some(true) {
            return Some(Verdict::Believed);
        }
        self.look = self.look_at_other(replica);
        if self.look.is_none() && !self.knows_itself && self.asked.is_empty() {
            self.knows_itself = true;
            self.look = self.look_at_itself();
        }
        if self.look.is_some() {
            return None;
        }
        Some(if self.sees_nothing && !self.has_failed {
            Verdict::Blind
        } else if !self.asked.is_empty() && !self.has_failed || self.may_wait(replica) {
            Verdict::Unclear
        } else if !self.asked.is_empty() {
            let asked = self.asked.join(", ");
            Verdict::Undecided(format!(
                "none of {asked} answered, which would decide whether to believe it"
            ))
        } else if self.missing.examples.is_empty() {
            Verdict::Believed
        } else {
            Verdict::Blind
        })
    }

    /// Whether another object will decide, once what is due of it is read.
    fn may_wait(&self, replica: &Replica) -> bool {
        let is_other = |id: &str| !self.scope.names(id);
        self.asked.is_empty()
            && !self.missing.examples.is_empty()
            && (self.missing.found > 0 || replica.ledger.largest(is_other).is_some())
    }

    fn look_at_record(&self) -> Option<(Look, String)> {
        let (first, second) = self.missing.examples.first()?.split_once(':')?;
        let Identity::Pair(first_kind, second_kind) = self.stream.identity else {
            return None;
        };
        if let Some(Read::Object { path }) = self.stream.reread(Of::Pair).map(|reread| &reread.read)
        {
            let path = path.replace("{parent}", first).replace("{child}", second);
            return Some((Look::Record, path));
        }
        let (kind, id, other) = match &self.scope {
            Scope::Parent(kind, _) if *kind == first_kind => (second_kind, second, first),
            _ => (first_kind, first, second),
        };
        let scope = Scope::Parent(kind, id.to_owned());
        let (shape, path) = reading(self.stream, &scope)?;
        matches!(shape, Shape::Records { .. }).then(|| (Look::OtherSide(other.to_owned()), path))
    }

    /// A record whose own request says that it is gone is so if its object still shows.
    fn look_at_itself(&self) -> Option<(Look, String)> {
        let (first, _) = self.missing.examples.first()?.split_once(':')?;
        let Identity::Pair(kind, _) = self.stream.identity else {
            return None;
        };
        self.stream.reread(Of::Pair)?;
        let own = STREAMS
            .iter()
            .find(|own| own.identity == Identity::Object(kind))?;
        let (_, path) = reading(own, &Scope::Object(kind, first.to_owned()))?;
        Some((Look::Itself, path))
    }

    fn look_at_other(&self, replica: &Replica) -> Option<(Look, String)> {
        if self.asked.len() >= MOST_OTHERS {
            return None;
        }
        let is_sure = |id: &str| {
            let is_due = replica.dues.names(id);
            let is_own = self.scope.names(id);
            !is_due && !is_own && !self.asked.iter().any(|asked| asked == id)
        };
        let (id, expected) = replica.ledger.largest(is_sure)?;
        let kind = kind_of(self.stream, id)?;
        let scope = Scope::Parent(kind, id.to_owned());
        let path = match (reading(self.stream, &scope)?, &self.stream.source) {
            ((Shape::Assembled { kind, .. }, _), Source::Assembled { next, .. }) => {
                let assembly = Assembly {
                    kind,
                    parent: id.to_owned(),
                    ..Assembly::default()
                };
                next(&assembly)?.path
            }
            ((_, path), _) => path,
        };
        let look = Look::Other {
            id: id.to_owned(),
            expected,
        };
        Some((look, path))
    }

    fn page_items(&self) -> u64 {
        let of_first = match self.stream.identity {
            Identity::Pair(first, _) => self.stream.reread(Of::All(first)),
            _ => None,
        };
        match of_first.map(|reread| &reread.read) {
            Some(Read::Listing { page_items, .. }) => *page_items,
            _ => 1,
        }
    }

    /// What an answer to the look says.
    fn judge(&mut self, answer: &Answer) -> Verdict {
        let Some((look, _)) = self.look.take() else {
            return Verdict::Open;
        };
        match (look, answer) {
            (Look::User, Answer::Page { body, .. }) => {
                self.knows_life = true;
                if is_deprovisioned(body) {
                    Verdict::Believed
                } else {
                    Verdict::Open
                }
            }
            (Look::User, Answer::Gone) => Verdict::Undecided(
                "Okta no longer shows the user, and no event says that they are gone".to_owned(),
            ),
            (Look::Record, Answer::Page { .. }) => Verdict::Contradicted,
            (Look::OtherSide(id), Answer::Page { body, .. }) => match body.items() {
                Ok(items) if items.iter().any(|item| id_of(item).as_ref() == Some(&id)) => {
                    Verdict::Contradicted
                }
                Ok(items) if !items.is_empty() => Verdict::Believed,
                _ => Verdict::Open,
            },
            (Look::Other { id, expected }, Answer::Page { body, next }) => {
                self.asked.push(id);
                let verdict = self.judge_other(expected, body, next.is_some());
                self.sees_nothing |= verdict == Verdict::Open;
                verdict
            }
            (Look::Itself, Answer::Page { .. }) => Verdict::Believed,
            (Look::Itself, Answer::Gone) => Verdict::Blind,
            (Look::Itself, _) => Verdict::Undecided("Okta does not show the object".to_owned()),
            (Look::Other { id, .. }, answer) => {
                self.has_failed |= !matches!(answer, Answer::Gone);
                self.asked.push(id);
                Verdict::Open
            }
            (
                Look::User | Look::Record | Look::OtherSide(_),
                Answer::Failed { error }
                | Answer::Refused { error }
                | Answer::Unavailable { error },
            ) => Verdict::Undecided(error.clone()),
            (Look::Record | Look::OtherSide(_), _) => Verdict::Open,
            (Look::User, _) => Verdict::Undecided("Okta does not show the user".to_owned()),
        }
    }

    /// What the list of another object says, which must have `expected` records.
    fn judge_other(&self, expected: u64, body: &Body, has_more: bool) -> Verdict {
        let seen = body.items().map_or(0, |items| items.len() as u64);
        let expected = expected.min(self.page_items());
        // Okta may give smaller pages than it is asked for.
        let is_enough = has_more || seen * 100 >= expected * LEAST_SHARE_PERCENT;
        match (seen, is_enough) {
            // It may have lost them as well: the next one decides.
            (0, _) => Verdict::Open,
            (_, true) => Verdict::Believed,
            (_, false) => Verdict::Unclear,
        }
    }
}

impl Evidence {
    pub(super) fn add(&mut self, doubt: Doubt) {
        self.doubts.push(doubt);
    }

    /// Whether a reading of the stream waits for evidence: no snapshot of it may begin meanwhile.
    pub(super) fn concerns(&self, stream: &str) -> bool {
        self.doubts.iter().any(|doubt| doubt.stream.name == stream)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.doubts.is_empty()
    }

    /// The next look that is to be sent: its stream, its scope and its path. Of a stream one is under way at a time, so
    /// that one object may decide for several readings.
    pub(super) fn next(&self) -> Option<(&'static Stream, &Scope, &str)> {
        let is_busy = |stream: &Stream| {
            self.doubts
                .iter()
                .any(|doubt| doubt.stream.name == stream.name && doubt.ticket.is_some())
        };
        self.doubts
            .iter()
            .find(|doubt| doubt.ticket.is_none() && doubt.look.is_some() && !is_busy(doubt.stream))
            .and_then(|doubt| Some((doubt.stream, &doubt.scope, doubt.look.as_ref()?.1.as_str())))
    }

    /// Chooses the looks that are missing; gives the doubts that need none.
    pub(super) fn choose<'r>(
        &mut self,
        replica: impl Fn(&str) -> Option<&'r Replica>,
    ) -> Vec<(Doubt, Verdict)> {
        let mut decided = Vec::new();
        let mut at = 0;
        while at < self.doubts.len() {
            let doubt = &mut self.doubts[at];
            match replica(doubt.stream.name) {
                Some(known) if doubt.ticket.is_none() => {
                    let is_sound = self.sound.get(doubt.stream.name).copied();
                    let is_blind = is_sound == Some(false);
                    let verdict = match doubt.look {
                        Some(_) if !is_blind => None,
                        _ => {
                            doubt.look = None;
                            doubt.choose(known, is_sound)
                        }
                    };
                    let is_worn = |path: &String| self.paths.get(path) >= Some(&MOST_ASKED);
                    match doubt.look.take_if(|(_, path)| is_worn(path)) {
                        Some((Look::Other { id, .. }, _)) => doubt.asked.push(id),
                        Some((Look::User, _)) => doubt.knows_life = true,
                        Some(_) => {}
                        None => {
                            if let Some(verdict) = verdict {
                                if doubt.sees_nothing && verdict == Verdict::Blind {
                                    self.sound.insert(doubt.stream.name, false);
                                }
                                decided.push((self.doubts.remove(at), verdict));
                            } else {
                                at += 1;
                            }
                        }
                    }
                    continue;
                }
                _ => at += 1,
            }
        }
        decided
    }

    pub(super) fn sent(&mut self, stream: &str, scope: &Scope, ticket: u64) {
        let doubt = self
            .doubts
            .iter_mut()
            .find(|doubt| doubt.stream.name == stream && doubt.scope == *scope);
        if let Some(doubt) = doubt {
            doubt.ticket = Some(ticket);
            if let Some((_, path)) = &doubt.look {
                *self.paths.entry(path.clone()).or_default() += 1;
            }
        }
    }

    /// Takes the answer to a look; gives the doubt if it is decided. What is dropped, or meets a limit, is undecided
    /// without a word.
    pub(super) fn take(&mut self, ticket: u64, answer: &Answer) -> Option<(Doubt, Verdict)> {
        let at = self
            .doubts
            .iter()
            .position(|doubt| doubt.ticket == Some(ticket))?;
        let doubt = &mut self.doubts[at];
        doubt.ticket = None;
        let is_other = matches!(doubt.look, Some((Look::Other { .. }, _)));
        let verdict = match answer {
            Answer::Dropped | Answer::Limited { .. } => Verdict::Undecided(String::new()),
            answer => doubt.judge(answer),
        };
        match verdict {
            Verdict::Believed if is_other => drop(self.sound.insert(doubt.stream.name, true)),
            Verdict::Open => return None,
            _ => {}
        }
        Some((self.doubts.remove(at), verdict))
    }

    pub(super) fn clear(&mut self) {
        self.doubts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::by_name;

    fn now() -> Timestamp {
        "2026-11-23T18:00:00Z".parse().unwrap()
    }

    /// A group of which two members are missing, beside another one of two.
    fn doubt() -> (Evidence, Replica) {
        let stream = by_name("group_memberships").unwrap();
        let mut replica = Replica::new(stream);
        for id in ["00g1:00u1", "00g1:00u2", "00g2:00u3", "00g2:00u4"] {
            replica.ledger.line(id, 1, 0);
        }
        let missing = replica.ledger.missing(Some("00g1"), 2, &[]);
        let scope = Scope::Parent(Kind::Group, "00g1".into());
        let mut evidence = Evidence::default();
        evidence.add(Doubt::new(stream, scope, missing, (2, now(), true), true));
        (evidence, replica)
    }

    fn page(items: &serde_json::Value) -> Answer {
        Answer::Page {
            body: items.to_string().into(),
            next: None,
        }
    }

    /// The verdict after these answers, and the paths that were asked.
    fn after(answers: &[Answer]) -> (Option<Verdict>, Vec<String>) {
        let (mut evidence, replica) = doubt();
        let mut asked = Vec::new();
        for (ticket, answer) in answers.iter().enumerate() {
            if let Some((_, verdict)) = evidence.choose(|_| Some(&replica)).pop() {
                return (Some(verdict), asked);
            }
            let (stream, scope, path) = evidence.next().unwrap();
            let (name, scope) = (stream.name, scope.clone());
            asked.push(path.to_owned());
            evidence.sent(name, &scope, ticket as u64);
            if let Some((_, verdict)) = evidence.take(ticket as u64, answer) {
                return (Some(verdict), asked);
            }
        }
        let verdict = evidence.choose(|_| Some(&replica)).pop();
        (verdict.map(|(_, verdict)| verdict), asked)
    }

    #[test]
    fn a_member_who_still_names_the_group_contradicts_its_list() {
        let (verdict, asked) = after(&[page(&serde_json::json!([{"id": "00g0"}, {"id": "00g1"}]))]);
        assert_eq!(verdict, Some(Verdict::Contradicted));
        assert_eq!(asked, ["/api/v1/users/00u1/groups"]);
    }

    #[test]
    fn a_member_who_names_other_groups_bears_its_list_out() {
        let (verdict, _) = after(&[page(&serde_json::json!([{"id": "00g0"}]))]);
        assert_eq!(verdict, Some(Verdict::Believed));
    }

    #[test]
    fn a_role_that_shows_no_other_group_either_is_weakened() {
        let nothing = serde_json::json!([]);
        let (verdict, asked) = after(&[page(&nothing), page(&nothing)]);
        assert_eq!(verdict, Some(Verdict::Blind));
        assert_eq!(asked[1], "/api/v1/groups/00g2/users?limit=1000");
        let other = serde_json::json!([{"id": "00u3"}, {"id": "00u4"}]);
        assert_eq!(
            after(&[Answer::Gone, page(&other)]).0,
            Some(Verdict::Believed)
        );
    }

    #[test]
    fn an_object_that_does_not_answer_decides_nothing() {
        let failed = || Answer::Failed {
            error: "500".into(),
        };
        let (verdict, asked) = after(&[failed()]);
        assert!(
            matches!(verdict, Some(Verdict::Undecided(_))),
            "{verdict:?}"
        );
        assert_eq!(asked.len(), 1);
    }
}
