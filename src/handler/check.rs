//! `check`: token, scopes and one request per stream; writes nothing but the status.

use std::collections::HashMap;

use serde_json::Value;

use super::outcome::{Ended, answer_of};
use super::{Failure, Run};
use crate::body::Body;
use crate::engine::{Answer, Parked};
use crate::invocation::Request;
use crate::okta::Org;
use crate::streams::{Assembly, STREAMS, Source, Stream, id_of, parse};

/// Sends one request per stream that the event names: for its own listing, or, where another
/// stream's request has brought its parents, for the first parent there is. A stream without a
/// parent has nothing that could be refused.
pub(super) async fn check(
    org: &Org,
    run: &Run,
    request: &Request,
    streams: &[&'static Stream],
    sequence: u64,
) -> Result<Ended, Failure> {
    // First items by the path of their listing.
    let mut firsts: HashMap<&str, First> = HashMap::new();
    let named: Vec<_> = streams
        .iter()
        .copied()
        .filter(|stream| request.names(stream.name))
        .collect();
    let mut ended = Ended::new(&named, sequence);
    for stream in named {
        let listing = stream.listings().first().map(|listing| listing.path);
        if let (Some(listing), Source::PerParent { .. }) = (listing, &stream.source)
            && !firsts.contains_key(listing)
        {
            // The event names the children alone: their parents must be asked for all the same.
            let answer = answer_of(org.get(&one(listing), "", run.stop_at.into()).await)?;
            if let Answer::Page { body, .. } = &answer {
                firsts.insert(listing, first_of(body));
            }
            note(&mut ended, stream, answer);
            note_blindness(&mut ended, stream, run, firsts.get(listing));
        }
        let known = listing.and_then(|listing| firsts.get(listing));
        let Some(path) = path_to_ask(stream, listing, known) else {
            note_blindness(&mut ended, stream, run, known);
            continue;
        };
        let answer = answer_of(org.get(&path, "", run.stop_at.into()).await)?;
        if let (Answer::Page { body, .. }, Some(listing)) = (&answer, listing) {
            firsts.entry(listing).or_insert_with(|| first_of(body));
        }
        note(&mut ended, stream, answer);
        note_blindness(
            &mut ended,
            stream,
            run,
            listing.and_then(|listing| firsts.get(listing)),
        );
    }
    ended.used(org.used());
    Ok(ended)
}

/// The path of the stream's one request: its listing's, or of the first parent that another request has brought.
fn path_to_ask(stream: &Stream, listing: Option<&str>, known: Option<&First>) -> Option<String> {
    match (known, listing, &stream.source) {
        (Some(first), ..) => path_of(stream, first.as_ref()),
        (None, Some(_), Source::PerParent { .. }) => None,
        (None, Some(listing), _) => Some(one(listing)),
        (None, None, Source::SystemLog { path }) => Some(one(path)),
        (None, None, _) => None,
    }
}

/// Id and object of a listing's first item, or `None` if it is empty.
type First = Option<(String, Option<Value>)>;

fn note(ended: &mut Ended, stream: &'static Stream, answer: Answer) {
    match answer {
        Answer::Page { .. } | Answer::Gone | Answer::Expired | Answer::Dropped => {}
        Answer::Unavailable { error } => ended.note(stream, &Parked::Unavailable(error)),
        Answer::NotApplicable { error } => ended.note(stream, &Parked::NotApplicable(error)),
        Answer::Failed { error } | Answer::Refused { error } => {
            ended.note(stream, &Parked::Failed(error))
        }
        Answer::Limited { .. } => ended.note(stream, &Parked::Limited),
    }
}

/// Notes that a listing is empty which is empty in no org: Okta answers so where the admin role is missing.
/// An org that is read with an API token may have no app.
fn note_blindness(ended: &mut Ended, stream: &'static Stream, run: &Run, first: Option<&First>) {
    let Some(None) = first else { return };
    let path = stream.listings().first().map(|listing| listing.path);
    let own = STREAMS
        .iter()
        .find(|own| matches!(own.source, Source::Listing(listing) if Some(listing.path) == path));
    let is_app = run.integration.client_id().is_some();
    let there = match own.map(|own| own.name) {
        Some("users") => "users",
        Some("groups") => "the group Everyone",
        Some("applications") if is_app => "the app that asks",
        _ => return,
    };
    let error = format!(
        "nothing is visible, though every org has {there}: give the app, or the API token's owner, the admin role Read-only Administrator, or one that sees them (Applications, the app, Admin roles; of a user Directory, People, the user, Admin roles)"
    );
    ended.note(stream, &Parked::Unavailable(error));
}

/// The first request for a parent.
fn path_of(stream: &Stream, first: Option<&(String, Option<Value>)>) -> Option<String> {
    match &stream.source {
        Source::PerParent { path, .. } => Some(one(&path.replace("{parent}", &first?.0))),
        Source::Assembled { parents, next, .. } => {
            let (parent, item) = first?.clone();
            let kind = parents.first()?.kind;
            next(&Assembly {
                kind,
                parent,
                item,
                parts: Vec::new(),
            })
            .map(|step| step.path)
        }
        Source::Listing(_) | Source::SystemLog { .. } | Source::Counted { .. } => None,
    }
}

fn first_of(body: &Body) -> First {
    let first = body.items().ok()?.into_iter().next()?;
    Some((id_of(&first)?, parse(&first)))
}

/// The same path, for one object.
fn one(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let others = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("limit="));
    let query: Vec<&str> = std::iter::once("limit=1").chain(others).collect();
    format!("{path}?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_asks_for_one_object() {
        assert_eq!(
            one("/api/v1/groups?limit=200&expand=stats"),
            "/api/v1/groups?limit=1&expand=stats"
        );
        assert_eq!(one("/api/v1/groups"), "/api/v1/groups?limit=1");
    }
}
