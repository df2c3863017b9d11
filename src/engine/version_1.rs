//! Cursors of version 1: their log position, what events had made due and their complete snapshots are kept; a
//! snapshot that was not read to its end begins anew.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::cursor::{Cursor, LogCursor};
use super::job::{Change, Job, Scope};
use super::queue::Kept;
use super::snapshot::Progress;
use super::sweep::Swept;
use crate::streams::by_name;
use crate::streams::change::{Identity, Kind};

#[derive(Deserialize)]
struct Old {
    #[serde(default)]
    log: LogCursor,
    #[serde(default)]
    streams: BTreeMap<String, Progress>,
    #[serde(default)]
    walks: BTreeMap<String, Walk>,
    #[serde(default)]
    changes: BTreeMap<String, BTreeMap<String, Mark>>,
    #[serde(default)]
    swept_at: BTreeMap<String, Timestamp>,
    #[serde(default)]
    mentioned: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Walk {
    #[serde(default)]
    streams: Vec<String>,
}

#[derive(Deserialize)]
struct Mark {
    #[serde(default)]
    cause: Option<String>,
}

pub(super) fn read(value: &Value) -> serde_json::Result<Cursor> {
    let old = Old::deserialize(value)?;
    let mut cursor = Cursor { log: old.log, streams: old.streams, mentioned: old.mentioned, ..Cursor::default() };
    for progress in cursor.streams.values_mut() {
        progress.asked |= progress.open.take().is_some() && progress.complete.is_some();
    }
    for stream in old.walks.into_values().flat_map(|walk| walk.streams) {
        let progress = cursor.streams.entry(stream).or_default();
        progress.asked |= progress.complete.is_some();
    }
    cursor.streams.retain(|_, progress| *progress != Progress::default());
    for (stream, marks) in old.changes {
        for (key, mark) in marks {
            let change = Change { cause: mark.cause.filter(|cause| !cause.is_empty()), ..Change::default() };
            match scope(&stream, &key) {
                Some(scope) => cursor.jobs.push(Kept { reads: stream.clone(), scope, job: Job::changed(change) }),
                None => cursor.streams.entry(stream.clone()).or_default().asked = true,
            }
        }
    }
    cursor.swept = old.swept_at.into_iter().map(|(stream, until)| (stream, Swept::until(until))).collect();
    Ok(cursor)
}

/// `User:00u…`, or `Pair:0oa…:00u…`
fn scope(stream: &str, key: &str) -> Option<Scope> {
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
