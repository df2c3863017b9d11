//! Lists of items → Authomize, with refusals of some.

use std::collections::{BTreeMap, BTreeSet};

use fold::{Kind, body};

use crate::authomize::{Api, Field, Posted, Stop, Transport, Trouble, posted};
use crate::failure::Failure;
use crate::items::{Batch, Item};
use crate::purge::{Evidence, Moment};
use crate::report::{Counts, MOST_NAMED, Refused, count};

/// Lists that are halved or repeated in search of refused items, per load. Beyond them a refused list is refused as a
/// whole.
const MOST_SEARCHES: u32 = 500;
/// Items that wait to be posted once more at most.
const MOST_WAITING: usize = 10_000;

/// Why items are refused that stand in the same list as refused ones.
const TOO_MANY: &str = "too many items of this load were refused to look for this one";

/// Posts lists of items to one app.
pub struct Poster<'a, 'b, T> {
    api: &'a mut Api<'b, T>,
    app_id: &'a str,
    searches: u32,
    app_is_there: bool,
    /// Items that Authomize took, by kind.
    pub accepted: Counts,
    /// Observations of Authomize.
    pub evidence: Evidence,
    /// Named refusals, at most 100.
    pub refused: Vec<Refused>,
    /// Number of refused items.
    pub refused_total: u64,
    /// Items that refer to ids which Authomize says it does not know, with these.
    pub waiting: Vec<(Kind, Item, BTreeSet<String>)>,
}

impl<'a, 'b, T: Transport> Poster<'a, 'b, T> {
    /// A poster that goes on from this evidence.
    pub fn new(api: &'a mut Api<'b, T>, app_id: &'a str, evidence: Evidence) -> Self {
        Self {
            api,
            app_id,
            searches: 0,
            app_is_there: false,
            accepted: Counts::new(),
            evidence,
            refused: Vec::new(),
            refused_total: 0,
            waiting: Vec::new(),
        }
    }

    /// Posts a list; refused items are left out by index or by halves, the others are in. A kind that cannot be
    /// posted costs itself.
    ///
    /// # Errors
    /// The time is up, or nothing can be posted at all.
    pub async fn post(&mut self, batch: Batch) -> Result<(), Stop> {
        let kind = batch.kind;
        let mut lists = vec![batch.items];
        while let Some(items) = lists.pop() {
            if items.is_empty() || self.evidence.has_failed(kind) {
                continue;
            }
            match self.send(kind, &items).await? {
                Ok(Posted::Accepted {
                    at,
                    number,
                    invalid,
                }) => self.taken(kind, items, (at.as_deref(), number), &invalid, &mut lists),
                Ok(Posted::Items(fields)) => self.without(kind, items, &fields, &mut lists),
                Ok(Posted::Whole(status)) => {
                    let reason = format!("Authomize refuses it (HTTP {status})");
                    self.halved(kind, items, &reason, &mut lists);
                }
                Ok(Posted::NotFound) => {
                    self.require_app().await?;
                    self.evidence.failed(kind, Trouble::Status { status: 404 });
                }
                Ok(Posted::Foreign) => self.evidence.failed(kind, Trouble::Foreign),
                Err(trouble) => self.evidence.failed(kind, trouble),
            }
        }
        Ok(())
    }

    async fn send(&mut self, kind: Kind, items: &[Item]) -> Result<Result<Posted, Trouble>, Stop> {
        let path = format!("/v2/apps/{}/{}", self.app_id, kind.path());
        match self.api.call("POST", &path, Some(body(items))).await {
            Ok(answer) => Ok(Ok(posted(&answer, items.len()))),
            Err(Stop::Endpoint { trouble, .. }) => Ok(Err(trouble)),
            Err(stop) => Err(stop),
        }
    }

    /// Posts one item for the sake of Authomize's time alone. A fault of the item shows when it is posted.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn probe(&mut self, batch: &Batch) -> Result<Option<Moment>, Stop> {
        match self.send(batch.kind, &batch.items[..1]).await? {
            Ok(Posted::Accepted { at, .. }) => Ok(at.as_deref().and_then(Moment::placed)),
            _ => Ok(None),
        }
    }

    /// A 404 may be the app's or the endpoint's.
    async fn require_app(&mut self) -> Result<(), Stop> {
        if !self.app_is_there && self.api.app(self.app_id).await?.is_none() {
            let message = format!(
                "Authomize has no app {} any more: nothing was purged, the next invocation makes one",
                self.app_id
            );
            return Err(Failure::new("AppGone", message).into());
        }
        self.app_is_there = true;
        Ok(())
    }

    /// Waits for so long if there is time enough.
    pub async fn wait(&self, wait: std::time::Duration) -> bool {
        self.api.wait(wait).await
    }

    fn taken(
        &mut self,
        kind: Kind,
        items: Vec<Item>,
        (at, number): (Option<&str>, Option<u64>),
        invalid: &BTreeSet<String>,
        lists: &mut Vec<Vec<Item>>,
    ) {
        let names_invalid = |item: &Item| -> BTreeSet<String> {
            let references = kind
                .references(item)
                .iter()
                .filter_map(|(field, _)| item.get(*field)?.as_str());
            references
                .filter(|id| invalid.contains(*id))
                .map(str::to_owned)
                .collect()
        };
        let (dangling, sound): (Vec<_>, Vec<_>) = items
            .into_iter()
            .map(|item| (names_invalid(&item), item))
            .partition(|(ids, _)| !ids.is_empty());
        let sound: Vec<Item> = sound.into_iter().map(|(_, item)| item).collect();
        let counted = number.is_none_or(|number| number >= sound.len() as u64);
        let keys: Vec<String> = sound.iter().filter_map(|item| kind.key(item)).collect();
        let keys = keys.iter().map(String::as_str).filter(|_| counted);
        self.evidence.accepted(at, kind, keys);
        if counted {
            count(&mut self.accepted, kind, sound.len() as u64);
        } else {
            let reason = "Authomize does not count it among the accepted items";
            self.halved(kind, sound, reason, lists);
        }
        for (ids, item) in dangling {
            self.evidence.dangles(kind);
            if self.waiting.len() < MOST_WAITING {
                self.doubt(kind, &item);
                self.waiting.push((kind, item, ids));
            } else {
                let reason = format!("refers to {}, which Authomize does not know", list(&ids));
                self.refuse(kind, &item, &reason);
            }
        }
    }

    fn without(
        &mut self,
        kind: Kind,
        items: Vec<Item>,
        fields: &BTreeMap<usize, Field>,
        lists: &mut Vec<Vec<Item>>,
    ) {
        self.searches += 1;
        let mut others = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let Some(field) = fields.get(&index) else {
                others.push(item);
                continue;
            };
            let reason = match field.name_in(&item) {
                Some(name) => format!("Authomize refuses its field {name}"),
                None => "Authomize refuses it".to_owned(),
            };
            self.refuse(kind, &item, &reason);
        }
        self.again(kind, vec![others], TOO_MANY, lists);
    }

    fn halved(
        &mut self,
        kind: Kind,
        mut items: Vec<Item>,
        reason: &str,
        lists: &mut Vec<Vec<Item>>,
    ) {
        self.searches += 1;
        if let [item] = items.as_slice() {
            return self.refuse(kind, item, reason);
        }
        let second = items.split_off(items.len() / 2);
        self.again(kind, vec![second, items], reason, lists);
    }

    fn again(
        &mut self,
        kind: Kind,
        parts: Vec<Vec<Item>>,
        reason: &str,
        lists: &mut Vec<Vec<Item>>,
    ) {
        if self.searches <= MOST_SEARCHES {
            return lists.extend(parts);
        }
        parts
            .iter()
            .flatten()
            .for_each(|item| self.refuse(kind, item, reason));
    }

    /// An item is not in as long as it is not accepted.
    fn doubt(&mut self, kind: Kind, item: &Item) {
        if let Some(key) = kind.key(item) {
            self.evidence.refused(kind, &key);
        }
    }

    /// Names an item, unless it was before the load was cut short.
    pub fn refuse_once(&mut self, kind: Kind, item: &Item, reason: &str) {
        let key = kind.key(item);
        if !key.is_some_and(|key| self.evidence.has_refused(kind, &key)) {
            self.refuse(kind, item, reason);
        }
    }

    /// Names an item that Authomize did not take.
    pub fn refuse(&mut self, kind: Kind, item: &Item, reason: &str) {
        self.doubt(kind, item);
        self.refused_total += 1;
        if self.refused.len() < MOST_NAMED {
            self.refused.push(Refused::of(kind, item, reason));
        }
    }

    /// Posts deferred items again after their references; items that fail again are refused.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn post_waiting(
        &mut self,
        waiting: Vec<(Kind, Item, BTreeSet<String>)>,
    ) -> Result<(), Stop> {
        let mut by_kind: BTreeMap<Kind, Vec<Item>> = BTreeMap::new();
        waiting
            .into_iter()
            .for_each(|(kind, item, _)| by_kind.entry(kind).or_default().push(item));
        for (kind, items) in by_kind {
            let mut pack = fold::Pack::default();
            for item in items {
                if let fold::Added::Full(items) = pack.add(item) {
                    self.post(Batch { kind, items }).await?;
                }
            }
            let items = pack.take();
            self.post(Batch { kind, items }).await?;
        }
        for (kind, item, ids) in std::mem::take(&mut self.waiting) {
            let reason = format!(
                "refers to {}, which Authomize does not know although it was posted",
                list(&ids)
            );
            self.refuse(kind, &item, &reason);
        }
        Ok(())
    }
}

fn list(ids: &BTreeSet<String>) -> String {
    ids.iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
