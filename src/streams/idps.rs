//! Identity providers, with their signing keys where those may be read.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/IdentityProvider/>

use serde_json::Value;
use serde_json::value::RawValue;

use super::change::{Identity, Kind, Touches, Trigger};
use super::{Assembly, Cadence, Context, Listing, Parents, Source, Step, Stream, every};
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
    source: Source::Assembled {
        parents: &[Parents {
            listing: &LISTING,
            kind: "IdentityProvider",
            of: Kind::IdentityProvider,
            wanted: every,
            keep: true,
            refusal_is_none: false,
        }],
        next,
        assemble,
        mentions: None,
    },
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

/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/IdentityProviderSigningKeys/>
fn next(assembly: &Assembly) -> Option<Step> {
    let path = format!("/api/v1/idps/{}/credentials/keys", assembly.parent);
    assembly.parts.is_empty().then_some(Step {
        path,
        optional: true,
    })
}

fn assemble(assembly: &Assembly) -> Vec<Value> {
    let keys = assembly
        .parts
        .first()
        .map(|part| part.items.clone())
        .unwrap_or_default();
    let mut idp = assembly.item.clone();
    if let Some(object) = idp.as_mut().and_then(Value::as_object_mut)
        && !keys.is_empty()
    {
        object.insert("signing_keys".to_owned(), keys.into());
    }
    idp.into_iter().collect()
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
    use crate::streams::Part;
    use serde_json::{json, to_value, value::to_raw_value};

    fn normalized(idp: Value, keys: Vec<Value>) -> Normalized {
        let assembly = Assembly {
            kind: "",
            parent: "0oa1".into(),
            item: Some(idp),
            parts: vec![Part {
                items: keys,
                ..Part::default()
            }],
        };
        let objects = assemble(&assembly);
        normalize(&to_raw_value(&objects[0]).unwrap(), &Context::default()).unwrap()
    }

    #[test]
    fn an_idp_is_an_integration_without_its_secret() {
        let idp = json!({
            "id": "0oa1", "type": "OIDC", "name": "Corporate", "status": "ACTIVE", "created": null, "issuerMode": "ORG_URL",
            "protocol": {"type": "OIDC", "credentials": {"client": {"client_id": "c", "client_secret": "hunter2"}}},
            "policy": {"maxClockSkew": 0, "subject": {"matchType": "USERNAME"}},
        });
        let normalized = normalized(idp, Vec::new());
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
                    .get("signing_keys")
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

    #[test]
    fn signing_keys_tell_until_when_they_are_valid() {
        let normalized = normalized(
            json!({"id": "0oa1"}),
            vec![
                json!({"kid": "k", "kty": "RSA", "d": "hunter2", "expiresAt": "2027-01-01T00:00:00.000Z"}),
            ],
        );
        assert_eq!(
            normalized.source.read::<Value>().unwrap()["signing_keys"],
            json!([{"kid": "k", "kty": "RSA", "expiresAt": "2027-01-01T00:00:00.000Z"}])
        );
    }
}
