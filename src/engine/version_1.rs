//! Cursors of version 1: their log position, what events had made due and their complete snapshots are kept; a
//! snapshot that was not read to its end begins anew.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::job::{Change, Job, Scope};
use super::queue::Kept;
use super::snapshot::Progress;
use super::swept::Swept;
use crate::streams::by_name;
use crate::streams::change::{Identity, Kind};

#[derive(Deserialize)]
struct Old {
    #[serde(default)]
    log: Value,
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

/// The cursor as version 2 would have written it.
pub(super) fn upgraded(value: &Value) -> serde_json::Result<Value> {
    let old = Old::deserialize(value)?;
    let (mut streams, mut jobs) = (old.streams, Vec::new());
    for progress in streams.values_mut() {
        progress.asked |= progress.open.take().is_some() && progress.complete.is_some();
    }
    for stream in old.walks.into_values().flat_map(|walk| walk.streams) {
        let progress = streams.entry(stream).or_default();
        progress.asked |= progress.complete.is_some();
    }
    streams.retain(|_, progress| *progress != Progress::default());
    for (stream, marks) in old.changes {
        for (key, mark) in marks {
            let change = Change {
                cause: mark.cause.filter(|cause| !cause.is_empty()),
                ..Change::default()
            };
            match scope(&stream, &key) {
                Some(scope) => jobs.push(Kept {
                    reads: stream.clone(),
                    scope,
                    job: Job::changed(change),
                }),
                None => streams.entry(stream.clone()).or_default().asked = true,
            }
        }
    }
    let swept = old
        .swept_at
        .into_iter()
        .map(|(stream, until)| (stream, Swept::until(until)));
    let swept: BTreeMap<_, _> = swept.collect();
    let log = if old.log.is_object() {
        old.log
    } else {
        json!({})
    };
    Ok(json!({
        "version": 2, "log": log, "streams": streams, "jobs": jobs, "swept": swept, "mentioned": old.mentioned,
    }))
}

/// The scope that a key of `changes` names: `User:00u…`, or `Pair:0oa…:00u…`.
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
