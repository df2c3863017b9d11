//! Okta's rate limits: a run takes its share, waits where that helps, and says when to come again where it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use fake_org::{Class, Failure, Limits, NewApp, NewUser, Request, Response, WindowUse};
use jiff::SignedDuration;
use okta_authomize::invocation::{Outcome, Report};
use serde_json::json;

use crate::support::http::Endpoint;
use crate::support::rig::{Rig, outcome};
use crate::support::{gate, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Groups with one member each: as many requests of one class.
async fn rig_of_groups(groups: usize) -> Rig {
    let rig = Rig::new().await;
    let mut org = rig.org();
    let ada = org.create_user(fake_org::NewUser::named("Ada", "Lovelace"));
    for n in 0..groups {
        let group = org.create_group(&format!("Group {n}"));
        org.add_member(&group, &ada);
    }
    drop(org);
    // One request a group, and no more.
    rig.without(&["role_assignments"]);
    rig
}

fn group_limit(per_minute: u64) -> Limits {
    Limits::workforce().set(Class::Groups, per_minute)
}

/// The org's windows for groups that were used from their first to their last second.
fn whole_windows(rig: &Rig) -> Vec<WindowUse> {
    let org = rig.org();
    let windows = org.windows(Class::Groups);
    windows[1..windows.len() - 1].to_vec()
}

/// The most requests for groups in one of the org's windows.
fn most_in_a_window(rig: &Rig) -> u64 {
    rig.org()
        .windows(Class::Groups)
        .iter()
        .map(|window| window.own)
        .max()
        .unwrap_or_default()
}

/// Opens a window some odd time before the run, as others do.
fn open_a_window_at_an_odd_instant(rig: &Rig) {
    let mut org = rig.org();
    org.advance(SignedDuration::from_millis(1_637));
    org.use_by_others(Class::Groups, 1);
    org.advance(SignedDuration::from_millis(23_411));
}

fn assert_limited(report: &Report) {
    assert_eq!(
        (report.outcome, report.go_on),
        (Outcome::Partial, false),
        "{report:#?}"
    );
    assert!(
        report
            .retry_after_seconds
            .is_some_and(|seconds| (1..=61).contains(&seconds)),
        "{report:#?}"
    );
}

#[tokio::test]
async fn a_share_of_a_small_bucket_is_used_and_never_more() {
    for (share, per_window, twice) in [
        ("100", 20, false),
        ("100", 20, true),
        ("50", 10, false),
        ("10", 2, false),
    ] {
        let mut rig = rig_of_groups(3 * usize::try_from(per_window).unwrap()).await;
        rig.org().options.limits = group_limit(20);
        rig.org().options.limits.duplicate_headers = twice;
        let _time = time::hurry(&mut rig, &[("RATE_LIMIT_SHARE", share)]);
        let report = time::ask(&rig, json!({}), HOUR).await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
        assert_eq!(rig.org().counts().rate_limited, 0, "share {share}");
        assert!(
            most_in_a_window(&rig) <= per_window,
            "share {share}: {} in a window",
            most_in_a_window(&rig)
        );
        // Three windows' worth and one request takes four windows, the last of them hardly begun.
        assert!(
            (120_000..260_000).contains(&report.duration_ms),
            "share {share}: {} ms",
            report.duration_ms
        );
        assert!(report.okta.throttled_ms > 0);
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn nine_tenths_of_the_share_are_used_while_there_is_work() {
    for latency_ms in [0, 200] {
        let mut rig = rig_of_groups(600).await;
        rig.org().options.limits = group_limit(400);
        rig.org().options.latency_ms = latency_ms;
        let _time = time::hurry(&mut rig, &[("RATE_LIMIT_SHARE", "50")]);
        open_a_window_at_an_odd_instant(&rig);
        assert_eq!(
            time::ask(&rig, json!({}), HOUR).await.outcome,
            Outcome::Succeeded
        );
        let windows = whole_windows(&rig);
        assert!(
            windows.len() >= 2 && windows.iter().all(|window| window.own >= 180),
            "{latency_ms} ms: {windows:?}"
        );
        assert!(
            most_in_a_window(&rig) <= 200,
            "{latency_ms} ms: {windows:?}"
        );
        assert_eq!(rig.org().counts().rate_limited, 0);
    }
}

#[tokio::test]
async fn others_are_not_refused_and_their_remainder_is_used() {
    for (others, least) in [(60, 90), (120, 65), (180, 8)] {
        let mut rig = rig_of_groups(usize::try_from(3 * least + 30).unwrap()).await;
        rig.org().options.limits = group_limit(200);
        rig.org()
            .set_use_by_others_between(Class::Groups, others, [0, 60]);
        let _time = time::hurry(&mut rig, &[("RATE_LIMIT_SHARE", "50")]);
        open_a_window_at_an_odd_instant(&rig);
        assert_eq!(
            time::ask(&rig, json!({}), HOUR).await.outcome,
            Outcome::Succeeded
        );
        assert_eq!(rig.org().counts().rate_limited, 0);
        let windows = whole_windows(&rig);
        assert!(
            windows.iter().all(|window| window.others_refused == 0),
            "{others}: {windows:?}"
        );
        let own: u64 = windows.iter().map(|window| window.own).sum();
        assert!(
            own >= least * u64::try_from(windows.len()).unwrap() && !windows.is_empty(),
            "{others}: {windows:?}"
        );
    }
}

#[tokio::test]
async fn answers_that_are_errors_tell_of_the_limit_too() {
    let gone = r#"{"errorCode":"E0000007","errorSummary":"Not found"}"#;
    let forbidden = r#"{"errorCode":"E0000006","errorSummary":"You do not have permission"}"#;
    for (status, body, expected) in [
        (404, gone, Outcome::Succeeded),
        (403, forbidden, Outcome::Degraded),
    ] {
        let mut rig = rig_of_groups(30).await;
        rig.org().options.limits = group_limit(20);
        rig.org().fail(
            "GET /api/v1/groups/*/users",
            1_000,
            Failure::Status(status, body.into()),
        );
        let _time = time::hurry(&mut rig, &[("RATE_LIMIT_SHARE", "50")]);
        assert_eq!(time::ask(&rig, json!({}), HOUR).await.outcome, expected);
        assert!(
            most_in_a_window(&rig) <= 10,
            "{status}: {:?}",
            rig.org().windows(Class::Groups)
        );
        assert_eq!(rig.org().counts().rate_limited, 0);
    }
}

#[tokio::test]
async fn a_workforce_org_is_read_without_a_refusal() {
    let mut rig = rig_of_groups(300).await;
    rig.org().options.limits = Limits::workforce();
    let _time = time::hurry(&mut rig, &[]);
    assert_eq!(
        time::ask(&rig, json!({}), HOUR).await.outcome,
        Outcome::Succeeded
    );
    assert_eq!(rig.org().counts().rate_limited, 0);
    rig.assert_in_step();
}

#[tokio::test]
async fn the_use_of_a_bucket_by_others_is_not_asked_for() {
    let mut rig = rig_of_groups(25).await;
    rig.org().options.limits = group_limit(20);
    rig.org().set_use_by_others(Class::Groups, 15);
    let _time = time::hurry(&mut rig, &[("RATE_LIMIT_SHARE", "50")]);
    let report = time::ask(&rig, json!({}), HOUR).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(rig.org().counts().rate_limited, 0);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_warm_run_remembers_the_use_of_the_last_one() {
    let mut rig = rig_of_groups(15).await;
    rig.org().options.limits = group_limit(20);
    let _time = time::hurry(&mut rig, &[]);
    for _ in 0..3 {
        assert_eq!(
            time::ask(&rig, json!({"mode": "full"}), HOUR).await.outcome,
            Outcome::Succeeded
        );
    }
    assert_eq!(rig.org().counts().rate_limited, 0);
}

#[tokio::test]
async fn the_functions_clock_may_be_wrong() {
    for ahead in [
        SignedDuration::from_mins(10),
        SignedDuration::from_mins(-10),
    ] {
        let mut rig = rig_of_groups(40).await;
        rig.org().options.limits = group_limit(20);
        time::stop_apart(&mut rig, &[], ahead);
        let _time = time::flow(&rig);
        let report = time::ask(&rig, json!({}), HOUR).await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
        assert_eq!(rig.org().counts().rate_limited, 0);
        assert!(report.duration_ms < 200_000, "{} ms", report.duration_ms);
    }
}

#[tokio::test]
async fn a_reset_beyond_the_deadline_ends_the_run_with_the_seconds_to_wait() {
    let mut rig = rig_of_groups(40).await;
    rig.org().options.limits = group_limit(20);
    let _time = time::hurry(&mut rig, &[]);
    rig.org().use_by_others(Class::Groups, 10);
    let report = time::ask(&rig, json!({}), SignedDuration::from_secs(40)).await;
    assert_limited(&report);
    assert!(report.duration_ms < 40_000);
    assert_eq!(outcome(&report, "users"), Outcome::Succeeded);
    assert_eq!(outcome(&report, "group_memberships"), Outcome::Partial);
    let read = rig.ids("group_memberships").len();
    assert!(read > 0, "what was read before the limit is committed");
    let mut later = report;
    for _ in 0..5 {
        let wait = later.retry_after_seconds.unwrap_or_default();
        tokio::time::sleep(SignedDuration::from_secs(wait).unsigned_abs()).await;
        later = time::ask(&rig, json!({}), SignedDuration::from_secs(300)).await;
        if later.outcome == Outcome::Succeeded {
            break;
        }
    }
    assert_eq!(later.outcome, Outcome::Succeeded, "{later:#?}");
    rig.assert_in_step();
}

#[tokio::test]
async fn an_exhausted_bucket_is_not_asked_again_before_its_reset() {
    let mut rig = rig_of_groups(3).await;
    rig.org().options.limits = group_limit(20);
    let _time = time::hurry(&mut rig, &[]);
    rig.org().use_by_others(Class::Groups, 20);
    for _ in 0..3 {
        assert_limited(&time::ask(&rig, json!({}), SignedDuration::from_secs(10)).await);
    }
    assert_eq!(rig.org().counts().rate_limited, 1, "{:?}", rig.requests());
    let report = time::ask(&rig, json!({}), SignedDuration::from_secs(120)).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(report.okta.throttled_ms > 0);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_token_endpoint_out_of_reach_for_a_minute_is_no_error() {
    let mut rig = rig_of_groups(1).await;
    rig.org().options.limits = Limits::workforce().set(Class::Token, 5);
    let _time = time::hurry(&mut rig, &[]);
    rig.org().use_by_others(Class::Token, 5);
    let report = time::ask(&rig, json!({}), SignedDuration::from_secs(10)).await;
    assert_limited(&report);
    assert!(
        report
            .streams
            .values()
            .all(|stream| stream.outcome == Outcome::Partial)
    );
    let report = time::ask(&rig, json!({}), SignedDuration::from_secs(120)).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig.assert_in_step();
}

#[tokio::test]
async fn a_refusal_that_does_not_say_for_how_long_is_tried_again_soon() {
    let mut rig = rig_of_groups(5).await;
    let bare = |_: &Request, response: &mut Response| {
        let limited = |name: &str| name.to_ascii_lowercase().starts_with("x-rate-limit");
        if response.status == 429 {
            response.headers.retain(|(name, _)| !limited(name));
        }
    };
    let _gate = gate::before(&mut rig, |_| (), bare).await;
    let _time = time::hurry(&mut rig, &[]);
    for path in [
        "POST /oauth2/v1/token",
        "GET /api/v1/users",
        "GET /api/v1/groups/*/users",
        "GET /api/v1/logs",
    ] {
        rig.org().fail(
            path,
            3,
            Failure::RateLimited {
                limit: 600,
                reset_in_seconds: 300,
            },
        );
    }
    let report = time::ask(&rig, json!({}), HOUR).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(report.duration_ms < 60_000, "{} ms", report.duration_ms);
    assert_eq!(rig.org().counts().rate_limited, 12);
    rig.assert_in_step();
}

#[tokio::test]
async fn too_many_requests_at_once_become_fewer() {
    let mut rig = rig_of_groups(60).await;
    rig.org().options.limits.concurrency = Some(2);
    rig.org().options.latency_ms = 40;
    let _time = time::hurry(&mut rig, &[]);
    let report = time::ask(&rig, json!({}), HOUR).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(report.duration_ms < 60_000, "{} ms", report.duration_ms);
    let counts = rig.org().counts().clone();
    let (refused, all) = (counts.rate_limited, counts.total());
    assert!(
        refused > 0 && refused * 2 < all,
        "{refused} of {all} requests were refused"
    );
    rig.assert_in_step();
}

#[tokio::test]
async fn requests_under_way_become_more_while_none_is_too_many() {
    let mut rig = rig_of_groups(800).await;
    rig.org().options.latency_ms = 100;
    let _time = time::hurry(&mut rig, &[]);
    assert_eq!(
        time::ask(&rig, json!({}), HOUR).await.outcome,
        Outcome::Succeeded
    );
    let most = rig.org().counts().max_concurrency;
    assert!((13..=24).contains(&most), "{most}");
}

#[tokio::test]
async fn requests_that_wait_for_a_limit_do_not_keep_a_commit_waiting() {
    let mut rig = rig_of_groups(60).await;
    rig.org().options.limits = group_limit(20);
    let _time = time::hurry(
        &mut rig,
        &[
            ("RATE_LIMIT_SHARE", "50"),
            ("CHECKPOINT_INTERVAL_SECONDS", "20"),
        ],
    );
    assert_eq!(
        time::ask(&rig, json!({}), HOUR).await.outcome,
        Outcome::Succeeded
    );
    rig.assert_in_step();
    let committed_at: Vec<_> = rig
        .read()
        .manifests
        .iter()
        .map(|manifest| manifest.committed_at)
        .collect();
    let apart_s: Vec<_> = committed_at
        .windows(2)
        .map(|two| two[1].duration_since(two[0]).as_secs())
        .collect();
    assert!(
        apart_s.len() >= 10 && apart_s.iter().all(|apart_s| *apart_s <= 22),
        "{apart_s:?}"
    );
    assert_eq!(rig.org().counts().rate_limited, 0);
    let of_groups = rig.requests()["GET /api/v1/groups/{id}/users"];
    assert_eq!(of_groups, 60, "none was sent twice");
}

/// A rate limit of its own, for paths below a group that end so: the fake org, as the function at first, has one for all.
struct OwnLimit {
    ending: &'static str,
    limit: u64,
    used: u64,
    /// When its window ends, in seconds since 1970; windows begin at other times than those of other limits.
    reset: u64,
}

impl OwnLimit {
    /// Counts a request that is answered at `now_s`, and announces it; false where it is one too many.
    fn count(&mut self, now_s: u64, response: &mut Response) -> bool {
        if now_s >= self.reset {
            (self.used, self.reset) = (0, now_s + 60);
        }
        let is_taken = self.used < self.limit;
        self.used += u64::from(is_taken);
        response
            .headers
            .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("x-rate-limit"));
        for (name, value) in [
            ("Limit", self.limit),
            ("Remaining", self.limit - self.used),
            ("Reset", self.reset),
        ] {
            response
                .headers
                .push((format!("X-Rate-Limit-{name}"), value.to_string()));
        }
        is_taken
    }
}

const MEMBERS: &str = "/users";
const ROLES: &str = "/roles";

/// Two limits for paths that the function first takes for one class; gives how often a request was one too many.
async fn two_limits(rig: &mut Rig, members: u64, roles: u64) -> (Arc<AtomicU64>, Endpoint) {
    let limits = [(MEMBERS, members), (ROLES, roles)].map(|(ending, limit)| OwnLimit {
        ending,
        limit,
        used: 0,
        reset: 0,
    });
    let (limits, refused) = (std::sync::Mutex::new(limits), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&refused);
    let limit = move |request: &Request, response: &mut Response| {
        let mut limits = limits.lock().unwrap();
        let is_its = |own: &&mut OwnLimit| {
            request.path.starts_with("/api/v1/groups/") && request.path.ends_with(own.ending)
        };
        let Some(own) = limits.iter_mut().find(is_its) else {
            return;
        };
        let date = httpdate::parse_http_date(response.header_value("date").unwrap()).unwrap();
        if !own.count(
            date.duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs(),
            response,
        ) {
            counted.fetch_add(1, Ordering::Relaxed);
            response.status = 429;
            response.body = Vec::new();
        }
    };
    (refused, gate::before(rig, |_| (), limit).await)
}

/// Seconds from a run's beginning to the last request for members, and for roles, of a new org's groups.
async fn seconds_to_read(limits: (u64, u64), off: &[&str]) -> [i64; 2] {
    // One page of groups: what waits to be read of them is bounded, and more would wait for the slower limit.
    let mut rig = rig_of_groups(190).await;
    let off: Vec<&str> = off
        .iter()
        .chain(&["factors", "application_users"])
        .copied()
        .collect();
    rig.without(&off);
    let (refused, _gate) = two_limits(&mut rig, limits.0, limits.1).await;
    let _time = time::hurry(&mut rig, &[]);
    let began = rig.org().now();
    let report = time::ask(&rig, json!({}), HOUR).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(
        refused.load(Ordering::Relaxed),
        0,
        "{limits:?} without {off:?}"
    );
    let org = rig.org();
    let last = |ending: &str| {
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
        let mut its = org.journal().iter().filter(|entry| {
            entry.target.starts_with("/api/v1/groups/") && path(&entry.target).ends_with(ending)
        });
        its.next_back()
            .map_or(0, |entry| entry.at.duration_since(began).as_secs())
    };
    [last(MEMBERS), last(ROLES)]
}

#[tokio::test]
async fn two_limits_that_are_taken_for_one_class_are_each_used_as_if_alone() {
    for limits in [(100, 500), (500, 100)] {
        let together = seconds_to_read(limits, &[]).await;
        let alone = [
            seconds_to_read(limits, &["role_assignments"]).await[0],
            seconds_to_read(limits, &["group_memberships"]).await[1],
        ];
        for (together_s, alone_s) in together.into_iter().zip(alone) {
            assert!(
                together_s * 4 <= alone_s * 5,
                "{limits:?}: {together:?} s together, {alone:?} s alone"
            );
        }
    }
}

/// Seconds that a first run takes of an org of which every limit is 60 a minute.
async fn seconds_of_a_first_run(off: &[&str]) -> i64 {
    let mut rig = Rig::new().await;
    {
        let mut org = rig.org();
        org.silently(|org| {
            let name = |n: usize| NewUser::named(&format!("Ada{n}"), "Lovelace");
            let people: Vec<_> = (0..150).map(|n| org.create_user(name(n))).collect();
            for (n, person) in people[..120].iter().enumerate() {
                let group = org.create_group(&format!("Group {n}"));
                org.add_member(&group, person);
            }
            for (n, person) in people[..30].iter().enumerate() {
                let app = org.create_app(NewApp::new("bookmark", &format!("App {n}"), "BOOKMARK"));
                org.assign_user(&app, person);
            }
        });
        let classes = [
            Class::Users,
            Class::User,
            Class::UserParts,
            Class::Groups,
            Class::Group,
            Class::Apps,
            Class::App,
        ];
        let others = [Class::Clients, Class::Iam, Class::Idps, Class::Logs];
        org.options.limits = classes
            .into_iter()
            .chain(others)
            .fold(Limits::none(), |limits, class| limits.set(class, 60));
    }
    rig.without(off);
    let _time = time::hurry(&mut rig, &[]);
    let began = rig.org().now();
    let report = time::ask(&rig, json!({}), HOUR).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(rig.org().counts().rate_limited, 0);
    let ended = rig.org().now();
    ended.duration_since(began).as_secs()
}

/// Counts each kind of path below a kind of object against a limit of its own.
fn kind_of(path: &str) -> String {
    let parts = path.trim_matches('/').split('/').enumerate();
    let word = |(at, part): (usize, &str)| {
        let is_id = part.len() > 15 && part.starts_with("00") || part.starts_with("0oa");
        if is_id && at > 2 {
            "*".to_owned()
        } else {
            part.to_owned()
        }
    };
    parts.map(word).collect::<Vec<_>>().join("/")
}

/// Seconds that a first run takes of an org that limits each kind of path apart, and the most requests of one kind.
async fn seconds_with_limits_apart(
    per_minute: u64,
    [people, groups, apps]: [usize; 3],
) -> (i64, u64) {
    let mut rig = Rig::new().await;
    rig.org().silently(|org| {
        let name = |n: usize| NewUser::named(&format!("Ada{n}"), "Lovelace");
        let people: Vec<_> = (0..people).map(|n| org.create_user(name(n))).collect();
        for n in 0..groups {
            let group = org.create_group(&format!("Group {n}"));
            org.add_member(&group, &people[n % people.len()]);
        }
        for n in 0..apps {
            let app = org.create_app(NewApp::new("bookmark", &format!("App {n}"), "BOOKMARK"));
            org.assign_user(&app, &people[n % people.len()]);
        }
    });
    rig.org().options.limits = Limits::none();
    let limits: Arc<std::sync::Mutex<std::collections::HashMap<String, (OwnLimit, u64)>>> =
        Arc::default();
    let counted = Arc::clone(&limits);
    let limit = move |request: &Request, response: &mut Response| {
        let mut limits = counted.lock().unwrap();
        let fresh = || {
            (
                OwnLimit {
                    ending: "",
                    limit: per_minute,
                    used: 0,
                    reset: 0,
                },
                0,
            )
        };
        let (own, total) = limits.entry(kind_of(&request.path)).or_insert_with(fresh);
        let date = httpdate::parse_http_date(response.header_value("date").unwrap()).unwrap();
        let now = date
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        response
            .headers
            .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("x-rate-limit"));
        *total += 1;
        assert!(own.count(now, response), "{}: one too many", request.path);
    };
    let _gate = gate::before(&mut rig, |_| (), limit).await;
    let _time = time::hurry(&mut rig, &[]);
    let began = rig.org().now();
    let report = time::ask(&rig, json!({}), HOUR).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    let seconds = rig.org().now().duration_since(began).as_secs();
    let busiest = limits
        .lock()
        .unwrap()
        .values()
        .map(|(_, total)| *total)
        .max();
    (seconds, busiest.unwrap_or_default())
}

#[tokio::test]
async fn kinds_of_paths_that_are_limited_apart_are_read_beside_each_other() {
    for (per_minute, counts) in [(60, [150, 120, 30]), (40, [60, 90, 40])] {
        let (seconds, busiest) = seconds_with_limits_apart(per_minute, counts).await;
        // A fifth of a window's share may go at once, the rest evenly.
        let alone = i64::try_from(busiest * 60 / per_minute).unwrap();
        println!("{seconds} s, {busiest} requests of the busiest kind at {per_minute} a minute");
        assert!(
            seconds * 4 <= alone * 5,
            "{seconds} s where the busiest kind needs {alone}"
        );
    }
}

#[tokio::test]
async fn a_run_ends_about_when_its_busiest_limit_does() {
    let busiest = ["groups", "group_memberships", "role_assignments"];
    let names = okta_authomize::streams::names();
    let off: Vec<&str> = names
        .into_iter()
        .filter(|name| !busiest.contains(name))
        .collect();
    let (together_s, alone_s) = (
        seconds_of_a_first_run(&[]).await,
        seconds_of_a_first_run(&off).await,
    );
    println!("{together_s} s for everything, {alone_s} s for groups alone");
    assert!(
        together_s * 4 <= alone_s * 5,
        "{together_s} s for everything, {alone_s} s for groups alone"
    );
}
