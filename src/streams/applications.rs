//! Applications, active or not; a service app is also an account of its own.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/>

use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::change::{Identity, Kind, Of, Read, Reread, Touches, Trigger};
use super::{Cadence, Context, Listing, Source, Stream, parse};
use crate::authomize::{
    Asset, AssetType, Bundle, CUSTOM_VALUE_CHARS, CustomProperty, LegacyPrivilegeType, Privilege,
    ServiceAccount, ServiceAccountType, UserStatus, custom_properties, cut, text, time,
};
use crate::record::Normalized;

pub static LISTING: Listing = Listing {
    name: "applications",
    path: "/api/v1/apps?limit=200",
    omits: "",
};

const CHANGES: &[&str] = &[
    "application.lifecycle.create",
    "application.lifecycle.update",
    "application.lifecycle.activate",
    "application.lifecycle.deactivate",
    "application.configuration.update_logo",
    "application.configuration.reset_logo",
    "application.configuration.enable_delauth_outbound",
    "application.configuration.disable_delauth_outbound",
    "application.configuration.enable_fed_broker_mode",
    "application.configuration.disable_fed_broker_mode",
    "application.configuration.update_rate_limits",
    "application.policy.sign_on.",
    "app.oauth2.client.lifecycle.",
    "app.oauth2.credentials.lifecycle.",
    "app.oauth2.admin.consent.",
    "app.keys.",
    "app.saml.sensitive.attribute.update",
];

pub static STREAM: Stream = Stream {
    name: "applications",
    word: "Applications",
    scope: "okta.apps.read",
    source: Source::Listing(&LISTING),
    identity: Identity::Object(Kind::Application),
    cadence: Cadence::Full,
    changed_by: &[Trigger {
        events: CHANGES,
        touches: Touches::Each(&[Kind::Application]),
    }],
    rereads: &[Reread {
        of: Of::All(Kind::Application),
        read: Read::Object {
            path: "/api/v1/apps/{id}",
        },
    }],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// The privilege that every assignment of an application gives.
pub(super) const USE_APP: &str = "okta:use-app";

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["id"])?;
    let catalogue_name = text(&source, &["name"]);
    let console = context.rules.console.as_deref();
    let of_console = console.and_then(|host| console_page(host, catalogue_name.as_deref()?, &id));
    let href = of_console.or_else(|| app_link(raw, context));
    let name = text(&source, &["label"])
        .or_else(|| catalogue_name.clone())
        .unwrap_or_else(|| id.clone());
    let asset = Asset {
        unique_id: id.clone(),
        origin_id: id.clone(),
        name: name.clone(),
        kind: AssetType::Application,
        alternative_name: catalogue_name,
        origin_type: text(&source, &["signOnMode"]),
        created_at: time(&source, &["created"]),
        description: None,
        href,
        tags: tags(&source),
        custom_properties: properties(&source),
    };
    let bundle = Bundle {
        new_privileges: vec![use_app()],
        new_assets: vec![asset],
        new_service_accounts: is_service_app(&source)
            .then(|| service_account(&source, &id, name))
            .into_iter()
            .collect(),
        ..Bundle::default()
    };
    Some(Normalized {
        id,
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

/// `Use` is a kind that only the deprecated field has.
fn use_app() -> Privilege {
    Privilege {
        unique_id: USE_APP.to_owned(),
        origin_id: None,
        origin_name: "Use application".to_owned(),
        privilege_type: None,
        kind: Some(LegacyPrivilegeType::Use),
    }
}

/// Whether an app signs in as itself: an OIDC service, or one that may use `client_credentials`.
pub(super) fn is_service_app(app: &Value) -> bool {
    let client = &app["settings"]["oauthClient"];
    let grants = client["grant_types"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    client["application_type"] == "service"
        || grants.iter().any(|grant| grant == "client_credentials")
}

fn service_account(app: &Value, id: &str, name: String) -> ServiceAccount {
    let status = match app["status"].as_str().unwrap_or_default() {
        "ACTIVE" => UserStatus::Enabled,
        "INACTIVE" => UserStatus::Disabled,
        "DELETED" => UserStatus::Deleted,
        _ => UserStatus::Unknown,
    };
    let kind = ServiceAccountType::ApplicationPrincipal;
    ServiceAccount {
        unique_id: id.to_owned(),
        origin_id: id.to_owned(),
        kind,
        name: Some(name),
        status,
    }
}

/// The app's page in the Admin Console.
fn console_page(host: &str, name: &str, id: &str) -> Option<String> {
    let mut page = Url::parse(&format!("https://{host}")).ok()?;
    page.path_segments_mut()
        .ok()?
        .extend(["admin", "app", name, "instance", id]);
    Some(page.into())
}

/// Where people open the app, as far as that may be written: links are no part of the scrubbed object.
fn app_link(raw: &RawValue, context: &Context<'_>) -> Option<String> {
    let links = context.scrubbed(parse(raw)?.get_mut("_links")?.get_mut("appLinks")?.take());
    let is_web = |link: &String| link.starts_with("https://") || link.starts_with("http://");
    links
        .as_array()?
        .iter()
        .find_map(|link| text(link, &["href"]).filter(is_web))
}

/// Status and features; provisioning, password push and org2org are how passwords leak through
/// SCIM, and are marked.
fn tags(app: &Value) -> Vec<String> {
    let features: Vec<&str> = app["features"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let marks = [
        ("provisioning", features.contains(&"PUSH_NEW_USERS")),
        ("password-push", features.contains(&"PUSH_PASSWORD_UPDATES")),
        ("org2org", app["name"] == "okta_org2org"),
    ];
    let status = text(app, &["status"]).map(|status| format!("status:{status}"));
    let features = features
        .iter()
        .filter(|feature| !feature.is_empty())
        .map(|feature| format!("feature:{feature}"));
    let marks = marks
        .iter()
        .filter(|(_, is_so)| *is_so)
        .map(|(mark, _)| (*mark).to_owned());
    status.into_iter().chain(features).chain(marks).collect()
}

fn properties(app: &Value) -> Vec<CustomProperty> {
    let paths: &[&[&str]] = &[
        &["status"],
        &["lastUpdated"],
        &["accessibility", "selfService"],
        &["settings", "signOn", "audience"],
    ];
    let mut properties = custom_properties(app, paths);
    let acs = text(app, &["settings", "signOn", "ssoAcsUrl"]).and_then(|url| Url::parse(&url).ok());
    if let Some(host) = acs.as_ref().and_then(Url::host_str) {
        let value = cut(host, CUSTOM_VALUE_CHARS);
        properties.push(CustomProperty {
            key: "settings.signOn.ssoAcsUrl.host".to_owned(),
            value,
        });
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::Rules;
    use serde_json::{json, to_value, value::to_raw_value};

    #[test]
    fn an_apps_link_leads_to_the_admin_console_and_never_to_the_api() {
        let rules = Rules {
            console: Some("acme-admin.okta.com".to_owned()),
            ..Rules::default()
        };
        let context = Context {
            rules: &rules,
            ..Context::default()
        };
        let href = |app: &Value, context: &Context<'_>| {
            let bundle = normalize(&to_raw_value(app).unwrap(), context)
                .unwrap()
                .bundle;
            bundle.new_assets[0].href.clone()
        };
        let api = json!({"self": {"href": "https://acme.okta.com/api/v1/apps/0oa1"}});
        let page = "https://acme-admin.okta.com/admin/app/salesforce/instance/0oa1";
        let app = json!({"id": "0oa1", "name": "salesforce", "_links": api});
        assert_eq!(href(&app, &context).as_deref(), Some(page));
        let app = json!({"id": "0oa1", "name": "a/b?c", "_links": api});
        assert_eq!(
            href(&app, &context).as_deref(),
            Some("https://acme-admin.okta.com/admin/app/a%2Fb%3Fc/instance/0oa1")
        );
        let app = json!({"id": "0oa1", "_links": {"self": api["self"], "appLinks": [{"href": "x"}, {"href": "https://acme.okta.com/home/x?token=hush-hush"}]}});
        assert_eq!(
            href(&app, &context).as_deref(),
            Some("https://acme.okta.com/home/x?token=")
        );
        assert_eq!(href(&json!({"id": "0oa1", "_links": api}), &context), None);
    }

    fn bundle(app: &Value) -> Value {
        let context = Context::default();
        to_value(
            normalize(&to_raw_value(app).unwrap(), &context)
                .unwrap()
                .bundle,
        )
        .unwrap()
    }

    #[test]
    fn an_app_is_an_asset() {
        let app = json!({
            "id": "0oa1", "name": "okta_org2org", "label": "Subsidiary", "status": "ACTIVE", "signOnMode": "SAML_2_0",
            "created": "2026-01-01T00:00:00.000Z", "features": ["PUSH_NEW_USERS", "PUSH_PASSWORD_UPDATES"],
            "accessibility": {"selfService": false}, "settings": {"signOn": {"ssoAcsUrl": "https://sub.example.com/acs", "audience": "urn:sub"}},
            "_links": {"appLinks": [{"href": "https://acme.okta.com/home/x"}]},
        });
        let bundle = bundle(&app);
        assert_eq!(
            bundle["new_assets"][0],
            json!({
                "uniqueId": "0oa1", "originId": "0oa1", "name": "Subsidiary", "type": "Application", "alternativeName": "okta_org2org",
                "originType": "SAML_2_0", "createdAt": "2026-01-01T00:00:00.000Z", "href": "https://acme.okta.com/home/x",
                "tags": ["status:ACTIVE", "feature:PUSH_NEW_USERS", "feature:PUSH_PASSWORD_UPDATES", "provisioning", "password-push", "org2org"],
                "customProperties": [
                    {"key": "status", "value": "ACTIVE"}, {"key": "accessibility.selfService", "value": "false"},
                    {"key": "settings.signOn.audience", "value": "urn:sub"}, {"key": "settings.signOn.ssoAcsUrl.host", "value": "sub.example.com"},
                ],
            })
        );
        assert_eq!(
            bundle["new_privileges"],
            json!([{"uniqueId": "okta:use-app", "originName": "Use application", "type": "Use"}])
        );
        assert!(bundle.get("new_service_accounts").is_none());
    }

    #[test]
    fn a_service_app_is_also_an_account() {
        let app = json!({"id": "0oa1", "label": "Bot", "status": "INACTIVE", "settings": {"oauthClient": {"application_type": "service"}}});
        let account = json!([{"uniqueId": "0oa1", "originId": "0oa1", "type": "ApplicationPrincipal", "name": "Bot", "status": "Disabled"}]);
        assert_eq!(bundle(&app)["new_service_accounts"], account);
        let app = json!({"id": "0oa1", "settings": {"oauthClient": {"grant_types": ["client_credentials"]}}});
        assert_eq!(bundle(&app)["new_service_accounts"][0]["name"], "0oa1");
    }

    #[test]
    fn odd_types_cost_nothing_but_themselves() {
        let app = json!({"id": "0oa1", "name": null, "label": "", "features": "x", "settings": [], "signOnMode": null, "_links": {"appLinks": {}}});
        assert_eq!(
            bundle(&app)["new_assets"],
            json!([{"uniqueId": "0oa1", "originId": "0oa1", "name": "0oa1", "type": "Application"}])
        );
    }
}
