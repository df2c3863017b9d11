//! The collector's own power: what whoever stole its credential could read and become. A check says so.
//! <https://developer.okta.com/docs/concepts/role-assignment/>

use jiff::Timestamp;
use serde_json::Value;

use super::Run;
use crate::authomize::text;
use crate::invocation::Power;
use crate::okta::Org;
use crate::streams::parse;

/// Roles that show the client secrets of apps. An app administrator's targets may be narrower.
const READS_SECRETS: [&str; 3] = [
    "READ_ONLY_ADMIN",
    "APP_ADMIN",
    "API_ACCESS_MANAGEMENT_ADMIN",
];
/// The permission of a custom role that does.
const SECRETS_PERMISSION: &str = "okta.apps.clientCredentials.read";
const SUPER_ADMIN: &str = "SUPER_ADMIN";
/// Custom roles, and service apps, that a check asks about.
const MOST_ROLES: usize = 5;
const MOST_APPS: usize = 20;

const THIEF: &str = "whoever steals the credential can read all that the function reads";
const NARROWER: &str = "narrower: Report Administrator and a custom role with the read permissions of docs/okta-setup.md but without okta.apps.clientCredentials.read, in place of Read-only Administrator (not verified on a live org: check again after the change)";

/// The rights of the app, or of the API token's owner; `None` where its roles may not be seen.
pub(super) async fn power(org: &Org, run: &Run) -> Option<Power> {
    let until = run.stop_at;
    let path = match run.integration.client_id() {
        Some(client) => format!("/oauth2/v1/clients/{client}/roles"),
        None => {
            let me = org.get("/api/v1/users/me", "", until.into()).await.ok()?;
            let me = parse(&me.body.object().ok()?)?;
            format!("/api/v1/users/{}/roles", text(&me, &["id"])?)
        }
    };
    let assigned = list(org, &path, until).await?;
    let mut roles = Vec::new();
    let mut reads_client_secrets = false;
    for role in &assigned {
        let kind = text(role, &["type"]).unwrap_or_default();
        reads_client_secrets |= READS_SECRETS.contains(&kind.as_str());
        let name = text(role, &["label"]).filter(|_| kind == "CUSTOM");
        roles.push(name.unwrap_or(kind));
    }
    for role in custom(&assigned).take(MOST_ROLES) {
        let path = format!("/api/v1/iam/roles/{role}/permissions");
        let permissions = list(org, &path, until).await.unwrap_or_default();
        let labels = permissions
            .iter()
            .filter_map(|permission| permission["label"].as_str());
        reads_client_secrets |= labels.into_iter().any(|label| label == SECRETS_PERMISSION);
    }
    let super_admin_by = way_to_super_admin(org, run, &roles, reads_client_secrets).await;
    let advice = if reads_client_secrets {
        format!("{THIEF}, and the client secrets of other apps; {NARROWER}")
    } else {
        THIEF.to_owned()
    };
    Some(Power {
        roles,
        reads_client_secrets,
        super_admin_by,
        advice,
    })
}

/// How the credential leads to super admin, if it does.
async fn way_to_super_admin(
    org: &Org,
    run: &Run,
    roles: &[String],
    reads_client_secrets: bool,
) -> Option<String> {
    if roles.iter().any(|role| role == SUPER_ADMIN) {
        let text = "it is super admin itself: take that role away, the function needs none of it";
        return Some(text.to_owned());
    }
    if !reads_client_secrets {
        return None;
    }
    let name = super_app(org, run).await?;
    Some(format!(
        "it may read the client secret of {name:?}, which is super admin"
    ))
}

/// Ids of the custom roles among assignments.
fn custom(assigned: &[Value]) -> impl Iterator<Item = &str> {
    assigned.iter().filter_map(|role| role["role"].as_str())
}

/// A service app that is super admin and signs in with a secret, among the first that are listed.
async fn super_app(org: &Org, run: &Run) -> Option<String> {
    let apps = list(org, "/api/v1/apps?limit=200", run.stop_at).await?;
    let own = run.integration.client_id();
    let others = apps
        .iter()
        .filter(|app| app["id"].as_str() != own && has_secret(app));
    for app in others.take(MOST_APPS) {
        let path = format!("/oauth2/v1/clients/{}/roles", text(app, &["id"])?);
        let roles = list(org, &path, run.stop_at).await.unwrap_or_default();
        if roles.iter().any(|role| role["type"] == SUPER_ADMIN) {
            return text(app, &["label"]).or_else(|| text(app, &["id"]));
        }
    }
    None
}

/// Whether an app gets tokens of its own by a secret.
fn has_secret(app: &Value) -> bool {
    let client = &app["settings"]["oauthClient"];
    let grants = client["grant_types"].as_array();
    let is_service = client["application_type"] == "service"
        || grants.is_some_and(|grants| grants.iter().any(|grant| grant == "client_credentials"));
    let method = &app["credentials"]["oauthClient"]["token_endpoint_auth_method"];
    let is_secret = method
        .as_str()
        .is_some_and(|method| method.starts_with("client_secret"));
    is_service && is_secret && app["status"] == "ACTIVE"
}

/// The first page of a list; `None` where it cannot be had.
async fn list(org: &Org, path: &str, until: Timestamp) -> Option<Vec<Value>> {
    let page = org.get(path, "", until.into()).await.ok()?;
    let items = page.body.items().ok()?;
    Some(items.iter().filter_map(|item| parse(item)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_of_an_active_service_that_signs_in_with_one() {
        let app = |kind: &str, grants: Value, method: &str, status: &str| {
            json!({"status": status, "credentials": {"oauthClient": {"token_endpoint_auth_method": method}},
                "settings": {"oauthClient": {"application_type": kind, "grant_types": grants}}})
        };
        let none = json!([]);
        assert!(has_secret(&app(
            "service",
            none.clone(),
            "client_secret_basic",
            "ACTIVE"
        )));
        let granted = json!(["client_credentials"]);
        assert!(has_secret(&app(
            "web",
            granted,
            "client_secret_post",
            "ACTIVE"
        )));
        for other in [
            app("service", none.clone(), "private_key_jwt", "ACTIVE"),
            app("service", none.clone(), "client_secret_basic", "INACTIVE"),
            app(
                "web",
                json!(["authorization_code"]),
                "client_secret_basic",
                "ACTIVE",
            ),
            json!({"settings": {}}),
        ] {
            assert!(!has_secret(&other), "{other}");
        }
    }
}
