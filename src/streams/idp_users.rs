//! Users linked to identity providers, one listing per IdP.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/IdentityProviderUsers/>

use serde_json::value::RawValue;

use super::change::{Identity, Kind};
use super::{Cadence, Context, Parents, Source, Stream, every, idps};
use crate::authomize::{Bundle, text};
use crate::record::Normalized;

pub static STREAM: Stream = Stream {
    name: "idp_users",
    word: "IDP related data",
    scope: "okta.idps.read",
    source: Source::PerParent {
        parents: Parents {
            listing: &idps::LISTING,
            kind: "IdentityProvider",
            of: Kind::IdentityProvider,
            wanted: every,
            keep: false,
            refusal_is_none: true,
        },
        path: "/api/v1/idps/{parent}/users?limit=200",
    },
    identity: Identity::Pair(Kind::IdentityProvider, Kind::User),
    cadence: Cadence::Full,
    changed_by: &[],
    rereads: &[],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// The model has no entity for a link.
fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let idp_id = context.parent?;
    let mut source = context.object(raw)?;
    let user_id = text(&source, &["id"])?;
    source
        .as_object_mut()?
        .insert("idp_id".to_owned(), idp_id.into());
    Some(Normalized {
        id: format!("{idp_id}:{user_id}"),
        bundle: Bundle::default(),
        source: source.into(),
        ocsf: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, value::to_raw_value};

    #[test]
    fn a_link_has_its_idp_and_an_empty_bundle() {
        let user = to_raw_value(&json!({"id": "00u1", "externalId": "x", "_links": {}})).unwrap();
        let normalized = normalize(
            &user,
            &Context {
                parent: Some("0oa1"),
                ..Context::default()
            },
        )
        .unwrap();
        assert_eq!(normalized.id, "0oa1:00u1");
        assert_eq!(
            normalized.source,
            json!({"id": "00u1", "externalId": "x", "idp_id": "0oa1"})
        );
        assert_eq!(normalized.bundle, Bundle::default());
    }
}
