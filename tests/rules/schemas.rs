//! The published JSON Schemas are those of the types, and what a run writes is valid by them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use fake_org::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DemoOptions, Denial, Org, Targets};
use flate2::read::GzDecoder;
use jiff::{SignedDuration, Timestamp};
use jsonschema::Validator;
use okta_authomize::invocation::{Outcome, Report};
use okta_authomize::streams;
use serde_json::{Value, json};

use crate::support::rig::{Rig, outcome, secret};
use crate::support::schemas::{bundle_keys, published};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// The files under `schemas/`, by their path there.
fn files() -> BTreeMap<String, String> {
    let in_folder = |place: &str| {
        let entries = fs::read_dir(folder().join(place)).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.ends_with(".json"))
            .map(|name| format!("{place}{name}"))
            .collect::<Vec<_>>()
    };
    let names = in_folder("").into_iter().chain(in_folder("streams/"));
    names
        .map(|name| {
            (
                name.clone(),
                fs::read_to_string(folder().join(name)).unwrap(),
            )
        })
        .collect()
}

/// Writes `schemas/` anew.
fn rewrite(generated: &BTreeMap<String, String>) {
    fs::create_dir_all(folder().join("streams")).unwrap();
    for stale in files().keys().filter(|name| !generated.contains_key(*name)) {
        fs::remove_file(folder().join(stale)).unwrap();
    }
    for (name, text) in generated {
        fs::write(folder().join(name), text).unwrap();
    }
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    let text = |schema: &Value| format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    let generated: BTreeMap<_, _> = published()
        .iter()
        .map(|(name, schema)| (name.clone(), text(schema)))
        .collect();
    if std::env::var_os("UPDATE_SCHEMAS").is_some_and(|wanted| wanted == "1") {
        rewrite(&generated);
    }
    let there = files();
    let names: BTreeSet<_> = generated.keys().chain(there.keys()).collect();
    let differing: Vec<_> = names
        .into_iter()
        .filter(|name| generated.get(*name) != there.get(*name))
        .collect();
    assert!(
        differing.is_empty(),
        "schemas/ is not what the types generate: {differing:?}; UPDATE_SCHEMAS=1 cargo test schemas rewrites it"
    );
}

/// Validators of the published files, by their path under `schemas/`.
struct Published(BTreeMap<String, Validator>);

impl Published {
    fn read() -> Self {
        let validator = |text: &str| {
            let schema: Value = serde_json::from_str(text).unwrap();
            jsonschema::meta::validate(&schema).unwrap();
            jsonschema::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap()
        };
        Self(
            files()
                .iter()
                .map(|(name, text)| (name.clone(), validator(text)))
                .collect(),
        )
    }

    /// What the schema has against a document.
    fn faults(&self, name: &str, document: &Value) -> Vec<String> {
        self.0[name]
            .iter_errors(document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    fn assert_valid(&self, name: &str, document: &Value) {
        let faults = self.faults(name, document);
        assert!(
            faults.is_empty(),
            "{name} refuses {document:#}: {faults:#?}"
        );
    }

    /// What is wrong with a line by either of its schemas.
    fn faults_of_line(&self, line: &Value) -> (Vec<String>, Vec<String>) {
        let of_stream = format!("streams/{}.json", line["stream"].as_str().unwrap());
        (
            self.faults("record.json", line),
            self.faults(&of_stream, line),
        )
    }
}

fn lines(batch: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(batch).read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Checks all that is in the bucket; returns the bundle keys that each stream's lines have.
fn assert_bucket_is_valid(schemas: &Published, rig: &Rig) -> BTreeMap<String, BTreeSet<String>> {
    for manifest in rig.store.keys("okta/manifests/") {
        schemas.assert_valid("manifest.json", &rig.store.json(&manifest));
    }
    schemas.assert_valid("status.json", &rig.store.json("okta/status/okta.json"));
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in rig.store.keys("okta/data/") {
        let batch = rig.store.objects.lock().unwrap()[&key].clone();
        for line in lines(&batch) {
            let faults = schemas.faults_of_line(&line);
            assert_eq!(faults, (vec![], vec![]), "{line:#}");
            let keys = used
                .entry(line["stream"].as_str().unwrap().to_owned())
                .or_default();
            keys.extend(line["bundle"].as_object().unwrap().keys().cloned());
        }
    }
    used
}

async fn demo() -> Rig {
    let now = Timestamp::now();
    let start = now - SignedDuration::from_hours(24 * 45);
    let org = Org::demo(&DemoOptions {
        seed: 11,
        people: 60,
        start,
        now,
        bursts: vec![],
    });
    let mut secret = secret();
    secret["client_id"] = DEMO_CLIENT_ID.into();
    secret["client_secret"] = DEMO_CLIENT_SECRET.into();
    Rig::around(org, &secret, &[("LOG_LOOKBACK_DAYS", "5")]).await
}

fn assert_report_is_valid(schemas: &Published, report: &Report) {
    schemas.assert_valid("report.json", &serde_json::to_value(report).unwrap());
}

#[tokio::test]
async fn the_output_of_a_run_is_valid_and_uses_every_declared_key() {
    let (schemas, rig) = (Published::read(), demo().await);
    let group = rig.org().create_group("Auditors");
    rig.org()
        .assign_role(&group, "READ_ONLY_ADMIN", &Targets::default())
        .unwrap();
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert_report_is_valid(&schemas, &report);
    let used = assert_bucket_is_valid(&schemas, &rig);
    for stream in streams::names() {
        // A user's update is in tombstones only.
        let declared = bundle_keys(stream)
            .iter()
            .filter(|key| (stream, **key) != ("users", "update_users"));
        let unused: Vec<_> = declared
            .filter(|key| !used[stream].contains(**key))
            .collect();
        assert!(unused.is_empty(), "no line of {stream} has {unused:?}");
    }
}

#[tokio::test]
async fn the_output_of_a_run_in_trouble_is_valid() {
    let (schemas, rig) = (Published::read(), demo().await);
    rig.org().deny("/api/v1/idps/**", Denial::AdminRole);
    let report = rig.run().await;
    assert_eq!(
        (report.outcome, outcome(&report, "idps")),
        (Outcome::Degraded, Outcome::Unavailable),
        "{report:#?}"
    );
    assert_report_is_valid(&schemas, &report);
    assert_bucket_is_valid(&schemas, &rig);
    let report = rig.ask(json!({"mode": "check"})).await.unwrap();
    assert_report_is_valid(&schemas, &report);
    assert_bucket_is_valid(&schemas, &rig);
    rig.secrets.put(
        "okta/acme",
        &json!({"domain": "https://acme.okta.com", "integration_name": "Okta"}),
    );
    rig.ask(json!({})).await.unwrap_err();
    assert_bucket_is_valid(&schemas, &rig);
    assert_eq!(rig.store.json("okta/status/okta.json")["outcome"], "error");
}

#[tokio::test]
async fn the_status_of_a_run_that_never_began_is_valid() {
    let (schemas, rig) = (Published::read(), Rig::new().await);
    rig.secrets.put(
        "okta/acme",
        &json!({"domain": "https://acme.okta.com", "integration_name": "Okta"}),
    );
    rig.ask(json!({})).await.unwrap_err();
    schemas.assert_valid("status.json", &rig.store.json("okta/status/okta.json"));
}

fn line(stream: &str, bundle: &Value) -> Value {
    json!({
        "schema": 1, "stream": stream, "op": "upsert", "id": "00u1", "observed_at": "2026-11-23T18:00:00.000Z",
        "bundle": bundle, "source": {"id": "00u1", "lastLogin": null},
    })
}

fn user() -> Value {
    json!({"uniqueId": "00u1", "originId": "00u1", "status": "Enabled", "lastLoginAt": "2026-11-23T18:00:00.000Z",
        "customProperties": [{"key": "profile.login", "value": "é".repeat(64)}]})
}

fn tombstone() -> Value {
    json!({"schema": 1, "stream": "users", "op": "delete", "id": "00u1", "observed_at": "2026-11-23T18:00:00.000Z",
        "cause": "4d5e", "bundle": {"update_users": [{"uniqueId": "00u1", "status": "Deleted"}]}})
}

/// `document` with `value` at the end of `pointer`.
fn with(document: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = document.clone();
    let (place, key) = pointer.rsplit_once('/').unwrap();
    changed
        .pointer_mut(place)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .insert(key.to_owned(), value);
    changed
}

/// Valid lines, and each value that spoils one with the place where it does.
fn spoilers() -> [(Value, Vec<(&'static str, Value)>); 4] {
    let group = json!({"uniqueId": "00g1", "originId": "00g1", "name": "All", "type": "Group", "isRole": false});
    let set = json!({"uniqueId": "iam1", "originId": "iam1", "name": "Europe", "type": "Other"});
    let users = vec![
        ("/cause", Value::Null),
        ("/source", Value::Null),
        ("/ocsf", Value::Null),
        ("/bundle/new_users", Value::Null),
        ("/bundle/new_users", json!([])),
        ("/bundle/new_persons", json!([user()])),
        ("/bundle/new_users/0/email", Value::Null),
        ("/bundle/new_users/0/email", "".into()),
        ("/bundle/new_users/0/isExternal", Value::Null),
        ("/bundle/new_users/0/nickname", "Ada".into()),
        ("/bundle/new_users/0/uniqueId", "".into()),
        ("/bundle/new_users/0/status", "Active".into()),
        ("/bundle/new_users/0/status", Value::Null),
        ("/bundle/new_users/0/lastLoginAt", "yesterday".into()),
        (
            "/bundle/new_users/0/customProperties/0/value",
            "é".repeat(65).into(),
        ),
        ("/schema", 2.into()),
        ("/id", "".into()),
        ("/op", "update".into()),
        ("/observed_at", "yesterday".into()),
    ];
    let groups = vec![
        ("/bundle/new_groupings/0/name", "".into()),
        (
            "/bundle/new_groupings/0/alternativeName",
            "é".repeat(257).into(),
        ),
    ];
    let sets = vec![("/bundle/new_assets/0/description", "é".repeat(513).into())];
    let tombstones = vec![
        ("/source", json!({"id": "00u1"})),
        ("/bundle/update_users/0/status", Value::Null),
    ];
    [
        (line("users", &json!({"new_users": [user()]})), users),
        (line("groups", &json!({"new_groupings": [group]})), groups),
        (line("resource_sets", &json!({"new_assets": [set]})), sets),
        (tombstone(), tombstones),
    ]
}

#[test]
fn a_spoiled_line_is_refused() {
    let schemas = Published::read();
    for (line, spoilers) in spoilers() {
        assert_eq!(schemas.faults_of_line(&line), (vec![], vec![]), "{line:#}");
        for (place, value) in spoilers {
            let spoiled = with(&line, place, value);
            let (by_record, by_stream) = schemas.faults_of_line(&spoiled);
            assert!(
                !by_record.is_empty() && !by_stream.is_empty(),
                "{place}: {spoiled:#} is taken"
            );
        }
    }
}

#[test]
fn an_upsert_without_its_source_is_refused() {
    let schemas = Published::read();
    let mut line = line("users", &json!({"new_users": [user()]}));
    line.as_object_mut().unwrap().remove("source");
    let (by_record, by_stream) = schemas.faults_of_line(&line);
    assert!(!by_record.is_empty() && !by_stream.is_empty());
}

#[test]
fn a_stream_refuses_keys_of_another_stream() {
    let schemas = Published::read();
    let mut event = line("activity", &json!({}));
    assert_ne!(
        schemas.faults("streams/activity.json", &event),
        Vec::<String>::new(),
        "an event without ocsf"
    );
    event["ocsf"] = json!({});
    schemas.assert_valid("streams/activity.json", &event);
    let users = line("users", &json!({"new_users": [user()]}));
    let deleted = json!({"schema": 1, "stream": "activity", "op": "delete", "id": "e", "observed_at": "2026-11-23T18:00:00.000Z", "bundle": {}});
    let foreign = [
        (
            "streams/users.json",
            with(
                &users,
                "/bundle/new_assets_inheritance",
                json!([{"sourceId": "a", "targetId": "b"}]),
            ),
        ),
        (
            "streams/users.json",
            with(&users, "/stream", "groups".into()),
        ),
        (
            "streams/activity.json",
            with(&event, "/bundle/new_users", json!([user()])),
        ),
        ("streams/activity.json", deleted),
    ];
    for (name, line) in foreign {
        schemas.assert_valid("record.json", &line);
        assert_ne!(
            schemas.faults(name, &line),
            Vec::<String>::new(),
            "{name} takes {line:#}"
        );
    }
}

#[test]
fn keys_that_may_come_are_no_fault() {
    let schemas = Published::read();
    for line in [
        line("users", &json!({"new_users": [user()]})),
        tombstone(),
        line("idp_users", &json!({})),
    ] {
        let faults = schemas.faults_of_line(&with(&line, "/new_key", Value::Null));
        assert_eq!(faults, (vec![], vec![]), "{line:#}");
    }
}
