//! The model's histories, committed anew manifest by manifest, in front of loaders that are woken, killed, raced and
//! refused: in the end Authomize has the folded newest state, and on the way nothing was deleted that a reader has.
//!
//! `REPLAY_SEED=…` runs one case alone, `REPLAY_CASES=…` sets how many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use fold::KINDS;
use jiff::{SignedDuration, Timestamp};
use loader::authomize::{Http, http_client};
use loader::clock::Clock;
use loader::event::{Mode, Request};
use loader::failure::Failure;
use loader::items::{Items as Emitted, Wanted};
use loader::load::{Loader, Settings};
use loader::log;
use loader::pieces::{self, Loaded};
use loader::purge::{Reason, Wishes};
use loader::record::Record;
use loader::report::Report;
use loader::secret::{Secrets, Tenant};
use loader::usage::Carried;
use okta_authomize::head::Checkpoint;
use reader::{Directory, Reader, manifest_key, manifest_prefix, sha256};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::loads::fake::{Fake, Items, TOKEN, plain};
use crate::loads::memory::{Fuse, Killable, Memory, Objects};
use crate::model;

const CASES: u64 = 40;
/// Steps after which the rest of a history is committed at once.
const MOST_STEPS: u32 = 60;
/// Cases of the model begin where those end that go through its crashes one by one.
const FIRST_CASE: u64 = 1_000;
const PLACE: (&str, &str) = ("okta", "okta");

#[derive(Clone)]
struct Drawer(String);

impl Secrets for Drawer {
    async fn read(&self, _: &str) -> Result<SecretString, Failure> {
        Ok(SecretString::from(self.0.clone()))
    }
}

/// A bucket whose manifests are committed one by one.
struct Replay {
    fake: Fake,
    objects: Objects,
    /// Those that are not committed yet, the next one first.
    coming: Vec<Vec<u8>>,
    sequence: u64,
    /// As of every manifest so far.
    checkpoints: Vec<Checkpoint>,
    /// The collector's status in the end.
    status: Value,
    clock_ms: Arc<AtomicI64>,
    /// Loads that were killed, loads that ended with an error, and items that were swept before the end.
    killed: usize,
    failed: usize,
    swept: usize,
}

impl Replay {
    fn new() -> Self {
        let clock_ms = Arc::new(AtomicI64::new(1_795_000_000_000));
        Self {
            fake: Fake::start(),
            objects: Objects::default(),
            coming: Vec::new(),
            sequence: 0,
            checkpoints: Vec::new(),
            status: Value::Null,
            clock_ms,
            killed: 0,
            failed: 0,
            swept: 0,
        }
    }

    /// Another history, of which nothing is committed yet.
    fn begin(&mut self, bucket: &Path) {
        let copy = Directory::open(bucket).unwrap();
        let keys = reader::Objects::list(&copy, "okta/").unwrap();
        let read = |key: String| {
            (
                key.clone(),
                reader::Objects::get(&copy, &key).unwrap().unwrap(),
            )
        };
        let mut objects: BTreeMap<String, Vec<u8>> = keys.into_iter().map(read).collect();
        let manifests = manifest_prefix(PLACE.0, PLACE.1);
        let keys: Vec<String> = objects
            .keys()
            .filter(|key| key.starts_with(&manifests))
            .cloned()
            .collect();
        self.coming = keys
            .iter()
            .rev()
            .map(|key| objects.remove(key).unwrap())
            .collect();
        self.status = serde_json::from_slice(&objects["okta/status/okta.json"]).unwrap();
        objects.retain(|key, _| key.starts_with("okta/data/"));
        (self.objects, self.sequence, self.checkpoints) =
            (Arc::new(Mutex::new(objects)), 0, Vec::new());
    }

    fn commit(&mut self, rng: &mut Rng) {
        let Some(manifest) = self.coming.pop() else {
            return;
        };
        self.sequence += 1;
        let mut checkpoint = self.checkpoints.last().cloned().unwrap_or_default();
        checkpoint
            .follow(
                &serde_json::from_slice(&manifest).unwrap(),
                &sha256(&manifest),
            )
            .unwrap();
        self.checkpoints.push(checkpoint);
        let mut objects = self.objects.lock().unwrap();
        objects.insert(manifest_key(PLACE.0, PLACE.1, self.sequence), manifest);
        // The collector writes it when a snapshot completes, or hourly: it may be older than the newest manifest.
        if rng.bool() {
            let newest = self.checkpoints.last().unwrap();
            objects.insert(
                "okta/heads/okta.json".to_owned(),
                serde_json::to_vec(newest).unwrap(),
            );
        }
        drop(objects);
        self.tell(if rng.u8(..8) == 0 {
            "held"
        } else {
            "succeeded"
        });
    }

    /// The status as of the newest manifest; every stream is told to be complete, so that only the loader's own guards
    /// stand between a sweep and what is not read yet.
    fn tell(&self, outcome: &str) {
        let mut status = self.status.clone();
        status["sequence"] = json!(self.sequence);
        for stream in status["streams"].as_object_mut().unwrap().values_mut() {
            stream["outcome"] = json!(outcome);
            stream["snapshot_at"] = json!("2026-11-23T18:00:00.000Z");
        }
        let body = serde_json::to_vec(&status).unwrap();
        self.objects
            .lock()
            .unwrap()
            .insert("okta/status/okta.json".to_owned(), body);
    }

    fn count(&mut self, ended: &Option<Result<Report, Failure>>) {
        self.killed += usize::from(ended.is_none());
        self.failed += usize::from(matches!(ended, Some(Err(_))));
    }

    /// Lets time pass, at Authomize too.
    async fn pass(&self, minutes: i64) {
        self.clock_ms.fetch_add(minutes * 60_000, Ordering::SeqCst);
        let us = u64::try_from(minutes * 60_000_000).unwrap();
        self.fake.advance(us).await;
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock_ms.load(Ordering::SeqCst)).unwrap()
    }

    async fn load(&self, mode: Mode, fuse: &Fuse) -> Option<Result<Report, Failure>> {
        let request = Request {
            integration: PLACE.1.to_owned(),
            mode,
            wishes: Wishes::default(),
        };
        self.ask(&request, fuse).await
    }

    async fn accept_shrink(&self) -> Report {
        let request = Request {
            integration: PLACE.1.to_owned(),
            mode: Mode::Full,
            wishes: Wishes {
                accept_shrink: true,
                adopt: false,
            },
        };
        self.ask(&request, &Fuse::never()).await.unwrap().unwrap()
    }

    async fn ask(&self, request: &Request, fuse: &Fuse) -> Option<Result<Report, Failure>> {
        let (client, clock_ms) = (http_client().unwrap(), Arc::clone(&self.clock_ms));
        let burning = fuse.clone();
        let connect = move |tenant: Tenant| {
            let inner = Http::new(client.clone(), tenant)?;
            Ok(Killable {
                inner,
                fuse: burning.clone(),
                clock_ms: Arc::clone(&clock_ms),
                request_ms: 0,
            })
        };
        let settings = Settings {
            prefix: PLACE.0.to_owned(),
            secret_id: "authomize".to_owned(),
            api_url: "https://api.authomize.com".parse().unwrap(),
            full_load_interval: SignedDuration::from_hours(24),
            pause: Duration::from_millis(1),
        };
        let secret = json!({"token": TOKEN, "base_url": self.fake.url}).to_string();
        let clock_ms = Arc::clone(&self.clock_ms);
        let clock = Clock::new(move || {
            Timestamp::from_millisecond(clock_ms.load(Ordering::SeqCst)).unwrap()
        });
        let clock = clock.with_sleep(self.fake.sleep());
        let store = Memory::new(Arc::clone(&self.objects), fuse.clone());
        let loader = Loader::new(settings, store, Drawer(secret), connect, clock);
        let deadline = self.now() + SignedDuration::from_mins(15);
        tokio::select! {
            ended = loader.load(request, deadline) => Some(ended),
            () = fuse.blown() => None,
        }
    }

    /// The complete items of the state that is committed, folded from the first manifest on without any record of
    /// earlier loads.
    async fn expected(&self) -> Items {
        let mut objects = self.objects.lock().unwrap().clone();
        objects.retain(|key, _| !key.contains("/heads/") && !key.contains("/loads/"));
        let store = Memory::new(Arc::new(Mutex::new(objects)), Fuse::never());
        let record = Record {
            integration: PLACE.1.to_owned(),
            ..Record::default()
        };
        let history = log::read(&store, PLACE.0, &record, 0).await.unwrap();
        let nothing = Loaded {
            sequence: 0,
            abandoned: false,
        };
        let state = pieces::read(&store, PLACE, &history, nothing, &Carried::default())
            .await
            .unwrap();
        assert_eq!(state.gaps, Vec::<Reason>::new());
        let mut complete = Emitted::new(&state.sorted, Wanted::All);
        let mut items = Items::new();
        while let Some(batch) = complete.next_batch().unwrap() {
            for item in batch.items {
                let key = batch.kind.key(&item).unwrap();
                items.insert((batch.kind.name().to_owned(), key), plain(&item.into()));
            }
        }
        items
    }

    /// That what is folded is what the reader has: by kind and key, without what refers to nothing.
    fn assert_folded(&self, items: &Items) {
        let objects = self.objects.lock().unwrap().clone();
        let state = Reader::read(&objects, PLACE.0, PLACE.1).unwrap();
        assert_eq!(state.violations, []);
        let mut defined = BTreeSet::new();
        for (key, list) in &state.bundle().data {
            let (kind, _) = fold::Kind::of_bundle_key(key).unwrap();
            let of_kind = list
                .as_array()
                .unwrap()
                .iter()
                .map(|item| (kind, item.as_object().unwrap().clone()));
            defined.extend(
                of_kind.map(|(kind, item)| (kind.name().to_owned(), kind.key(&item).unwrap())),
            );
        }
        let folded: BTreeSet<_> = items.keys().cloned().collect();
        assert!(
            folded.is_subset(&defined),
            "{:?}",
            folded.difference(&defined).collect::<Vec<_>>()
        );
        for (kind, key) in defined.difference(&folded) {
            let kind = KINDS
                .into_iter()
                .find(|known| known.name() == kind)
                .unwrap();
            assert!(
                !kind.references(&Map::new()).is_empty(),
                "{kind:?} {key} is defined and was not folded"
            );
        }
    }
}

fn faults(rng: &mut Rng) -> Vec<Value> {
    let one = |rng: &mut Rng| match rng.u32(..8) {
        0 => json!({"status": 500}),
        1 => json!({"status": 502, "applied": true}),
        2 => json!({"status": 429, "retry_after": 0}),
        3 => json!({"drop": true}),
        4 => json!({"drop": true, "applied": true}),
        _ => Value::Null,
    };
    (0..rng.u32(..12)).map(|_| one(rng)).collect()
}

fn mode(rng: &mut Rng) -> Mode {
    if rng.u8(..4) == 0 {
        Mode::Full
    } else {
        Mode::Incremental
    }
}

async fn step(replay: &mut Replay, rng: &mut Rng) {
    let before = replay.fake.items().await;
    match rng.u32(..10) {
        0..=2 => (0..rng.usize(1..3)).for_each(|_| replay.commit(rng)),
        3 | 4 => {
            let ended = replay.load(mode(rng), &Fuse::never()).await;
            replay.count(&ended);
        }
        5 | 6 => {
            let ended = replay.load(mode(rng), &Fuse::after(rng.i64(0..80))).await;
            replay.count(&ended);
        }
        7 => {
            let (first, second) = (mode(rng), mode(rng));
            let fuse = Fuse::after(if rng.bool() { rng.i64(0..80) } else { i64::MAX });
            let never = Fuse::never();
            let ended = tokio::join!(replay.load(first, &fuse), replay.load(second, &never));
            replay.count(&ended.0);
            replay.count(&ended.1);
        }
        8 => replay.fake.set(json!({"faults": faults(rng)})).await,
        _ => {
            // What spares a load reading the past can be made again at any time.
            let lost = [
                "okta/loads/okta/log.json.gz",
                "okta/loads/okta/usage.jsonl.gz",
                "okta/heads/okta.json",
            ];
            replay
                .objects
                .lock()
                .unwrap()
                .remove(lost[rng.usize(..lost.len())]);
        }
    }
    if replay.sequence > 0 {
        let (after, expected) = (replay.fake.items().await, replay.expected().await);
        for key in before.keys().filter(|key| expected.contains_key(*key)) {
            assert!(
                after.contains_key(key),
                "{key:?} was deleted, and a reader has it"
            );
        }
        replay.swept += before
            .keys()
            .filter(|key| !after.contains_key(*key))
            .count();
    }
    replay.pass(rng.i64(0..30)).await;
}

async fn case(replay: &mut Replay, bucket: &Path, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let merges = rng.bool();
    replay.begin(bucket);
    replay
        .fake
        .reset(json!({"reading": if merges { "merge" } else { "replace" },
        "lag": if rng.u8(..3) == 0 { rng.u32(1..4) } else { 0 }, "clock_offset_seconds": rng.i32(-5_000..5_000)}))
        .await;
    for _ in 0..MOST_STEPS {
        step(replay, &mut rng).await;
        if replay.coming.is_empty() {
            break;
        }
    }
    while !replay.coming.is_empty() {
        replay.commit(&mut rng);
    }
    replay.fake.set(json!({"faults": [], "lag": 0})).await;
    replay.tell("succeeded");
    replay.pass(16).await;
    drop(replay.load(Mode::Incremental, &Fuse::never()).await);
    replay.pass(25 * 60).await;
    let mut report = replay
        .load(Mode::Incremental, &Fuse::never())
        .await
        .unwrap()
        .unwrap();
    if report
        .held
        .iter()
        .any(|reason| reason.contains("far fewer"))
    {
        // So much went that somebody has to say so.
        replay.pass(25 * 60).await;
        report = replay.accept_shrink().await;
    }
    assert!(report.swept && report.refused_total == 0, "{report:#?}");
    let (there, expected) = (replay.fake.items().await, replay.expected().await);
    replay.assert_folded(&expected);
    assert_eq!(
        there.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (key, item) in &expected {
        if !merges {
            assert_eq!(there[key], *item, "{key:?}");
            continue;
        }
        // Under merge a text that was cleared keeps its old value: the API has no way to clear it.
        for (field, value) in item.as_object().unwrap() {
            assert_eq!(there[key].get(field), Some(value), "{key:?} {field}");
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

#[test]
fn every_commit_ends_in_authomize_however_loaders_are_woken_killed_and_refused() {
    let seeds = match number("REPLAY_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("REPLAY_CASES").unwrap_or(CASES),
    };
    let temp = tempfile::tempdir().unwrap();
    model::keep_buckets(seeds.clone().map(|seed| FIRST_CASE + seed), temp.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut replay = Replay::new();
        for seed in seeds {
            println!("REPLAY_SEED={seed}");
            case(
                &mut replay,
                &temp.path().join((FIRST_CASE + seed).to_string()),
                seed,
            )
            .await;
        }
        let Replay {
            killed,
            failed,
            swept,
            ..
        } = replay;
        println!("{killed} loads killed, {failed} failed, {swept} items swept on the way");
        assert!(number("REPLAY_SEED").is_some() || (killed > 5 && failed > 0 && swept > 0));
    });
}
