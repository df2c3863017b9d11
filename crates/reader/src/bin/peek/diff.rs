//! The changes of a manifest: records that came, changed and went, with the fields before and after, and the event that
//! was the cause.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use reader::{Line, Snapshot, State, Stream, grows};
use serde_json::Value;

use crate::why::told;

/// Changed fields of a record that are shown at most; the others are counted.
const MOST_FIELDS: usize = 20;
/// Characters of a value that are shown at most.
const MOST_CHARS: usize = 80;

/// The state before a manifest beside the one after it.
pub struct Diff<'a> {
    /// As of the manifest before; of the first one, an empty state.
    pub before: &'a State,
    /// As of the manifest.
    pub after: &'a State,
    /// The newest state, for the events: the cause may be committed later.
    pub newest: &'a State,
    /// The manifest.
    pub sequence: u64,
}

/// Why a record is no longer there.
enum Gone<'a> {
    /// A tombstone says so.
    Deleted(&'a Line),
    /// A complete snapshot did not repeat it: of the whole stream, or of one object's part.
    NotRepeated(Option<&'a str>),
}

impl Diff<'_> {
    fn stream(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        after: &Stream,
    ) -> Result<usize, fmt::Error> {
        let nothing = Stream::default();
        let before = self.before.streams.get(name).unwrap_or(&nothing);
        let mut changes = 0;
        for (id, line) in after
            .records
            .iter()
            .filter(|(_, line)| line.sequence == self.sequence)
        {
            changes += 1;
            match before.records.get(id) {
                None => self.head(f, name, id, "added", Some(line))?,
                Some(old) => self.changed(f, (name, id), old, line)?,
            }
        }
        for id in before
            .records
            .keys()
            .filter(|id| !after.records.contains_key(*id))
        {
            changes += 1;
            match self.gone(name, id, after) {
                Gone::Deleted(line) => self.head(f, name, id, "removed", Some(line))?,
                Gone::NotRepeated(None) => {
                    self.head(f, name, id, "removed: the snapshot did not repeat it", None)?
                }
                Gone::NotRepeated(Some(scope)) => {
                    self.head(
                        f,
                        name,
                        id,
                        &format!("removed: what was read of {scope} did not repeat it"),
                        None,
                    )?;
                }
            }
        }
        Ok(changes)
    }

    fn changed(
        &self,
        f: &mut fmt::Formatter<'_>,
        (name, id): (&str, &str),
        old: &Line,
        new: &Line,
    ) -> fmt::Result {
        let (mut was, mut is) = (BTreeMap::new(), BTreeMap::new());
        leaves("", &old.record["source"], &mut was);
        leaves("", &new.record["source"], &mut is);
        let paths: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let differing: Vec<_> = paths
            .into_iter()
            .filter(|path| was.get(*path) != is.get(*path))
            .collect();
        let word = if differing.is_empty() {
            "sent again as it was"
        } else {
            "changed"
        };
        self.head(f, name, id, word, Some(new))?;
        for path in differing.iter().take(MOST_FIELDS) {
            writeln!(
                f,
                "    {path}: {} → {}",
                shown(was.get(*path)),
                shown(is.get(*path))
            )?;
        }
        match differing.len().saturating_sub(MOST_FIELDS) {
            0 => Ok(()),
            more => writeln!(f, "    and {more} more fields"),
        }
    }

    fn gone<'s>(&'s self, name: &str, id: &str, after: &'s Stream) -> Gone<'s> {
        if let Some(line) = after
            .tombstones
            .get(id)
            .filter(|line| line.sequence == self.sequence)
        {
            return Gone::Deleted(line);
        }
        let manifest = self.after.manifests.last();
        let complete = manifest
            .into_iter()
            .flat_map(|manifest| &manifest.snapshots);
        let of_part = |snapshot: &&Snapshot| {
            let scope = snapshot.scope.as_deref();
            snapshot.complete
                && snapshot.stream == name
                && scope.is_some_and(|scope| id.split(':').any(|part| part == scope))
        };
        Gone::NotRepeated(
            complete
                .filter(of_part)
                .find_map(|snapshot| snapshot.scope.as_deref()),
        )
    }

    fn head(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        id: &str,
        word: &str,
        line: Option<&Line>,
    ) -> fmt::Result {
        write!(f, "{name}  {id}  {word}")?;
        if let Some(cause) = line.and_then(|line| line.record["cause"].as_str()) {
            match self.newest.records("activity").get(cause) {
                Some(event) => write!(f, ", because {}", told(&event.record["source"]))?,
                None => write!(f, ", because of event {cause}, which is not committed")?,
            }
        }
        writeln!(f)
    }
}

impl fmt::Display for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut changes = 0;
        for (name, after) in self.after.streams.iter().filter(|(name, _)| !grows(name)) {
            changes += self.stream(f, name, after)?;
        }
        let events = self
            .after
            .records("activity")
            .values()
            .filter(|line| line.sequence == self.sequence)
            .count();
        writeln!(
            f,
            "manifest {}: {changes} records, {events} events of the System Log",
            self.sequence
        )
    }
}

/// The scalars of a document by their paths; an empty list or object counts as one.
fn leaves(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            members
                .iter()
                .for_each(|(name, member)| leaves(&below(name), member, found));
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(number, item)| leaves(&format!("{path}[{number}]"), item, found));
        }
        scalar => drop(found.insert(path.to_owned(), scalar.clone())),
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
