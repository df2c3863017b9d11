//! The app's items, as Authomize lists them, compared with this loader's posts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Seek, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use fold::{KINDS, Kind, fingerprint64};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer as _, Serialize};
use serde_json::Value;

use super::keys::Keys;
use crate::authomize::{Api, Stop, Transport, Trouble};
use crate::sorter::failed;

/// The items of an app, as far as they were looked at. It is part of the record, so that a load that is cut short
/// goes on with the next kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Census {
    /// Kinds that were looked at.
    looked: BTreeSet<Kind>,
    /// Items that this loader did not post.
    strangers: u64,
    /// Items that it posted before, and that Authomize refuses now.
    at_stake: u64,
    /// Kinds that Authomize does not list.
    unlisted: BTreeMap<Kind, Trouble>,
}

/// The place of an item that is in the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This loader posted it, or would.
    Ours,
    /// It did, and Authomize refuses the item now.
    AtStake,
    /// It did not.
    Stranger,
}

impl Census {
    /// The next kind to look at; `None` at the end.
    #[must_use]
    pub fn next_kind(&self) -> Option<Kind> {
        KINDS
            .into_iter()
            .find(|kind| kind.is_listed() && !self.looked.contains(kind))
    }

    /// Looks at every item of a kind. `standing` is asked for each, by its fingerprint.
    ///
    /// # Errors
    /// The time is up, or the token is not accepted.
    pub async fn look<T: Transport>(
        &mut self,
        api: &mut Api<'_, T>,
        app_id: &str,
        kind: Kind,
        standing: impl Fn(u64) -> Standing,
    ) -> Result<(), Stop> {
        let (mut strangers, mut at_stake) = (0, 0);
        let looked = each(api, app_id, kind, |fingerprint| {
            match fingerprint.map_or(Standing::Stranger, &standing) {
                Standing::Ours => {}
                Standing::AtStake => at_stake += 1,
                Standing::Stranger => strangers += 1,
            }
        });
        match looked.await {
            Ok(()) => {
                self.strangers += strangers;
                self.at_stake += at_stake;
            }
            Err(Stop::Endpoint { trouble, .. }) => drop(self.unlisted.insert(kind, trouble)),
            Err(stop) => return Err(stop),
        }
        self.looked.insert(kind);
        Ok(())
    }

    /// Items that this loader did not post; `None` if Authomize listed nothing.
    #[must_use]
    pub fn strangers(&self) -> Option<u64> {
        (self.unlisted.len() < self.looked.len()).then_some(self.strangers)
    }

    /// Items that this loader posted before, and that Authomize refuses now.
    #[must_use]
    pub fn at_stake(&self) -> u64 {
        self.at_stake
    }

    /// Kinds that Authomize does not list.
    pub fn unlisted(&self) -> impl Iterator<Item = (Kind, &Trouble)> {
        self.unlisted.iter().map(|(kind, trouble)| (*kind, trouble))
    }
}

/// Whether the app has this item; `None` if Authomize does not say.
///
/// # Errors
/// As [`Census::look`].
pub async fn holds<T: Transport>(
    api: &mut Api<'_, T>,
    app_id: &str,
    kind: Kind,
    fingerprint: u64,
) -> Result<Option<bool>, Stop> {
    let mut found = false;
    let looked = each(api, app_id, kind, |listed| {
        found |= listed == Some(fingerprint)
    });
    match looked.await {
        Ok(()) => Ok(Some(found)),
        Err(Stop::Endpoint { .. }) => Ok(None),
        Err(stop) => Err(stop),
    }
}

/// The fingerprint of every listed item; `None` for one without an identity. A list has no pages, so its text goes
/// through a temporary file.
async fn each<T: Transport>(
    api: &mut Api<'_, T>,
    app_id: &str,
    kind: Kind,
    mut take: impl FnMut(Option<u64>),
) -> Result<(), Stop> {
    let path = format!("/v2/apps/{app_id}/{}", kind.path());
    let foreign = || Stop::Endpoint {
        request: format!("GET {path}"),
        trouble: Trouble::Foreign,
    };
    let fresh = || Ok(GzEncoder::new(tempfile::tempfile()?, Compression::fast()));
    let packed: GzEncoder<File> = api.list(&path, fresh).await?.ok_or_else(foreign)?;
    let file = rewound(packed).map_err(|error| failed(&error))?;
    let reader = BufReader::new(GzDecoder::new(BufReader::new(file)));
    let mut text = serde_json::Deserializer::from_reader(reader);
    let document = Document {
        take: &mut |item: &Value| {
            let key = item.as_object().and_then(|item| kind.key(item));
            take(key.as_deref().map(fingerprint64));
        },
    };
    match text.deserialize_map(document) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(foreign()),
    }
}

fn rewound(packed: GzEncoder<File>) -> std::io::Result<File> {
    let mut file = packed.finish()?;
    file.flush()?;
    file.rewind()?;
    Ok(file)
}

/// `{"data": [item, …]}`, item by item.
struct Document<'a> {
    take: &'a mut dyn FnMut(&Value),
}

impl<'de> Visitor<'de> for Document<'_> {
    /// Whether there was a list.
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a list of items")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut listed = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "data" {
                map.next_value_seed(List { take: self.take })?;
                listed = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(listed)
    }
}

struct List<'a> {
    take: &'a mut dyn FnMut(&Value),
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element::<Value>()? {
            (self.take)(&item);
        }
        Ok(())
    }
}

/// The standing of an item by this loader's record of its items.
pub struct Ours<'a> {
    /// Items of the newest state.
    pub defined: &'a Keys,
    /// Items that the log names besides.
    pub named: &'a Keys,
    /// Items that wait for a purge.
    pub removals: &'a super::Removals,
}

impl Ours<'_> {
    /// Whether this loader posted the item, or would.
    #[must_use]
    pub fn has(&self, kind: Kind, fingerprint: u64) -> bool {
        self.defined.has(kind, fingerprint)
            || self.named.has(kind, fingerprint)
            || self.removals.has(kind, fingerprint)
    }
}
