//! Pages of listings: records, and the parts of the snapshots that they serve.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::state::{Answered, streams_of};
use crate::body::Item;
use crate::engine::assembly::made;
use crate::engine::harvest::Harvest;
use crate::engine::job::{Job, Key, Scope, scope_of};
use crate::engine::sweep;
use crate::engine::work::Work;
use crate::streams::change::Of;
use crate::streams::{Context, Listing, Stream, by_name, id_of};

/// Ids that a stream's objects may mention of another's; more would be no role types.
const MOST_MENTIONED: usize = 100;

/// Items of a listing: records of its own stream, and parts of the snapshots that it serves.
pub(super) fn listed(
    work: &mut Work,
    answered: &Answered<'_>,
    listing: &'static Listing,
    own: Option<&'static Stream>,
    items: Vec<Item>,
    next: Option<String>,
) -> Option<Harvest> {
    let Answered {
        key, job, at, now, ..
    } = answered;
    note_anchor(work, listing, &items);
    let served: Vec<_> = job.serves.iter().filter_map(|name| by_name(name)).collect();
    for stream in &served {
        if stream.sweep.is_some() {
            items
                .iter()
                .for_each(|item| sweep::note(work, stream, item));
        }
        add_parts(work, listing, stream, &items, *now);
    }
    let own = own.filter(|own| served.iter().any(|served| served.name == own.name));
    let lines = items.len() as u64;
    let harvest = own.and_then(|own| work.harvest(own, &Scope::Whole, None, *at, items));
    if let Some(own) = own {
        work.count(own.name, lines, 0);
    }
    match next {
        Some(_) => work
            .queue
            .update(key, *now, |job| (job.position, job.trouble) = (next, None)),
        None => {
            served
                .iter()
                .for_each(|stream| work.progress_mut(stream.name).listed(listing.name));
            work.end(key, *now);
        }
    }
    harvest
}

/// Notes the item that every live user must be in.
fn note_anchor(work: &mut Work, listing: &Listing, items: &[Item]) {
    let Some(anchor) = listing.anchor else { return };
    let found = items.iter().find(|item| anchor(item));
    if let Some(id) = found.and_then(|item| id_of(item)) {
        work.seen.everyone = Some(id);
    }
}

/// Adds a part of the stream's snapshot for each item that something is read of.
fn add_parts(
    work: &mut Work,
    listing: &Listing,
    stream: &'static Stream,
    items: &[Item],
    now: Timestamp,
) {
    let Some(parents) = stream.parents_of(listing.name) else {
        return;
    };
    for item in items.iter().filter(|item| (parents.wanted)(item)) {
        let id = id_of(item);
        let Some(scope) = id.and_then(|id| scope_of(stream, Of::All(parents.of), &id)) else {
            continue;
        };
        let item = if parents.keep {
            Context::default().object(item)
        } else {
            Some(serde_json::json!({}))
        };
        let item = item.filter(|_| stream.is_assembled());
        let key = Key {
            reads: stream.name,
            scope,
        };
        work.queue.add(key, Job::of_snapshot(item), now);
    }
}

pub(super) fn count_request(work: &mut Work, key: &Key, job: &Job) {
    if job.of_snapshot || key.scope == Scope::Whole {
        streams_of(work, key, job)
            .into_iter()
            .for_each(|stream| work.count(stream, 0, 1));
    }
}

/// Objects of another stream that show for the first time.
pub(super) fn harvest_mentioned(
    work: &mut Work,
    stream: &'static Stream,
    ids: Vec<String>,
    at: Timestamp,
) -> Option<Harvest> {
    let fixed = stream.fixed.as_ref()?;
    let seen = work.mentioned.get(stream.name);
    let is_new = |id: &String| {
        !fixed.known.contains(&id.as_str()) && !seen.is_some_and(|seen| seen.contains(id))
    };
    let room = MOST_MENTIONED.saturating_sub(seen.map_or(0, BTreeSet::len));
    let new: Vec<String> = ids.into_iter().filter(is_new).take(room).collect();
    if new.is_empty() || work.stream(stream.name).is_none() {
        return None;
    }
    let objects: Vec<_> = new.iter().map(|id| (fixed.object)(id)).collect();
    work.mentioned
        .entry(stream.name.to_owned())
        .or_default()
        .extend(new);
    // A snapshot that is open will bring them at its end.
    if work
        .progress(stream.name)
        .is_some_and(|progress| progress.open.is_some())
    {
        return None;
    }
    work.harvest(stream, &Scope::Whole, None, at, made(&objects))
}
