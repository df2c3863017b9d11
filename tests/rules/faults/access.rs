//! Access that is refused: by one answer, by one endpoint, for a scope, a proof, a clock or an address.

use fake_org::{Client, Failure, Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Deployed, assert_alone, assert_well, error, outcome, refused};
use crate::support::rig::{CLIENT, Rig};
use crate::support::{gate, keys};

const TOKEN: &str = "POST /oauth2/v1/token";

fn tokens(deployed: &Deployed) -> u64 {
    deployed.rig.org().counts().of(TOKEN)
}

#[tokio::test]
async fn a_page_that_is_forbidden_once_costs_a_token_at_most() {
    for (path, failure, most) in [
        ("GET /api/v1/users?after=", refused(403, "E0000005"), 2),
        ("GET /api/v1/groups?after=", Failure::Html(403), 1),
        ("GET /api/v1/users?after=", refused(403, "E0000006"), 1),
    ] {
        let rig = Rig::new().await;
        rig.populate(450, 250);
        rig.org().fail(path, 1, failure.clone());
        let mut deployed = Deployed::with(
            rig,
            &json!({"streams_off": ["factors", "role_assignments"]}),
        )
        .await;
        assert_well(&deployed.run().await);
        // Which answer comes first is up to the machine: where another endpoint accepted the token meanwhile, it is not renewed.
        let granted = tokens(&deployed);
        assert!(
            (1..=most).contains(&granted),
            "{path}: {failure:?}: {granted} tokens"
        );
        let firsts = |path: &str| {
            deployed
                .asked(path)
                .iter()
                .filter(|target| !target.contains("after="))
                .count()
        };
        assert_eq!(
            (firsts("/api/v1/users"), firsts("/api/v1/groups")),
            (1, 1),
            "a listing began again"
        );
        deployed.assert_in_step_after_news().await;
    }
}

#[tokio::test]
async fn a_page_that_stays_forbidden_is_where_the_next_run_goes_on() {
    for failure in [refused(403, "E0000005"), Failure::Html(403)] {
        let rig = Rig::new().await;
        rig.populate(450, 1);
        rig.org().fail("GET /api/v1/users?after=", 1_000, failure);
        let mut deployed = Deployed::with(rig, &json!({"streams_off": ["factors"]})).await;
        let report = deployed.run().await;
        assert_eq!(outcome(&report, "users"), "failed", "{report:#}");
        assert!(tokens(&deployed) <= 2);
        deployed.rig.org().heal();
        deployed.rig.org().reset_counts();
        assert_well(&deployed.run().await);
        assert_eq!(
            deployed.rig.requests()["GET /api/v1/users"],
            2,
            "the first page was read again"
        );
        deployed.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_refused_proof_is_no_lost_position() {
    let proof = "DPoP algs=\"ES256\", error=\"invalid_dpop_proof\", error_description=\"x\"";
    let refused_proof = |status| {
        Failure::Answer(
            status,
            vec![("WWW-Authenticate".into(), proof.into())],
            String::new(),
        )
    };
    for (is_bound, failure) in [
        (false, refused_proof(400)),
        (true, refused_proof(400)),
        (true, refused_proof(401)),
    ] {
        let rig = Rig::new().await;
        rig.populate(450, 1);
        rig.org()
            .edit_client(CLIENT, |client| client.require_dpop = is_bound);
        for path in ["GET /api/v1/users?after=", "GET /api/v1/logs"] {
            rig.org().fail(path, 1, failure.clone());
        }
        let mut deployed = Deployed::with(rig, &json!({"streams_off": ["factors"]})).await;
        assert_well(&deployed.run().await);
        let firsts = deployed
            .asked("/api/v1/users")
            .iter()
            .filter(|target| !target.contains("after="))
            .count();
        assert_eq!(firsts, 1, "{is_bound} {failure:?}");
        deployed.assert_in_step_after_news().await;
    }
}

#[tokio::test]
async fn a_position_is_lost_only_where_okta_says_so_twice() {
    for (code, times, firsts) in [
        ("E0000031", 1, 1),
        ("E0000029", 1, 1),
        ("E0000029", 2, 2),
        ("E0000001", 2, 1),
    ] {
        let rig = Rig::new().await;
        rig.populate(450, 1);
        rig.org()
            .fail("GET /api/v1/users?after=", times, refused(400, code));
        let mut deployed = Deployed::with(rig, &json!({"streams_off": ["factors"]})).await;
        deployed.run().await;
        assert_well(&deployed.run().await);
        let begun = deployed
            .asked("/api/v1/users")
            .iter()
            .filter(|target| !target.contains("after="))
            .count();
        assert_eq!(begun, firsts, "{code} {times}");
        deployed.assert_in_step_after_news().await;
    }
}

#[tokio::test]
async fn an_endpoint_that_does_not_take_the_token_costs_its_stream_alone() {
    for (path, stream) in [
        ("GET /api/v1/iam/resource-sets", "resource_sets"),
        ("GET /api/v1/idps/*/users", "idp_users"),
    ] {
        let rig = Rig::new().await;
        rig.populate(12, 3);
        rig.org().create_idp("OIDC", "Partners");
        rig.org().fail(path, 1_000, refused(401, "E0000011"));
        let mut deployed = Deployed::before(rig).await;
        let report = deployed.run().await;
        assert_alone(&report, &[stream], "unavailable");
        assert!(
            error(&report, stream).contains("this endpoint alone"),
            "{report:#}"
        );
        deployed.rig.org().heal();
        assert_well(&deployed.full().await);
        deployed.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_scope_that_the_org_does_not_know_costs_its_streams_alone() {
    for (unknown, streams) in [
        (
            &["okta.roles.read"][..],
            &["roles", "role_assignments", "resource_sets"][..],
        ),
        (
            &["okta.idps.read", "okta.roles.read"],
            &[
                "roles",
                "role_assignments",
                "resource_sets",
                "idps",
                "idp_users",
            ],
        ),
    ] {
        let rig = Rig::new().await;
        rig.populate(12, 3);
        rig.org().options.unknown_scopes =
            unknown.iter().map(|scope| (*scope).to_owned()).collect();
        let mut deployed = Deployed::before(rig).await;
        let report = deployed.run().await;
        assert_alone(&report, streams, "unavailable");
        for stream in streams {
            assert!(
                error(&report, stream).contains("does not know the scope okta."),
                "{report:#}"
            );
        }
        assert!(tokens(&deployed) <= 12);
    }
}

#[tokio::test]
async fn the_remedy_follows_the_reason_that_okta_gives() {
    let zones = r#"{"error":"access_denied","error_description":"The request is made from outside the client's permitted network zones."}"#;
    let moved = vec![(
        "Location".to_owned(),
        "https://acme-new.okta.com/oauth2/v1/token".to_owned(),
    )];
    for (failure, words) in [
        (
            Failure::Status(403, zones.into()),
            ["network zones", "address by which it leaves its network"],
        ),
        (
            Failure::Answer(301, moved.clone(), String::new()),
            ["https://acme-new.okta.com", "domain"],
        ),
        (
            Failure::Answer(308, moved, "<html>".into()),
            ["https://acme-new.okta.com", "domain"],
        ),
    ] {
        let rig = Rig::new().await;
        rig.org().fail(TOKEN, 1_000, failure.clone());
        let mut deployed = Deployed::before(rig).await;
        let (kind, message) = deployed.error(json!({})).await;
        assert_eq!(kind, "CredentialsRejected", "{message}");
        assert!(
            words.iter().all(|word| message.contains(word)),
            "{failure:?}: {message}"
        );
    }
    // The API may be the one that refuses the address.
    let rig = Rig::new().await;
    rig.populate(3, 1);
    let body = r#"{"errorCode":"E0000006","errorSummary":"The request is not from a permitted network zone"}"#;
    rig.org()
        .fail("GET /api/v1/idps", 1_000, Failure::Status(403, body.into()));
    let mut deployed = Deployed::before(rig).await;
    let report = deployed.run().await;
    assert!(
        error(&report, "idps").contains("network zones"),
        "{report:#}"
    );
}

#[tokio::test]
async fn an_org_whose_clock_differs_is_signed_in_to_by_its_own_time() {
    let keys = keys::rsa();
    for (behind_s, most) in [(3, 1), (600, 2), (-600, 2)] {
        let rig = Rig::new().await;
        rig.org()
            .add_client(Client::with_keys(CLIENT, vec![keys.public.clone()]));
        // From now on the org's clock stands, that far behind the function's.
        rig.org()
            .set_now(Timestamp::now() - SignedDuration::from_secs(behind_s));
        let key = json!({"client_secret": null, "private_key": keys.private, "key_id": keys.public["kid"]});
        let mut deployed = Deployed::with(rig, &key).await;
        let check = deployed
            .report(json!({"mode": "check", "streams": ["idps", "roles"]}))
            .await;
        assert_eq!(
            (outcome(&check, "idps"), outcome(&check, "roles")),
            ("succeeded", "succeeded"),
            "{check:#}"
        );
        assert!(
            tokens(&deployed) <= most,
            "{behind_s} s: {}",
            tokens(&deployed)
        );
    }
}

#[tokio::test]
async fn a_header_that_okta_does_not_take_is_left_out() {
    for (status, code) in [(400, "E0000021"), (415, "E0000022")] {
        let mut rig = Rig::new().await;
        rig.populate(12, 3);
        let body = json!({"errorCode": code, "errorSummary": "Bad request. Accept and/or Content-Type headers"});
        let refuse = move |request: &Request, response: &mut Response| {
            let media = request.header_value("content-type").unwrap_or_default();
            if request.method == "GET" && media.contains("okta-response") {
                *response = Response {
                    status,
                    body: body.to_string().into_bytes(),
                    ..Response::default()
                };
            }
        };
        let _gate = gate::before(&mut rig, |_| (), refuse).await;
        let mut deployed = Deployed::before(rig).await;
        assert_well(&deployed.run().await);
        deployed.assert_in_step().await;
    }
    // Where it is taken, its value is quoted as Okta documents it.
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
    let noted = std::sync::Arc::clone(&seen);
    let note = move |request: &Request, _: &mut Response| {
        noted
            .lock()
            .unwrap()
            .extend(request.header_value("content-type").map(str::to_owned));
    };
    let _gate = gate::before(&mut rig, |_| (), note).await;
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    let seen = seen.lock().unwrap();
    let media: Vec<&String> = seen
        .iter()
        .filter(|media| media.contains("okta-response"))
        .collect();
    assert!(
        !media.is_empty()
            && media
                .iter()
                .all(|media| media.contains("okta-response=\"omit")),
        "{media:?}"
    );
}
