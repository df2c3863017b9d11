//! Factors: what each user can prove to be themselves with, one request per user, read after all
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
    omits: "omitCredentials,omitCredentialsLinks,omitTransitioningToStatus",
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
        Trigger {
            events: LIFE_OF_A_USER,
            touches: Touches::Life,
        },
        Trigger {
            events: &["user.mfa.factor.", "user.credential.enroll"],
            touches: Touches::EachOrActor(Kind::User),
        },
    ],
    rereads: &[Reread {
        of: Of::All(Kind::User),
        read: Read::Assembled {
            parent: "User",
            object: Some("/api/v1/users/{id}"),
        },
    }],
    sweep: None,
    fixed: None,
    own_id: user_id,
    normalize,
    tombstone: None,
};

fn user_id(raw: &RawValue) -> Option<String> {
    super::text_of(raw, "user_id")
}

/// Users who cannot sign in have none; an unknown status is asked for.
fn can_have_factors(user: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct User {
        status: String,
    }
    let user: Result<User, _> = serde_json::from_str(user.get());
    user.map_or(true, |user| {
        !["STAGED", "PROVISIONED", "DEPROVISIONED"].contains(&user.status.as_str())
    })
}

fn next(assembly: &Assembly) -> Option<Step> {
    assembly
        .parts
        .is_empty()
        .then(|| Step::to(format!("/api/v1/users/{}/factors", assembly.parent)))?
}

fn assemble(assembly: &Assembly) -> Vec<Value> {
    let factors = assembly
        .parts
        .first()
        .map(|part| part.items.clone())
        .unwrap_or_default();
    vec![json!({"user_id": assembly.parent, "factors": factors})]
}

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["user_id"])?;
    let active = source["factors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|factor| factor["status"] == "ACTIVE");
    let kinds: Vec<&str> = active
        .map(|factor| factor["factorType"].as_str().unwrap_or_default())
        .collect();
    let has_mfa = kinds.iter().any(|kind| !NO_SECOND_FACTOR.contains(kind));
    // A tag list is replaced as a whole: an empty one takes a dropped factor's tag away.
    let tags = Some(weak(&kinds));
    let update = UserUpdate {
        unique_id: id.clone(),
        has_mfa: Some(has_mfa),
        tags,
        ..UserUpdate::default()
    };
    Some(Normalized {
        id,
        bundle: Bundle {
            update_users: vec![update],
            ..Bundle::default()
        },
        source: source.into(),
        ocsf: None,
    })
}

/// Factors that prove nothing beside a password: whoever has the mailbox can reset that, and an answer is a
/// second thing known, not had. A factor of a type that Okta adds later is taken for one that counts.
const NO_SECOND_FACTOR: [&str; 2] = ["email", "question"];

/// Factors that can be phished, intercepted or guessed, as tags.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserFactor/#tag/UserFactor/operation/listFactors!c=200&path=factorType&t=response>
fn weak(kinds: &[&str]) -> Vec<String> {
    const WEAK: [&str; 4] = ["email", "question", "sms", "call"];
    WEAK.iter()
        .filter(|weak| kinds.contains(weak))
        .map(|weak| format!("mfa:{weak}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Part;
    use serde_json::{to_value, value::to_raw_value};

    fn bundle(factors: Vec<Value>) -> Value {
        let assembly = Assembly {
            kind: "User",
            parent: "00u1".into(),
            item: None,
            parts: vec![Part {
                items: factors,
                ..Part::default()
            }],
        };
        let context = Context::default();
        to_value(
            normalize(&to_raw_value(&assemble(&assembly)[0]).unwrap(), &context)
                .unwrap()
                .bundle,
        )
        .unwrap()
    }

    fn active(kinds: &[&str]) -> Value {
        bundle(
            kinds
                .iter()
                .map(|kind| json!({"factorType": kind, "status": "ACTIVE"}))
                .collect(),
        )
    }

    fn updates(has_mfa: bool, tags: &[&str]) -> Value {
        json!({"update_users": [{"uniqueId": "00u1", "hasMFA": has_mfa, "tags": tags}]})
    }

    #[test]
    fn email_and_question_alone_are_no_mfa() {
        for (kinds, tags) in [
            (&["email"][..], &["mfa:email"][..]),
            (&["question"], &["mfa:question"]),
            (&["question", "email"], &["mfa:email", "mfa:question"]),
        ] {
            assert_eq!(active(kinds), updates(false, tags), "{kinds:?}");
        }
    }

    #[test]
    fn any_other_active_factor_is_mfa_and_weak_ones_are_tagged() {
        for (kinds, tags) in [
            (&["push"][..], &[][..]),
            (&["sms"], &["mfa:sms"]),
            (&["call", "email"], &["mfa:email", "mfa:call"]),
            (&["question", "push"], &["mfa:question"]),
            (&["a_type_of_tomorrow"], &[]),
        ] {
            assert_eq!(active(kinds), updates(true, tags), "{kinds:?}");
        }
        let odd = vec![
            json!(null),
            json!({"status": "ACTIVE"}),
            json!({"factorType": [], "status": "ACTIVE"}),
        ];
        assert_eq!(bundle(odd), updates(true, &[]));
    }

    #[test]
    fn the_tag_list_is_always_whole_so_that_a_dropped_factors_tag_goes() {
        assert_eq!(bundle(vec![]), updates(false, &[]));
        let pending = json!({"factorType": "sms", "status": "PENDING_ACTIVATION"});
        assert_eq!(bundle(vec![pending]), updates(false, &[]));
    }

    #[test]
    fn users_who_cannot_sign_in_are_not_asked_for() {
        let asked = |status: Value| {
            can_have_factors(&to_raw_value(&json!({"id": "00u1", "status": status})).unwrap())
        };
        assert!(
            asked("ACTIVE".into())
                && asked("SUSPENDED".into())
                && asked("ACTIVATING".into())
                && asked(Value::Null)
        );
        assert!(
            !asked("STAGED".into())
                && !asked("PROVISIONED".into())
                && !asked("DEPROVISIONED".into())
        );
    }
}
