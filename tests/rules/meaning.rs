//! What an answer or an event means: an absence, a page that is too large or the last one, an effect, an end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fake_org::{Event, Failure, NewApp, Party, Request, Response, Targets};
use okta_authomize::invocation::Outcome;
use serde_json::{Value, json};

use crate::support::gate;
use crate::support::http::Endpoint;
use crate::support::rig::{CLIENT, Rig, outcome, secret};

fn refusal(status: u16, code: &str) -> Failure {
    let body = json!({"errorCode": code, "errorSummary": "Of no matter", "errorCauses": []});
    Failure::Status(status, body.to_string())
}

fn query<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Paths and queries that were asked for, of this path alone.
fn asked(rig: &Rig, path: &str) -> Vec<String> {
    let org = rig.org();
    let targets = org.journal().iter().map(|entry| entry.target.clone());
    targets
        .filter(|target| target.split('?').next() == Some(path))
        .collect()
}

fn limits(rig: &Rig, path: &str) -> Vec<u32> {
    let asked = asked(rig, path);
    let limit = |target: &String| query(target.split_once('?')?.1, "limit")?.parse().ok();
    asked.iter().filter_map(limit).collect()
}

#[tokio::test]
async fn a_state_that_forbids_the_question_is_no_absence() {
    let rig = Rig::new().await;
    let (people, groups) = rig.populate(9, 3);
    let (app, idp) = {
        let mut org = rig.org();
        let app = org.create_app(NewApp::new("crm", "CRM", "SAML_2_0"));
        people
            .iter()
            .for_each(|person| assert!(org.assign_user(&app, person)));
        org.assign_group(&app, &groups[2]);
        org.assign_role(&groups[1], "HELP_DESK_ADMIN", &Targets::default());
        let idp = org.create_idp("SAML2", "Partner");
        assert!(org.link_idp_user(&idp, &people[1]));
        (app, idp)
    };
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    let streams = [
        "users",
        "factors",
        "application_users",
        "application_groups",
        "group_memberships",
        "role_assignments",
        "idp_users",
    ];
    let before = streams.map(|stream| rig.ids(stream));
    for path in [
        format!("GET /api/v1/users/{}", people[2]),
        "GET /api/v1/users/*/factors".to_owned(),
        format!("GET /api/v1/users/{}/groups", people[2]),
        format!("GET /api/v1/apps/{app}/groups"),
        format!("GET /api/v1/idps/{idp}/users"),
        format!("GET /api/v1/apps/{app}/users"),
        format!("GET /api/v1/groups/{}/users", groups[0]),
        format!("GET /api/v1/groups/{}/roles", groups[1]),
    ] {
        rig.org()
            .fail(path.as_str(), 1_000, refusal(403, "E0000038"));
    }
    // By a snapshot, and by events that name the objects.
    {
        let mut org = rig.org();
        let title = |profile: &mut serde_json::Map<String, Value>| {
            profile.insert("title".to_owned(), "x".into());
        };
        assert!(org.update_user(&people[2], title));
        let of_user = |kind: &'static str| {
            Event::new(kind).on(Party::new("User", &people[2], "ada@acme.com", "Ada"))
        };
        org.append_event(of_user("user.mfa.factor.update"));
        let pair = of_user("application.user_membership.update");
        org.append_event(pair.on(Party::new("AppInstance", &app, "CRM", "CRM")));
        let pair = of_user("group.user_membership.add");
        org.append_event(pair.on(Party::new("UserGroup", &groups[0], "unknown", "x")));
    }
    rig.run().await;
    assert_eq!(streams.map(|stream| rig.ids(stream)), before);
    rig.ask(json!({"mode": "full"})).await.unwrap();
    assert_eq!(streams.map(|stream| rig.ids(stream)), before);
    rig.org().heal();
    rig.ask(json!({"mode": "full"})).await.unwrap();
    rig.assert_in_step();
}

/// A gate before an org that takes pages of no more than `most` items of this path.
async fn small_pages(
    rig: &mut Rig,
    path: &'static str,
    most: u32,
    cause: &'static str,
) -> Endpoint {
    let refuse = move |request: &Request, response: &mut Response| {
        let limit = query(&request.query, "limit").and_then(|limit| limit.parse::<u32>().ok());
        if request.path.ends_with(path) && limit.is_some_and(|limit| limit > most) {
            response.status = 400;
            let causes = json!([{"errorSummary": cause}]);
            let body = json!({"errorCode": "E0000001", "errorSummary": "Api validation failed", "errorCauses": causes});
            response.body = body.to_string().into_bytes();
        }
    };
    gate::before(rig, |_| (), refuse).await
}

#[tokio::test]
async fn a_page_size_that_is_refused_is_halved_and_remembered() {
    for (ending, path, most, cause) in [
        (
            "/v1/users",
            "/api/v1/users",
            60,
            "limit: must be less than or equal to 60",
        ),
        (
            "/idps",
            "/api/v1/idps",
            100,
            "The 'limit' parameter is too large.",
        ),
    ] {
        let mut rig = Rig::new().await;
        rig.populate(130, 1);
        rig.org().create_idp("SAML2", "Partners");
        rig.without(&["factors"]);
        let _gate = small_pages(&mut rig, ending, most, cause).await;
        rig.restart(&[]);
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded, "{path}");
        rig.assert_in_step();
        let first = limits(&rig, path).len();
        rig.ask(json!({"mode": "full"})).await.unwrap();
        let sizes = limits(&rig, path);
        assert!(sizes[0] > most, "{path}: {sizes:?}");
        assert!(
            sizes[first..].iter().all(|size| *size <= most),
            "{path}: a refused size was asked for again: {sizes:?}"
        );
    }
}

#[tokio::test]
async fn a_full_page_without_a_link_is_asked_on() {
    for (path, count) in [("/api/v1/idps", 230), ("/api/v1/groups", 399)] {
        let mut rig = Rig::new().await;
        rig.populate(3, 1);
        rig.org().silently(|org| {
            for n in 0..count {
                let name = format!("Number {n}");
                match path {
                    "/api/v1/idps" => drop(org.create_idp("OIDC", &name)),
                    _ => drop(org.create_group(&name)),
                }
            }
        });
        rig.without(&["role_assignments", "idp_users", "group_memberships"]);
        // The org's own positions, by the id of the last item before them.
        let positions: Arc<Mutex<HashMap<String, String>>> = Arc::default();
        let known = Arc::clone(&positions);
        let translate = move |request: &mut Request| {
            let after = query(&request.query, "after").map(str::to_owned);
            if let Some(own) = after
                .as_ref()
                .and_then(|id| known.lock().unwrap().get(id).cloned())
            {
                request.query = request.query.replace(&after.unwrap(), &own);
            }
        };
        let lose = move |request: &Request, response: &mut Response| {
            let Value::Array(items) = response.value() else {
                return;
            };
            let limit = query(&request.query, "limit").and_then(|limit| limit.parse().ok());
            if request.path != path || limit != Some(items.len()) {
                return;
            }
            let mut links = response.headers.iter().map(|(_, value)| value);
            let own = links.find_map(|link| {
                let link = link
                    .split("rel=\"next\"")
                    .next()
                    .filter(|own| *own != link)?;
                Some(
                    link.rsplit("after=")
                        .next()?
                        .split(['&', '>'])
                        .next()?
                        .to_owned(),
                )
            });
            let last = items.last().unwrap()["id"].as_str().unwrap().to_owned();
            positions.lock().unwrap().extend(own.map(|own| (last, own)));
            response
                .headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case("link"));
        };
        let _gate = gate::before(&mut rig, translate, lose).await;
        rig.restart(&[]);
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded, "{path}");
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_full_last_page_costs_one_request_with_any_answer() {
    for (status, body) in [
        (200, "[]"),
        (400, r#"{"errorCode":"E0000031"}"#),
        (200, "same"),
    ] {
        let mut rig = Rig::new().await;
        rig.populate(3, 1);
        rig.without(&["idp_users"]);
        rig.org().silently(|org| {
            (0..200).for_each(|n| drop(org.create_idp("OIDC", &format!("Number {n}"))));
        });
        let first: Arc<Mutex<Vec<u8>>> = Arc::default();
        let answer = move |request: &Request, response: &mut Response| {
            if request.path != "/api/v1/idps" {
                return;
            }
            match query(&request.query, "after") {
                None => first.lock().unwrap().clone_from(&response.body),
                Some(_) => {
                    response.status = status;
                    response.body = match body {
                        "same" => first.lock().unwrap().clone(),
                        body => body.as_bytes().to_vec(),
                    };
                }
            }
        };
        let _gate = gate::before(&mut rig, |_| (), answer).await;
        rig.restart(&[]);
        let report = rig.run().await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
        assert_eq!(report.streams["idps"].upserts, 200, "{body}");
        assert_eq!(asked(&rig, "/api/v1/idps").len(), 2, "{body}");
    }
}

#[tokio::test]
async fn an_outcome_is_an_effect_only_as_its_type_says() {
    let rig = Rig::new().await;
    let (people, _) = rig.populate(4, 1);
    let app = rig.org().create_app(NewApp::new("crm", "CRM", "SAML_2_0"));
    assert!(rig.org().assign_user(&app, &people[0]));
    rig.run().await;
    for (n, kind) in ["user.account.lock", "user.account.lock.limit"]
        .into_iter()
        .enumerate()
    {
        {
            let mut org = rig.org();
            let person = Party::new("User", &people[n], "ada@acme.com", "Ada");
            org.silently(|org| assert!(org.lock_user(&people[n])));
            org.append_event(Event::new(kind).on(person).failed("LOCKED_OUT"));
        }
        rig.run().await;
        let status = rig.read().records("users")[&people[n]].record["source"]["status"].clone();
        assert_eq!(status, "LOCKED_OUT", "{kind}");
    }
    rig.org().reset_counts();
    let shown = Event::new("application.user_membership.show_password");
    let targets = [
        Party::new("AppUser", "0ua1", "ada", "Ada"),
        Party::new("AppInstance", &app, "CRM", "CRM"),
        Party::new("User", &people[0], "ada@acme.com", "Ada"),
    ];
    let shown = targets.into_iter().fold(shown, Event::on);
    rig.org().append_event(shown);
    rig.run().await;
    let only_the_log: Vec<_> = rig.requests().into_keys().collect();
    assert_eq!(only_the_log, ["GET /api/v1/logs"]);
}

#[tokio::test]
async fn a_lock_without_a_target_is_the_actors() {
    let rig = Rig::new().await;
    let (people, _) = rig.populate(6, 1);
    rig.run().await;
    for (n, kind) in ["user.account.lock", "user.account.lock.limit"]
        .into_iter()
        .enumerate()
    {
        let actor = Party::new("User", &people[n], "ada@acme.com", "Ada");
        rig.org().silently(|org| assert!(org.lock_user(&people[n])));
        let event = Event::new(kind).by(actor).failed("LOCKED_OUT");
        rig.org().append_event(event);
        rig.run().await;
        let status = rig.read().records("users")[&people[n]].record["source"]["status"].clone();
        assert_eq!(status, "LOCKED_OUT", "{kind}");
        let path = format!("/api/v1/users/{}", people[n]);
        assert_eq!(asked(&rig, &path).len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn an_end_that_an_import_tells_of_is_an_end() {
    let rig = Rig::new().await;
    let (people, groups) = rig.populate(6, 4);
    rig.run().await;
    {
        let mut org = rig.org();
        let ends = [
            ("system.import.group.delete", &groups[1]),
            ("system.identity_sources.group.delete", &groups[2]),
        ];
        for (kind, id) in ends {
            org.silently(|org| assert!(org.delete_group(id)));
            org.append_event(Event::new(kind).on(Party::new("UserGroup", id, "unknown", "x")));
        }
        let ends = [
            ("system.import.user.delete", &people[1]),
            ("system.identity_sources.user.delete", &people[2]),
        ];
        for (kind, id) in ends {
            org.silently(|org| {
                assert!(org.deactivate_user(id));
                assert!(org.delete_user(id));
            });
            org.append_event(Event::new(kind).on(Party::new("User", id, "unknown", "x")));
        }
        // Of this one the import has only ended the assignment: Okta deactivates, and keeps, the user.
        org.silently(|org| assert!(org.deactivate_user(&people[3])));
        let kept = Party::new("User", &people[3], "unknown", "x");
        org.append_event(Event::new("system.import.user.delete").on(kept));
    }
    rig.run().await;
    assert!(rig.ids("users").contains(&people[3]));
    rig.assert_in_step();
}

#[tokio::test]
async fn the_collectors_own_coming_and_going_is_no_news() {
    for is_dpop in [false, true] {
        let mut rig = Rig::new().await;
        rig.org()
            .edit_client(CLIENT, |client| client.require_dpop = is_dpop);
        rig.populate(3, 1);
        let before = rig.run().await.sequence;
        let before = before.max(rig.run().await.sequence);
        for _ in 0..3 {
            // A cold start has no token: it asks for one, and is challenged for a nonce.
            rig.restart(&[]);
            rig.org().expire_dpop_nonces();
            assert_eq!(rig.run().await.sequence, before, "DPoP: {is_dpop}");
        }
        rig.org().append_event(Event::new("user.session.start"));
        rig.run().await;
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_token_that_is_refused_twice_or_three_times_is_renewed_as_often() {
    for (path, times) in [
        ("GET /api/v1/users", 2),
        ("GET /api/v1/**", 2),
        ("GET /api/v1/**", 3),
    ] {
        let rig = Rig::new().await;
        rig.populate(5, 2);
        rig.org().fail(path, times, refusal(401, "E0000011"));
        let report = rig.run().await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{path}: {report:#?}");
        assert!(rig.requests()["POST /oauth2/v1/token"] <= 4);
    }
}

#[tokio::test]
async fn records_read_before_the_credentials_were_refused_are_committed() {
    for ending in ["/factors", "/roles"] {
        let mut rig = Rig::new().await;
        rig.populate(8, 2);
        let (is_over, tokens) = (AtomicU64::new(0), AtomicU64::new(0));
        let refuse = move |request: &Request, response: &mut Response| {
            if request.path.ends_with(ending) {
                is_over.store(1, Ordering::Relaxed);
            }
            let is_token = request.path == "/oauth2/v1/token";
            tokens.fetch_add(u64::from(is_token), Ordering::Relaxed);
            if is_over.load(Ordering::Relaxed) == 1 && !is_token {
                response.status = 401;
                response.body =
                    json!({"errorCode": "E0000011", "errorSummary": "Invalid token provided"})
                        .to_string()
                        .into_bytes();
            }
            assert!(tokens.load(Ordering::Relaxed) <= 5, "tokens without end");
        };
        let _gate = gate::before(&mut rig, |_| (), refuse).await;
        rig.restart(&[]);
        let failure = rig.ask(json!({})).await.unwrap_err();
        assert_eq!(failure.kind, "CredentialsRejected", "{failure}");
        assert!(
            !rig.ids("users").is_empty(),
            "{ending}: what was read is lost"
        );
    }
}

#[tokio::test]
async fn an_idp_has_the_certificates_that_its_trust_names() {
    let rig = Rig::new().await;
    rig.populate(2, 1);
    let idps: Vec<String> = (0..7)
        .map(|n| rig.org().create_idp("SAML2", &format!("Partner {n}")))
        .collect();
    let social = rig.org().create_idp("GOOGLE", "Google");
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    let keys = |id: &str| rig.read().records("idps")[id].record["source"]["trusted_keys"].clone();
    let kids = |id: &str| -> Vec<Value> {
        let keys = keys(id);
        keys.as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].clone())
            .collect()
    };
    let trusted = |id: &str| {
        let idp = rig.org().idp(id).unwrap().clone();
        vec![idp["protocol"]["credentials"]["trust"]["kid"].clone()]
    };
    idps.iter().for_each(|id| assert_eq!(kids(id), trusted(id)));
    assert_eq!(keys(&social), Value::Null);
    assert_eq!(rig.requests()["GET /api/v1/idps/credentials/keys"], 1);
    assert!(
        !rig.requests()
            .contains_key("GET /api/v1/idps/{id}/credentials/keys")
    );
    let old = kids(&idps[2]);
    rig.org().replace_idp_key(&idps[2]).unwrap();
    rig.run().await;
    assert_ne!(kids(&idps[2]), old);
    assert_eq!(kids(&idps[2]), trusted(&idps[2]));
    rig.assert_in_step();
}

#[tokio::test]
async fn idps_are_collected_where_their_certificates_are_not_to_be_had() {
    for failure in [refusal(403, "E0000006"), refusal(404, "E0000008")] {
        let rig = Rig::new().await;
        rig.populate(2, 1);
        let idp = rig.org().create_idp("SAML2", "Partner");
        rig.org()
            .fail("GET /api/v1/idps/credentials/keys", 1_000, failure);
        let report = rig.run().await;
        assert_eq!(outcome(&report, "idps"), Outcome::Succeeded, "{report:#?}");
        let source = rig.read().records("idps")[&idp].record["source"].clone();
        assert_eq!(source.get("trusted_keys"), None);
    }
}

/// The org's word for itself at its custom domain.
fn at_custom_domain(
    answer: impl Fn(&mut Response) + Send + Sync + 'static,
) -> impl Fn(&Request, &mut Response) + Send + Sync {
    move |request, response| {
        if request.path == "/.well-known/okta-organization" {
            assert_eq!(
                request.header_value("authorization"),
                None,
                "a token was sent"
            );
            answer(response);
        }
    }
}

fn with_domain(rig: &Rig, domain: &str) {
    let mut secret = secret();
    secret["domain"] = domain.into();
    rig.secrets.put("okta/acme", &secret);
}

#[tokio::test]
async fn a_custom_domain_is_asked_once_for_its_org() {
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    let answer = |response: &mut Response| {
        response.body =
            json!({"_links": {"organization": {"href": "https://acme-admin.okta.com"}}})
                .to_string()
                .into_bytes();
    };
    let _gate = gate::before(&mut rig, |_| (), at_custom_domain(answer)).await;
    rig.restart(&[]);
    with_domain(&rig, "https://login.acme.com");
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
    assert_eq!(rig.requests()["GET /.well-known/okta-organization"], 1);
    // The org's own address names the same integration.
    with_domain(&rig, "acme.okta.com");
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert_eq!(rig.requests()["GET /.well-known/okta-organization"], 1);
}

#[tokio::test]
async fn a_custom_domain_that_names_no_org_of_oktas_ends_the_run_in_words() {
    type Change = fn(&mut Response);
    let answers: [(Change, &str); 5] = [
        (
            |response| {
                response.body =
                    br#"{"_links": {"organization": {"href": "https://acme.okta.com.evil.io"}}}"#
                        .to_vec()
            },
            "evil.io",
        ),
        (
            |response| response.body = b"<html>".to_vec(),
            "without JSON",
        ),
        (|response| response.body = b"{}".to_vec(), "names no"),
        (
            |response| {
                response.status = 302;
                response
                    .headers
                    .push(("Location".into(), "https://acme.okta.com/".into()));
            },
            "redirect",
        ),
        (|response| response.status = 404, "404"),
    ];
    for (answer, told) in answers {
        let mut rig = Rig::new().await;
        let _gate = gate::before(&mut rig, |_| (), at_custom_domain(answer)).await;
        rig.restart(&[]);
        with_domain(&rig, "login.acme.com");
        let failure = rig.ask(json!({})).await.unwrap_err();
        assert_eq!(failure.kind, "OrgUnknown", "{failure}");
        let says = |word: &str| failure.message.contains(word);
        assert!(says("login.acme.com") && says(told), "{failure}");
        assert_eq!(
            rig.requests().keys().collect::<Vec<_>>(),
            ["GET /.well-known/okta-organization"]
        );
    }
}

#[tokio::test]
async fn a_custom_domain_that_comes_to_name_another_org_is_refused() {
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    rig.run().await;
    let other = |response: &mut Response| {
        response.body =
            br#"{"_links": {"organization": {"href": "https://other.okta.com"}}}"#.to_vec();
    };
    let _gate = gate::before(&mut rig, |_| (), at_custom_domain(other)).await;
    rig.restart(&[]);
    with_domain(&rig, "login.acme.com");
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_eq!(failure.kind, "IntegrationTaken", "{failure}");
}
