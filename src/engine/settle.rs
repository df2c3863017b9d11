//! The cheapest way to read what has changed: one by one, all records of one object, what has changed lately, or the
//! whole stream.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::due::Rank;
use super::replica::Replica;
use super::replicas::Replicas;
use super::run::Run;
use super::scope::Scope;
use crate::streams::Stream;
use crate::streams::change::{Identity, Of, Read, Rows};

/// Up to this many scopes are read one by one even if a snapshot would cost fewer requests: it would write every record.
pub(super) const FEW_SCOPES: u64 = 20;
/// Most pages of a listing that is read for what may follow from an event.
pub(super) const FEW_PAGES: u64 = 10;
/// From this many pairs of one object on, a listing of all of them costs less; and from this many objects on, the
/// listing of those that have changed lately.
const SEVERAL: usize = 3;

/// Chooses how the scopes of a stream that events named are read.
pub(super) fn settle(replicas: &mut Replicas, stream: &'static Stream, now: Timestamp) {
    let most_pages = replicas.listing_cost(stream);
    let Some(replica) = replicas.get_mut(stream.name) else {
        return;
    };
    replica.shed(now);
    fold_pairs(replica, stream, most_pages, now);
    let scopes: Vec<_> = replica.dues.ready(Rank::Changed).collect();
    let since = scopes
        .iter()
        .filter_map(|scope| Some(replica.dues.get(scope)?.news.as_ref()?.since))
        .min();
    let count = scopes.len();
    let is_swept = replica
        .swept
        .as_ref()
        .is_some_and(super::sweep::Swept::is_ready);
    let lists_records = stream
        .sweep
        .as_ref()
        .is_some_and(|sweep| matches!(sweep.rows, Rows::Records));
    let is_asked = !is_swept
        && count >= SEVERAL
        && lists_records
        && replica
            .swept
            .as_mut()
            .is_some_and(|swept| swept.request_for_dues(since, now));
    if !is_asked {
        replica.weigh(FEW_SCOPES, now);
    }
}

/// An object whose record readers do not hold may have ended since an event was published that is late: it is to be
/// known first.
pub(super) fn doubt_lives(replicas: &mut Replicas, run: &Run, stream: &Stream, now: Timestamp) {
    let Some(replica) = replicas.get_mut(stream.name) else {
        return;
    };
    let may_be_over = |scope: &&Scope| {
        let Scope::Object(_, id) = scope else {
            return false;
        };
        run.is_live(id) != Some(true) && replica.ledger.holds(id) == Some(false)
    };
    let over: Vec<_> = replica
        .dues
        .ready(Rank::Changed)
        .filter(may_be_over)
        .cloned()
        .collect();
    for scope in over {
        replica.dues.update(&scope, now, |due| due.item = None);
    }
}

/// Pairs that may be read.
fn ready_pairs(replica: &Replica) -> Vec<(String, String)> {
    let ranks = [Rank::Changed, Rank::Again, Rank::Retry].into_iter();
    ranks
        .flat_map(|rank| replica.dues.ready(rank))
        .filter_map(|scope| match scope {
            Scope::Pair(first, second) => Some((first.clone(), second.clone())),
            _ => None,
        })
        .collect()
}

/// If many pairs share an object, all of its records cost fewer requests than each.
fn fold_pairs(replica: &mut Replica, stream: &'static Stream, most_pages: u64, now: Timestamp) {
    let Identity::Pair(first, second) = stream.identity else {
        return;
    };
    let can_all = |kind| stream.reread(Of::All(kind)).is_some();
    let has_pairs = stream.reread(Of::Pair).is_some();
    let pairs = ready_pairs(replica);
    let mut by_first: BTreeMap<&str, usize> = BTreeMap::new();
    for (first, _) in &pairs {
        *by_first.entry(first).or_default() += 1;
    }
    let is_whole = |(first, count): &(&&str, &usize)| {
        let count = **count as u64;
        count
            > pages_of(replica, stream, first, count).map_or(most_pages, |own| own.min(most_pages))
    };
    let firsts: BTreeSet<String> = by_first
        .iter()
        .filter(|_| can_all(first))
        .filter(is_whole)
        .map(|(first, _)| (*first).to_owned())
        .collect();
    let mut by_second: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, second) in pairs.iter().filter(|(first, _)| !firsts.contains(first)) {
        *by_second.entry(second).or_default() += 1;
    }
    for (one, other) in &pairs {
        let of_second = by_second.get(other.as_str()).copied().unwrap_or_default();
        let wider = if firsts.contains(one) {
            Some((first, one))
        } else if can_all(second) && (!has_pairs || of_second >= SEVERAL) {
            Some((second, other))
        } else if !has_pairs {
            Some((first, one))
        } else {
            None
        };
        if let Some((kind, id)) = wider {
            let pair = Scope::Pair(one.clone(), other.clone());
            if let Some(due) = replica.dues.remove(&pair) {
                let wider = Scope::Parent(kind, id.clone());
                replica.dues.add(wider, due, now);
            }
        }
    }
}

/// Pages that the listing of all records of one first object has, by what readers hold of it and what was added; `None`
/// if that is not known.
fn pages_of(replica: &Replica, stream: &Stream, id: &str, added: u64) -> Option<u64> {
    let Identity::Pair(first, _) = stream.identity else {
        return None;
    };
    let Read::Listing { page_items, .. } = stream.reread(Of::All(first))?.read else {
        return None;
    };
    if replica.ledger.is_unsure(id) || replica.complete().is_none() {
        return None;
    }
    Some((replica.ledger.held_by(id) + added) / page_items + 1)
}
