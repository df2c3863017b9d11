//! `check`: token, scopes and one request a stream; writes nothing but the status.

use std::collections::HashMap;

use super::outcome::{Ended, answer_of};
use super::{Failure, Run};
use crate::engine::{Answer, Parked};
use crate::invocation::Request;
use crate::okta::Org;
use crate::streams::{Source, Stream, id_of};

/// Asks for one page of every stream that the event names. A stream that is read per parent is
/// tried with the first parent there is; without one there is nothing that could be refused.
pub(super) async fn check(
    org: &Org,
    run: &Run,
    request: &Request,
    streams: &[&'static Stream],
    sequence: u64,
) -> Result<Ended, Failure> {
    let mut first_parents: HashMap<&str, Option<String>> = HashMap::new();
    let named: Vec<_> = streams.iter().copied().filter(|stream| request.names(stream.name)).collect();
    let mut ended = Ended::new(&named, sequence);
    for stream in named {
        let path = match stream.source {
            Source::Listing(listing) => listing.path.to_owned(),
            Source::SystemLog { path } => path.to_owned(),
            Source::PerParent { parents, path, .. } => {
                if !first_parents.contains_key(parents.name) {
                    let found = first_id(org, run, parents.path).await?;
                    first_parents.insert(parents.name, found);
                }
                match first_parents.get(parents.name) {
                    Some(Some(parent)) => path.replace("{parent}", parent),
                    _ => continue,
                }
            }
        };
        match answer_of(org.get(&one(&path), run.stop_at).await)? {
            Answer::Page { body, .. } => {
                if let Source::Listing(listing) = stream.source {
                    first_parents.insert(listing.name, first_of(&body));
                }
            }
            Answer::Gone | Answer::Expired | Answer::Dropped => {}
            Answer::Unavailable { error } => ended.note(stream, &Parked::Unavailable(error)),
            Answer::NotApplicable { error } => ended.note(stream, &Parked::NotApplicable(error)),
            Answer::Failed { error } => ended.note(stream, &Parked::Failed(error)),
            Answer::Limited { .. } => ended.note(stream, &Parked::Limited),
        }
    }
    ended.used(org.used());
    Ok(ended)
}

async fn first_id(org: &Org, run: &Run, path: &str) -> Result<Option<String>, Failure> {
    Ok(match answer_of(org.get(&one(path), run.stop_at).await)? {
        Answer::Page { body, .. } => first_of(&body),
        _ => None,
    })
}

fn first_of(body: &str) -> Option<String> {
    let items: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(body).ok()?;
    items.first().and_then(|item| id_of(item))
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
