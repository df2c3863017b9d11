//! Histories as the collector commits them, drawn at random, and what is right after them by the simplest of means.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use fold::{KINDS, Kind};
use serde_json::{Map, Value, json};

use super::fake::{Items, plain};
use super::memory::Objects;

const STREAMS: [&str; 8] = [
    "users",
    "factors",
    "groups",
    "group_memberships",
    "applications",
    "application_users",
    "roles",
    "role_assignments",
];
const USERS: u32 = 9;
const GROUPS: u32 = 4;
const APPS: u32 = 4;

/// A line to commit; without a bundle it is a tombstone.
pub type Line = (&'static str, String, Option<Value>);

/// Manifest, batch, line.
type Place = (u64, usize, usize);

pub struct Ledger {
    pub objects: Objects,
    pub sequence: u64,
    previous: Option<String>,
    /// Newest state by the two rules, the slow way.
    live: BTreeMap<(&'static str, String), (Place, Value)>,
    usage: Vec<(Place, Value)>,
}

fn place_of(rng: &mut Rng) -> (String, String, String) {
    (
        format!("00u{}", rng.u32(..USERS)),
        format!("00g{}", rng.u32(..GROUPS)),
        format!("0oa{}", rng.u32(..APPS)),
    )
}

impl Ledger {
    pub fn new(objects: Objects) -> Self {
        Self {
            objects,
            sequence: 0,
            previous: None,
            live: BTreeMap::new(),
            usage: Vec::new(),
        }
    }

    /// Commits lines and snapshots as manifest `sequence + 1`.
    pub fn commit(&mut self, lines: Vec<Line>, snapshots: Vec<Value>) {
        self.sequence += 1;
        let mut batches: Vec<(&'static str, Vec<Line>)> = Vec::new();
        for line in lines {
            match batches.last_mut() {
                Some((stream, batch)) if *stream == line.0 => batch.push(line),
                _ => batches.push((line.0, vec![line])),
            }
        }
        let mut entries = Vec::new();
        for (index, (stream, batch)) in batches.into_iter().enumerate() {
            entries.push(self.put_batch(index, stream, &batch));
            for (number, (stream, id, bundle)) in batch.into_iter().enumerate() {
                self.apply((self.sequence, index, number), stream, id, bundle);
            }
        }
        for snapshot in &snapshots {
            self.forget(snapshot);
        }
        let manifest = json!({"schema": 1, "sequence": self.sequence, "previous_sha256": self.previous, "integration": "okta",
            "org": "https://acme.okta.com", "owner": null, "run": "r", "committed_at": "2026-11-23T18:00:00Z",
            "mode": "incremental", "batches": entries, "snapshots": snapshots, "gap": null, "cursor": {}});
        let manifest = manifest.to_string().into_bytes();
        self.previous = Some(reader::sha256(&manifest));
        self.put(
            &reader::manifest_key("okta", "okta", self.sequence),
            manifest,
        );
    }

    fn put(&self, key: &str, body: Vec<u8>) {
        self.objects.lock().unwrap().insert(key.to_owned(), body);
    }

    fn put_batch(&self, index: usize, stream: &str, lines: &[Line]) -> Value {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        for (stream, id, bundle) in lines {
            let op = if bundle.is_some() { "upsert" } else { "delete" };
            let line = json!({"schema": 1, "stream": stream, "op": op, "id": id, "observed_at": "2026-11-23T18:00:00Z",
                "bundle": bundle.clone().unwrap_or(json!({})), "source": {"id": id}});
            writeln!(packed, "{line}").unwrap();
        }
        let body = packed.finish().unwrap();
        let key = format!(
            "okta/data/{stream}/integration=okta/date=2026-11-23/{:04}-{index}.jsonl.gz",
            self.sequence
        );
        let entry = json!({"stream": stream, "key": key, "records": lines.len(), "bytes": body.len(), "sha256": reader::sha256(&body)});
        self.put(&key, body);
        entry
    }

    fn apply(&mut self, place: Place, stream: &'static str, id: String, bundle: Option<Value>) {
        match bundle {
            Some(bundle) if stream == "usage" => self.usage.push((place, bundle)),
            Some(bundle) => drop(self.live.insert((stream, id), (place, bundle))),
            None => drop(self.live.remove(&(stream, id))),
        }
    }

    fn forget(&mut self, snapshot: &Value) {
        let since = snapshot["since_sequence"].as_u64().unwrap();
        let spared = snapshot["except"].as_array().cloned().unwrap_or_default();
        self.live.retain(|(stream, id), (place, _)| {
            let parts: Vec<&str> = id.split(':').collect();
            let concerned = snapshot["stream"] == *stream
                && snapshot["scope"]
                    .as_str()
                    .is_none_or(|scope| parts.contains(&scope))
                && !spared
                    .iter()
                    .any(|spared| parts.iter().any(|part| spared == part));
            !concerned || place.0 >= since
        });
    }

    /// The collector's status after its last run, with one stream's outcome.
    pub fn status(&self, users: &str) {
        let streams: Map<String, Value> = STREAMS
            .iter()
            .map(|stream| {
                let outcome = if *stream == "users" {
                    users
                } else {
                    "succeeded"
                };
                (
                    (*stream).to_owned(),
                    json!({"outcome": outcome, "snapshot_at": "2026-11-23T18:00:00Z"}),
                )
            })
            .collect();
        let status = json!({"schema": 1, "integration": "okta", "name": "Okta", "org": "https://acme.okta.com",
            "outcome": "succeeded", "sequence": self.sequence, "streams": streams});
        self.put("okta/status/okta.json", status.to_string().into_bytes());
    }

    pub fn user(id: &str, name: &str) -> Line {
        (
            "users",
            id.to_owned(),
            Some(json!({"new_users": [{"uniqueId": id, "name": name, "status": "Enabled"}]})),
        )
    }

    pub fn group(id: &str) -> Line {
        (
            "groups",
            id.to_owned(),
            Some(json!({"new_groupings": [{"uniqueId": id, "name": id, "isRole": false}]})),
        )
    }

    pub fn member(group: &str, user: &str) -> Line {
        let bundle = json!({"new_accounts_association": [{"sourceId": user, "targetId": group}]});
        ("group_memberships", format!("{group}:{user}"), Some(bundle))
    }

    pub fn factors(user: &str, tags: &[&str]) -> Line {
        let mut update = json!({"uniqueId": user, "hasMFA": true});
        if !tags.is_empty() {
            update["tags"] = json!(tags);
        }
        (
            "factors",
            user.to_owned(),
            Some(json!({"update_users": [update]})),
        )
    }

    fn app(id: &str) -> Line {
        let bundle = json!({"new_assets": [{"uniqueId": id, "name": format!("App {id}"), "type": "Application"}],
            "new_privileges": [{"uniqueId": "okta:use-app", "originName": "Use application", "type": "Use"}]});
        ("applications", id.to_owned(), Some(bundle))
    }

    fn app_user(rng: &mut Rng, app: &str, user: &str) -> Line {
        let mut permission = json!({"sourceUniqueId": user, "sourceType": "User", "privilegeId": "okta:use-app", "assetId": app});
        if rng.bool() {
            permission["tags"] = json!(["scope:USER"]);
        }
        (
            "application_users",
            format!("{app}:{user}"),
            Some(json!({"new_permissions": [permission]})),
        )
    }

    fn role() -> Line {
        let bundle = json!({"new_groupings": [{"uniqueId": "role:ADMIN", "name": "Admin", "isRole": true}],
            "new_privileges": [{"uniqueId": "okta:role:ADMIN", "originName": "Admin"}]});
        ("roles", "ADMIN".to_owned(), Some(bundle))
    }

    fn assignment(rng: &mut Rng, user: &str, group: &str) -> Line {
        let bundle = match rng.bool() {
            true => {
                json!({"new_accounts_association": [{"sourceId": user, "targetId": "role:ADMIN"}]})
            }
            false => json!({"new_assets": [{"uniqueId": group, "name": group, "type": "Other"}],
                "new_permissions": [{"sourceUniqueId": user, "sourceType": "User", "privilegeId": "okta:role:ADMIN", "assetId": group, "isRole": true}]}),
        };
        (
            "role_assignments",
            format!("{user}:ra{}", rng.u32(..2)),
            Some(bundle),
        )
    }

    /// A first commit with something of everything, whole.
    pub fn found(&mut self, rng: &mut Rng) {
        let mut lines = vec![Self::role()];
        lines.extend((0..USERS).map(|number| Self::user(&format!("00u{number}"), "First")));
        lines.extend(
            (0..USERS - 2).map(|number| Self::factors(&format!("00u{number}"), &["mfa:sms"])),
        );
        lines.extend((0..GROUPS).map(|number| Self::group(&format!("00g{number}"))));
        lines.extend((0..APPS).map(|number| Self::app(&format!("0oa{number}"))));
        for _ in 0..10 {
            let (user, group, app) = place_of(rng);
            lines.push(Self::member(&group, &user));
            lines.push(Self::app_user(rng, &app, &user));
            lines.push(Self::assignment(rng, &user, &group));
        }
        let whole = STREAMS
            .iter()
            .map(|stream| json!({"stream": stream, "since_sequence": 1, "complete": true}));
        self.commit(lines, whole.collect());
        self.status("succeeded");
    }

    /// Something happens in the org, and is committed.
    pub fn happen(&mut self, rng: &mut Rng) {
        let (mut lines, mut snapshots) = (Vec::new(), Vec::new());
        for _ in 0..rng.u32(1..4) {
            self.act(rng, &mut lines, &mut snapshots);
        }
        self.commit(lines, snapshots);
        self.status(if rng.u8(..8) == 0 {
            "held"
        } else {
            "succeeded"
        });
    }

    fn act(&self, rng: &mut Rng, lines: &mut Vec<Line>, snapshots: &mut Vec<Value>) {
        let (user, group, app) = place_of(rng);
        let next = self.sequence + 1;
        let scoped = |stream: &str, id: &str| json!({"stream": stream, "since_sequence": next, "complete": true, "scope": id});
        match rng.u32(..15) {
            0 | 1 => lines.push(Self::user(&user, &format!("Name {next}"))),
            2 => {
                lines.extend([
                    ("users", user.clone(), None),
                    ("factors", user.clone(), None),
                ]);
                let streams = ["group_memberships", "application_users", "role_assignments"];
                snapshots.extend(streams.iter().map(|stream| scoped(stream, &user)));
            }
            3 => lines.push(Self::factors(&user, &[])),
            4 => lines.push(Self::factors(&user, &["mfa:call"])),
            5 => lines.push(("factors", user, None)),
            6 => lines.push(Self::group(&group)),
            7 => {
                lines.push(("groups", group.clone(), None));
                snapshots.push(scoped("group_memberships", &group));
            }
            8 => lines.push(Self::member(&group, &user)),
            9 => lines.push(("group_memberships", format!("{group}:{user}"), None)),
            10 => lines.push(Self::app(&app)),
            11 => lines.push(Self::app_user(rng, &app, &user)),
            12 => lines.push(Self::assignment(rng, &user, &group)),
            13 => {
                let time = format!("2026-11-2{}T0{}:00:00.000Z", rng.u32(..8), rng.u32(..9));
                let bundle = json!({"update_users": [{"uniqueId": user, "lastLoginAt": time}],
                    "update_assets": [{"uniqueId": app, "name": format!("App {app}"), "lastUsedAt": time}]});
                lines.push(("usage", format!("{app}:{user}:{next}"), Some(bundle)));
            }
            _ => self.snapshot(rng, lines, snapshots),
        }
    }

    /// Reads a stream, or one group's part of it, as a whole; some of it is gone.
    fn snapshot(&self, rng: &mut Rng, lines: &mut Vec<Line>, snapshots: &mut Vec<Value>) {
        let stream = STREAMS[rng.usize(..STREAMS.len())];
        let scope = (stream == "group_memberships" && rng.bool())
            .then(|| format!("00g{}", rng.u32(..GROUPS)));
        let spared = if rng.u8(..4) == 0 {
            vec![place_of(rng).0]
        } else {
            vec![]
        };
        for ((of, id), (_, bundle)) in &self.live {
            let concerned = *of == stream
                && scope
                    .as_ref()
                    .is_none_or(|scope| id.split(':').any(|part| part == scope));
            if concerned && rng.u8(..10) > 0 {
                lines.push((of, id.clone(), Some(bundle.clone())));
            }
        }
        let mut snapshot =
            json!({"stream": stream, "since_sequence": self.sequence + 1, "complete": true});
        if let Some(scope) = scope {
            snapshot["scope"] = json!(scope);
        }
        if !spared.is_empty() {
            snapshot["except"] = json!(spared);
        }
        snapshots.push(snapshot);
    }

    /// The newest word of each field, in the order of the words.
    pub fn expected(&self) -> Items {
        let mut words: Vec<(Place, &str, &Value)> = Vec::new();
        words.extend(
            self.live
                .iter()
                .map(|((stream, _), (place, bundle))| (*place, *stream, bundle)),
        );
        words.extend(
            self.usage
                .iter()
                .map(|(place, bundle)| (*place, "usage", bundle)),
        );
        words.sort_by_key(|(place, ..)| *place);
        let mut items: BTreeMap<(Kind, String), Map<String, Value>> = BTreeMap::new();
        let mut defined = BTreeSet::new();
        let mut tags: BTreeMap<((Kind, String), String), Vec<Value>> = BTreeMap::new();
        for (_, stream, bundle) in words {
            for (key, list) in bundle.as_object().unwrap() {
                let kind = KINDS
                    .into_iter()
                    .find(|kind| key.split_once('_').unwrap().1 == kind.name())
                    .unwrap();
                for said in list.as_array().unwrap() {
                    let said = said.as_object().unwrap();
                    let key_of = (kind, kind.key(said).unwrap());
                    if key.starts_with("new_") {
                        defined.insert(key_of.clone());
                    }
                    let item = items.entry(key_of.clone()).or_default();
                    for (field, value) in said {
                        if field == "tags" {
                            tags.insert(
                                (key_of.clone(), stream.to_owned()),
                                value.as_array().unwrap().clone(),
                            );
                        } else if !(field.starts_with("last")
                            && item
                                .get(field)
                                .is_some_and(|had| had.as_str() > value.as_str()))
                        {
                            item.insert(field.clone(), value.clone());
                        }
                    }
                }
            }
        }
        items.retain(|key, _| defined.contains(key));
        for ((key, _), list) in tags {
            let Some(item) = items.get_mut(&key) else {
                continue;
            };
            item.entry("tags")
                .or_insert(json!([]))
                .as_array_mut()
                .unwrap()
                .extend(list);
        }
        let known = |id: &str, kinds: &[Kind]| {
            kinds
                .iter()
                .any(|kind| defined.contains(&(*kind, id.to_owned())))
        };
        let whole = items.iter().filter(|((kind, _), item)| {
            let mut references = kind.references(item).iter();
            references.all(|(field, kinds)| {
                item.get(*field)
                    .is_none_or(|id| known(id.as_str().unwrap(), kinds))
            })
        });
        let named = |((kind, key), item): (&(Kind, String), &Map<String, Value>)| {
            (
                (kind.name().to_owned(), key.clone()),
                plain(&Value::Object(item.clone())),
            )
        };
        whole.map(named).collect()
    }
}

#[test]
fn the_slow_way_agrees_with_the_reader() {
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let mut ledger = Ledger::new(Objects::default());
        ledger.found(&mut rng);
        (0..rng.u32(..25)).for_each(|_| ledger.happen(&mut rng));
        let state = reader::Reader::read(&*ledger.objects.lock().unwrap(), "okta", "okta").unwrap();
        assert_eq!(state.violations, vec![], "seed {seed}");
        let read: BTreeSet<(&str, &str)> = state
            .entities()
            .into_iter()
            .flat_map(|(stream, records)| records.keys().map(move |id| (stream, id.as_str())))
            .collect();
        let live: BTreeSet<(&str, &str)> = ledger
            .live
            .keys()
            .map(|(stream, id)| (*stream, id.as_str()))
            .collect();
        assert_eq!(read, live, "seed {seed}");
    }
}
