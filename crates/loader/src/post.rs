//! Lists of items → Authomize, whatever it refuses of them.

use std::collections::{BTreeMap, BTreeSet};

use fold::{Kind, body};
use jiff::Timestamp;

use crate::authomize::{Api, Posted, Stop, Transport, placed, posted, url_wrong};
use crate::emit::{Batch, Item};
use crate::failure::Failure;
use crate::report::{Counts, MOST_NAMED, Refused, count};

/// Lists that are halved or repeated in search of refused items, per load. Beyond them a refused list is refused as a
/// whole.
const MOST_SEARCHES: u32 = 500;
/// Items that wait to be posted once more at most.
const MOST_WAITING: usize = 10_000;

/// Posts lists of items to one app.
pub struct Poster<'a, 'b, T> {
    api: &'a mut Api<'b, T>,
    app_id: &'a str,
    searches: u32,
    /// Items that Authomize took, by kind.
    pub accepted: Counts,
    /// The earliest `acceptedTimestamp`, and the same time as text for `modifiedBefore` (see [`placed`]).
    pub mark: Option<(Timestamp, String)>,
    /// Whether an answer had no time that could be placed.
    pub unplaced: bool,
    /// Named refusals, at most 100.
    pub refused: Vec<Refused>,
    /// Number of refused items.
    pub refused_total: u64,
    /// Items that refer to ids which Authomize says it does not know, with these.
    pub waiting: Vec<(Kind, Item, BTreeSet<String>)>,
}

impl<'a, 'b, T: Transport> Poster<'a, 'b, T> {
    /// A poster that has posted nothing yet.
    pub fn new(api: &'a mut Api<'b, T>, app_id: &'a str) -> Self {
        Self {
            api,
            app_id,
            searches: 0,
            accepted: Counts::new(),
            mark: None,
            unplaced: false,
            refused: Vec::new(),
            refused_total: 0,
            waiting: Vec::new(),
        }
    }

    /// Posts a list; what is refused of it is left out by index or by halves, the others are in.
    ///
    /// # Errors
    /// The time is up, or nothing can be posted at all.
    pub async fn post(&mut self, batch: Batch) -> Result<(), Stop> {
        let kind = batch.kind;
        let path = format!("/v2/apps/{}/{}", self.app_id, kind.path());
        let mut lists = vec![batch.items];
        while let Some(items) = lists.pop() {
            let answer = self.api.call("POST", &path, Some(body(&items))).await?;
            match posted(&answer, items.len()) {
                Posted::Accepted {
                    at,
                    number,
                    invalid,
                } => {
                    self.placed(at.as_deref());
                    self.taken(kind, items, number, &invalid, &mut lists);
                }
                Posted::Items(reasons) => self.without(kind, items, reasons, &mut lists),
                Posted::Whole(reason) => self.halved(kind, items, &reason, &mut lists),
                Posted::NoApp => {
                    let message = format!(
                        "Authomize has no app {} any more: nothing was swept, the next invocation makes one",
                        self.app_id
                    );
                    return Err(Failure::new("AppGone", message).into());
                }
                Posted::Foreign(problem) => return Err(url_wrong(&problem).into()),
            }
        }
        Ok(())
    }

    fn placed(&mut self, at: Option<&str>) {
        match at.and_then(placed) {
            Some(mark) => self.keep_earlier(mark),
            None => self.unplaced = true,
        }
    }

    /// An answer may come from a machine whose clock is behind: the earliest time of all is the mark.
    pub fn keep_earlier(&mut self, mark: (Timestamp, String)) {
        if self
            .mark
            .as_ref()
            .is_none_or(|(earliest, _)| mark.0 < *earliest)
        {
            self.mark = Some(mark);
        }
    }

    fn taken(
        &mut self,
        kind: Kind,
        items: Vec<Item>,
        number: Option<u64>,
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
        let missing = number.is_some_and(|number| number < sound.len() as u64);
        if missing {
            let sound: Vec<Item> = sound.into_iter().map(|(_, item)| item).collect();
            let told = number.unwrap_or_default();
            self.halved(
                kind,
                sound,
                &format!("Authomize counts {told} accepted items"),
                lists,
            );
        } else {
            count(&mut self.accepted, kind, sound.len() as u64);
        }
        for (ids, item) in dangling {
            if self.waiting.len() < MOST_WAITING {
                self.waiting.push((kind, item, ids));
            } else {
                self.refuse(
                    kind,
                    &item,
                    &format!("refers to {}, which Authomize does not know", list(&ids)),
                );
            }
        }
    }

    fn without(
        &mut self,
        kind: Kind,
        items: Vec<Item>,
        reasons: BTreeMap<usize, String>,
        lists: &mut Vec<Vec<Item>>,
    ) {
        self.searches += 1;
        let mut others = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match reasons.get(&index) {
                Some(reason) => self.refuse(kind, &item, reason),
                None => others.push(item),
            }
        }
        if !others.is_empty() {
            self.again(
                kind,
                vec![others],
                "too many items of this load were refused to look for this one",
                lists,
            );
        }
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

    /// Names an item that Authomize did not take.
    pub fn refuse(&mut self, kind: Kind, item: &Item, reason: &str) {
        self.refused_total += 1;
        if self.refused.len() < MOST_NAMED {
            let ids = kind
                .identity()
                .iter()
                .filter_map(|field| item.get(*field)?.as_str().map(str::to_owned));
            self.refused.push(Refused {
                kind: kind.name().to_owned(),
                ids: ids.collect(),
                reason: reason.to_owned(),
            });
        }
    }

    /// Posts what waits once more, after what it refers to was; what still waits then is refused.
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
            self.post(Batch {
                kind,
                items: pack.take(),
            })
            .await?;
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
