//! The status page says what the run, the loader and the last days have to say, and no text can spoil it.
//!
//! The pages of all states are left below cargo's folder for tests: `pictures` looks at them in a browser.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use fake_org::{Class, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DemoOptions, Denial, Limits, Org};
use html5gum::{Token, Tokenizer};
use jiff::{SignedDuration, Timestamp};
use okta_authomize::status::{
    CaseDay, Commit, Day, Findings, History, Limit, Lines, Loads, NewCase, State, Status,
    StreamDay, StreamStatus, Trouble,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::rig::{Rig, secret};

const STATUS: &str = "okta/status/okta.json";
const PAGE: &str = "okta/status/okta.html";

/// The demo org, with a history as long as the page's.
async fn demo() -> Rig {
    let now = Timestamp::now();
    let start = now - SignedDuration::from_hours(24 * 60);
    let org = Org::demo(&DemoOptions {
        seed: 7,
        people: 120,
        start,
        now,
        bursts: vec![],
    });
    let mut secret = secret();
    secret["client_id"] = DEMO_CLIENT_ID.into();
    secret["client_secret"] = DEMO_CLIENT_SECRET.into();
    secret["owner"] = "identity@acme.example".into();
    secret["integration_name"] = "Okta".into();
    Rig::around(org, &secret, &[]).await
}

fn page(rig: &Rig) -> String {
    String::from_utf8(rig.store.objects.lock().unwrap()[PAGE].clone()).unwrap()
}

/// Leaves a page where a browser can be pointed at it; each of its rows has a name.
fn keep(name: &str, page: &str) {
    assert!(
        !page.contains("<bdi></bdi>"),
        "{name}: a row without a name"
    );
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("status-pages");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.html")), page).unwrap();
}

fn assert_shows(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text:?} is not on the page:\n{page}");
    }
}

fn put(rig: &Rig, key: &str, object: &Value) {
    rig.store.write(key, object.to_string().as_bytes());
}

/// Puts into the status what the runs of the last month would have left there: an org that has grown a little.
fn remember_a_month(rig: &Rig) {
    let mut status = rig.store.json(STATUS);
    let days = status["history"]["days"].as_object().unwrap().clone();
    let (today, last) = days.iter().next_back().unwrap();
    let today: Timestamp = format!("{today}T12:00:00Z").parse().unwrap();
    for back in 1..30_u64 {
        let date = (today - SignedDuration::from_hours(24 * back.cast_signed())).to_string()[..10]
            .to_owned();
        let day = &mut status["history"]["days"][&date];
        for (stream, told) in last["streams"].as_object().unwrap() {
            let events = days
                .get(&date)
                .and_then(|day| day["event_types"].as_object());
            let events: u64 = events
                .into_iter()
                .flat_map(|types| types.values())
                .filter_map(Value::as_u64)
                .sum();
            day["streams"][stream] = match told["records"].as_u64() {
                Some(records) => {
                    json!({"records": records - records * (back * 4 + back * back % 11) / 1000, "lines": back % 7})
                }
                None => json!({"lines": events}),
            };
        }
    }
    put(rig, STATUS, &status);
}

#[tokio::test]
async fn the_page_of_a_connected_integration_tells_all_that_is_known() {
    let rig = demo().await;
    put(
        &rig,
        "okta/loads/okta.json",
        &json!({"since": "2026-11-01T00:00:00Z", "loaded_at": "2026-11-27T08:00:00Z", "sequence": 1, "outcome": "succeeded",
            "items": {"users": 120, "groupings": 31}, "refused_total": 0, "held": []}),
    );
    let today = Timestamp::now().strftime("%F").to_string();
    let newest: Vec<Value> = (0..12)
        .map(|number| {
            json!({"id": format!("c{number}"), "finding": "mfa-fatigue", "severity": "critical", "title": "Pushes denied, then one approved",
                "name": format!("ada{number}@acme.com"), "first_seen": "2026-11-27T07:00:00Z"})
        })
        .collect();
    let found = json!({"made_at": "2026-11-27T08:00:00Z", "sequence": 1, "severities": {"critical": 1_000, "medium": 7}, "accepted": 3,
        "newest": newest, "days": [{"day": today, "opened": 9, "closed": 4}]});
    put(&rig, "okta/status/okta.findings.json", &found);
    rig.org().options.limits = Limits::workforce()
        .set(Class::Apps, 1_000)
        .set(Class::Groups, 1_000)
        .set(Class::Iam, 500)
        .set(Class::UserParts, 2_000)
        .set(Class::Logs, 600);
    rig.run().await;
    remember_a_month(&rig);
    for _ in 0..2 {
        rig.org()
            .append_event(fake_org::Event::new("user.session.start"));
        rig.run().await;
    }
    let (status, page) = (rig.store.json(STATUS), page(&rig));
    assert_eq!(
        (&status["state"], &status["signs_in_with"]),
        (&json!("connected"), &json!("client secret"))
    );
    assert_eq!(status["progress_percent"], Value::Null);
    assert!(status["history"]["commits"].as_array().unwrap().len() >= 3);
    assert!(
        status["limits"]
            .as_array()
            .unwrap()
            .iter()
            .any(|limit| limit["own"].as_u64() > Some(0)),
        "{status:#}"
    );
    let users = &status["streams"]["users"];
    assert!(
        users["changed_at"].is_string() && users["progress_percent"] == 100,
        "{users:#}"
    );
    let shown = [
        "Connected",
        "acme.okta.com",
        "identity@acme.example",
        "client secret",
        "Group memberships",
        "Newest commits",
    ];
    assert_shows(&page, &shown);
    assert_shows(
        &page,
        &[
            "Okta's rate limits",
            "Authomize holds manifest 1",
            "critical",
            "Newest open cases",
            "Pushes denied, then one approved",
            "Cases opened by day",
            "Accepted: 3 cases.",
            "Events by hour",
            "user.session.start",
        ],
    );
    // The newest ten, however many there are.
    assert!(page.contains("ada9@acme.com") && !page.contains("ada10@acme.com"));
    assert!(page.contains("1,000"), "open cases are counted");
    assert!(
        !page.contains(DEMO_CLIENT_SECRET),
        "the page holds a credential"
    );
    keep("connected", &page);
}

#[tokio::test]
async fn the_page_of_an_unfinished_snapshot_says_how_far_it_is() {
    let rig = demo().await;
    // All but what is read user by user is there soon.
    rig.org().options.limits = Limits::none().set(Class::UserParts, 40);
    rig.ask_within(json!({}), SignedDuration::from_secs(14))
        .await
        .unwrap();
    let (status, page) = (rig.store.json(STATUS), page(&rig));
    assert_eq!(status["state"], "syncing", "{status:#}");
    let percent = status["progress_percent"].as_u64().unwrap();
    assert!(percent < 100, "{percent}");
    assert_shows(
        &page,
        &[
            &format!("Syncing, {percent} %"),
            "the next runs go on by themselves",
        ],
    );
    keep("syncing", &page);
}

#[tokio::test]
async fn the_page_of_a_degraded_integration_folds_the_remedy_below_its_stream() {
    let rig = demo().await;
    rig.run().await;
    rig.org().deny("/api/v1/idps/**", Denial::AdminRole);
    rig.org().deny("/api/v1/iam/**", Denial::AdminRole);
    rig.ask(json!({"mode": "full"})).await.unwrap();
    let (status, page) = (rig.store.json(STATUS), page(&rig));
    assert_eq!(status["state"], "degraded", "{status:#}");
    assert_shows(
        &page,
        &[
            "Degraded",
            "need attention",
            "IdPs",
            "<details><summary>unavailable</summary>",
            "admin role",
        ],
    );
    keep("degraded", &page);
}

#[tokio::test]
async fn the_page_of_a_failed_run_has_the_remedy_and_keeps_the_streams() {
    let rig = demo().await;
    rig.run().await;
    let mut wrong = secret();
    wrong["client_secret"] = "another".into();
    rig.secrets.put("okta/acme", &wrong);
    assert_eq!(
        rig.ask(json!({})).await.unwrap_err().kind,
        "CredentialsRejected"
    );
    let (status, page) = (rig.store.json(STATUS), page(&rig));
    assert_eq!(status["state"], "failed");
    assert_shows(
        &page,
        &[
            "Failed",
            "CredentialsRejected",
            "role=\"alert\"",
            "Group memberships",
        ],
    );
    keep("failed", &page);
}

#[tokio::test]
async fn the_page_after_a_check_alone_says_that_nothing_has_been_collected() {
    let rig = demo().await;
    rig.ask(json!({"mode": "check"})).await.unwrap();
    assert_eq!(rig.store.json(STATUS)["state"], "never_run");
    assert_shows(
        &page(&rig),
        &["Never run", "nothing has been collected yet"],
    );
    keep("never", &page(&rig));
}

#[tokio::test]
async fn the_status_stays_small_through_a_busy_year_of_commits() {
    let rig = Rig::new().await;
    rig.populate(20, 5);
    rig.run().await;
    let full = |name: &dyn Fn(usize) -> String| -> BTreeMap<String, u64> {
        (0..30).map(|n| (name(n), 123_456)).collect()
    };
    let mut status = rig.store.json(STATUS);
    let streams: serde_json::Map<String, Value> = okta_authomize::streams::names()
        .into_iter()
        .map(|name| {
            (
                name.to_owned(),
                json!({"records": 1_000_000, "lines": 1_000_000}),
            )
        })
        .collect();
    let begin = Timestamp::now() - SignedDuration::from_hours(24 * 29);
    for day in 0..30 {
        let date = (begin + SignedDuration::from_hours(24 * day)).to_string()[..10].to_owned();
        let types = full(&|n| format!("{n}.{}", "x".repeat(90)));
        status["history"]["days"][date] =
            json!({"streams": streams, "event_types": types, "sign_ins": 9_999});
    }
    put(&rig, STATUS, &status);
    rig.org()
        .append_event(fake_org::Event::new("user.session.start"));
    rig.run().await;
    let stored = rig.store.objects.lock().unwrap()[STATUS].len();
    assert!(stored < 400_000, "{stored} bytes");
}

/// A page's elements and their attributes, in order, without the texts between and in them.
fn skeleton(page: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for token in Tokenizer::new(page) {
        let token = token.unwrap();
        if let Token::StartTag(tag) = token {
            let names: BTreeSet<_> = tag
                .attributes
                .keys()
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect();
            seen.push(format!("{} {names:?}", String::from_utf8_lossy(&tag.name)));
        }
    }
    seen
}

/// A status in which every text is the given one.
fn all(text: &str) -> Status {
    let at = "2026-11-27T18:00:00.000Z";
    let stream = StreamStatus {
        outcome: "failed".into(),
        error: Some(text.into()),
        records: Some(7),
        snapshot_at: Some(at.into()),
        progress_percent: Some(40),
        changed_at: Some(at.into()),
    };
    let day = Day {
        streams: [(
            text.to_owned(),
            StreamDay {
                records: Some(3),
                lines: 4,
            },
        )]
        .into(),
        event_types: [(text.to_owned(), 5)].into(),
        sign_ins: 6,
        app_sign_ons: 7,
        ..Day::default()
    };
    let commit = Commit {
        sequence: 3,
        committed_at: at.into(),
        mode: text.into(),
        streams: [(
            text.to_owned(),
            Lines {
                upserts: 1,
                deletes: 2,
            },
        )]
        .into(),
        snapshots: vec![text.into()],
    };
    Status {
        collector: text.into(),
        integration: "okta".into(),
        name: format!("n{text}"),
        org: Some(text.into()),
        owner: Some(text.into()),
        updated_at: at.into(),
        outcome: "error".into(),
        error: Some(Trouble {
            kind: text.into(),
            message: text.into(),
        }),
        mode: "incremental".into(),
        sequence: 3,
        last_success_at: Some(at.into()),
        signs_in_with: format!("x{text}"),
        state: State::Failed,
        limits: vec![Limit {
            paths: text.into(),
            limit: 600,
            remaining: 100,
            own: 200,
        }],
        streams: [(text.to_owned(), stream)].into(),
        history: History {
            days: [("2026-11-27".to_owned(), day)].into(),
            hours: [("2026-11-27T17".to_owned(), 9)].into(),
            commits: vec![commit],
        },
        findings: Some(Findings {
            made_at: Some(at.into()),
            sequence: 3,
            severities: [("high".to_owned(), 1), (text.to_owned(), 2)].into(),
            accepted: 1,
            newest: vec![NewCase {
                id: text.into(),
                finding: text.into(),
                severity: text.into(),
                title: text.into(),
                name: text.into(),
                first_seen: text.into(),
            }],
            days: vec![CaseDay {
                day: text.into(),
                opened: 1,
                closed: 1,
            }],
        }),
        loads: Some(Loads {
            loaded_at: Some(at.into()),
            outcome: text.into(),
            items: [(text.to_owned(), 3)].into(),
            held: vec![text.into()],
            removals_pending: 2,
            purge_due_at: Some(text.into()),
            ..Loads::default()
        }),
        ..Status::default()
    }
}

#[test]
fn the_page_says_which_deletions_wait_in_authomize() {
    let page = |held: &[&str]| {
        let loads = Loads {
            loaded_at: Some("2026-11-27T08:00:00Z".into()),
            held: held.iter().map(ToString::to_string).collect(),
            removals_pending: 3,
            purge_due_at: Some("2026-11-27T18:00:00Z".into()),
            ..Loads::default()
        };
        let loads = Some(loads);
        Status {
            loads,
            ..all("plain")
        }
        .html()
    };
    let waiting = "3 items that Okta no longer has: still in Authomize";
    let spaced = page(&[]);
    assert!(spaced.contains(waiting) && spaced.contains("first load after"));
    let withheld = page(&["stream users is held"]);
    assert!(withheld.contains(waiting) && withheld.contains("stream users is held"));
    assert!(!withheld.contains("first load after"));
}

/// What turns the direction of what comes after it.
const TURNING: [char; 9] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2069}',
    '\u{200f}',
];

fn assert_harmless(text: &str) {
    let page = all(text).html();
    assert_eq!(
        skeleton(&page),
        skeleton(&all("plain").html()),
        "{text:?} changes the page"
    );
    assert!(!page.contains(TURNING), "{text:?} turns the page");
    assert!(page.len() < 400_000, "{} bytes", page.len());
    let highest = page
        .split(|character: char| !('\u{300}'..='\u{36f}').contains(&character))
        .map(str::len)
        .max();
    assert!(highest.unwrap_or_default() <= 2 * 4, "{text:?} towers");
}

#[test]
fn known_tricks_change_nothing_but_text() {
    let tricks = [
        "<script>alert(1)</script>".to_owned(),
        "\"><img src=https://evil.example/x onerror=alert(1)>".to_owned(),
        "</title></style><h1>{{ 7*7 }}</h1>".to_owned(),
        "&lt;b&gt; &#x3c;b&#x3e; <!-- ]]>".to_owned(),
        "{{ name }}{% raw %}{name}".to_owned(),
        format!("admin\u{202e}{}\u{2066}", "moc.live@".repeat(9)),
        "𐍈".repeat(10_000),
        "W".repeat(10_000),
        format!("Z{}", "\u{301}\u{327}".repeat(5_000)),
        "\u{0}\u{1b}[31m\u{7f}\u{feff}".to_owned(),
        "שלום عليكم".repeat(300),
        String::new(),
        "\u{202e}\u{2066}".to_owned(),
    ];
    for trick in &tricks {
        assert_harmless(trick);
    }
    keep("hostile", &all(&tricks.concat()).html());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_text_changes_anything_but_text(text in "(?s)[<>\"'&{}%/=a-z\u{202a}-\u{202e}\u{300}-\u{36f}\u{0}-\u{1f}💣ש]{0,400}|.{0,400}") {
        assert_harmless(&text);
    }
}
