//! What `make findings` answers: all of it in the demo, none of it in a clean company, and nothing that the reader
//! does not see.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fake_org::{
    Client, Clock, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DemoOptions, NewApp, NewUser, Options, Org,
    Targets,
};
use jiff::{SignedDuration, Timestamp};
use okta_authomize::invocation::Outcome;
use reader::{Directory, Reader};
use serde_json::{Value, json};

use crate::model;
use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};
use crate::support::time;

/// Cases of the model: every crash is among the first, the others are random.
const CASES: [u64; 12] = [0, 9, 18, 27, 36, 45, 82, 123, 300, 301, 302, 303];
const INTEGRATION: &str = "okta";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The interpreter that `make` has installed the findings' needs for.
fn python() -> PathBuf {
    let given = std::env::var_os("FINDINGS_PYTHON").map(PathBuf::from);
    let python = given.unwrap_or_else(|| project().join(".venv/bin/python3"));
    assert!(
        python.exists(),
        "{} is not there: run make test, which installs it",
        python.display()
    );
    python
}

fn findings(module: &str, arguments: &[&str]) -> Output {
    Command::new(python())
        .args(["-B", "-m", module])
        .args(arguments)
        .current_dir(project())
        .output()
        .unwrap()
}

/// Asks a rig's bucket with these arguments; standard output.
fn ask(rig: &Rig, shape: &str) -> String {
    let temp = tempfile::tempdir().unwrap();
    rig.copy_to(temp.path());
    let output = findings(
        "findings",
        &[
            "--dir",
            temp.path().to_str().unwrap(),
            "--integration",
            INTEGRATION,
            shape,
        ],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn counts(rig: &Rig) -> BTreeMap<String, u64> {
    let answers: Vec<Value> = serde_json::from_str(&ask(rig, "--json")).unwrap();
    let count = |answer: &Value| {
        (
            answer["id"].as_str().unwrap().to_owned(),
            answer["count"].as_u64().unwrap(),
        )
    };
    answers.iter().map(count).collect()
}

/// Asserts that the tables of each directory hold what the reader sees there.
fn assert_tables_hold_what_the_reader_sees(directories: &[PathBuf]) {
    let names: Vec<&str> = directories
        .iter()
        .map(|directory| directory.to_str().unwrap())
        .collect();
    let output = findings(
        "findings.state",
        &[&["okta", INTEGRATION], names.as_slice()].concat(),
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut seen: BTreeMap<(String, String), BTreeMap<String, Value>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["violation"], Value::Null, "{line}");
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let before = seen
            .entry((text("dir"), text("stream")))
            .or_default()
            .insert(text("id"), line["source"].clone());
        assert!(before.is_none(), "twice: {line}");
    }
    for name in names {
        let state = Reader::read(&Directory::open(name).unwrap(), "okta", INTEGRATION).unwrap();
        assert!(state.violations.is_empty(), "{:#?}", state.violations);
        for (stream, read) in &state.streams {
            let source = |line: &reader::Line| {
                if reader::grows(stream) {
                    Value::Null
                } else {
                    line.record["source"].clone()
                }
            };
            let expected: BTreeMap<String, Value> = read
                .records
                .iter()
                .map(|(id, line)| (id.clone(), source(line)))
                .collect();
            let found = seen
                .remove(&(name.to_owned(), stream.clone()))
                .unwrap_or_default();
            assert!(
                found == expected,
                "{name}, {stream}: {} records, the reader has {}",
                found.len(),
                expected.len()
            );
        }
    }
    assert!(
        seen.values().all(BTreeMap::is_empty),
        "streams that the reader does not see"
    );
}

/// The scenes and records that raise findings, also those that the demo does not have.
fn scenes() -> String {
    let tests = project().join("findings/tests");
    std::fs::read_dir(tests.join("attacks"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .chain([tests.join("settings.py")])
        .filter(|path| path.extension().is_some_and(|end| end == "py"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// The demo at one time and of one seed, because what happens in it hangs on both. The seed was chosen: of ten, four have
/// a user whose second factor is hidden at that time, which the columns of `seen_methods` need; a demo of today may have none.
async fn demo(people: u32) -> Rig {
    let now: Timestamp = time::START.parse().unwrap();
    let start = now - SignedDuration::from_hours(24 * 120);
    let org = Org::demo(&DemoOptions {
        seed: 8,
        people,
        start,
        now,
        bursts: vec![],
    });
    let mut secret = secret();
    secret["client_id"] = DEMO_CLIENT_ID.into();
    secret["client_secret"] = DEMO_CLIENT_SECRET.into();
    let mut rig = Rig::around(org, &secret, &[]).await;
    let _flow = time::hurry(&mut rig, &[]);
    let report = time::ask(&rig, json!({}), SignedDuration::from_hours(1)).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig
}

/// A small company without sins: everybody has WebAuthn and uses what they have, there is no IdP, and the collector
/// has an API token of a read-only admin.
fn clean_company() -> Org {
    let now = Timestamp::now();
    let founded = now - SignedDuration::from_hours(24 * 200);
    let mut org = Org::new(Options {
        clock: Clock::Simulated(founded),
        ..Options::default()
    });
    org.add_api_token("00cleanToken");
    let app = org.silently(|org| {
        org.create_everyone();
        org.create_app(NewApp::new("salesforce", "Salesforce", "SAML_2_0"))
    });
    let people: Vec<String> = org.silently(|org| {
        let people: Vec<String> = (0..12)
            .map(|n| org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace")))
            .collect();
        for user in &people {
            org.enroll_factor(user, "webauthn");
            org.assign_user(&app, user);
        }
        for (user, role) in people
            .iter()
            .zip(["SUPER_ADMIN", "SUPER_ADMIN", "READ_ONLY_ADMIN"])
        {
            org.assign_role(user, role, &Targets::default());
        }
        people
    });
    for days in [25, 12, 1] {
        org.options.clock = Clock::Simulated(now - SignedDuration::from_hours(24 * days));
        for user in &people {
            assert!(org.sign_in(user) && org.sso(user, &app));
        }
    }
    org.options.clock = Clock::Simulated(now);
    org
}

#[tokio::test]
async fn the_demo_has_every_finding_and_its_tables_equal_the_readers_state() {
    let rig = demo(300).await;
    let counts = counts(&rig);
    assert!(counts.len() >= 40, "{counts:?}");
    let scenes = scenes();
    let absent: Vec<_> = counts
        .iter()
        .filter(|(id, count)| **count == 0 && !scenes.contains(&format!("\"{id}\": (")))
        .map(|(id, _)| id)
        .collect();
    assert!(absent.is_empty(), "not found in the demo: {absent:?}");
    let temp = tempfile::tempdir().unwrap();
    rig.copy_to(temp.path());
    assert_tables_hold_what_the_reader_sees(&[temp.path().to_owned()]);
    let athena = findings(
        "findings.transpiled",
        &["okta", INTEGRATION, temp.path().to_str().unwrap()],
    );
    assert!(
        athena.status.success(),
        "{}",
        String::from_utf8_lossy(&athena.stderr)
    );
    let athena: BTreeMap<String, u64> = serde_json::from_slice(&athena.stdout).unwrap();
    assert_eq!(athena, counts);
    assert_columns_are_filled(temp.path());
}

/// Members of Okta's objects that the demo org does not have, though orgs do, and what streams hold that are not collected
/// yet. Findings' own scenes fill them.
const NOT_IN_THE_DEMO: [(&str, &[&str]); 15] = [
    (
        "current_application_features",
        &[
            "app_id",
            "creates_users",
            "deactivates_users",
            "feature_name",
            "pushes_passwords",
            "status",
            "updates_profiles",
        ],
    ),
    (
        "current_application_keys",
        &[
            "app_id",
            "created",
            "expires_at",
            "key_id",
            "key_type",
            "key_use",
            "status",
        ],
    ),
    (
        "current_application_push_mappings",
        &[
            "app_id",
            "created",
            "error_summary",
            "last_push",
            "last_updated",
            "mapping_id",
            "source_group_id",
            "status",
            "target_group_id",
        ],
    ),
    (
        "current_application_tokens",
        &[
            "app_id",
            "client_id",
            "created",
            "expires_at",
            "issuer",
            "scopes",
            "status",
            "token_id",
            "user_id",
        ],
    ),
    (
        "current_applications",
        &[
            "access_policy_id",
            "assertion_signed",
            "credential_scheme",
            "digest_algorithm",
            "pkce_required",
            "response_signed",
            "reveals_password",
            "signature_algorithm",
            "wildcard_redirect",
        ],
    ),
    ("current_group_memberships", &["rules"]),
    (
        "current_group_owners",
        &[
            "group_id",
            "last_updated",
            "owner_id",
            "owner_name",
            "owner_type",
        ],
    ),
    (
        "current_group_rules",
        &[
            "created",
            "excluded_user_ids",
            "expression",
            "group_ids",
            "last_updated",
            "rule_id",
            "rule_name",
            "status",
        ],
    ),
    (
        "current_idps",
        &[
            "account_link_filter",
            "link_excluded_users",
            "link_excludes_admins",
            "link_groups",
        ],
    ),
    (
        "current_org_settings",
        &[
            "session_idle_minutes",
            "session_lifetime_minutes",
            "setting_id",
        ],
    ),
    (
        "current_user_grants",
        &[
            "client_id",
            "created",
            "grant_id",
            "grant_source",
            "scope",
            "status",
            "user_id",
        ],
    ),
    ("event_targets", &["target_detail"]),
    (
        "events",
        &[
            "api_token_id",
            "binary_name",
            "binding_method",
            "changed_attributes",
            "client_id",
            "device_id",
            "dt_hash",
            "factor_intent",
            "issuer_id",
            "log_only_security_data",
            "number_response",
            "privileges_revoked",
            "push_response",
            "requested_scopes",
            "token_network",
            "validation_status",
        ],
    ),
    ("membership_rules", &["rule_id"]),
    ("rule_groups", &["rule_group_id"]),
];

/// A path of a column that is mistyped would leave it empty.
fn assert_columns_are_filled(bucket: &Path) {
    let output = findings(
        "findings.filled",
        &["okta", INTEGRATION, bucket.to_str().unwrap()],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let empty: BTreeMap<String, BTreeSet<String>> = serde_json::from_slice(&output.stdout).unwrap();
    let known = NOT_IN_THE_DEMO.map(|(view, columns)| {
        (
            view.to_owned(),
            columns.iter().map(ToString::to_string).collect(),
        )
    });
    assert_eq!(empty, BTreeMap::from(known));
}

#[tokio::test]
async fn a_clean_company_has_no_finding() {
    let mut secret = secret();
    for key in ["client_id", "client_secret"] {
        secret.as_object_mut().unwrap().remove(key);
    }
    secret["token"] = "00cleanToken".into();
    let rig = Rig::around(clean_company(), &secret, &[]).await;
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(rig.read().records("factors").len() == 12 && rig.read().records("usage").len() > 12);
    let found: BTreeMap<_, _> = counts(&rig)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn who_tells_all_that_a_user_has_by_which_path_since_when_and_last_used() {
    let now = Timestamp::now();
    let yesterday = now - SignedDuration::from_hours(24);
    let mut org = Org::new(Options {
        clock: Clock::Simulated(yesterday),
        ..Options::default()
    });
    org.add_client(Client::with_secret(CLIENT, PASSWORD));
    org.create_everyone();
    let user = org.create_user(NewUser::named("Ada", "Lovelace"));
    let other = org.create_user(NewUser::named("Grace", "Hopper"));
    let group = org.create_group("Finance");
    org.add_member(&group, &user);
    let apps = [("crm", "CRM"), ("erp", "ERP")]
        .map(|(name, label)| org.create_app(NewApp::new(name, label, "SAML_2_0")));
    org.assign_user(&apps[0], &user);
    org.assign_group(&apps[1], &group);
    org.assign_role(&user, "HELP_DESK_ADMIN", &Targets::default());
    org.assign_role(&group, "SUPER_ADMIN", &Targets::default());
    let idp = org.create_idp("SAML2", "Partner");
    org.link_idp_user(&idp, &user);
    org.enroll_factor(&user, "webauthn");
    assert!(org.sign_in(&user) && org.sso(&user, &apps[0]));
    org.options.clock = Clock::Simulated(now);
    let rig = Rig::around(org, &secret(), &[]).await;
    rig.run().await;
    let temp = tempfile::tempdir().unwrap();
    rig.copy_to(temp.path());
    let who = |user: &str| {
        findings(
            "findings",
            &["--dir", temp.path().to_str().unwrap(), "--who", user],
        )
    };
    let told = String::from_utf8(who(&user).stdout).unwrap();
    let (since, used) = (
        format!("since {}", yesterday.strftime("%F")),
        format!("last used {}", yesterday.strftime("%F")),
    );
    for words in [
        [
            "role",
            "Help Desk Administrator on the whole org",
            "direct",
            &since,
        ],
        [
            "role",
            "Super Administrator on the whole org",
            "group Finance",
            &since,
        ],
        ["app", "CRM", "direct", &used],
        ["app", "ERP", "group Finance", "last used (not known)"],
        ["group", "Finance", "okta_group", &since],
        ["group", "Everyone", "built_in", "since (not known)"],
        ["idp", "Partner", "as ", &since],
        ["factor", "webauthn", "active", &since],
    ] {
        let is_told = told.lines().any(|line| {
            line.trim_start().starts_with(words[0]) && words.iter().all(|word| line.contains(*word))
        });
        assert!(is_told, "{words:?} is not told:\n{told}");
    }
    assert!(told.contains("8 paths"), "{told}");
    assert!(
        String::from_utf8(who(&other).stdout)
            .unwrap()
            .contains("1 paths")
    );
    assert_eq!(who("nobody").status.code(), Some(2));
}

#[tokio::test]
async fn findings_are_valid_ocsf() {
    let rig = demo(120).await;
    let events = ask(&rig, "--ocsf");
    let classes: BTreeSet<u64> = events
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["class_uid"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(classes, [2003, 2004].into());
    let check = project().join("conformance/ocsf_check.py");
    let mut command = Command::new(python());
    command
        .arg("-B")
        .arg(check)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(events.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn the_tables_equal_the_readers_state_for_the_models_histories() {
    let temp = tempfile::tempdir().unwrap();
    model::keep_buckets(CASES, temp.path());
    let directories: Vec<PathBuf> = CASES
        .iter()
        .map(|number| temp.path().join(number.to_string()))
        .collect();
    assert_tables_hold_what_the_reader_sees(&directories);
}

/// Runs where `OKTA_RECORDINGS` names a folder with recorded objects of real orgs; they are no part of the project.
#[tokio::test]
async fn recorded_objects_cost_no_finding_and_no_record() {
    let Some(recorded) = std::env::var_os("OKTA_RECORDINGS").map(PathBuf::from) else {
        eprintln!("OKTA_RECORDINGS names no recordings");
        return;
    };
    let mut org = Org::new(Options::default());
    org.add_client(Client::with_secret(CLIENT, PASSWORD));
    org.load_recorded(&recorded).unwrap();
    let rig = Rig::around(org, &secret(), &[]).await;
    rig.ask(json!({})).await.unwrap();
    eprintln!("{:?}", counts(&rig));
    let temp = tempfile::tempdir().unwrap();
    rig.copy_to(temp.path());
    assert_tables_hold_what_the_reader_sees(&[temp.path().to_owned()]);
}
