//! `check`: token, scopes and one request a stream; writes nothing but the status.

use std::collections::HashMap;

use super::outcome::{Ended, answer_of};
use super::{Failure, Run};
use crate::engine::{Answer, Parked, items};
use crate::invocation::Request;
use crate::okta::Org;
use crate::streams::{Assembly, Parents, Source, Stream, id_of, parse};
use serde_json::Value;

/// Asks for one page of every stream that the event names. A stream that is read per parent is
/// tried with the first parent there is; without one there is nothing that could be refused.
pub(super) async fn check(
    org: &Org,
    run: &Run,
    request: &Request,
    streams: &[&'static Stream],
    sequence: u64,
) -> Result<Ended, Failure> {
    let mut firsts: HashMap<&str, Option<(String, Option<Value>)>> = HashMap::new();
    let named: Vec<_> = streams.iter().copied().filter(|stream| request.names(stream.name)).collect();
    let mut ended = Ended::new(&named, sequence);
    for stream in named {
        let parents = match &stream.source {
            Source::PerParent { parents, .. } => Some(parents),
            Source::Assembled { parents, .. } => parents.first(),
            Source::Listing(_) | Source::SystemLog { .. } | Source::Counted { .. } => None,
        };
        if let Some(parents) = parents
            && !firsts.contains_key(parents.listing.name)
        {
            // A listing that is refused is refused for the stream, too.
            let answer = answer_of(org.get(&one(parents.listing.path), run.stop_at).await)?;
            if let Answer::Page { body, .. } = &answer {
                firsts.insert(parents.listing.name, first_of(body));
            }
            note(&mut ended, stream, answer);
        }
        let first = parents.and_then(|parents| firsts.get(parents.listing.name)).and_then(Option::as_ref);
        let Some(path) = path_of(stream, parents, first) else { continue };
        let answer = answer_of(org.get(&path, run.stop_at).await)?;
        if let (Answer::Page { body, .. }, Source::Listing(listing)) = (&answer, &stream.source) {
            firsts.insert(listing.name, first_of(body));
        }
        note(&mut ended, stream, answer);
    }
    ended.used(org.used());
    Ok(ended)
}

fn note(ended: &mut Ended, stream: &'static Stream, answer: Answer) {
    match answer {
        Answer::Page { .. } | Answer::Gone | Answer::Expired | Answer::Dropped => {}
        Answer::Unavailable { error } => ended.note(stream, &Parked::Unavailable(error)),
        Answer::NotApplicable { error } => ended.note(stream, &Parked::NotApplicable(error)),
        Answer::Failed { error } => ended.note(stream, &Parked::Failed(error)),
        Answer::Limited { .. } => ended.note(stream, &Parked::Limited),
    }
}

/// The one request that tells whether a stream can be read; none where there is nothing that
/// could be refused.
fn path_of(stream: &Stream, parents: Option<&Parents>, first: Option<&(String, Option<Value>)>) -> Option<String> {
    match &stream.source {
        Source::Listing(listing) => Some(one(listing.path)),
        Source::SystemLog { path } => Some(one(path)),
        Source::Counted { .. } => None,
        Source::PerParent { path, .. } => Some(one(&path.replace("{parent}", &first?.0))),
        Source::Assembled { next, .. } => {
            let (parent, item) = first?.clone();
            let step = next(&Assembly { kind: parents?.kind, parent, item, parts: Vec::new() })?;
            (!step.optional).then_some(step.path)
        }
    }
}

/// Id and object of a page's first item.
fn first_of(body: &str) -> Option<(String, Option<Value>)> {
    let first = items(body).ok()?.into_iter().next()?;
    Some((id_of(&first)?, parse(&first)))
}

/// The same path, for one object.
fn one(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("limit="));
    let query: Vec<&str> = std::iter::once("limit=1").chain(others).collect();
    format!("{path}?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_asks_for_one_object() {
        assert_eq!(one("/api/v1/groups?limit=200&expand=stats"), "/api/v1/groups?limit=1&expand=stats");
        assert_eq!(one("/api/v1/groups"), "/api/v1/groups?limit=1");
    }
}
