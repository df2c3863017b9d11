//! What readers hold of one stream, record by record, and what events claim of it.
//!
//! A line raises the sequence of its record, a tombstone and a forgetting remove records: the same moves that a reader
//! of the manifests makes, so that both know the same. A reading that ends is compared with it: what it did not repeat
//! is *missing*, and what events said to be gone is not missed. Up to [`MOST_LINES`] records a stream all are kept; of
//! more, every second, fourth, … is, chosen by a hash of its id, so that no parent is favoured.
//!
//! It is stored beside the manifests, which name it by SHA-256. A ledger that is lost is *unknown*: the next complete
//! snapshot fills it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::io::Read;

use compact_str::CompactString;
use fnv::FnvHasher;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::status::Status;

/// Records of a stream that are kept; of more, a share.
const MOST_LINES: usize = 50_000;
/// Claims of a stream that are kept; of more, the newer half.
const MOST_CLAIMS: usize = 20_000;
/// Missing records that are named to people.
const MOST_EXAMPLES: usize = 3;
/// An event that is heard later than this after it was published is not waited for: lists lag by seconds.
const YOUNG: SignedDuration = SignedDuration::from_mins(10);
/// Manifests that a complete snapshot names because of what it left out.
const MOST_KEPT_SEQUENCES: usize = 100;
/// A stored ledger that is larger is not read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// In the place of an id: some record of the stream, which the event does not name.
pub(super) const ANY: &str = "*";

/// What an event says of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Says {
    /// The record, or everything of the object, is gone.
    Gone,
    /// The record is there.
    Came,
    /// Something of the object's is gone; the event does not name it.
    Less,
    /// Some of the object's records may be gone with what the event took away.
    Perhaps,
    /// The object's records differ from before; the event does not say how.
    Other,
    /// The object has this status, or its life has ended.
    Is(Status),
    /// The object has this status no more.
    IsNot(Status),
    /// The object's life has begun, or begun again.
    Lives,
}

/// An event's word on records, until a reading bears it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    pub(super) says: Says,
    /// `published` of the event, by Okta's clock.
    pub(super) at: Timestamp,
    /// When the engine learned of it, by our clock.
    pub(super) heard: Timestamp,
}

impl Claim {
    /// Whether it was heard so late that lists show it by now, or what came after it.
    fn is_late(&self) -> bool {
        self.heard.duration_since(self.at) > YOUNG
    }
}

/// The newest word on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Line {
    /// The manifest that holds it.
    sequence: u32,
    /// A hash of the object as read, if the stream's records change without changing their ids.
    print: u32,
}

impl Line {
    fn new(sequence: u64, print: u32) -> Self {
        let sequence = u32::try_from(sequence).unwrap_or(u32::MAX);
        Self { sequence, print }
    }

    fn sequence(self) -> u64 {
        self.sequence.into()
    }
}

/// What a reading did not repeat of what readers hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Records that no event explains.
    pub(super) unexplained: u64,
    /// Records that events explain.
    pub(super) explained: u64,
    /// Records that the reading found.
    pub(super) found: u64,
    /// Some of the unexplained ones.
    pub(super) examples: Vec<String>,
}

/// Numbers of records that an older version remembered, for a ledger that is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Of the whole stream.
    pub(super) lines: u64,
    /// Of objects.
    #[serde(default)]
    pub(super) of: BTreeMap<String, u64>,
}

/// What a reading shows beside its records' ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether a record differs from what readers held.
    pub(super) differs: bool,
    /// The status of the object that was read, if it says.
    pub(super) status: Option<Status>,
}

impl Seen {
    pub(super) fn of(differs: bool) -> Self {
        Self {
            differs,
            status: None,
        }
    }
}

/// Parent and own part of a record's id.
type Key = (CompactString, CompactString);

/// What readers hold of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// Whether ids have two parts.
    is_nested: bool,
    records: BTreeMap<Key, Line>,
    /// Of 2^rate records one is kept.
    rate: u32,
    claims: BTreeMap<String, Claim>,
    /// Numbers in place of records, where these are not known.
    unknown: Option<Counts>,
    /// Parents whose records are not known.
    unsure: BTreeSet<String>,
    is_dirty: bool,
}

/// Own part of the id, sequence, print.
type StoredLine = (CompactString, u64, u32);

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    rate: u32,
    shelves: Vec<(CompactString, Vec<StoredLine>)>,
    claims: BTreeMap<String, Claim>,
    unknown: Option<Counts>,
    unsure: BTreeSet<String>,
}

/// A hash that is the same in every release.
pub(super) fn stable_hash(bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    // FNV's low bits mix poorly.
    let hash = hasher.finish();
    (hash ^ (hash >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A print of an object as read.
pub(super) fn print_of(text: &str) -> u32 {
    (stable_hash(text.as_bytes()) >> 32) as u32
}

impl Ledger {
    /// The ledger of a stream of which readers hold nothing.
    pub(super) fn new(is_nested: bool) -> Self {
        Self {
            is_nested,
            records: BTreeMap::new(),
            rate: 0,
            claims: BTreeMap::new(),
            unknown: None,
            unsure: BTreeSet::new(),
            is_dirty: false,
        }
    }

    /// Forgets all that it knows but for claims: `counts` stand in for it.
    pub(super) fn lose(&mut self, counts: Counts) {
        let claims = std::mem::take(&mut self.claims);
        *self = Self {
            claims,
            unknown: Some(counts),
            is_dirty: true,
            ..Self::new(self.is_nested)
        };
    }

    /// As [`Self::lose`], unless the numbers of an older version stand in for it.
    pub(super) fn lose_unless_counted(&mut self, counts: Counts) {
        if self.unknown.is_none() {
            self.lose(counts);
        }
    }

    /// Reads what was stored; claims that were heard since stay. `false` where it cannot be read.
    pub(super) fn load(&mut self, stored: &[u8]) -> bool {
        let mut text = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(stored).take(MOST_BYTES);
        let Ok(stored) = reader
            .read_to_end(&mut text)
            .map_err(serde_json::Error::io)
            .and_then(|_| serde_json::from_slice::<Stored>(&text))
        else {
            return false;
        };
        if stored.version != 1 {
            return false;
        }
        let heard = std::mem::replace(&mut self.claims, stored.claims);
        heard
            .into_iter()
            .for_each(|(id, claim)| self.claim(id, claim));
        (self.rate, self.unknown, self.unsure) = (stored.rate, stored.unknown, stored.unsure);
        for (parent, lines) in stored.shelves {
            let lines = lines.into_iter().map(|(own, sequence, print)| {
                let line = Line::new(sequence, print);
                ((parent.clone(), own), line)
            });
            self.records.extend(lines);
        }
        true
    }

    /// The ledger as it is stored.
    pub(super) fn stored(&self) -> Vec<u8> {
        let mut shelves: Vec<(CompactString, Vec<StoredLine>)> = Vec::new();
        for ((parent, own), line) in &self.records {
            let line = (own.clone(), line.sequence(), line.print);
            match shelves.last_mut() {
                Some((last, lines)) if last == parent => lines.push(line),
                _ => shelves.push((parent.clone(), vec![line])),
            }
        }
        let stored = Stored {
            version: 1,
            rate: self.rate,
            shelves,
            claims: self.claims.clone(),
            unknown: self.unknown.clone(),
            unsure: self.unsure.clone(),
        };
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        serde_json::to_writer(&mut gzip, &stored)
            .map_err(std::io::Error::from)
            .and_then(|()| gzip.finish())
            .expect("writing into memory does not fail")
    }

    /// Whether it has moved since [`Self::saved`].
    pub(super) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    pub(super) fn saved(&mut self) {
        self.is_dirty = false;
    }

    /// Takes a line that manifest `sequence` will hold; whether it differs from what readers hold.
    pub(super) fn line(&mut self, id: &str, sequence: u64, print: u32) -> bool {
        let (parent, own) = self.split(id);
        if !self.keeps(parent, own) {
            return true;
        }
        let line = Line::new(sequence, print);
        let before = self.records.insert(key(parent, own), line);
        self.is_dirty |= before != Some(line);
        if before.is_none() {
            self.thin_out();
        }
        before.is_none_or(|before| before.print != print)
    }

    /// Whether every record is known that readers hold.
    pub(super) fn is_exact(&self) -> bool {
        self.rate == 0 && self.unknown.is_none() && self.unsure.is_empty()
    }

    /// Takes a tombstone.
    pub(super) fn gone(&mut self, id: &str) {
        let (parent, own) = self.split(id);
        let key = key(parent, own);
        self.claims.remove(id);
        self.records.remove(&key);
        self.is_dirty = true;
    }

    /// Takes a forgetting: records of the scope whose newest line stands before manifest `since` are gone.
    pub(super) fn forget(&mut self, scope: Option<&str>, since: u64, except: &[String]) {
        let stays = |parent: &str, own: &str, line: &Line| {
            line.sequence() >= since
                || !in_scope(scope, parent, own)
                || except
                    .iter()
                    .any(|id| in_scope(Some(id.as_str()), parent, own))
        };
        self.records
            .retain(|(parent, own), line| stays(parent, own, line));
        self.is_dirty = true;
        match scope {
            Some(id) => drop(self.unsure.remove(id)),
            None if self.unknown.take().is_some() => self.unsure = except.iter().cloned().collect(),
            None => self.unsure.retain(|id| except.contains(id)),
        }
        if let (Some(id), Some(counts)) = (scope, &mut self.unknown) {
            counts.of.remove(id);
        }
    }

    /// What a reading of the scope, whose lines stand in manifest `since` or later, did not repeat. Claims on the whole
    /// of the object that was read explain nothing: they are the question.
    pub(super) fn missing(&self, scope: Option<&str>, since: u64, except: &[String]) -> Missing {
        let mut missing = Missing::default();
        let mut named = Vec::new();
        for (parent, own, line) in self.lines(scope) {
            if except
                .iter()
                .any(|id| in_scope(Some(id.as_str()), parent, own))
            {
                continue;
            }
            if line.sequence() >= since {
                missing.found += 1;
            } else if self.is_claimed_gone(parent, own, scope) {
                missing.explained += 1;
            } else {
                missing.unexplained += 1;
                let id = self.join(parent, own);
                let is_named = self.claims.contains_key(&id);
                let examples = if is_named {
                    &mut named
                } else {
                    &mut missing.examples
                };
                if examples.len() < MOST_EXAMPLES {
                    examples.push(id);
                }
            }
        }
        // What an event has just named may not show yet: it is the worst example.
        missing.examples.extend(named);
        missing.examples.truncate(MOST_EXAMPLES);
        if let Some(counts) = &self.unknown {
            let expected = match scope {
                Some(id) => counts.of.get(id).copied().unwrap_or_default(),
                None => counts.lines,
            };
            let claimed = self.claims.iter().filter(|(id, claim)| {
                matches!(claim.says, Says::Gone | Says::Less)
                    && scope.is_none_or(|scope| {
                        let (parent, own) = self.split(id);
                        in_scope(Some(scope), parent, own)
                    })
            });
            missing.explained = claimed.count() as u64;
            missing.unexplained = expected.saturating_sub(missing.found + missing.explained);
        }
        missing.unexplained <<= self.rate;
        missing.explained <<= self.rate;
        missing.found <<= self.rate;
        missing
    }

    /// Whether nothing is known of the records of an object, so that a reading that finds none may have lost them all.
    pub(super) fn is_unsure(&self, id: &str) -> bool {
        let is_unknown = self
            .unknown
            .as_ref()
            .is_some_and(|counts| !counts.of.contains_key(id));
        self.unsure.contains(id) || is_unknown || self.rate > 0 && self.held_by(id) == 0
    }

    /// Records that readers hold of an object.
    pub(super) fn held_by(&self, id: &str) -> u64 {
        let known = self.of_parent(id).count() as u64;
        let counted = self
            .unknown
            .as_ref()
            .and_then(|counts| counts.of.get(id).copied());
        (known << self.rate).max(counted.unwrap_or_default())
    }

    /// Records that readers hold.
    pub(super) fn held(&self) -> u64 {
        let counted = self.unknown.as_ref().map_or(0, |counts| counts.lines);
        ((self.len() as u64) << self.rate).max(counted)
    }

    /// The records that are known.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether readers hold the record; `None` where that is not known.
    pub(super) fn holds(&self, id: &str) -> Option<bool> {
        let (parent, own) = self.split(id);
        if self.unknown.is_some() || !self.keeps(parent, own) {
            return None;
        }
        Some(self.records.contains_key(&key(parent, own)))
    }

    /// The manifests that hold the newest lines of what a complete snapshot left out, which began with manifest `since`;
    /// `None` if it left nothing out, if not all is known, or if they are many.
    pub(super) fn kept_sequences(&self, since: u64, except: &[String]) -> Option<Vec<u64>> {
        let is_known = self.rate == 0
            && self.unknown.is_none()
            && except.iter().all(|id| !self.unsure.contains(id));
        if except.is_empty() || !is_known {
            return None;
        }
        let older = self
            .lines(None)
            .map(|(_, _, line)| line.sequence())
            .filter(|sequence| *sequence < since);
        let kept: BTreeSet<u64> = older.collect();
        (kept.len() <= MOST_KEPT_SEQUENCES).then(|| kept.into_iter().collect())
    }

    /// The parent with the most records that no event takes away, among those that are `wanted`, and how many it has.
    pub(super) fn largest(&self, wanted: impl Fn(&str) -> bool) -> Option<(&str, u64)> {
        let mut of_ledger: Vec<(&str, u64)> = Vec::new();
        for (parent, own) in self.records.keys() {
            if of_ledger.last().is_none_or(|(last, _)| last != parent) {
                of_ledger.push((parent, 0));
            }
            let is_gone = !self.claims.is_empty() && self.is_claimed_gone(parent, own, None);
            if let Some((_, count)) = of_ledger.last_mut() {
                *count += u64::from(!is_gone) << self.rate;
            }
        }
        let counted = self.unknown.iter().flat_map(|counts| &counts.of);
        of_ledger
            .into_iter()
            .chain(counted.map(|(id, count)| (id.as_str(), *count)))
            .filter(|(id, count)| *count > 0 && wanted(id))
            .max_by_key(|(_, count)| *count)
    }

    /// Takes an event's word. Of two on the same records the one that was published later counts, and of two at the
    /// same time the one that is heard later.
    pub(super) fn claim(&mut self, id: String, claim: Claim) {
        let known = self.claims.get(&id);
        if known.is_some_and(|known| known.at > claim.at) {
            return;
        }
        self.is_dirty = true;
        self.claims.insert(id, claim);
        if self.claims.len() > MOST_CLAIMS {
            let mut heard: Vec<_> = self.claims.values().map(|claim| claim.heard).collect();
            heard.sort_unstable();
            let oldest = heard[MOST_CLAIMS / 2];
            self.claims.retain(|_, claim| claim.heard >= oldest);
        }
    }

    /// Compares a reading of the scope, whose lines stand in manifest `since` or later, with the claims on it: those that
    /// agree are done. `true` where one does not agree.
    pub(super) fn settle(&mut self, scope: &Scope, since: u64, seen: Seen) -> bool {
        let of_scope: Vec<_> = self
            .claims
            .iter()
            .filter(|(id, _)| self.concerns(scope, id))
            .map(|(id, claim)| (id.clone(), *claim))
            .collect();
        let mut contradicts = false;
        for (id, claim) in of_scope {
            if self.agrees(&id, claim, since, seen) {
                self.claims.remove(&id);
                self.is_dirty = true;
            } else {
                contradicts = true;
            }
        }
        contradicts
    }

    /// Takes what a reading shows of a record: it may bear out claims that name only its object.
    pub(super) fn bear_out(&mut self, id: &str, seen: impl FnOnce() -> Seen) {
        if self.claims.is_empty() {
            return;
        }
        let object = if self.is_nested { self.split(id).0 } else { id };
        let Some(claim) = self.claims.get(object).copied() else {
            return;
        };
        let is_of_others = matches!(claim.says, Says::Gone | Says::Came | Says::Perhaps);
        if !is_of_others && self.agrees(object, claim, 0, seen()) {
            let object = object.to_owned();
            self.drop_claim(&object);
        }
    }

    /// Whether an event says that the record is gone.
    pub(super) fn says_gone(&self, id: &str) -> bool {
        let claim = self.claims.get(id);
        claim.is_some_and(|claim| claim.says == Says::Gone)
    }

    /// Whether claims on the scope are open.
    pub(super) fn has_claims(&self, scope: &Scope) -> bool {
        self.claims.keys().any(|id| self.concerns(scope, id))
    }

    /// Lets the claims on a scope go, which no reading has borne out.
    pub(super) fn let_go(&mut self, scope: &Scope) {
        let of_scope: Vec<_> = self
            .claims
            .keys()
            .filter(|id| self.concerns(scope, id))
            .cloned()
            .collect();
        for id in of_scope {
            self.claims.remove(&id);
            self.is_dirty = true;
        }
    }

    /// Lets one claim go.
    pub(super) fn drop_claim(&mut self, id: &str) {
        self.is_dirty |= self.claims.remove(id).is_some();
    }

    /// Ends the claims that a complete snapshot answers, by `covers`, and forgets what it did not repeat; gives the claims
    /// that it contradicts.
    pub(super) fn settle_all(
        &mut self,
        since: u64,
        except: &[String],
        covers: impl Fn(&Claim) -> bool,
    ) -> Vec<(String, Claim)> {
        let covered: Vec<_> = self
            .claims
            .iter()
            .filter(|(_, claim)| covers(claim))
            .map(|(id, claim)| (id.clone(), *claim))
            .collect();
        let mut contradicted = Vec::new();
        for (id, claim) in covered {
            let is_unnamed = matches!(claim.says, Says::Less | Says::Other);
            let scope = Some(id.as_str()).filter(|id| *id != ANY);
            let has_lost = is_unnamed
                && self
                    .lines(scope)
                    .any(|(_, _, line)| line.sequence() < since);
            if self.agrees(&id, claim, since, Seen::of(has_lost)) {
                self.drop_claim(&id);
            } else {
                contradicted.push((id, claim));
            }
        }
        self.forget(None, since, except);
        contradicted
    }

    /// Takes the end of an object: until it is written, one claim explains all that is missing of it.
    pub(super) fn end(&mut self, object: &str, now: Timestamp) {
        self.bury(object);
        let claim = Claim {
            says: Says::Gone,
            at: now,
            heard: now,
        };
        self.claim(object.to_owned(), claim);
    }

    /// Takes the new beginning of an object: what it lost by its end may be its own again, or not.
    pub(super) fn revive(&mut self, object: &str) {
        match self.claims.get_mut(object) {
            Some(claim) if claim.says == Says::Gone => claim.says = Says::Less,
            // That it came is as true as before.
            Some(claim) if claim.says != Says::Came => drop(self.claims.remove(object)),
            _ => return,
        }
        self.is_dirty = true;
    }

    /// Drops the claims on an object whose end is written.
    pub(super) fn bury(&mut self, object: &str) {
        let (before, is_nested) = (self.claims.len(), self.is_nested);
        self.claims.retain(|id, _| {
            let (parent, own) = split(is_nested, id);
            !in_scope(Some(object), parent, own)
        });
        self.is_dirty |= self.claims.len() != before;
    }

    /// How many records it keeps, and the sum of their hashes: the same as those of a reader's ids.
    #[must_use]
    pub fn digest(&self) -> (u64, u64) {
        let sum = self.lines(None).fold(0_u64, |sum, (parent, own, _)| {
            sum.wrapping_add(stable_hash(self.join(parent, own).as_bytes()))
        });
        (self.len() as u64, sum)
    }

    fn agrees(&self, id: &str, claim: Claim, since: u64, seen: Seen) -> bool {
        let is_record = !self.is_nested || id.contains(':');
        let (parent, own) = self.split(id);
        let line = self.records.get(&key(parent, own));
        match claim.says {
            Says::Gone if is_record => line.is_none_or(|line| line.sequence() < since),
            Says::Gone => {
                let is_there = |line: &Line| since > 0 && line.sequence() >= since;
                !self.lines(Some(id)).any(|(_, _, line)| is_there(line))
            }
            Says::Perhaps => true,
            Says::Came => {
                let is_undone = |part: &str| {
                    self.claims
                        .get(part)
                        .is_some_and(|other| other.says == Says::Gone && other.at >= claim.at)
                };
                line.is_some()
                    || !self.keeps(parent, own)
                    || self.is_nested && (is_undone(parent) || is_undone(own))
            }
            Says::Less | Says::Other => {
                seen.differs || claim.is_late() || seen.status == Some(Status::Deprovisioned)
            }
            Says::Is(status) => {
                let is_borne_out = |seen: Status| seen == status || seen == Status::Deprovisioned;
                claim.is_late() || seen.status.is_some_and(is_borne_out)
            }
            Says::IsNot(status) => {
                claim.is_late() || seen.status.is_some_and(|seen| seen != status)
            }
            Says::Lives => {
                let is_alive = |seen| !matches!(seen, Status::Staged | Status::Deprovisioned);
                claim.is_late() || seen.status.is_some_and(is_alive)
            }
        }
    }

    fn is_claimed_gone(&self, parent: &str, own: &str, but: Option<&str>) -> bool {
        let is_gone = |id: &str, wanted: &[Says]| {
            self.claims
                .get(id)
                .is_some_and(|claim| wanted.contains(&claim.says))
        };
        if is_gone(ANY, &[Says::Less])
            || is_gone(
                &self.join(parent, own),
                &[Says::Gone, Says::Less, Says::Is(Status::Deprovisioned)],
            )
        {
            return true;
        }
        self.is_nested
            && [parent, own]
                .into_iter()
                .filter(|id| Some(*id) != but)
                .any(|id| is_gone(id, &[Says::Gone, Says::Less, Says::Perhaps]))
            || but == Some(parent) && is_gone(parent, &[Says::Less])
    }

    /// Whether a claim on `id` is one on records of the scope.
    fn concerns(&self, scope: &Scope, id: &str) -> bool {
        match scope {
            Scope::Whole => true,
            Scope::Pair(first, second) => id
                .strip_prefix(first.as_str())
                .and_then(|rest| rest.strip_prefix(':'))
                .is_some_and(|rest| rest == second),
            Scope::Object(_, own) => id == own,
            Scope::Parent(_, of) => {
                let (parent, own) = self.split(id);
                in_scope(Some(of.as_str()), parent, own)
            }
        }
    }

    /// The records of a scope.
    fn lines<'a>(
        &'a self,
        scope: Option<&'a str>,
    ) -> Box<dyn Iterator<Item = (&'a str, &'a str, &'a Line)> + 'a> {
        let every = || {
            let all = self.records.iter();
            all.map(|((parent, own), line)| (parent.as_str(), own.as_str(), line))
        };
        match scope {
            None => Box::new(every()),
            Some(id) if !self.is_nested => {
                let known = self.records.get_key_value(&key("", id)).into_iter();
                Box::new(known.map(|((parent, own), line)| (parent.as_str(), own.as_str(), line)))
            }
            Some(id) if self.of_parent(id).next().is_some() => Box::new(self.of_parent(id)),
            Some(id) => Box::new(every().filter(move |(_, own, _)| *own == id)),
        }
    }

    /// The records of a parent.
    fn of_parent<'a>(
        &'a self,
        id: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Line)> + 'a {
        self.records
            .range(key(id, "")..)
            .take_while(move |((parent, _), _)| parent == id)
            .map(|((parent, own), line)| (parent.as_str(), own.as_str(), line))
    }

    fn split<'a>(&self, id: &'a str) -> (&'a str, &'a str) {
        split(self.is_nested, id)
    }

    fn join(&self, parent: &str, own: &str) -> String {
        if self.is_nested && !own.is_empty() {
            format!("{parent}:{own}")
        } else if self.is_nested {
            parent.to_owned()
        } else {
            own.to_owned()
        }
    }

    fn keeps(&self, parent: &str, own: &str) -> bool {
        self.rate == 0
            || stable_hash(self.join(parent, own).as_bytes()).leading_zeros() >= self.rate
    }

    /// Keeps every second record of those that it has, once they are too many.
    fn thin_out(&mut self) {
        if self.len() <= MOST_LINES {
            return;
        }
        self.rate += 1;
        let mut records = std::mem::take(&mut self.records);
        records.retain(|(parent, own), _| self.keeps(parent, own));
        self.records = records;
    }
}

fn key(parent: &str, own: &str) -> Key {
    (parent.into(), own.into())
}

/// Parent and own part of a record's id. An id in one part that should have two is that of an object that records
/// hang on.
fn split(is_nested: bool, id: &str) -> (&str, &str) {
    if is_nested {
        id.split_once(':').unwrap_or((id, ""))
    } else {
        ("", id)
    }
}

fn in_scope(scope: Option<&str>, parent: &str, own: &str) -> bool {
    scope.is_none_or(|id| parent == id || own == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::change::Kind;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn claim(says: Says, at: i64) -> Claim {
        Claim {
            says,
            at: time(at),
            heard: time(at),
        }
    }

    fn of(ids: &[&str]) -> Ledger {
        let mut ledger = Ledger::new(true);
        for id in ids {
            ledger.line(id, 1, 0);
        }
        ledger
    }

    fn group(id: &str) -> Scope {
        Scope::Parent(Kind::Group, id.into())
    }

    #[test]
    fn what_a_reading_did_not_repeat_is_missing_unless_an_event_said_so() {
        let mut ledger = of(&["g:a", "g:b", "g:c", "h:a"]);
        ledger.line("g:a", 2, 0);
        ledger.claim("g:b".into(), claim(Says::Gone, 1));
        ledger.claim("g:b".into(), claim(Says::Gone, 1));
        let missing = ledger.missing(Some("g"), 2, &[]);
        assert_eq!(
            (missing.found, missing.explained, missing.unexplained),
            (1, 1, 1)
        );
        assert_eq!(missing.examples, ["g:c"]);
        assert_eq!(ledger.missing(Some("a"), 2, &[]).unexplained, 1);
        assert_eq!(ledger.missing(None, 2, &["h".into()]).unexplained, 1);
    }

    #[test]
    fn a_later_gain_takes_a_loss_away_and_an_earlier_one_does_not() {
        let mut ledger = of(&["g:a"]);
        ledger.claim("g:a".into(), claim(Says::Gone, 5));
        ledger.claim("g:a".into(), claim(Says::Came, 4));
        assert_eq!(ledger.missing(Some("g"), 2, &[]).explained, 1);
        ledger.claim("g:a".into(), claim(Says::Came, 6));
        assert_eq!(ledger.missing(Some("g"), 2, &[]).unexplained, 1);
    }

    #[test]
    fn whoever_has_gone_explains_what_others_miss_of_them_but_not_their_own_reading() {
        let mut ledger = of(&["g:a", "h:a"]);
        ledger.claim("a".into(), claim(Says::Gone, 1));
        assert_eq!(ledger.missing(Some("g"), 2, &[]).unexplained, 0);
        assert_eq!(ledger.missing(None, 2, &[]).unexplained, 0);
        assert_eq!(ledger.missing(Some("a"), 2, &[]).unexplained, 2);
    }

    #[test]
    fn a_reading_that_contradicts_an_event_leaves_its_claim_open() {
        let mut ledger = of(&["g:a", "g:b"]);
        ledger.claim("g:b".into(), claim(Says::Gone, 1));
        ledger.claim("g:c".into(), claim(Says::Came, 1));
        ledger.line("g:a", 2, 0);
        ledger.line("g:b", 2, 0);
        assert!(
            ledger.settle(&group("g"), 2, Seen::of(true)),
            "b is still listed, c is not"
        );
        ledger.line("g:c", 3, 0);
        ledger.forget(Some("g"), 3, &[]);
        assert!(!ledger.settle(&group("g"), 3, Seen::of(true)));
        assert!(!ledger.has_claims(&group("g")));
    }

    #[test]
    fn a_change_that_is_not_named_is_borne_out_by_a_difference() {
        let mut ledger = of(&["u:role"]);
        ledger.claim("u".into(), claim(Says::Less, 1));
        let user = Scope::Parent(Kind::User, "u".into());
        assert!(ledger.settle(&user, 2, Seen::of(false)));
        assert_eq!(ledger.missing(Some("u"), 2, &[]).explained, 1);
        assert!(!ledger.settle(&user, 2, Seen::of(true)));
    }

    #[test]
    fn a_forgetting_removes_what_was_not_repeated_and_nothing_else() {
        let mut ledger = of(&["g:a", "g:b", "h:a"]);
        ledger.line("g:a", 2, 0);
        ledger.forget(Some("g"), 2, &[]);
        assert_eq!(ledger.digest(), of(&["g:a", "h:a"]).digest());
        ledger.forget(None, 2, &["h".into()]);
        assert_eq!(ledger.digest(), of(&["g:a", "h:a"]).digest());
        ledger.forget(Some("a"), 3, &[]);
        assert_eq!(ledger.held(), 0);
    }

    #[test]
    fn it_reads_what_it_stored_and_keeps_what_it_heard_meanwhile() {
        let mut ledger = of(&["g:a", "g:b"]);
        ledger.claim("g:a".into(), claim(Says::Gone, 1));
        let mut read = Ledger::new(true);
        read.claim("g:a".into(), claim(Says::Came, 2));
        assert!(read.load(&ledger.stored()));
        assert_eq!(read.digest(), ledger.digest());
        assert_eq!(read.missing(Some("g"), 2, &[]).unexplained, 2);
        assert!(!read.load(b"no ledger"));
    }

    #[test]
    fn an_unknown_ledger_goes_by_numbers_until_a_snapshot_is_complete() {
        let mut ledger = Ledger::new(true);
        let of = BTreeMap::from([("g".to_owned(), 5)]);
        ledger.lose(Counts { lines: 9, of });
        ledger.line("g:a", 7, 0);
        ledger.claim("g:b".into(), claim(Says::Gone, 1));
        assert_eq!(ledger.missing(Some("g"), 7, &[]).unexplained, 3);
        assert_eq!(ledger.missing(None, 7, &[]).unexplained, 7);
        assert!(ledger.is_unsure("h"));
        ledger.forget(None, 7, &["k".into()]);
        assert!(!ledger.is_unsure("h") && ledger.is_unsure("k"));
        assert_eq!(ledger.missing(None, 7, &[]).unexplained, 0);
    }

    #[test]
    fn of_many_records_a_share_is_kept_that_is_chosen_by_their_ids() {
        let mut ledger = Ledger::new(false);
        for n in 0..250_000 {
            ledger.line(&format!("00u{n:017}"), 1, 0);
        }
        assert!(ledger.len() <= MOST_LINES);
        let held = ledger.held();
        assert!((240_000..260_000).contains(&held), "{held}");
        for n in 0..50_000 {
            ledger.line(&format!("00u{n:017}"), 2, 0);
        }
        let missing = ledger.missing(None, 2, &[]).unexplained;
        assert!((195_000..205_000).contains(&missing), "{missing}");
    }
}
