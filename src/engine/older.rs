//! Reading a cursor, of this version or an older one. Of versions 1 and 2 the log position, what events had made due, the complete
//! snapshots and the time of the sweeps are kept. Where version 2 had begun a snapshot it goes on; one of version 1 begins anew. What readers
//! hold is unknown until the first complete snapshot: until then the numbers of records stand in that they remembered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::cursor::{Cursor, CursorError, LogCursor, VERSION};
use super::due::{Due, Kept, News, Place, Retry, Why};
use super::ledger::Counts;
use super::lists::ListReading;
use super::reading::reading;
use super::replica::{Complete, KeptReplica, Lack, Pass};
use super::scope::Scope;
use super::sweep::Swept;
use crate::streams::change::{Identity, Kind};
use crate::streams::{STREAMS, by_name};

#[derive(Deserialize)]
struct Old {
    #[serde(default)]
    log: Option<LogCursor>,
    #[serde(default)]
    streams: BTreeMap<String, Progress>,
    #[serde(default)]
    jobs: Vec<Job>,
    #[serde(default)]
    swept: BTreeMap<String, OldSwept>,
    #[serde(default)]
    sizes: BTreeMap<String, BTreeMap<String, u64>>,
    #[serde(default)]
    mentioned: BTreeMap<String, BTreeSet<String>>,
    // Of version 1.
    #[serde(default)]
    walks: BTreeMap<String, Walk>,
    #[serde(default)]
    changes: BTreeMap<String, BTreeMap<String, Mark>>,
    #[serde(default)]
    swept_at: BTreeMap<String, Timestamp>,
}

#[derive(Deserialize, Default, Clone)]
struct Progress {
    #[serde(default)]
    asked: bool,
    open: Option<Snapshot>,
    complete: Option<Snapshot>,
    held: Option<Snapshot>,
    #[serde(default)]
    removed: u64,
    #[serde(default)]
    added: u64,
    not_applicable: Option<Feature>,
}

#[derive(Deserialize, Clone)]
struct Snapshot {
    since_sequence: u64,
    started_at: Timestamp,
    lines: u64,
    #[serde(default)]
    requests: u64,
    #[serde(default)]
    answered: u64,
    #[serde(default)]
    left: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Deserialize, Clone)]
struct Feature {
    at: Timestamp,
    error: String,
}

#[derive(Deserialize)]
struct OldSwept {
    until: Timestamp,
}

#[derive(Deserialize)]
struct Job {
    reads: String,
    scope: OldScope,
    #[serde(default)]
    of_snapshot: bool,
    change: Option<Change>,
    again: Option<Change>,
    since_sequence: Option<u64>,
    began_at: Option<Timestamp>,
    changed_since: Option<Timestamp>,
    position: Option<String>,
    #[serde(default)]
    serves: Vec<String>,
    item: Option<Value>,
    trouble: Option<Trouble>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OldScope {
    Whole,
    ChangedSince,
    Object(Kind, String),
    Parent(Kind, String),
    Pair(String, String),
}

#[derive(Deserialize)]
struct Change {
    cause: Option<String>,
    since: Option<Timestamp>,
    latest: Option<Timestamp>,
    #[serde(default)]
    losses: u32,
    #[serde(default)]
    gone: bool,
    #[serde(default)]
    ends_if_absent: bool,
}

#[derive(Deserialize)]
struct Trouble {
    attempts: u32,
    not_before: Timestamp,
    #[serde(default)]
    refused: bool,
}

#[derive(Deserialize)]
struct Walk {
    #[serde(default)]
    streams: Vec<String>,
}

#[derive(Deserialize)]
struct Mark {
    cause: Option<String>,
}

/// The remedy for a damaged cursor.
const RESTORE: &str =
    "restore the manifest's first version (docs/operations.md, Restoring a deleted version)";

impl Cursor {
    /// Reads the cursor of a manifest, of this version or an older one.
    ///
    /// # Errors
    /// Where a newer version of the function wrote it, or it is no cursor at all.
    pub fn read(value: &Value) -> Result<Self, CursorError> {
        if !value.is_object() {
            return Err(CursorError(format!("it is no JSON object: {RESTORE}")));
        }
        let version = value
            .get("version")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if version > u64::from(VERSION) {
            let text = format!(
                "it is of version {version}, this function knows {VERSION}: deploy the newer function again"
            );
            return Err(CursorError(text));
        }
        let read = match version {
            0..=2 => read(value),
            _ => Self::deserialize(value),
        };
        read.map_err(|error| CursorError(format!("{error}: {RESTORE}")))
    }
}

/// The cursor as this version would have written it.
pub(super) fn read(value: &Value) -> serde_json::Result<Cursor> {
    let is_first = value.get("version").and_then(Value::as_u64) != Some(2);
    let mut old = Old::deserialize(value)?;
    if is_first {
        begin_anew(&mut old);
    }
    let log = old.log.take().unwrap_or_default();
    let heard = log.read_at.unwrap_or(Timestamp::UNIX_EPOCH);
    let mut cursor = Cursor {
        log,
        mentioned: std::mem::take(&mut old.mentioned),
        ..Cursor::default()
    };
    for stream in STREAMS {
        let swept = old.swept.get(stream.name).map(|swept| swept.until);
        let swept = swept.or(old.swept_at.get(stream.name).copied());
        let sizes = old.sizes.remove(stream.name).unwrap_or_default();
        let progress = old.streams.remove(stream.name).unwrap_or_default();
        let kept = KeptReplica {
            swept: swept.map(Swept::until),
            ..replica(progress, sizes)
        };
        if kept != KeptReplica::default() {
            cursor.streams.insert(stream.name.to_owned(), kept);
        }
    }
    for (stream, marks) in old.changes {
        for (key, mark) in marks {
            let kept = cursor.streams.entry(stream.clone()).or_default();
            match scope_of(&stream, &key) {
                Some(scope) => kept.dues.push(Kept {
                    scope,
                    due: Due::changed(News {
                        cause: mark.cause.filter(|cause| !cause.is_empty()),
                        ..News::unnamed(heard)
                    }),
                }),
                None => kept.asked = true,
            }
        }
    }
    for job in old.jobs {
        take_job(&mut cursor, job, heard);
    }
    Ok(cursor)
}

/// Snapshots of version 1 begin anew.
fn begin_anew(old: &mut Old) {
    for progress in old.streams.values_mut() {
        progress.asked |= progress.open.take().is_some() && progress.complete.is_some();
    }
    let walks = std::mem::take(&mut old.walks);
    for stream in walks.into_values().flat_map(|walk| walk.streams) {
        let progress = old.streams.entry(stream).or_default();
        progress.asked |= progress.complete.is_some();
    }
}

fn replica(old: Progress, sizes: BTreeMap<String, u64>) -> KeptReplica {
    let counts = old.complete.as_ref().map(|complete| Counts {
        lines: (complete.lines + old.added).saturating_sub(old.removed),
        of: sizes,
    });
    // A snapshot that was held is due again: the ledger that would name what is missing is not known.
    let is_held = old.held.is_some();
    let complete = |snapshot: Snapshot| Complete {
        began: snapshot.started_at,
        since_sequence: snapshot.since_sequence,
        lines: snapshot.lines,
        requests: snapshot.requests,
        except: snapshot.except,
    };
    let pass = |snapshot: Snapshot| {
        Pass::resumed(
            snapshot.started_at,
            snapshot.since_sequence,
            snapshot.left,
            (snapshot.answered, snapshot.lines, snapshot.requests),
            counts.as_ref().map_or(0, |counts| counts.lines),
        )
    };
    KeptReplica {
        asked: old.asked || is_held && old.open.is_none(),
        pass: old.open.map(pass),
        complete: old.complete.map(complete),
        lacks: old.not_applicable.map(|feature| Lack {
            at: feature.at,
            error: feature.error,
        }),
        counts,
        ..KeptReplica::default()
    }
}

fn take_job(cursor: &mut Cursor, job: Job, heard: Timestamp) {
    let scope = match job.scope.clone() {
        OldScope::Whole => {
            let list = ListReading::resumed(job.serves, job.position);
            cursor.lists.insert(job.reads, list);
            return;
        }
        OldScope::ChangedSince => {
            let swept = cursor
                .streams
                .get_mut(&job.reads)
                .and_then(|kept| kept.swept.as_mut());
            if let (Some(swept), Some(change), Some(since)) = (swept, job.change, job.changed_since)
            {
                // What an event named nothing of is listed from then on.
                swept.lower(since);
                swept.request(change.cause, heard);
            }
            return;
        }
        OldScope::Object(kind, id) => Scope::Object(kind, id),
        OldScope::Parent(kind, id) => Scope::Parent(kind, id),
        OldScope::Pair(first, second) => Scope::Pair(first, second),
    };
    // A scope that this version reads in another way is in the next snapshot.
    if !is_readable(&job.reads, &scope) {
        cursor.streams.entry(job.reads).or_default().asked = true;
        return;
    }
    let is_gone = job.change.as_ref().is_some_and(|change| change.gone);
    let cause = job.change.as_ref().and_then(|change| change.cause.clone());
    if is_gone {
        cursor.graves.resume(job.reads, scope, cause, heard);
        return;
    }
    let reads = job.reads.clone();
    let due = due_of(job, heard);
    let kept = cursor.streams.entry(reads).or_default();
    kept.dues.push(Kept { scope, due });
}

/// What a job of an older version is to read, and why.
fn due_of(job: Job, heard: Timestamp) -> Due {
    let news = job.again.or(job.change).map(|change| News {
        cause: change.cause,
        since: change.since.unwrap_or(heard),
        touched: change.latest.unwrap_or(heard),
        heard,
        is_loss: change.losses > 0,
        ends_if_absent: change.ends_if_absent,
    });
    Due {
        is_part: job.of_snapshot,
        news,
        item: job.item,
        place: job
            .position
            .zip(job.since_sequence)
            .map(|(position, since)| Place {
                position: Some(position),
                ..Place::at_end(since, job.began_at.unwrap_or(heard), true)
            }),
        retry: job.trouble.map(|trouble| Retry {
            attempts: trouble.attempts,
            not_before: trouble.not_before,
            why: if trouble.refused {
                Why::Refused
            } else {
                Why::Failed
            },
        }),
        ..Due::default()
    }
}

fn is_readable(stream: &str, scope: &Scope) -> bool {
    by_name(stream).is_some_and(|stream| reading(stream, scope).is_some())
}

/// The scope that a key of `changes` names: `User:00u…`, or `Pair:0oa…:00u…`.
fn scope_of(stream: &str, key: &str) -> Option<Scope> {
    let identity = by_name(stream)?.identity;
    let (of, id) = key.split_once(':')?;
    let kind = match of {
        "Pair" => {
            let (first, second) = id.split_once(':')?;
            return Some(Scope::Pair(first.to_owned(), second.to_owned()));
        }
        "User" => Kind::User,
        "Group" => Kind::Group,
        "Application" => Kind::Application,
        "IdentityProvider" => Kind::IdentityProvider,
        _ => return None,
    };
    Some(match identity {
        Identity::Object(_) => Scope::Object(kind, id.to_owned()),
        _ => Scope::Parent(kind, id.to_owned()),
    })
}
