//! Activity: the System Log, in the order in which Okta stored its events.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/>

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use super::change::{Identity, is_read};
use super::effect::{changes_its_actor, is_change};
use super::object::{MOST_OBJECT_BYTES, mended};
use super::{Cadence, Context, Stream};
use crate::authomize::{Bundle, text};
use crate::json::Json;
use crate::ocsf;
use crate::record::{Normalized, OcsfEvent, Original};
use crate::scrub::scrub_event;

/// Ascending and without `until`: the polling order, in which a late event comes after the ones
/// that were stored before it, so that nothing behind the cursor can appear.
pub static STREAM: Stream = Stream {
    name: "activity",
    word: "Activity data",
    scope: "okta.logs.read",
    source: super::Source::SystemLog {
        path: "/api/v1/logs?limit=1000&sortOrder=ASCENDING",
    },
    identity: Identity::Own,
    cadence: Cadence::Full,
    changed_by: &[],
    rereads: &[],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let text = Some(mended(raw)).filter(|text| text.len() <= MOST_OBJECT_BYTES)?;
    let mut event = Json::parse(&text).ok().filter(Json::is_object)?;
    let is_as_read = !scrub_event(&mut event, context.rules)
        && memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none();
    let in_ocsf = ocsf::event(&event);
    let event_type = event
        .get("eventType")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let ocsf = to_raw_value(&in_ocsf).ok();
    let ocsf = ocsf.map(|text| OcsfEvent {
        text,
        at: in_ocsf.at(),
        event_type: event_type.to_owned(),
    });
    // Most events have nothing to remove: their text need not be written again.
    let source = match &text {
        Cow::Borrowed(_) if is_as_read => raw.to_owned(),
        _ => to_raw_value(&event).ok()?,
    };
    let source = Original::Text(source);
    Some(Normalized {
        id: event_id(event.get("uuid").and_then(Json::as_str), raw),
        bundle: Bundle::default(),
        source,
        ocsf,
    })
}

/// Every event has a uuid; one that came without is still an event, and is known by its content.
fn event_id(uuid: Option<&str>, raw: &RawValue) -> String {
    let uuid = uuid.map(str::trim).filter(|uuid| !uuid.is_empty());
    uuid.map_or_else(
        || format!("sha256-{}", hex::encode(Sha256::digest(raw.get()))),
        str::to_owned,
    )
}

/// An event as far as collecting needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Okta's uuid of it, which is its record's id.
    pub id: String,
    /// When it happened, as far as Okta says.
    pub published: Option<Timestamp>,
    /// Its type, where its outcome is one that changes something (see [`is_change`]).
    pub succeeded: Option<String>,
    /// Whose coming and going it is, where it is nothing else.
    pub traffic: Option<Traffic>,
}

/// What an event tells of that only grants a client a token, or only reads something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Traffic {
    /// Of the client, or other actor, with this id.
    Of(String),
    /// The challenge before a grant (DPoP asks for a nonce), which Okta logs without the client.
    Challenge,
}

impl LogEvent {
    /// Whether it only tells of the collector's own token grants and reads: never news. `own`: its client's id; `None`
    /// where it signs in without one.
    #[must_use]
    pub fn is_traffic_of(&self, own: Option<&str>) -> bool {
        match (&self.traffic, own) {
            (Some(Traffic::Of(client)), Some(own)) => client == own,
            (Some(Traffic::Challenge), Some(_)) => true,
            _ => false,
        }
    }
}

/// Reads an event, tolerating every type in every place and leaving the rest of it unread.
#[must_use]
pub fn entry(raw: &RawValue) -> Option<LogEvent> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Event<'a> {
        #[serde(borrow)]
        uuid: Option<&'a RawValue>,
        published: Option<&'a RawValue>,
        event_type: Option<&'a RawValue>,
        actor: Option<&'a RawValue>,
        outcome: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Outcome {
        result: String,
    }
    let event: Event<'_> = serde_json::from_str(raw.get()).ok()?;
    let kind = string(event.event_type).unwrap_or_default();
    let outcome = event
        .outcome
        .and_then(|outcome| serde_json::from_str::<Outcome>(outcome.get()).ok());
    let result = outcome.as_ref().map(|outcome| outcome.result.as_str());
    let is_change = is_change(&kind, result);
    let actor = event.actor.and_then(super::id_of);
    Some(LogEvent {
        id: event_id(string(event.uuid).as_deref(), raw),
        traffic: traffic(&kind, result, actor),
        succeeded: Some(kind).filter(|_| is_change),
        published: string(event.published).and_then(|time| time.parse().ok()),
    })
}

fn traffic(kind: &str, result: Option<&str>, actor: Option<String>) -> Option<Traffic> {
    let is_grant = kind.starts_with("app.oauth2.") && kind.contains("token.grant");
    let is_nobody = actor.as_deref().is_none_or(|actor| actor == "unknown");
    if is_grant && is_nobody && result == Some("CHALLENGE") {
        return Some(Traffic::Challenge);
    }
    actor.filter(|_| is_grant || is_read(kind)).map(Traffic::Of)
}

/// A target or actor of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// `User`, `UserGroup`, `AppInstance`, …; empty where it does not say.
    pub kind: String,
    /// Okta's id of it.
    pub id: String,
}

/// The targets of an event, then its actor; those that have no id that a path could hold are left
/// out. The actor is a target, too, of an event that changes its actor and names no user.
#[must_use]
pub fn parties(raw: &RawValue) -> (Vec<Party>, Option<Party>) {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Event {
        event_type: Value,
        target: Value,
        actor: Value,
    }
    let party = |party: &Value| {
        let kind = text(party, &["type"]).unwrap_or_default();
        let id = text(party, &["id"])?;
        let is_plain = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_plain.then_some(Party { kind, id })
    };
    let event: Event = serde_json::from_str(raw.get()).unwrap_or_default();
    let targets = event.target.as_array().into_iter().flatten();
    let mut targets: Vec<Party> = targets.filter_map(party).collect();
    let actor = party(&event.actor);
    let is_its_own = event.event_type.as_str().is_some_and(changes_its_actor);
    if is_its_own && !targets.iter().any(|target| target.kind == "User") {
        targets.extend(actor.clone());
    }
    (targets, actor)
}

fn string(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, value::to_raw_value};

    #[test]
    fn an_event_is_written_as_it_is() {
        let event = json!({"uuid": "e1", "eventType": "user.session.start", "target": null, "debugContext": {"debugData": {"requestId": "r"}}});
        let context = Context::default();
        let normalized = normalize(&to_raw_value(&event).unwrap(), &context).unwrap();
        assert_eq!(normalized.id, "e1");
        assert!(normalized.source == event);
        assert_eq!(normalized.bundle, Bundle::default());
    }

    #[test]
    fn an_event_without_a_uuid_is_known_by_its_content() {
        let context = Context::default();
        let id = |event| {
            let raw = to_raw_value(&event).unwrap();
            let id = normalize(&raw, &context).unwrap().id;
            assert_eq!(entry(&raw).unwrap().id, id);
            id
        };
        assert_eq!(
            id(json!({"uuid": null, "a": 1})),
            id(json!({"uuid": null, "a": 1}))
        );
        assert_ne!(
            id(json!({"uuid": null, "a": 1})),
            id(json!({"uuid": null, "a": 2}))
        );
    }

    fn read(event: &Value) -> LogEvent {
        entry(&to_raw_value(event).unwrap()).unwrap()
    }

    #[test]
    fn the_collectors_own_coming_and_going_is_no_news() {
        let event = |kind: &str, result: &str, actor: Value| {
            read(&json!({"eventType": kind, "actor": actor, "outcome": {"result": result}}))
        };
        let own = json!({"id": "0oa1", "type": "PublicClientApp"});
        let nobody = json!({"id": "unknown", "type": "User"});
        for (kind, result, actor, expected) in [
            ("app.oauth2.token.grant.access_token", "SUCCESS", &own, true),
            ("app.oauth2.as.token.grant", "FAILURE", &own, true),
            ("app.oauth2.token.grant", "CHALLENGE", &nobody, true),
            ("app.oauth2.token.grant", "CHALLENGE", &Value::Null, true),
            ("app.oauth2.token.grant", "FAILURE", &nobody, false),
            ("user.session.start", "CHALLENGE", &nobody, false),
            ("iam.role.read", "SUCCESS", &own, true),
            ("iam.role.update", "SUCCESS", &own, false),
            (
                "app.oauth2.token.grant",
                "SUCCESS",
                &json!({"id": "0oa2"}),
                false,
            ),
        ] {
            let event = event(kind, result, actor.clone());
            assert_eq!(event.is_traffic_of(Some("0oa1")), expected, "{event:?}");
            assert!(!event.is_traffic_of(None), "{event:?}");
        }
    }

    #[test]
    fn who_is_locked_is_the_actor_where_no_user_is_a_target() {
        let party = |kind: &str, id: &str| Party {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        let (ada, app) = (party("User", "00u1"), party("AppInstance", "0oa1"));
        let named = |kind: &str, target: Value| {
            let actor = json!({"id": "00u1", "type": "User"});
            let event = json!({"eventType": kind, "actor": actor, "target": target});
            parties(&to_raw_value(&event).unwrap()).0
        };
        let of_app = json!([{"id": "0oa1", "type": "AppInstance"}]);
        assert_eq!(
            named("user.account.lock", Value::Null),
            std::slice::from_ref(&ada)
        );
        assert_eq!(
            named("user.account.lock.limit", of_app.clone()),
            [app.clone(), ada]
        );
        let other = json!([{"id": "00u2", "type": "User"}]);
        assert_eq!(named("user.account.lock", other), [party("User", "00u2")]);
        assert_eq!(named("user.account.unlock", of_app), [app]);
    }

    #[test]
    fn an_event_is_read_whatever_its_members_are() {
        let event = json!({"uuid": "e1", "eventType": "user.session.start", "actor": {"id": "00u1"}, "published": 3});
        let expected = LogEvent {
            id: "e1".into(),
            published: None,
            succeeded: None,
            traffic: None,
        };
        assert_eq!(read(&event), expected);
        let lock = json!({"uuid": "e1", "eventType": "user.account.lock", "outcome": {"result": "FAILURE", "reason": "LOCKED_OUT"}, "published": "2026-11-23T18:00:00.000Z"});
        let lock = read(&lock);
        assert_eq!(lock.succeeded.as_deref(), Some("user.account.lock"));
        let at = "2026-11-23T18:00:00Z".parse().unwrap();
        assert_eq!(lock.published, Some(at));
    }
}
