//! Identity providers, with the certificates that Okta trusts of them where those may be read.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/IdentityProvider/>

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::change::{Identity, Kind, Touches, Trigger};
use super::{Cadence, Context, Join, Listing, Source, Stream, parse};
use crate::authomize::{Asset, AssetType, Bundle, custom_properties, text, time};
use crate::record::Normalized;

pub static LISTING: Listing = Listing {
    name: "idps",
    path: "/api/v1/idps?limit=200",
    omits: "",
};

pub static STREAM: Stream = Stream {
    name: "idps",
    word: "IDP related data",
    scope: "okta.idps.read",
    source: Source::Listing(&LISTING),
    identity: Identity::Object(Kind::IdentityProvider),
    cadence: Cadence::Full,
    changed_by: &[Trigger {
        events: &["system.idp."],
        touches: Touches::Whole,
    }],
    rereads: &[],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// The store of all certificates of IdPs, which the IdPs name by their `kid`. (What an IdP's own
/// `/credentials/keys` lists is Okta's: it signs what Okta sends to the IdP.)
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/IdentityProviderKeys/>
pub static TRUSTED_KEYS: Join = Join {
    listing: &LISTING,
    path: "/api/v1/idps/credentials/keys?limit=200",
    name: kid_of,
    complete: with_trusted_keys,
};

fn kid_of(key: &RawValue) -> Option<String> {
    text(&parse(key)?, &["kid"])
}

/// An IdP with the certificates that its `protocol.credentials.trust` names; one that the store lacks is left out.
fn with_trusted_keys(idp: &RawValue, keys: &BTreeMap<String, Box<RawValue>>) -> Option<String> {
    let parsed = parse(idp)?;
    let trust = parsed.pointer("/protocol/credentials/trust")?;
    let others = trust.get("additionalKids").and_then(Value::as_array);
    let mut kids = Vec::new();
    for kid in trust
        .get("kid")
        .into_iter()
        .chain(others.into_iter().flatten())
    {
        kids.extend(kid.as_str().filter(|kid| !kids.contains(kid)));
    }
    if kids.is_empty() || parsed.get("trusted_keys").is_some() {
        return None;
    }
    let trusted: Vec<&str> = kids
        .into_iter()
        .filter_map(|kid| Some(keys.get(kid)?.get()))
        .collect();
    let members = idp.get().trim_end().strip_suffix('}')?;
    Some(format!(
        "{members},\"trusted_keys\":[{}]}}",
        trusted.join(",")
    ))
}

/// The model has no entity for an IdP; an integration is nearest.
fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["id"])?;
    let paths: &[&[&str]] = &[
        &["status"],
        &["issuerMode"],
        &["protocol", "type"],
        &["policy", "provisioning", "action"],
        &["policy", "accountLink", "action"],
        &["policy", "subject", "matchType"],
        &["policy", "maxClockSkew"],
        &["protocol", "credentials", "trust", "issuer"],
    ];
    let asset = Asset {
        unique_id: id.clone(),
        origin_id: id.clone(),
        name: text(&source, &["name"]).unwrap_or_else(|| id.clone()),
        kind: AssetType::Integration,
        origin_type: text(&source, &["type"]).map(|kind| format!("IdentityProvider:{kind}")),
        created_at: time(&source, &["created"]),
        custom_properties: custom_properties(&source, paths),
        ..Asset::default()
    };
    Some(Normalized {
        id,
        bundle: Bundle {
            new_assets: vec![asset],
            ..Bundle::default()
        },
        source: source.into(),
        ocsf: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value, value::to_raw_value};

    fn raw(value: &Value) -> Box<RawValue> {
        to_raw_value(value).unwrap()
    }

    /// The IdP's record where the store holds these certificates.
    fn normalized(idp: &Value, store: &[Value]) -> Normalized {
        let named = |key: &Value| {
            let key = raw(key);
            (kid_of(&key).unwrap(), key)
        };
        let store = store.iter().map(named).collect();
        let completed = with_trusted_keys(&raw(idp), &store);
        let text = completed.unwrap_or_else(|| idp.to_string());
        let item: Box<RawValue> = serde_json::from_str(&text).unwrap();
        normalize(&item, &Context::default()).unwrap()
    }

    #[test]
    fn an_idp_is_an_integration_without_its_secret() {
        let idp = json!({
            "id": "0oa1", "type": "OIDC", "name": "Corporate", "status": "ACTIVE", "created": null, "issuerMode": "ORG_URL",
            "protocol": {"type": "OIDC", "credentials": {"client": {"client_id": "c", "client_secret": "hunter2"}}},
            "policy": {"maxClockSkew": 0, "subject": {"matchType": "USERNAME"}},
        });
        let normalized = normalized(&idp, &[]);
        assert!(
            !normalized
                .source
                .read::<Value>()
                .unwrap()
                .to_string()
                .contains("hunter2")
                && normalized
                    .source
                    .read::<Value>()
                    .unwrap()
                    .get("trusted_keys")
                    .is_none()
        );
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({"new_assets": [{
                "uniqueId": "0oa1", "originId": "0oa1", "name": "Corporate", "type": "Integration", "originType": "IdentityProvider:OIDC",
                "customProperties": [
                    {"key": "status", "value": "ACTIVE"}, {"key": "issuerMode", "value": "ORG_URL"}, {"key": "protocol.type", "value": "OIDC"},
                    {"key": "policy.subject.matchType", "value": "USERNAME"}, {"key": "policy.maxClockSkew", "value": "0"},
                ],
            }]})
        );
    }

    fn trusted(trust: &Value) -> Value {
        let idp = json!({"id": "0oa1", "protocol": {"credentials": {"trust": trust, "signing": {"kid": "own"}}}});
        let store = ["a", "b", "own"].map(|kid| {
            json!({"kid": kid, "kty": "RSA", "d": "hunter2", "expiresAt": "2027-01-01T00:00:00.000Z"})
        });
        let source = normalized(&idp, &store).source.read::<Value>().unwrap();
        source.get("trusted_keys").cloned().unwrap_or_default()
    }

    #[test]
    fn trusted_keys_are_those_that_the_trust_names_without_what_is_secret() {
        let key =
            |kid: &str| json!({"kid": kid, "kty": "RSA", "expiresAt": "2027-01-01T00:00:00.000Z"});
        assert_eq!(trusted(&json!({"kid": "a"})), json!([key("a")]));
        let several = json!({"kid": "a", "additionalKids": ["b", "a", "gone", null, 7]});
        assert_eq!(trusted(&several), json!([key("a"), key("b")]));
        assert_eq!(trusted(&json!({"kid": "gone"})), json!([]));
        for none in [json!({}), json!(null), json!({"kid": null}), json!("x")] {
            assert_eq!(trusted(&none), Value::Null, "{none}");
        }
    }
}
