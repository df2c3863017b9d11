//! A stream's lines, newest first → pieces of items.
//!
//! Reading backwards needs one fingerprint per record and no record itself: the first line met of an id is the
//! newest, and every forgetting that could take it away has been met before. The two rules of a reader hold for two
//! moments at once, now and the last load, so that the changes between them are known.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use reader::{Snapshot, grows};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::history::Commit;
use crate::item::{Piece, Place, Role};
use crate::kind::Kind;

/// The only `schema` of lines that is understood.
const SCHEMA: u64 = 1;
/// The stream whose records say which factors a user has.
const FACTORS: &str = "factors";

/// First 16 bytes of the SHA-256: equal for two different texts is practically impossible.
#[must_use]
pub fn fingerprint(text: &str) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    u128::from_be_bytes(digest[..16].try_into().expect("a SHA-256 has 32 bytes"))
}

/// The first 8 of these bytes: enough to distinguish the items of two orgs.
#[must_use]
pub fn fingerprint64(text: &str) -> u64 {
    u64::try_from(fingerprint(text) >> 64).expect("half of 128 bits")
}

/// A fault of JSON by its place. The parser's own words repeat values.
fn fault(what: &str, error: &serde_json::Error) -> String {
    format!(
        "{what} ({:?} error at column {})",
        error.classify(),
        error.column()
    )
}

/// Reads one stream backwards: [`commit`](Self::commit), then [`line`](Self::line) for each of its lines from the
/// last to the first, then the commit before.
#[derive(Debug)]
pub struct Scan<'a> {
    stream: &'a str,
    /// Newest manifest of the last load; 0 if everything is news.
    loaded: u64,
    now: Forgets<'a>,
    then: Forgets<'a>,
    seen_since: HashSet<u128>,
    seen_before: HashSet<u128>,
    /// Whether items that came and went since the last load count as gone.
    passing: bool,
}

/// The state of a line's record, now and at the last load.
struct Standing {
    newest: bool,
    live: bool,
    was_live: bool,
}

impl<'a> Scan<'a> {
    /// Nothing read yet; `loaded` is the newest manifest of the last load, 0 to take everything for news.
    #[must_use]
    pub fn new(stream: &'a str, loaded: u64) -> Self {
        Self {
            stream,
            loaded,
            now: Forgets::default(),
            then: Forgets::default(),
            seen_since: HashSet::new(),
            seen_before: HashSet::new(),
            passing: false,
        }
    }

    /// Counts items that came and went since the last load as [`Role::Gone`], too: a load that was given up may have
    /// posted them.
    #[must_use]
    pub fn with_passing(mut self, passing: bool) -> Self {
        self.passing = passing;
        self
    }

    /// Goes on with the commit before; its lines follow.
    pub fn commit(&mut self, commit: &'a Commit) {
        let applies = |snapshot: &&Snapshot| {
            snapshot.stream == self.stream
                && snapshot.complete
                && snapshot.since_sequence <= commit.sequence
        };
        for snapshot in commit.snapshots.iter().filter(applies) {
            self.now.add(snapshot);
            if commit.sequence <= self.loaded {
                self.then.add(snapshot);
            }
        }
    }

    /// The pieces of the next line, given as stored.
    ///
    /// # Errors
    /// The line is no record of this stream, in words; it is as if it were not there.
    pub fn line(&mut self, place: Place, line: &[u8]) -> Result<Vec<(Kind, Piece)>, String> {
        let line: Line<'_> =
            serde_json::from_slice(line).map_err(|error| fault("is not a record", &error))?;
        if line.schema != SCHEMA {
            return Err(format!("schema is {}, not {SCHEMA}", line.schema));
        }
        if line.stream != self.stream {
            return Err("is of another stream".to_owned());
        }
        let touched = place.0 > self.loaded;
        if grows(self.stream) {
            return self.pieces(&line, place, |_| Role::Updates, touched);
        }
        let standing = self.stand(&line, place);
        if standing.live {
            return self.pieces(
                &line,
                place,
                |updates| {
                    if updates {
                        Role::Updates
                    } else {
                        Role::Defines
                    }
                },
                touched,
            );
        }
        let mut pieces = Vec::new();
        if standing.was_live || (self.passing && touched && line.op == Op::Upsert) {
            pieces = self.pieces(
                &line,
                place,
                |updates| if updates { Role::Updates } else { Role::Gone },
                true,
            )?;
            pieces.iter_mut().for_each(|(_, piece)| piece.item.clear());
        }
        if standing.newest && self.stream == FACTORS {
            pieces.push(without_factors(
                &line.id,
                place,
                touched || standing.was_live,
            ));
        }
        Ok(pieces)
    }

    fn stand(&mut self, line: &Line<'_>, place: Place) -> Standing {
        let id = fingerprint(&line.id);
        let before = place.0 <= self.loaded;
        let newest_before = before && !self.seen_before.contains(&id);
        let newest = !self.seen_since.contains(&id) && !self.seen_before.contains(&id);
        let seen = if before {
            &mut self.seen_before
        } else {
            &mut self.seen_since
        };
        seen.insert(id);
        let upsert = line.op == Op::Upsert;
        Standing {
            newest,
            live: newest && upsert && !self.now.takes(&line.id, place.0),
            was_live: newest_before && upsert && !self.then.takes(&line.id, place.0),
        }
    }

    fn pieces(
        &self,
        line: &Line<'_>,
        place: Place,
        role: impl Fn(bool) -> Role,
        touched: bool,
    ) -> Result<Vec<(Kind, Piece)>, String> {
        let mut pieces = Vec::new();
        for (key, items) in line.bundle.iter().flatten() {
            // Keys of later models are none of this loader's; the known rest of the line is loaded.
            let Some((kind, updates)) = Kind::of_bundle_key(key) else {
                continue;
            };
            let role = role(updates);
            for item in items {
                let item: Map<String, Value> =
                    serde_json::from_str(item.get()).map_err(|error| {
                        fault(&format!("{} has an item that is none", kind.name()), &error)
                    })?;
                let key = kind.key(&item).ok_or_else(|| {
                    format!("{} has an item without {:?}", kind.name(), kind.identity())
                })?;
                let stream = self.stream.to_owned();
                pieces.push((
                    kind,
                    Piece {
                        key,
                        place,
                        stream,
                        role,
                        touched,
                        item,
                    },
                ));
            }
        }
        Ok(pieces)
    }
}

/// Factors that were read and are gone: the user has none, and says so, whether a POST replaces or merges. Of users whose
/// factors were never read nothing is said.
fn without_factors(user: &str, place: Place, touched: bool) -> (Kind, Piece) {
    let item = Map::from_iter([
        ("uniqueId".to_owned(), user.into()),
        ("hasMFA".to_owned(), false.into()),
        ("tags".to_owned(), Value::Array(Vec::new())),
    ]);
    let (stream, role) = (FACTORS.to_owned(), Role::Updates);
    (
        Kind::Users,
        Piece {
            key: user.to_owned(),
            place,
            stream,
            role,
            touched,
            item,
        },
    )
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Op {
    Upsert,
    Delete,
}

/// The part of a line that is read; its `source` is passed over.
#[derive(Deserialize)]
struct Line<'a> {
    schema: u64,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    op: Op,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    bundle: Option<BTreeMap<Cow<'a, str>, Vec<&'a RawValue>>>,
}

/// The forgettings of the commits read so far.
#[derive(Debug, Default)]
struct Forgets<'a> {
    /// By scope: the highest `since_sequence` that spares nothing.
    plain: HashMap<Option<&'a str>, u64>,
    /// By scope: those that spare some.
    sparing: HashMap<Option<&'a str>, Vec<&'a Snapshot>>,
}

impl<'a> Forgets<'a> {
    fn add(&mut self, snapshot: &'a Snapshot) {
        let scope = snapshot.scope.as_deref();
        if snapshot.except.is_empty() {
            let since = self.plain.entry(scope).or_default();
            *since = snapshot.since_sequence.max(*since);
        } else {
            self.sparing.entry(scope).or_default().push(snapshot);
        }
    }

    /// Whether a record that was last sent in manifest `sequence` is forgotten.
    fn takes(&self, id: &str, sequence: u64) -> bool {
        let mut scopes = id.split(':').map(Some).chain([None]);
        scopes.any(|scope| {
            let plain = self
                .plain
                .get(&scope)
                .is_some_and(|since| sequence < *since);
            let mut sparing = self.sparing.get(&scope).into_iter().flatten();
            plain
                || sparing
                    .any(|snapshot| sequence < snapshot.since_sequence && !snapshot.excepts(id))
        })
    }
}
