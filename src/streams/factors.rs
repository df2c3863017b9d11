//! Factors: what each user can prove to be themselves with, one request a user, read after all
//! else so that it never delays the rest.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserFactor/>

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::change::{Identity, Kind, LIFE_OF_A_USER, Of, Read, Reread, Touches, Trigger};
use super::{Assembly, Cadence, Context, Listing, Parents, Source, Step, Stream, users};
use crate::authomize::{Bundle, UserUpdate, text};
use crate::record::Normalized;

/// The users once more, so that a snapshot of factors is bound to no other.
pub static LISTING: Listing = Listing {
    name: "factors",
    path: users::LISTING.path,
    last: true,
    omits: "omitCredentials,omitCredentialsLinks,omitTransitioningToStatus",
    anchor: None,
};

pub static STREAM: Stream = Stream {
    name: "factors",
    word: "Users",
    scope: "okta.users.read",
    source: Source::Assembled {
        parents: &[Parents {
            listing: &LISTING,
            kind: "User",
            of: Kind::User,
            wanted: can_have_factors,
            keep: false,
            refusal_is_none: false,
        }],
        next,
        assemble,
        mentions: None,
    },
    identity: Identity::Object(Kind::User),
    cadence: Cadence::Factors,
    changed_by: &[
        Trigger { events: LIFE_OF_A_USER, touches: Touches::Life },
        Trigger { events: &["user.mfa.factor.", "user.credential.enroll"], touches: Touches::EachOrActor(Kind::User) },
    ],
    rereads: &[Reread {
        of: Of::All(Kind::User),
        read: Read::Assembled { parent: "User", object: Some("/api/v1/users/{id}") },
    }],
    sweep: None,
    fixed: None,
    normalize,
    tombstone: None,
};

/// Users who cannot sign in have none; an unknown status is asked for.
fn can_have_factors(user: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct User {
        status: String,
    }
    let user: Result<User, _> = serde_json::from_str(user.get());
    user.map_or(true, |user| !["STAGED", "PROVISIONED", "DEPROVISIONED"].contains(&user.status.as_str()))
}

fn next(assembly: &Assembly) -> Option<Step> {
    assembly.parts.is_empty().then(|| Step::to(format!("/api/v1/users/{}/factors", assembly.parent)))?
}

fn assemble(assembly: &Assembly) -> Vec<Value> {
    let factors = assembly.parts.first().map(|part| part.items.clone()).unwrap_or_default();
    vec![json!({"user_id": assembly.parent, "factors": factors})]
}

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["user_id"])?;
    let active = source["factors"].as_array().into_iter().flatten().filter(|factor| factor["status"] == "ACTIVE");
    let kinds: Vec<&str> = active.filter_map(|factor| factor.get("factorType")).filter_map(Value::as_str).collect();
    let has_mfa =
        source["factors"].as_array().is_some_and(|factors| factors.iter().any(|factor| factor["status"] == "ACTIVE"));
    let update =
        UserUpdate { unique_id: id.clone(), has_mfa: Some(has_mfa), tags: weak(&kinds), ..UserUpdate::default() };
    Some(Normalized {
        id,
        bundle: Bundle { update_users: vec![update], ..Bundle::default() },
        source: source.into(),
        ocsf: None,
    })
}

/// Factors that can be phished, intercepted or guessed.
fn weak(kinds: &[&str]) -> Vec<String> {
    const WEAK: [&str; 3] = ["sms", "call", "question"];
    WEAK.iter().filter(|weak| kinds.contains(weak)).map(|weak| format!("mfa:{weak}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Part;
    use serde_json::{to_value, value::to_raw_value};

    fn bundle(factors: Vec<Value>) -> Value {
        let assembly =
            Assembly { kind: "User", parent: "00u1".into(), item: None, parts: vec![Part { items: factors }] };
        let context = Context { parent: None, drop_attributes: &[] };
        to_value(normalize(&to_raw_value(&assemble(&assembly)[0]).unwrap(), &context).unwrap().bundle).unwrap()
    }

    #[test]
    fn any_active_factor_is_mfa_and_weak_ones_are_tagged() {
        assert_eq!(bundle(vec![]), json!({"update_users": [{"uniqueId": "00u1", "hasMFA": false}]}));
        let pending = json!({"factorType": "sms", "status": "PENDING_ACTIVATION"});
        assert_eq!(bundle(vec![pending]), json!({"update_users": [{"uniqueId": "00u1", "hasMFA": false}]}));
        let factors = vec![
            json!({"factorType": "question", "status": "ACTIVE"}),
            json!({"factorType": "push", "status": "ACTIVE"}),
            json!(null),
        ];
        assert_eq!(
            bundle(factors),
            json!({"update_users": [{"uniqueId": "00u1", "hasMFA": true, "tags": ["mfa:question"]}]})
        );
    }

    #[test]
    fn users_who_cannot_sign_in_are_not_asked_for() {
        let asked = |status: Value| can_have_factors(&to_raw_value(&json!({"id": "00u1", "status": status})).unwrap());
        assert!(
            asked("ACTIVE".into()) && asked("SUSPENDED".into()) && asked("ACTIVATING".into()) && asked(Value::Null)
        );
        assert!(!asked("STAGED".into()) && !asked("PROVISIONED".into()) && !asked("DEPROVISIONED".into()));
    }
}
