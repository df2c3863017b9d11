//! Client secrets, API tokens, scopes and denials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fake_org::{Client, Denial, Org, Request, Response};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{CLIENT, get, org};

fn token(org: &mut Org, secret: &str, form: &str) -> Response {
    let basic = STANDARD.encode(format!("{CLIENT}:{secret}"));
    let mut request = Request::new("POST", "/oauth2/v1/token").authorized("Basic", &basic);
    request.body = format!("grant_type=client_credentials&{form}").into_bytes();
    org.answer(&request)
}

fn error(response: &Response) -> (u16, String) {
    (
        response.status,
        response.value()["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[test]
fn a_secret_buys_a_token_for_the_granted_part_of_the_requested_scopes() {
    let mut org = org();
    org.edit_client(CLIENT, |client| {
        client.scopes = vec!["okta.users.read".into()]
    });
    let body = token(&mut org, "secret", "scope=okta.users.read+okta.groups.read").value();
    assert_eq!(
        (&body["token_type"], &body["scope"], &body["expires_in"]),
        (&json!("Bearer"), &json!("okta.users.read"), &json!(3600))
    );
    let token = body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        org.answer(&Request::get("/api/v1/users").authorized("Bearer", &token))
            .status,
        200
    );
    let refused = org.answer(&Request::get("/api/v1/groups").authorized("Bearer", &token));
    let challenge = refused.header_value("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\"")
            && challenge.contains("scope=\"okta.groups.read\""),
        "{challenge}"
    );
    assert_eq!((refused.status, refused.body.len()), (403, 0));
}

#[test]
fn secrets_can_be_rotated_and_several_are_valid() {
    let mut org = org();
    org.edit_client(CLIENT, |client| client.secrets.push("new".into()));
    assert_eq!(
        token(&mut org, "secret", "scope=okta.users.read").status,
        200
    );
    org.edit_client(CLIENT, |client| {
        client.secrets.retain(|secret| secret == "new")
    });
    assert_eq!(token(&mut org, "new", "scope=okta.users.read").status, 200);
    assert_eq!(
        error(&token(&mut org, "secret", "scope=okta.users.read")),
        (401, "invalid_client".into())
    );
}

#[test]
fn token_errors_are_those_of_okta() {
    let mut org = org();
    org.edit_client(CLIENT, |client| {
        client.scopes = vec!["okta.users.read".into()]
    });
    assert_eq!(
        error(&token(&mut org, "secret", "")),
        (400, "invalid_scope".into())
    );
    assert_eq!(
        error(&token(&mut org, "secret", "scope=okta.nothing.read")),
        (400, "invalid_scope".into())
    );
    assert_eq!(
        error(&token(&mut org, "secret", "scope=okta.apps.read")),
        (400, "consent_required".into())
    );
    assert_eq!(
        error(&token(
            &mut org,
            "secret",
            "scope=okta.users.read&client_secret=secret"
        )),
        (400, "invalid_request".into())
    );
    let mut request = Request::new("POST", "/oauth2/v1/token");
    request.body = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=secret")
        .into_bytes();
    assert_eq!(error(&org.answer(&request)), (401, "invalid_client".into()));
}

#[test]
fn tokens_expire_and_can_be_revoked() {
    let mut org = org();
    let token = org.issue_access_token(CLIENT);
    let ask =
        |org: &mut Org| org.answer(&Request::get("/api/v1/users").authorized("Bearer", &token));
    assert_eq!(ask(&mut org).status, 200);
    org.advance(SignedDuration::from_secs(3600));
    let refused = ask(&mut org);
    assert_eq!(
        (refused.status, &refused.value()["errorCode"]),
        (401, &json!("E0000011"))
    );
    assert!(
        refused
            .header_value("www-authenticate")
            .unwrap()
            .contains("error=\"invalid_token\"")
    );
    let token = org.issue_access_token(CLIENT);
    org.revoke_access_tokens();
    assert_eq!(
        org.answer(&Request::get("/api/v1/users").authorized("Bearer", &token))
            .status,
        401
    );
}

#[test]
fn api_tokens_may_ask_everything() {
    let mut org = org();
    org.add_api_token("00good");
    assert_eq!(
        org.answer(&Request::get("/api/v1/iam/roles").authorized("SSWS", "00good"))
            .status,
        200
    );
    let refused = org.answer(&Request::get("/api/v1/iam/roles").authorized("SSWS", "00bad"));
    assert_eq!(
        (refused.status, refused.header_value("www-authenticate")),
        (401, Some("SSWS"))
    );
    assert_eq!(
        org.answer(&Request::get("/.well-known/okta-organization"))
            .status,
        200
    );
    assert_eq!(
        org.answer(&Request::get("/api/v1/users")).value()["errorCode"],
        "E0000005"
    );
}

#[test]
fn missing_roles_and_features_are_denied_by_path() {
    let mut org = org();
    org.deny("/api/v1/iam/**", Denial::AdminRole);
    org.deny("/api/v1/idps/**", Denial::Feature);
    let denied = get(&mut org, "/api/v1/iam/roles");
    assert_eq!(
        (denied.status, &denied.value()["errorCode"]),
        (403, &json!("E0000006"))
    );
    let denied = get(&mut org, "/api/v1/idps");
    assert_eq!(
        (denied.status, &denied.value()["errorCode"]),
        (401, &json!("E0000015"))
    );
    assert_eq!(get(&mut org, "/api/v1/users").status, 200);
}

#[test]
fn unknown_paths_and_methods_have_their_errors() {
    let mut org = org();
    assert_eq!(
        get(&mut org, "/api/v1/nothing").value()["errorCode"],
        "E0000008"
    );
    assert_eq!(
        org.answer(&Request::new("DELETE", "/api/v1/users/x"))
            .status,
        405
    );
    assert_eq!(
        get(&mut org, "/api/v1/users/00unobody").value()["errorCode"],
        "E0000007"
    );
    org.add_client(Client::with_secret("0oaOther", "x"));
}
