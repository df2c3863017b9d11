//! One stream: what readers hold of it, what may differ from that, and the snapshot that is being read.
//!
//! No work is stored: what is to be read follows from the scopes that are due, the age of the newest complete snapshot,
//! and what the ledger lacks. What is forgotten passes [`Replica::judge`] or [`Replica::conclude`], and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ask::Parked;
use super::due::{CLOCK_MARGIN, Cover, Due, Dues, Kept, LONGEST_DOUBT, News, Rank, Retry, Why};
use super::ledger::{ANY, Claim, Counts, Ledger, Missing, Says};
use super::lists::Rest;
use super::reading::{kind_of, reading};
use super::scope::Scope;
use super::sweep::Swept;
use crate::streams::change::{Identity, Kind};
use crate::streams::{Listing, Stream};

/// Parts that a complete snapshot may leave out.
pub(super) const MOST_EXCEPTED: usize = 100;
/// A snapshot is held if it lacks more than this share of what readers hold …
const MOST_LOST_PERCENT: u64 = 20;
/// … and more than so many records, or all of them.
const MOST_LOST: u64 = 100;
/// Readings of a stream that a run lets fail before it leaves the stream alone, if most fail …
const MOST_FAILURES: usize = 50;
/// … and if the stream was in trouble when the run began.
const FEW_FAILURES: usize = 5;
/// Readings of a stream in trouble that every run tries, whatever their time.
const PROBES: usize = 3;
/// Readings in a row that wait for a late event: the last one is done after three hours and a half.
const MOST_AWAITED: u32 = 6;
/// Failing readings of a stream that the cursor keeps; with more, the stream fails as a whole.
const MOST_FAILING: usize = 1_500;
/// Parts for which Okta says that the org lacks the feature, after which it is believed of the others.
const FEW_LACKING: usize = 3;
/// Readings that are kept of a stream whose readings fail, or that a snapshot is about to answer.
const MOST_DUES: usize = 3_000;
/// Changes that are kept while they wait for a snapshot that costs fewer requests.
const MOST_AWAITING: usize = 1_000;
/// Pause before a snapshot begins again that failed as a whole; three times as long after each further one.
const FIRST_REST: SignedDuration = SignedDuration::from_mins(5);
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);
/// A snapshot of no more requests is read again for an event that names no record, for so long.
const FEW_REQUESTS: u64 = 100;
const DOUBT_OF_ALL: SignedDuration = SignedDuration::from_mins(10);
/// Bytes of an error's text that the cursor keeps.
const MOST_ERROR_BYTES: usize = 400;

/// A snapshot that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pass {
    /// When it began, by our clock.
    began: Timestamp,
    /// The first manifest that may hold lines of it.
    since: u64,
    /// Listings that are not read to their end.
    left: Vec<String>,
    /// Parts whose reading ended well.
    #[serde(default)]
    answered: u64,
    /// Lines that were read.
    #[serde(default)]
    lines: u64,
    /// Requests that were answered for it.
    #[serde(default)]
    requests: u64,
    /// Records that readers held when it began.
    #[serde(default)]
    held: u64,
}

impl Pass {
    /// The snapshot as an older version left it: `counts` are parts answered, lines and requests.
    pub(super) fn resumed(
        began: Timestamp,
        since: u64,
        left: Vec<String>,
        (answered, lines, requests): (u64, u64, u64),
        held: u64,
    ) -> Self {
        Self {
            began,
            since,
            left,
            answered,
            lines,
            requests,
            held,
        }
    }
}

/// The newest complete snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Complete {
    /// When it began.
    #[serde(rename = "started_at")]
    pub(super) began: Timestamp,
    /// The first manifest that may hold lines of it.
    #[serde(default)]
    pub(super) since_sequence: u64,
    /// Its lines.
    pub(super) lines: u64,
    /// Requests that it took.
    #[serde(default)]
    pub(super) requests: u64,
    /// Parts that it left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) except: Vec<String>,
}

/// A snapshot that was read to its end and is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Held {
    pub(super) began: Timestamp,
    pub(super) missing: u64,
    pub(super) found: u64,
    #[serde(default)]
    pub(super) examples: Vec<String>,
}

/// A feature that the org does not have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lack {
    /// When Okta said so.
    pub(super) at: Timestamp,
    /// Okta's words.
    pub(super) error: String,
}

/// A stream as the cursor keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeptReplica {
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) asked: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) accepted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pass: Option<Pass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) complete: Option<Complete>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<Held>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lacks: Option<Lack>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rest: Option<Rest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) dues: Vec<Kept>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) swept: Option<Swept>,
    /// What Okta said last of objects that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Numbers of an older version's cursor, in place of a ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Counts>,
}

impl KeptReplica {
    /// Whether it differs in more than sweeps that are due by time alone: the next run knows that by itself.
    pub(super) fn differs_beside_sweeps(&self, other: &Self) -> bool {
        let rest = |kept: &Self| Self {
            swept: None,
            counts: None,
            ..kept.clone()
        };
        let refused = |kept: &Self| kept.swept.as_ref().and_then(Swept::refused_at);
        let sweep = |kept: &Self| {
            let reading = kept.swept.as_ref()?.reading()?;
            let is_routine = reading.cause.is_none() && reading.position.is_none();
            (!is_routine).then(|| reading.clone())
        };
        rest(self) != rest(other) || sweep(self) != sweep(other) || refused(self) != refused(other)
    }
}

/// How a snapshot stands that may be at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// There is more to read, or no snapshot.
    Open,
    /// Its parts do not answer: it cannot end as long as that lasts.
    Stuck,
    /// The org lacks the feature, as every part says.
    Lacking,
    /// It is read, but for parts that it may leave out.
    Read,
}

/// The end of a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Concluded {
    /// What it did not repeat is gone.
    Complete {
        since: u64,
        except: Vec<String>,
        kept_sequences: Option<Vec<u64>>,
    },
    /// It is not believed.
    Held,
}

/// One stream of the org, as readers hold it and as it may differ.
#[derive(Debug, Clone)]
pub(super) struct Replica {
    stream: &'static Stream,
    pub(super) dues: Dues,
    pub(super) ledger: Ledger,
    pub(super) swept: Option<Swept>,
    asked: bool,
    accepted: bool,
    pass: Option<Pass>,
    complete: Option<Complete>,
    held: Option<Held>,
    lacks: Option<Lack>,
    rest: Option<Rest>,
    error: Option<String>,
    /// Left alone for the rest of the run, for this reason.
    parked: Option<Parked>,
    is_stuck: bool,
    /// Parts of the open snapshot for which Okta says that the org lacks the feature, and its words.
    lacking: usize,
    lacking_error: Option<String>,
    /// Readings of this run that failed, and those that ended well.
    failed: usize,
    ended: usize,
    was_troubled: bool,
    /// Changes that no answer has borne out for a day, let go in this run.
    contradicted: u64,
}

impl Replica {
    #[cfg(test)]
    pub(super) fn new(stream: &'static Stream) -> Self {
        Self::read(stream, KeptReplica::default(), Timestamp::UNIX_EPOCH)
    }

    pub(super) fn read(stream: &'static Stream, kept: KeptReplica, now: Timestamp) -> Self {
        let is_nested = matches!(stream.identity, Identity::Pair(..) | Identity::Principal(_));
        let mut ledger = Ledger::new(is_nested);
        if let Some(counts) = kept.counts {
            ledger.lose(counts);
        }
        let dues = Dues::read(kept.dues, now);
        Self {
            stream,
            was_troubled: dues.failing() > 0,
            dues,
            ledger,
            swept: kept.swept,
            asked: kept.asked,
            accepted: kept.accepted,
            pass: kept.pass,
            complete: kept.complete,
            held: kept.held,
            lacks: kept.lacks,
            rest: kept.rest,
            error: kept.error,
            parked: None,
            is_stuck: false,
            lacking: 0,
            lacking_error: None,
            failed: 0,
            ended: 0,
            contradicted: 0,
        }
    }

    pub(super) fn kept(&self) -> KeptReplica {
        KeptReplica {
            asked: self.asked,
            accepted: self.accepted,
            pass: self.pass.clone(),
            complete: self.complete.clone(),
            held: self.held.clone(),
            lacks: self.lacks.clone(),
            rest: self.rest.clone(),
            dues: self.dues.kept(),
            swept: self.swept.clone(),
            error: self
                .error
                .clone()
                .filter(|_| self.dues.failing() > 0 || self.rest.is_some()),
            counts: None,
        }
    }

    /// Whether a snapshot of it was ever begun.
    pub(super) fn is_known(&self) -> bool {
        self.pass.is_some() || self.complete.is_some() || self.held.is_some() || self.asked
    }

    pub(super) fn complete(&self) -> Option<&Complete> {
        self.complete.as_ref()
    }

    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    pub(super) fn lacks(&self) -> Option<&Lack> {
        self.lacks.as_ref()
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(super) fn rests(&self) -> bool {
        self.rest.is_some()
    }

    pub(super) fn contradicted(&self) -> u64 {
        self.contradicted
    }

    pub(super) fn is_open(&self) -> bool {
        self.pass.is_some()
    }

    /// Whether a snapshot is asked for that will begin in this run.
    pub(super) fn begins_anew(&self) -> bool {
        self.cover() == Cover::All && !self.is_stuck && self.parked.is_none()
    }

    pub(super) fn parked(&self) -> Option<&Parked> {
        self.parked.as_ref()
    }

    /// Leaves the stream alone for the rest of the run.
    pub(super) fn park(&mut self, why: Parked) {
        self.parked.get_or_insert(why);
    }

    /// Whether it is left alone for another reason than a limit.
    pub(super) fn has_failed(&self) -> bool {
        self.parked
            .as_ref()
            .is_some_and(|why| *why != Parked::Limited)
    }

    /// Whether what happened then is in what readers hold, or is no news because nothing was promised yet.
    pub(super) fn knows(&self, published: Option<Timestamp>) -> bool {
        let is_before =
            |at: Timestamp| published.is_some_and(|published| published < at - CLOCK_MARGIN);
        match (&self.complete, &self.pass) {
            (Some(complete), _) => is_before(complete.began),
            (None, Some(pass)) => is_before(pass.began),
            (None, None) => true,
        }
    }

    /// Makes a snapshot due, beside one that is open: that began too early.
    pub(super) fn ask(&mut self, now: Timestamp) {
        if !self.stream.listings().is_empty() && self.is_known() {
            self.asked = true;
            self.refresh(now);
        }
    }

    /// Takes a wish for a snapshot: it joins one that is open.
    pub(super) fn wish(&mut self, now: Timestamp) {
        self.asked |= self.pass.is_none();
        self.rest = None;
        self.refresh(now);
    }

    /// Lets the snapshot through that is held, or the next one if readings of objects are.
    pub(super) fn accept(&mut self, now: Timestamp) {
        if self.held.is_some() || self.short().next().is_some() {
            self.accepted = true;
            self.wish(now);
        }
    }

    /// Makes a scope due. The records that readers may lose or gain by it are claimed of the ledger beforehand.
    pub(super) fn touch(&mut self, scope: Scope, mut due: Due, now: Timestamp) {
        if let Some(news) = &mut due.news {
            news.heard = self.after_pass(news.heard);
        }
        let is_covered = due
            .news
            .as_ref()
            .is_some_and(|news| self.cover().covers(news.touched, news.heard));
        if self.dues.len() >= MOST_DUES
            && self.dues.get(&scope).is_none()
            && (is_covered || self.has_failed() || self.dues.failing() > MOST_EXCEPTED)
        {
            // The whole is wider: nothing is lost.
            if !is_covered {
                self.ask(now);
            }
            return;
        }
        self.dues.add(scope, due, now);
    }

    /// Claims of records, if what they say may still differ from what readers hold.
    pub(super) fn claim(&mut self, id: String, claim: Claim) {
        let heard = self.after_pass(claim.heard);
        // What the held snapshot lacks may be explained now.
        self.asked |= self.held.is_some() && matches!(claim.says, Says::Gone | Says::Less);
        self.ledger.claim(id, Claim { heard, ..claim });
    }

    /// Takes the end of an object, which explains all that is missing of it.
    pub(super) fn end_object(&mut self, id: &str, now: Timestamp) {
        self.asked |= self.held.is_some();
        self.ledger.end(id, now);
    }

    /// What is heard now is heard after the open snapshot began, however coarse the clock is.
    fn after_pass(&self, heard: Timestamp) -> Timestamp {
        match &self.pass {
            Some(pass) if heard <= pass.began => pass.began + SignedDuration::from_nanos(1),
            _ => heard,
        }
    }

    /// Whether a snapshot should begin: asked for, never had, or the last one is too old.
    pub(super) fn is_due(&self, now: Timestamp, interval: SignedDuration) -> bool {
        if self.rest.as_ref().is_some_and(|rest| rest.until > now) {
            return false;
        }
        let began = self
            .held
            .as_ref()
            .map(|held| held.began)
            .or(self.complete.as_ref().map(|complete| complete.began));
        let newest = self.lacks.as_ref().map(|lack| lack.at).max(began);
        self.asked || newest.is_none_or(|newest| now.duration_since(newest) >= interval)
    }

    /// Whether the open snapshot has still to read this listing.
    pub(super) fn is_left(&self, listing: &Listing) -> bool {
        self.pass
            .as_ref()
            .is_some_and(|pass| pass.left.iter().any(|left| left == listing.name))
    }

    /// Begins a snapshot that reads `listings` and whose lines stand in manifest `since` or later.
    pub(super) fn begin(&mut self, since: u64, listings: Vec<String>, now: Timestamp) {
        self.pass = Some(Pass {
            began: now,
            since,
            left: listings,
            answered: 0,
            lines: 0,
            requests: 0,
            held: self.ledger.held(),
        });
        self.asked = false;
        self.lacks = None;
        self.is_stuck = false;
        (self.lacking, self.lacking_error) = (0, None);
        self.dues.restart_all(self.stream.rereads.is_empty(), now);
        if self.stream.sweep.is_some() && self.swept.is_none() {
            // Nothing is known of it yet, so that nothing can be missed.
            self.swept = Some(Swept::until(now));
        }
        self.refresh(now);
    }

    /// Notes that a listing was read to its end.
    pub(super) fn listed(&mut self, listing: &str) {
        if let Some(pass) = &mut self.pass {
            pass.left.retain(|left| left != listing);
        }
    }

    /// Counts lines and requests of the open snapshot.
    pub(super) fn count(&mut self, lines: u64, requests: u64) {
        if let Some(pass) = &mut self.pass {
            pass.lines += lines;
            pass.requests += requests;
        }
    }

    /// Lines of the open snapshot, and whether all its listings are read.
    pub(super) fn pass_lines(&self) -> Option<(u64, bool)> {
        self.pass
            .as_ref()
            .map(|pass| (pass.lines, pass.left.is_empty()))
    }

    /// How the open snapshot stands.
    pub(super) fn readiness(&self) -> Readiness {
        let Some(pass) = &self.pass else {
            return Readiness::Open;
        };
        let (left, failed) = self.dues.parts();
        if !pass.left.is_empty() || left > failed {
            return Readiness::Open;
        }
        if pass.answered == 0 && self.lacking > 0 {
            return Readiness::Lacking;
        }
        if failed > MOST_EXCEPTED || failed as u64 > pass.answered {
            return Readiness::Stuck;
        }
        Readiness::Read
    }

    /// Lets a snapshot that cannot end hold nothing up; one that is too old, or asked for anew, is given up.
    pub(super) fn get_stuck(&mut self, interval: SignedDuration, now: Timestamp) -> bool {
        let is_old = self
            .pass
            .as_ref()
            .is_some_and(|pass| now.duration_since(pass.began) >= interval);
        if self.asked || is_old {
            return true;
        }
        self.is_stuck = true;
        self.refresh(now);
        false
    }

    /// Ends the open snapshot, all of which was read but for parts that do not answer: what it did not repeat is gone,
    /// unless that is not to be believed.
    pub(super) fn conclude(&mut self, now: Timestamp) -> Option<Concluded> {
        let pass = self.pass.take()?;
        let except = self.left_parts();
        let missing = self.ledger.missing(None, pass.since, &except);
        if self.doubts(&missing, &pass) {
            self.held = Some(Held {
                began: pass.began,
                missing: missing.unexplained,
                found: missing.found,
                examples: missing.examples,
            });
            self.read_parts_alone(now);
            self.leave_parts(now);
            return Some(Concluded::Held);
        }
        let cover = Cover::Since(pass.began);
        let contradicted = self.ledger.settle_all(pass.since, &except, |claim| {
            cover.covers(claim.at, claim.heard)
        });
        let doubted: BTreeMap<_, _> = contradicted
            .iter()
            .filter_map(|(id, claim)| self.doubted(id, *claim, now))
            .collect();
        self.settle_dues(cover, &doubted, now);
        doubted
            .into_iter()
            .for_each(|(scope, claim)| self.doubt_claim(scope, claim, now));
        (self.held, self.accepted, self.lacks, self.rest) = (None, false, None, None);
        if let Some(swept) = &mut self.swept {
            swept.move_to(pass.began);
        }
        self.complete = Some(Complete {
            began: pass.began,
            since_sequence: pass.since,
            lines: pass.lines,
            requests: pass.requests,
            except: except.clone(),
        });
        self.refresh(now);
        Some(Concluded::Complete {
            since: pass.since,
            kept_sequences: self.ledger.kept_sequences(pass.since, &except),
            except,
        })
    }

    fn left_parts(&self) -> Vec<String> {
        let parts = self.dues.iter().filter(|(_, due)| due.is_part);
        parts
            .filter_map(|(scope, _)| scope.id().map(str::to_owned))
            .collect()
    }

    /// Whether the open snapshot, which is read, lacks more than the events explain that were read so far.
    pub(super) fn is_doubtful(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| {
            let missing = self.ledger.missing(None, pass.since, &self.left_parts());
            self.doubts(&missing, pass)
        })
    }

    fn doubts(&self, missing: &Missing, pass: &Pass) -> bool {
        self.complete.is_some() && !self.accepted && is_too_much(missing, pass.held)
    }

    /// Ends what a complete snapshot answers, but for what it contradicts.
    fn settle_dues(&mut self, cover: Cover, doubted: &BTreeMap<Scope, Claim>, now: Timestamp) {
        let is_answered = |news: &News| cover.covers(news.touched, news.heard);
        self.dues.retain(|scope, due| {
            due.is_part || doubted.contains_key(scope) || !due.news.as_ref().is_none_or(is_answered)
        });
        self.read_parts_alone(now);
    }

    /// Has parts that a snapshot leaves out read on by themselves.
    fn read_parts_alone(&mut self, now: Timestamp) {
        let parts = self.dues.iter().filter(|(_, due)| due.is_part);
        let parts: Vec<_> = parts.map(|(scope, _)| scope.clone()).collect();
        for scope in parts {
            self.dues.update(&scope, now, |due| {
                due.is_part = false;
                due.news.get_or_insert_with(|| News::unnamed(now));
            });
        }
    }

    /// The scope of a claim that a complete snapshot contradicts; one that is too old is let go.
    fn doubted(&mut self, id: &str, claim: Claim, now: Timestamp) -> Option<(Scope, Claim)> {
        let named = |kind: &&Kind| kind.names("", id);
        let scope = match (id.split_once(':'), self.stream.identity) {
            _ if id == ANY => Some(Scope::Whole),
            (Some((first, second)), Identity::Pair(..)) => {
                Some(Scope::Pair(first.to_owned(), second.to_owned()))
            }
            (None, Identity::Pair(first, second)) => [first, second]
                .iter()
                .find(named)
                .map(|kind| Scope::Parent(*kind, id.to_owned())),
            (None, Identity::Principal(_)) => {
                kind_of(self.stream, id).map(|kind| Scope::Parent(kind, id.to_owned()))
            }
            (_, Identity::Object(_) | Identity::Own) => {
                kind_of(self.stream, id).map(|kind| Scope::Object(kind, id.to_owned()))
            }
            (Some(_), Identity::Principal(_)) => None,
        };
        let longest = if id == ANY {
            self.longest_doubt_of_all()
        } else {
            LONGEST_DOUBT
        };
        let is_young = now.duration_since(claim.heard) < longest;
        if let Some(scope) = scope.filter(|_| is_young) {
            return Some((scope, claim));
        }
        self.contradicted += u64::from(id != ANY);
        self.ledger.drop_claim(id);
        None
    }

    /// How long the whole is read again for an event that names no record, and that takes none away as it seems.
    fn longest_doubt_of_all(&self) -> SignedDuration {
        let requests = self.complete.as_ref().map(|complete| complete.requests);
        if requests.is_some_and(|requests| requests <= FEW_REQUESTS) {
            DOUBT_OF_ALL
        } else {
            SignedDuration::ZERO
        }
    }

    /// Makes due again what a complete snapshot says otherwise than an event: it was read too soon. What was in doubt
    /// before stays so.
    fn doubt_claim(&mut self, scope: Scope, claim: Claim, now: Timestamp) {
        if self.dues.get(&scope).is_some_and(|due| due.retry.is_some()) {
            return;
        }
        let news = News {
            since: claim.at,
            touched: claim.at,
            ..News::unnamed(now)
        };
        self.dues.add(scope.clone(), Due::changed(news), now);
        self.dues
            .sink(&scope, Why::Contradicted { since: claim.heard }, now);
    }

    /// Asks for a snapshot of what is in doubt and has no reading of its own; whether one is asked for.
    pub(super) fn ask_for_doubted(&mut self, now: Timestamp) -> bool {
        let stream = self.stream;
        let doubted: Vec<_> = self
            .dues
            .ready(Rank::Again)
            .filter(|scope| is_only_whole(stream, scope))
            .filter_map(|scope| Some((scope.clone(), self.dues.get(scope)?.retry.clone()?.why)))
            .collect();
        if self.parked.is_some() || doubted.is_empty() {
            return false;
        }
        for (scope, why) in doubted {
            self.dues.sink(&scope, why, now);
        }
        self.ask(now);
        true
    }

    /// Gives up the open snapshot; it stays due if there was one before.
    pub(super) fn abandon(&mut self, now: Timestamp) {
        if self.pass.take().is_some() {
            self.asked |= self.complete.is_some();
        }
        self.leave_parts(now);
    }

    fn leave_parts(&mut self, now: Timestamp) {
        let scopes: Vec<_> = self.dues.iter().map(|(scope, _)| scope.clone()).collect();
        for scope in scopes {
            self.dues.update(&scope, now, |due| due.is_part = false);
        }
        self.dues.retain(|_, due| due.news.is_some());
        self.is_stuck = false;
        self.refresh(now);
    }

    /// The org does not have the stream's feature: its snapshot, when next due, asks for it again.
    pub(super) fn lack(&mut self, error: String, now: Timestamp) {
        self.abandon(now);
        self.dues.retain(|_, _| false);
        self.park(Parked::NotApplicable(error.clone()));
        self.asked = false;
        self.lacks = Some(Lack { at: now, error });
    }

    /// One object lacks the feature, and is left out. If the first ones do and no other has any, the org does.
    pub(super) fn lack_of_one(&mut self, scope: &Scope, error: String, now: Timestamp) {
        let is_part = self.dues.get(scope).is_some_and(|due| due.is_part);
        let answered = self.pass.as_ref().map_or(0, |pass| pass.answered);
        self.lacking += usize::from(is_part);
        if is_part && answered == 0 && self.lacking >= FEW_LACKING {
            return self.lack(error, now);
        }
        self.lacking_error = Some(error);
        self.dues.update(scope, now, |due| due.place = None);
        self.dues.sink(scope, Why::Lacking, now);
    }

    /// The org's words on the feature that every part lacks.
    pub(super) fn lacking_error(&self) -> Option<String> {
        self.lacking_error.clone()
    }

    /// What a reading of all records of an object did not repeat.
    pub(super) fn judge(&self, id: &str, since: u64, named: &[String]) -> Missing {
        let mut missing = self.ledger.missing(Some(id), since, named);
        let finds_none = missing.found == 0 && named.is_empty();
        if finds_none && missing.unexplained == 0 && self.ledger.is_unsure(id) {
            missing.unexplained = 1;
        }
        missing
    }

    /// Whether a reading forgets what it does not repeat: one for events that no open snapshot answers.
    pub(super) fn forgets(&self, due: &Due) -> bool {
        due.news
            .as_ref()
            .is_some_and(|news| !self.cover().covers(news.touched, news.heard))
    }

    /// Ends a reading that went well: the scope stays due if an event was heard since its first request was sent, or if
    /// the reading contradicts one.
    pub(super) fn end(&mut self, scope: &Scope, contradicts: bool, now: Timestamp) {
        self.ended += 1;
        let Some(due) = self.dues.get(scope) else {
            return;
        };
        if due.is_part
            && let Some(pass) = &mut self.pass
        {
            pass.answered += 1;
        }
        let is_covered = due
            .news
            .as_ref()
            .is_some_and(|news| self.cover().covers(news.touched, news.heard));
        if due.is_part && is_covered {
            // The snapshot answers it, if it is believed.
            return self.dues.update(scope, now, |due| {
                (due.is_part, due.place) = (false, None);
                due.retry = due.retry.take().filter(Retry::is_doubt);
            });
        }
        let failed_for_good = due.retry.as_ref().is_some_and(|retry| {
            !matches!(
                retry.why,
                Why::Contradicted { .. } | Why::Short { .. } | Why::Absent
            )
        });
        let is_later = due.is_stale;
        if contradicts && !is_later && self.doubts_again(scope, now) {
            return;
        }
        let rest = self.dues.remove(scope).filter(|_| is_later);
        if let Some(news) = rest.and_then(|due| due.news) {
            self.dues.add(scope.clone(), Due::changed(news), now);
        }
        if failed_for_good {
            // Okta answers again: perhaps for the others, too, and what is held may be judged otherwise.
            self.dues.wake(usize::MAX, now);
            if self.held.is_some() {
                self.ask(now);
            }
        }
    }

    /// Sinks a reading that contradicts its event; one that does so for a day is let go.
    fn doubts_again(&mut self, scope: &Scope, now: Timestamp) -> bool {
        let retry = self.dues.get(scope).and_then(|due| due.retry.as_ref());
        let since = match retry.map(|retry| &retry.why) {
            Some(Why::Contradicted { since }) => *since,
            _ => now,
        };
        if now.duration_since(since) >= LONGEST_DOUBT {
            self.ledger.let_go(scope);
            self.contradicted += 1;
            return false;
        }
        self.dues.update(scope, now, |due| {
            (due.is_part, due.place, due.item) = (false, None, None);
            due.news.get_or_insert_with(|| News::unnamed(now));
        });
        self.dues.sink(scope, Why::Contradicted { since }, now);
        true
    }

    /// Sinks a reading that failed; if most readings of the stream fail, the run leaves the stream alone.
    pub(super) fn fail(&mut self, scope: &Scope, why: Why, mut error: String, now: Timestamp) {
        let end = (0..=MOST_ERROR_BYTES.min(error.len()))
            .rev()
            .find(|end| error.is_char_boundary(*end));
        error.truncate(end.unwrap_or_default());
        let parks = match why {
            Why::Refused => Parked::Unavailable(error.clone()),
            _ => Parked::Failed(error.clone()),
        };
        self.dues.update(scope, now, |due| match &mut due.place {
            Some(place) if place.position.is_some() && place.failures < 2 => place.failures += 1,
            place => *place = None,
        });
        self.dues.sink(scope, why, now);
        self.error = Some(error);
        self.failed += 1;
        let most = if self.was_troubled {
            FEW_FAILURES
        } else {
            MOST_FAILURES
        };
        if self.failed >= most && self.failed > self.ended {
            self.park(parks);
        }
        if self.dues.failing() > MOST_FAILING {
            self.fail_as_a_whole(now);
        }
    }

    /// Forgets which objects fail, of which there are too many to remember: the whole is read again, later.
    fn fail_as_a_whole(&mut self, now: Timestamp) {
        self.pass = None;
        self.dues.retain(|_, _| false);
        self.asked = true;
        let attempts = self.rest.as_ref().map_or(0, |rest| rest.attempts) + 1;
        let pause = FIRST_REST * 3_i32.saturating_pow((attempts - 1).min(6));
        self.rest = Some(Rest {
            attempts,
            until: now + pause.min(LONGEST_REST),
        });
        self.leave_parts(now);
    }

    /// Sinks a reading whose answer is not believed: nothing is forgotten, and it is done again.
    pub(super) fn doubt(
        &mut self,
        scope: &Scope,
        missing: Missing,
        is_alone: bool,
        now: Timestamp,
    ) {
        let why = Why::Short {
            missing: missing.unexplained,
            examples: missing.examples,
            is_alone,
        };
        self.leave_open(scope, why, now);
    }

    /// Sinks a reading whose answer may be true or not: it stays due.
    pub(super) fn leave_open(&mut self, scope: &Scope, why: Why, now: Timestamp) {
        // The open snapshot has its answer: it is judged as a whole.
        let is_part = self.dues.get(scope).is_some_and(|due| due.is_part);
        if let (true, Some(pass)) = (is_part, &mut self.pass) {
            pass.answered += 1;
        }
        self.dues.update(scope, now, |due| {
            (due.is_part, due.place, due.item) = (false, None, None);
        });
        self.dues.sink(scope, why, now);
    }

    /// Lets a reading wait for the event that explains what it lacks; one that has waited for hours is doubted.
    pub(super) fn wait_for_event(&mut self, scope: &Scope, missing: Missing, now: Timestamp) {
        let due = self.dues.get(scope);
        let attempts = due.and_then(|due| Some(due.retry.as_ref()?.attempts));
        if attempts.unwrap_or_default() >= MOST_AWAITED {
            return self.doubt(scope, missing, false, now);
        }
        self.leave_open(scope, Why::Absent, now);
    }

    /// Readings whose answers are not believed.
    pub(super) fn short(&self) -> impl Iterator<Item = (&Scope, &Why)> {
        self.dues.iter().filter_map(|(scope, due)| {
            let retry = due.retry.as_ref().filter(|retry| retry.is_short())?;
            Some((scope, &retry.why))
        })
    }

    /// Lets a few readings be tried of a stream that is in trouble as a whole, not for a few objects.
    pub(super) fn wake_a_little(&mut self, now: Timestamp) {
        if self.was_troubled && (self.dues.failing() > MOST_EXCEPTED || self.pass.is_some()) {
            self.dues.wake(PROBES, now);
        }
    }

    /// Whether anything of it may still be read in this run.
    pub(super) fn has_ready(&self) -> bool {
        self.parked.is_none()
            && (self.dues.count_ready() > 0 || self.swept.as_ref().is_some_and(Swept::is_ready))
    }

    /// Whether it has work left that is no fault of it.
    pub(super) fn is_partial(&self) -> bool {
        self.asked && self.rest.is_none()
            || self.pass.is_some()
            || !self.is_known() && self.lacks.is_none()
            || self.dues.iter().any(|(_, due)| due.retry.is_none())
    }

    /// Leaves the changes of a stream to a snapshot, if reading them one by one costs more requests.
    pub(super) fn weigh(&mut self, few: u64, now: Timestamp) {
        let waiting = self.dues.ready(Rank::Changed).count() as u64;
        let requests = self
            .complete
            .as_ref()
            .map_or(0, |complete| complete.requests);
        if self.pass.is_none() && requests > 0 && waiting > few.max(requests) {
            // An abandoned snapshot is due again, and a held one has read the changes: more need not be kept.
            let spare: BTreeSet<Scope> = self
                .dues
                .ready(Rank::Changed)
                .skip(MOST_AWAITING)
                .cloned()
                .collect();
            self.dues
                .retain(|scope, due| due.place.is_some() || due.is_part || !spare.contains(scope));
            self.ask(now);
        }
    }

    /// Leaves the changes of a failing stream to its next snapshot, if they have become too many for the cursor.
    pub(super) fn shed(&mut self, now: Timestamp) {
        let is_failing = self.has_failed() || self.dues.failing() > MOST_EXCEPTED;
        if is_failing && self.dues.len() > MOST_DUES {
            self.ask(now);
            self.dues
                .retain(|_, due| due.is_part || due.place.is_some());
        }
    }

    /// Percent of the due snapshot that is read, for people; 100 if none is due.
    pub(super) fn progress_percent(&self) -> u8 {
        let Some(pass) = &self.pass else {
            let is_settled = self.complete.is_some() || self.held.is_some() || self.lacks.is_some();
            return if is_settled { 100 } else { 0 };
        };
        let (read, all) = match &self.complete {
            Some(last) => (pass.lines, last.lines),
            None => {
                let waiting = self.dues.parts().0 as u64 + pass.left.len() as u64;
                (pass.answered, pass.answered + waiting)
            }
        };
        u8::try_from((read * 100 / all.max(1)).min(99)).unwrap_or(99)
    }

    fn cover(&self) -> Cover {
        match &self.pass {
            Some(_) if self.is_stuck => Cover::Nothing,
            Some(pass) => Cover::Since(pass.began),
            None if self.asked && self.rest.is_none() && self.complete.is_some() => Cover::All,
            None => Cover::Nothing,
        }
    }

    /// Notes what the open snapshot, or one that is asked for, is about to answer.
    pub(super) fn refresh(&mut self, now: Timestamp) {
        let cover = self.cover();
        self.dues.cover(cover, now);
    }

    /// Lets changes be read by themselves although a snapshot is asked for: it cannot begin in this run.
    pub(super) fn uncover(&mut self, now: Timestamp) {
        self.is_stuck = true;
        self.dues.cover(Cover::Nothing, now);
    }
}

/// Whether a scope is read with the whole of the stream alone.
pub(super) fn is_only_whole(stream: &'static Stream, scope: &Scope) -> bool {
    stream.rereads.is_empty()
        || !matches!(scope, Scope::Pair(..)) && reading(stream, scope).is_none()
}

/// Whether a snapshot lacks so much that a weakened role is likelier than a change. `held`: records that readers held when
/// it began.
fn is_too_much(missing: &Missing, held: u64) -> bool {
    let net = held.saturating_sub(missing.explained + missing.found);
    let lost = missing.unexplained.min(net);
    if missing.found == 0 && missing.unexplained > 0 {
        return true;
    }
    lost > MOST_LOST && lost * 100 > (lost + missing.found) * MOST_LOST_PERCENT
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::by_name;
    use serde_json::{Value, json};

    fn now() -> Timestamp {
        "2026-11-27T19:00:00Z".parse().unwrap()
    }

    fn replica(kept: Value) -> Replica {
        let kept = serde_json::from_value(kept).unwrap();
        Replica::read(by_name("users").unwrap(), kept, now())
    }

    fn complete(lines: u64) -> Value {
        json!({"started_at": "2026-11-27T18:00:00Z", "lines": lines})
    }

    fn pass(lines: u64) -> Value {
        json!({"began": "2026-11-27T18:00:00Z", "since": 1, "left": [], "lines": lines})
    }

    #[test]
    fn a_stream_is_read_as_far_as_its_snapshot_is() {
        let percent = |kept| replica(kept).progress_percent();
        assert_eq!(percent(json!({})), 0);
        assert_eq!(percent(json!({"complete": complete(10)})), 100);
        assert_eq!(
            percent(json!({"complete": complete(200), "pass": pass(50)})),
            25
        );
        // More lines than last time, and not at the end: nearly done is all that is known.
        assert_eq!(
            percent(json!({"complete": complete(200), "pass": pass(500)})),
            99
        );
        assert_eq!(percent(json!({"pass": pass(50)})), 0);
    }

    /// A snapshot that found `found` of `held` users, of whom events say that `told` are gone.
    fn concluded(held: usize, found: usize, told: usize) -> Option<Concluded> {
        let mut replica = replica(json!({"complete": complete(held as u64)}));
        for n in 0..held {
            replica.ledger.line(&format!("00u{n}"), 1, 0);
        }
        replica.begin(2, Vec::new(), now());
        for n in 0..told {
            let claim = Claim {
                says: Says::Gone,
                at: now(),
                heard: now(),
            };
            replica.claim(format!("00u{}", held - 1 - n), claim);
        }
        for n in 0..found {
            replica.ledger.line(&format!("00u{n}"), 2, 0);
        }
        replica.conclude(now())
    }

    #[test]
    fn a_snapshot_that_lacks_a_fifth_and_over_a_hundred_records_is_held() {
        let is_held = |held, found, told| concluded(held, found, told) == Some(Concluded::Held);
        assert!(!is_held(500, 400, 0), "a hundred");
        assert!(!is_held(600, 480, 0), "a fifth");
        assert!(is_held(500, 398, 0));
        assert!(!is_held(500, 398, 60), "events explain some");
        assert!(
            is_held(3, 0, 0) && is_held(3, 0, 2),
            "from something to nothing"
        );
        assert!(!is_held(3, 0, 3), "events explain all");
    }

    #[test]
    fn what_is_accepted_is_the_new_truth_and_acceptance_is_used_up_by_it() {
        let mut replica = replica(json!({"complete": complete(150)}));
        replica.accept(now());
        assert!(!replica.accepted, "nothing is held");
        for n in 0..150 {
            replica.ledger.line(&format!("00u{n}"), 1, 0);
        }
        replica.begin(2, Vec::new(), now());
        replica.ledger.line("00u0", 2, 0);
        assert_eq!(replica.conclude(now()), Some(Concluded::Held));
        let held = replica.held().unwrap();
        assert_eq!((held.missing, held.examples.len()), (149, 3));
        replica.accept(now());
        replica.begin(3, Vec::new(), now());
        replica.ledger.line("00u0", 3, 0);
        assert!(matches!(
            replica.conclude(now()),
            Some(Concluded::Complete { .. })
        ));
        assert_eq!((replica.ledger.held(), replica.accepted), (1, false));
    }
}
