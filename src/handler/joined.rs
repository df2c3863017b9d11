//! Listings whose items are completed from a second one (see [`Join`]), which is asked once for all their pages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::body::Body;
use crate::okta::{Error, Org, Page, Within};
use crate::streams::{JOINS, Join};

/// The second listings as they were last read, by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Joined(Arc<Mutex<HashMap<&'static str, Items>>>);

/// Items by name; `None` where they may not be read: the first listing is worth having without.
type Items = Option<Arc<BTreeMap<String, Box<RawValue>>>>;

/// Pages of a second listing that are read.
const MOST_PAGES: usize = 200;

impl Joined {
    /// Fetches a path as [`Org::get`] does; the objects that complete its items come with them.
    ///
    /// # Errors
    /// Those of [`Org::get`].
    pub(super) async fn get(
        &self,
        org: &Org,
        path: &str,
        omits: &str,
        within: Within,
    ) -> Result<Page, Error> {
        let page = org.get(path, omits, within).await?;
        let Some(join) = join_of(path) else {
            return Ok(page);
        };
        let is_first = !path.contains("after=");
        let mut known = self.0.lock().await;
        if is_first || !known.contains_key(join.path) {
            let items = read(org, join, within.until.into()).await?;
            known.insert(join.path, items);
        }
        let items = known.get(join.path).cloned().flatten();
        Ok(match items {
            Some(items) => Page {
                body: completed(path, &page.body, join, &items),
                next: page.next,
            },
            None => page,
        })
    }
}

fn join_of(path: &str) -> Option<&'static Join> {
    let place = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    let is_of = |join: &&&Join| place(join.listing.path) == place(path);
    JOINS.iter().find(is_of).copied()
}

/// All items of a second listing.
///
/// # Errors
/// Where it may be had later: a limit, the end of the run's time, refused credentials.
async fn read(org: &Org, join: &Join, within: Within) -> Result<Items, Error> {
    let (mut items, mut asked) = (BTreeMap::new(), BTreeSet::new());
    let mut next = Some(join.path.to_owned());
    while let Some(path) = next.take() {
        if !asked.insert(path.clone()) || asked.len() > MOST_PAGES {
            break;
        }
        let page = match org.get(&path, "", within).await {
            Ok(page) => page,
            Err(error @ (Error::Limited { .. } | Error::OutOfTime | Error::Rejected(_))) => {
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(path, %error, "records are written without what this would add");
                return Ok(None);
            }
        };
        for item in page.body.items().unwrap_or_default() {
            let raw: &RawValue = &item;
            items.extend((join.name)(raw).map(|name| (name, raw.to_owned())));
        }
        next = page.next;
    }
    Ok(Some(Arc::new(items)))
}

/// The page with its items completed; a body that is no list stays as it is.
fn completed(
    path: &str,
    body: &Body,
    join: &Join,
    items: &BTreeMap<String, Box<RawValue>>,
) -> Body {
    let Ok(own) = body.items() else {
        return body.clone();
    };
    if !body.trim_start().starts_with('[') {
        return body.clone();
    }
    let more: Vec<_> = own
        .iter()
        .map(|item| (join.complete)(item, items))
        .collect();
    if more.iter().all(Option::is_none) {
        return body.clone();
    }
    let texts = own.iter().zip(&more);
    let texts: Vec<&str> = texts
        .map(|(item, more)| more.as_deref().unwrap_or_else(|| item.get()))
        .collect();
    Body::of(path, format!("[{}]", texts.join(",")))
}
