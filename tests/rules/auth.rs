//! Access: one token, kept while it lasts; what may not be read costs nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fake_org::{Client, Denial, Event, LinkHost, Request, Response};
use jiff::SignedDuration;
use okta_authomize::handler::Failure;
use okta_authomize::invocation::{Outcome, Report};
use okta_authomize::streams::{STREAMS, Stream, scopes};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::rig::{CLIENT, PASSWORD, Rig, outcome, secret};
use crate::support::{gate, keys, meanwhile, time};

const TOKEN: &str = "POST /oauth2/v1/token";
/// The role assignments of groups are read of the listing of groups.
const GROUP_STREAMS: [&str; 3] = ["groups", "role_assignments", "group_memberships"];

fn tokens(rig: &Rig) -> u64 {
    rig.org().counts().of(TOKEN)
}

/// Changes the secret, which makes a new version of it.
fn keep(rig: &Rig, changes: &Value) {
    let mut content = secret();
    let given = changes.as_object().unwrap().clone();
    content.as_object_mut().unwrap().extend(given);
    content
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    rig.secrets.put("okta/acme", &content);
}

/// The scopes of each token request so far, as the org logged its grants.
fn granted_scopes(rig: &Rig) -> Vec<Vec<String>> {
    let mut org = rig.org();
    let token = org.issue_access_token(CLIENT);
    let path =
        "/api/v1/logs?limit=1000&filter=eventType%20eq%20%22app.oauth2.token.grant.access_token%22";
    let events = org
        .answer(&Request::get(path).authorized("Bearer", &token))
        .value();
    let scopes = |event: &Value| {
        event["debugContext"]["debugData"]["grantedScopes"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let words = |text: String| text.split(", ").map(str::to_owned).collect();
    events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| words(scopes(event)))
        .collect()
}

fn sorted(mut scopes: Vec<String>) -> Vec<String> {
    scopes.sort();
    scopes
}

fn scopes_but(streams_off: &[&str]) -> Vec<String> {
    let on = STREAMS
        .iter()
        .filter(|stream| !streams_off.contains(&stream.name));
    sorted(scopes(on).into_iter().map(str::to_owned).collect())
}

/// Streams whose scope the org has not granted.
fn streams_of(scope: &str) -> Vec<&'static Stream> {
    STREAMS
        .iter()
        .copied()
        .filter(|stream| stream.scopes_without(&[]).contains(&scope))
        .collect()
}

/// Asserts that the reader is in step after something else than the collector's own token grants was logged.
async fn assert_in_step_after_news(rig: &Rig) {
    rig.org().append_event(Event::new("user.session.start"));
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
}

fn assert_rejected(rig: &Rig, failure: &Failure) {
    assert_eq!(failure.kind, "CredentialsRejected");
    assert_eq!(
        rig.store.keys(""),
        ["okta/status/okta.html", "okta/status/okta.json"]
    );
    let status = rig.store.json("okta/status/okta.json");
    assert_eq!(
        (&status["outcome"], &status["error"]["type"]),
        (&json!("error"), &json!("CredentialsRejected"))
    );
    assert_eq!(status["error"]["message"], failure.message);
}

/// Asserts that `streams` have `expected` with an error that holds `word`, and all others succeeded.
fn assert_alone(report: &Report, streams: &[&str], expected: Outcome, word: &str) {
    for (name, stream) in &report.streams {
        let wanted = if streams.contains(&name.as_str()) {
            expected
        } else {
            Outcome::Succeeded
        };
        assert_eq!(stream.outcome, wanted, "{name}: {report:#?}");
        assert_eq!(
            stream
                .error
                .as_ref()
                .is_some_and(|error| error.contains(word)),
            wanted == expected,
            "{report:#?}"
        );
    }
}

/// Asserts that no manifest declares one of `streams` complete, and that nothing of it was written.
fn assert_never_complete(rig: &Rig, streams: &[&str]) {
    for key in rig.store.keys("okta/manifests/") {
        for part in ["snapshots", "batches"] {
            let named = rig.store.json(&key)[part].clone();
            let named: Vec<_> = named
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part["stream"].clone())
                .collect();
            assert!(
                streams.iter().all(|stream| !named.contains(&json!(stream))),
                "{key} {part}: {named:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_client_secret_goes_to_the_orgs_own_token_endpoint_by_basic() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    // The org refuses a secret in the body, and knows no other authorization server.
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    let org = rig.org();
    let first = &org.journal()[0];
    assert_eq!(
        (first.method.as_str(), first.target.as_str(), first.status),
        ("POST", "/oauth2/v1/token", 200)
    );
}

#[tokio::test]
async fn a_token_is_kept_across_warm_invocations() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    for _ in 0..3 {
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    }
    assert_eq!(tokens(&rig), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    for (token_seconds, kept_for, renewed_after) in [(3_600, 3_400, 3_550), (60, 20, 55)] {
        rig.org().options.token_seconds = token_seconds;
        time::stop(&mut rig, &[]);
        rig.org().reset_counts();
        let hour = SignedDuration::from_hours(1);
        for (seconds, expected) in [(0, 1), (kept_for, 1), (renewed_after - kept_for, 2)] {
            rig.org().advance(SignedDuration::from_secs(seconds));
            assert_eq!(
                time::ask(&rig, json!({"mode": "full"}), hour).await.outcome,
                Outcome::Succeeded
            );
            assert_eq!(tokens(&rig), expected, "of {token_seconds} s");
        }
        assert!(!rig.org().counts().statuses.contains_key(&401));
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_in_mid_run_is_renewed_once() {
    let rig = Rig::new().await;
    rig.populate(401, 3);
    rig.org().options.latency_ms = 5;
    let revoked = meanwhile::after(
        &rig.org,
        "GET /api/v1/users",
        2,
        fake_org::Org::revoke_access_tokens,
    );
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert!(revoked.is_finished() && rig.org().counts().statuses[&401] > 0);
    assert_eq!(tokens(&rig), 2);
    assert_in_step_after_news(&rig).await;
}

#[tokio::test]
async fn a_token_that_is_never_accepted_is_renewed_a_few_times_only() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    let gone = r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#;
    rig.org().fail(
        "GET /api/v1/**",
        1_000,
        fake_org::Failure::Status(401, gone.into()),
    );
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_rejected(&rig, &failure);
    assert_eq!(tokens(&rig), 4);
}

#[tokio::test]
async fn a_rotated_secret_needs_no_cold_start() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.run().await;
    rig.org()
        .edit_client(CLIENT, |client| client.secrets = vec!["of-tomorrow".into()]);
    keep(&rig, &json!({"client_secret": "of-tomorrow"}));
    assert_eq!(
        rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
        Outcome::Succeeded
    );
    assert_eq!(tokens(&rig), 2, "a token of the old version was used on");
    assert_in_step_after_news(&rig).await;
}

#[tokio::test]
async fn a_wrong_client_secret_is_rejected_and_nothing_is_committed() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    keep(&rig, &json!({"client_secret": "of-yesterday"}));
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_rejected(&rig, &failure);
    assert!(
        failure.message.contains("client_secret") && !failure.message.contains("of-yesterday"),
        "{failure}"
    );
    keep(&rig, &json!({}));
    rig.run().await;
    rig.assert_in_step();
    let status = rig.store.json("okta/status/okta.json");
    assert_eq!(
        (&status["outcome"], &status["error"]),
        (&json!("succeeded"), &Value::Null)
    );
}

#[tokio::test]
async fn an_api_token_works_without_a_token_request() {
    let rig = Rig::new().await;
    rig.populate(40, 4);
    rig.org().add_api_token("00api-token");
    keep(
        &rig,
        &json!({"client_id": null, "client_secret": null, "token": "00api-token"}),
    );
    assert_alone(&rig.run().await, &[], Outcome::Failed, "");
    assert_eq!(tokens(&rig), 0);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_bad_api_token_is_rejected_and_never_repeated() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    keep(
        &rig,
        &json!({"client_id": null, "client_secret": null, "token": "00expired"}),
    );
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_rejected(&rig, &failure);
    assert!(!failure.message.contains("00expired"), "{failure}");
    assert_eq!(rig.org().counts().total(), 1);
}

#[tokio::test]
async fn every_way_to_authenticate_reads_every_stream() {
    let (rsa, ec) = (keys::rsa(), keys::ec());
    let by_key = |keys: &keys::Keys| {
        let changes = json!({"client_secret": null, "private_key": keys.private, "key_id": keys.public["kid"]});
        (
            Client::with_keys(CLIENT, vec![rsa.public.clone(), ec.public.clone()]),
            changes,
        )
    };
    for ((client, changes), dpop) in [
        (by_key(&rsa), false),
        (by_key(&ec), false),
        (by_key(&rsa), true),
        (by_key(&ec), true),
        ((Client::with_secret(CLIENT, PASSWORD), json!({})), true),
    ] {
        let rig = Rig::new().await;
        rig.populate(40, 4);
        rig.org().add_client(if dpop {
            client.demanding_dpop()
        } else {
            client
        });
        keep(&rig, &changes);
        assert_alone(&rig.run().await, &[], Outcome::Failed, "");
        rig.assert_in_step();
        // A proof is first missing, then lacks the nonce.
        assert_eq!(tokens(&rig), if dpop { 3 } else { 1 });
    }
}

#[tokio::test]
async fn an_expired_dpop_nonce_costs_one_more_request() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.org()
        .edit_client(CLIENT, |client| client.require_dpop = true);
    rig.run().await;
    rig.org().expire_dpop_nonces();
    rig.org().revoke_access_tokens();
    rig.org().reset_counts();
    assert_eq!(
        rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
        Outcome::Succeeded
    );
    assert_eq!(tokens(&rig), 2);
}

#[tokio::test]
async fn the_scopes_of_the_streams_are_requested_and_no_others() {
    let mut rig = Rig::new().await;
    rig.run().await;
    let off = ["groups", "group_memberships"];
    keep(&rig, &json!({"streams_off": off}));
    rig.restart(&[]);
    rig.run().await;
    let granted: Vec<_> = granted_scopes(&rig).into_iter().map(sorted).collect();
    assert_eq!(granted, [scopes_but(&[]), scopes_but(&off)]);
    assert!(granted[1].len() < granted[0].len());
}

#[tokio::test]
async fn a_scope_that_is_not_granted_costs_its_streams_alone() {
    let rig = Rig::new().await;
    rig.populate(20, 4);
    let all = scopes_but(&[]);
    let missing = "okta.groups.read";
    rig.org().edit_client(CLIENT, |client| {
        client.scopes.retain(|scope| scope != missing)
    });
    let streams: Vec<_> = streams_of(missing)
        .iter()
        .map(|stream| stream.name)
        .collect();
    for _ in 0..2 {
        let report = rig.run().await;
        assert_eq!((report.outcome, report.go_on), (Outcome::Degraded, false));
        assert_alone(&report, &streams, Outcome::Unavailable, missing);
        assert_never_complete(&rig, &streams);
    }
    assert!(!rig.requests().contains_key("GET /api/v1/groups"));
    rig.org().edit_client(CLIENT, |client| client.scopes = all);
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert_in_step_after_news(&rig).await;
}

#[tokio::test]
async fn a_scope_that_only_the_request_finds_missing_costs_its_streams_alone() {
    let mut rig = Rig::new().await;
    rig.populate(20, 4);
    rig.org().edit_client(CLIENT, |client| {
        client.scopes.retain(|scope| scope != "okta.groups.read")
    });
    let boast = |request: &Request, response: &mut Response| {
        if request.path == "/oauth2/v1/token" {
            let mut body = response.value();
            body["scope"] = scopes_but(&[]).join(" ").into();
            response.body = body.to_string().into_bytes();
        }
    };
    let _gate = gate::before(&mut rig, |_| (), boast).await;
    rig.restart(&[]);
    let report = rig.run().await;
    assert_eq!((report.outcome, report.go_on), (Outcome::Degraded, false));
    assert_alone(
        &report,
        &GROUP_STREAMS,
        Outcome::Unavailable,
        "okta.groups.read",
    );
    assert_never_complete(&rig, &GROUP_STREAMS);
    let scopes = scopes_but(&[]);
    rig.org()
        .edit_client(CLIENT, |client| client.scopes = scopes);
    // Nothing tells that the kept token is no longer the best to be had, but that it ends.
    rig.org().revoke_access_tokens();
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert_in_step_after_news(&rig).await;
}

#[tokio::test]
async fn a_missing_admin_role_costs_its_streams_alone() {
    for (denied, streams) in [
        ("/api/v1/groups", &GROUP_STREAMS[..]),
        ("/api/v1/groups/*/users", &GROUP_STREAMS[2..]),
    ] {
        let rig = Rig::new().await;
        rig.populate(20, 4);
        rig.org().deny(denied, Denial::AdminRole);
        let report = rig.run().await;
        assert_eq!((report.outcome, report.go_on), (Outcome::Degraded, false));
        assert_alone(&report, streams, Outcome::Unavailable, "admin role");
        assert_never_complete(&rig, streams);
        rig.org().allow_all();
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_feature_that_the_org_does_not_have_harms_nothing() {
    let rig = Rig::new().await;
    rig.populate(20, 4);
    rig.org().deny("/api/v1/groups/**", Denial::Feature);
    let report = rig.run().await;
    assert_eq!((report.outcome, report.go_on), (Outcome::Succeeded, false));
    assert_alone(&report, &GROUP_STREAMS, Outcome::NotApplicable, "feature");
    assert_never_complete(&rig, &GROUP_STREAMS);
}

/// A host that has no business with the org, and how often somebody connected to it.
async fn outsider() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (url, visits)
}

#[tokio::test]
async fn a_token_never_travels_to_another_host() {
    let (url, visits) = outsider().await;
    for host in [LinkHost::Other(url), LinkHost::Admin] {
        let rig = Rig::new().await;
        rig.populate(201, 1);
        rig.org().options.links.host = host;
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
        rig.assert_in_step();
    }
    assert_eq!(visits.load(Ordering::Relaxed), 0);
}

/// The same link, with a host at the beginning of its path: what joins it to the org's URL as text is led there.
fn with_a_host_in_the_path(link: &str, host: &str) -> String {
    link.replacen("/api/v1/", &format!("//{host}/api/v1/"), 1)
}

#[tokio::test]
async fn a_link_whose_path_begins_with_two_slashes_names_no_host() {
    let (url, visits) = outsider().await;
    let host = url.replace("http://", "");
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    let divert = move |_: &Request, response: &mut Response| {
        for (name, value) in &mut response.headers {
            if name.eq_ignore_ascii_case("link") {
                *value = with_a_host_in_the_path(value, &host);
            }
        }
    };
    let cap = |request: &mut Request| request.query = request.query.replace("limit=200", "limit=2");
    let _gate = gate::before(&mut rig, cap, divert).await;
    rig.restart(&[]);
    let report = rig.run().await;
    assert_ne!(report.outcome, Outcome::Succeeded, "the links lead nowhere");
    assert_eq!(visits.load(Ordering::Relaxed), 0);
}

/// Changes every position in the cursor of manifest 1: a text that is a path with a query.
fn turn_positions(value: &mut Value, turn: &dyn Fn(&str) -> String) -> usize {
    match value {
        Value::String(text) if text.starts_with("/api/v1/") => {
            *text = turn(text);
            1
        }
        Value::Array(values) => values
            .iter_mut()
            .map(|value| turn_positions(value, turn))
            .sum(),
        Value::Object(members) => members
            .values_mut()
            .map(|value| turn_positions(value, turn))
            .sum(),
        _ => 0,
    }
}

#[tokio::test]
async fn a_position_from_the_bucket_names_no_host() {
    let (url, visits) = outsider().await;
    let host = url.replace("http://", "");
    let forms: [&dyn Fn(&str) -> String; 4] = [
        &|path| format!("//{host}{path}"),
        &|path| format!("http://{host}{path}"),
        &|path| format!("@{host}{path}"),
        &|path| format!("/\\{host}{path}"),
    ];
    for turn in forms {
        let mut rig = Rig::new().await;
        rig.populate(30, 3);
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
        let newest = rig.store.keys("okta/manifests/").pop().unwrap();
        let mut manifest = rig.store.json(&newest);
        assert!(turn_positions(&mut manifest["cursor"], turn) > 0);
        rig.store
            .objects
            .lock()
            .unwrap()
            .insert(newest, serde_json::to_vec(&manifest).unwrap());
        rig.store
            .objects
            .lock()
            .unwrap()
            .remove("okta/cursors/okta.json");
        rig.restart(&[]);
        let _ = rig.ask(json!({"mode": "full"})).await;
        assert_eq!(
            visits.load(Ordering::Relaxed),
            0,
            "{}",
            turn("/api/v1/logs")
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, visits) = outsider().await;
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    let divert = move |request: &Request, response: &mut Response| {
        if request.path == "/api/v1/users" {
            response.status = 302;
            response.headers = vec![(
                "Location".into(),
                format!("{url}{}?{}", request.path, request.query),
            )];
        }
    };
    let _gate = gate::before(&mut rig, |_| (), divert).await;
    rig.restart(&[]);
    assert_eq!(outcome(&rig.run().await, "users"), Outcome::Failed);
    assert_eq!(visits.load(Ordering::Relaxed), 0);
}

fn by_key(rig: &Rig, client: Client, keys: &keys::Keys) {
    rig.org().add_client(client);
    keep(
        rig,
        &json!({"client_secret": null, "private_key": keys.private, "key_id": keys.public["kid"]}),
    );
}

#[tokio::test]
async fn a_scope_that_the_org_does_not_know_costs_its_streams_alone() {
    let all = [
        "okta.groups.read",
        "okta.apps.read",
        "okta.roles.read",
        "okta.idps.read",
        "okta.logs.read",
    ];
    for unknown in [
        &["okta.roles.read"][..],
        &["okta.idps.read", "okta.roles.read"],
        &all,
    ] {
        let rig = Rig::new().await;
        rig.populate(20, 4);
        rig.org().options.unknown_scopes =
            unknown.iter().map(|scope| (*scope).to_owned()).collect();
        for run in 0..2 {
            let report = rig.run().await;
            assert_eq!(report.outcome, Outcome::Degraded, "{report:#?}");
            for (name, stream) in &report.streams {
                let scopes = STREAMS
                    .iter()
                    .find(|stream| stream.name == name)
                    .unwrap()
                    .scopes_without(&[]);
                let missing = scopes.iter().find(|scope| unknown.contains(scope));
                let expected = if missing.is_some() {
                    Outcome::Unavailable
                } else {
                    Outcome::Succeeded
                };
                assert_eq!(stream.outcome, expected, "{name}: {report:#?}");
                if let Some(scope) = missing {
                    let error = stream.error.as_ref().unwrap();
                    assert!(
                        error.contains("does not know the scope") && error.contains(scope),
                        "{error}"
                    );
                }
            }
            // The first refusal, two for each halving, and the token; then nothing more.
            assert!(tokens(&rig) <= 12, "run {run}: {}", tokens(&rig));
        }
    }
}

#[tokio::test]
async fn scopes_that_are_all_unknown_are_rejected() {
    let rig = Rig::new().await;
    rig.org().options.unknown_scopes = scopes_but(&[]);
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_rejected(&rig, &failure);
    assert!(
        failure.message.contains("knows none of the scopes") && tokens(&rig) <= 14,
        "{failure} {}",
        tokens(&rig)
    );
}

#[tokio::test]
async fn a_refused_token_request_tells_the_reason_that_okta_gives() {
    let zones = r#"{"error":"access_denied","error_description":"The request is made from outside the client's permitted network zones."}"#;
    let moved = vec![(
        "Location".to_owned(),
        "https://acme-new.okta.com/oauth2/v1/token".to_owned(),
    )];
    let login = vec![("Location".to_owned(), "/login/default".to_owned())];
    for (failure, word) in [
        (
            fake_org::Failure::Status(403, zones.into()),
            "network zones of the app",
        ),
        (
            fake_org::Failure::Answer(301, moved.clone(), String::new()),
            "https://acme-new.okta.com",
        ),
        (
            fake_org::Failure::Answer(308, moved, "<html>".into()),
            "https://acme-new.okta.com",
        ),
        (
            fake_org::Failure::Answer(302, login, String::new()),
            "no Okta token endpoint",
        ),
        (fake_org::Failure::Html(404), "check the secret's domain"),
        (
            fake_org::Failure::Status(400, r#"{"error":"consent_required"}"#.into()),
            "install it again",
        ),
    ] {
        let rig = Rig::new().await;
        rig.org().fail(TOKEN, 1_000, failure.clone());
        let refused = rig.ask(json!({})).await.unwrap_err();
        assert_rejected(&rig, &refused);
        assert!(refused.message.contains(word), "{failure:?}: {refused}");
        assert!(tokens(&rig) <= 2, "{failure:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_put_right_by_the_orgs() {
    let keys = keys::rsa();
    for (ahead_s, is_bound, most) in [
        (3, false, 1),
        (3, true, 3),
        (600, false, 2),
        (-600, false, 2),
        (7_200, false, 2),
        (600, true, 4),
        (-600, true, 4),
    ] {
        let mut rig = Rig::new().await;
        rig.populate(20, 4);
        let client = Client::with_keys(CLIENT, vec![keys.public.clone()]);
        by_key(
            &rig,
            if is_bound {
                client.demanding_dpop()
            } else {
                client
            },
            &keys,
        );
        time::stop_apart(&mut rig, &[], SignedDuration::from_secs(ahead_s));
        let report = time::ask(&rig, json!({}), SignedDuration::from_hours(3)).await;
        assert_eq!(
            report.outcome,
            Outcome::Succeeded,
            "{ahead_s} s, {is_bound}: {report:#?}"
        );
        assert!(
            tokens(&rig) <= most,
            "{ahead_s} s, {is_bound}: {}",
            tokens(&rig)
        );
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_wrong_key_is_rejected_at_any_clock() {
    let (known, other) = (keys::rsa(), keys::ec());
    let mut rig = Rig::new().await;
    by_key(&rig, Client::with_keys(CLIENT, vec![known.public]), &other);
    time::stop_apart(&mut rig, &[], SignedDuration::from_secs(600));
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_rejected(&rig, &failure);
    assert!(
        failure.message.contains("private_key") && tokens(&rig) == 2,
        "{failure}"
    );
}

#[tokio::test]
async fn a_proof_that_the_api_refuses_is_made_anew() {
    let invalid =
        "DPoP algs=\"ES256\", error=\"invalid_dpop_proof\", error_description=\"iat\"".to_owned();
    for failure in [
        fake_org::Failure::Answer(
            400,
            vec![("WWW-Authenticate".into(), invalid.clone())],
            String::new(),
        ),
        fake_org::Failure::Answer(
            401,
            vec![("WWW-Authenticate".into(), invalid)],
            "<html>".into(),
        ),
        fake_org::Failure::Status(400, r#"{"error":"invalid_dpop_proof"}"#.into()),
    ] {
        let rig = Rig::new().await;
        rig.populate(450, 2);
        rig.org()
            .edit_client(CLIENT, |client| client.require_dpop = true);
        for path in [
            "GET /api/v1/users?after=",
            "GET /api/v1/logs",
            "GET /api/v1/groups/*/users",
        ] {
            rig.org().fail(path, 1, failure.clone());
        }
        assert_alone(&rig.run().await, &[], Outcome::Failed, "");
        assert_eq!(tokens(&rig), 3, "a new proof is enough");
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_nonce_that_the_api_asks_for_is_given() {
    let rig = Rig::new().await;
    rig.populate(40, 3);
    rig.org()
        .edit_client(CLIENT, |client| client.require_dpop = true);
    rig.org().options.api_nonce = true;
    assert_alone(&rig.run().await, &[], Outcome::Failed, "");
    rig.assert_in_step();
    // The next one costs each request that is under way one refusal, and no token.
    rig.org().expire_dpop_nonces();
    rig.org().reset_counts();
    assert_eq!(
        rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
        Outcome::Succeeded
    );
    assert_eq!(tokens(&rig), 0);
    assert!(rig.org().counts().statuses[&401] <= 24);
}

#[tokio::test]
async fn an_app_that_comes_to_demand_dpop_is_given_it_in_mid_run() {
    let rig = Rig::new().await;
    rig.populate(401, 3);
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.org()
        .edit_client(CLIENT, |client| client.require_dpop = true);
    rig.org().revoke_access_tokens();
    assert_eq!(
        rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
        Outcome::Succeeded
    );
    assert_in_step_after_news(&rig).await;
}

#[tokio::test]
async fn a_remedy_fits_the_way_in_which_one_signs_in() {
    let keys = keys::rsa();
    for (is_app, word) in [(false, "install it again"), (true, "Okta API Scopes")] {
        let rig = Rig::new().await;
        rig.populate(3, 1);
        if is_app {
            by_key(
                &rig,
                Client::with_keys(CLIENT, vec![keys.public.clone()]),
                &keys,
            );
        }
        rig.org().edit_client(CLIENT, |client| {
            client.scopes.retain(|scope| scope != "okta.idps.read")
        });
        rig.org().deny("/api/v1/iam/**", Denial::AdminRole);
        let report = rig.run().await;
        let error = |stream: &str| report.streams[stream].error.clone().unwrap_or_default();
        assert!(
            error("idps").contains("okta.idps.read") && error("idps").contains(word),
            "{}",
            error("idps")
        );
        let role = error("resource_sets");
        assert!(
            role.contains("beside Read-only Administrator")
                && role.contains("View roles, resources"),
            "{role}"
        );
    }
}
