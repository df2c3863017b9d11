//! Counting actual use: System Log events → one line per app, user and day of each manifest.
//! Lines add up: each counts the events of its own manifest, and every event is in one.
//! <https://developer.okta.com/docs/reference/api/event-types/>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::authomize::{AssetUpdate, Bundle, ServiceAccountUpdate, UserUpdate, rfc3339, text};
use crate::record::{Op, Original, Record, SCHEMA};

/// Use that the next manifest will hold.
#[derive(Debug, Default)]
pub struct Usage {
    counts: BTreeMap<Key, Count>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    of: Use,
    /// UTC, `YYYY-MM-DD`.
    date: String,
}

/// A use, and whose.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// A sign-on of a user to an app.
    App { app_id: String, user_id: String },
    /// A sign-in of a user to Okta itself.
    SignIn { user_id: String },
    /// A token that an app was granted for itself.
    Token { app_id: String },
}

#[derive(Debug)]
struct Count {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    app_name: String,
}

const USES: [&str; 2] = ["user.session.start", "user.authentication.sso"];
/// Part of the types of events that grant a token: `app.oauth2.token.grant.access_token`, `app.oauth2.as.token.grant`.
const GRANT: &str = "token.grant";
/// Types of actors that are apps.
const APPS: [&str; 3] = ["PublicClientApp", "PublicClientAppEntity", "ServiceAccount"];

/// The attributes of an event that are counted; the rest stays unread.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    event_type: Value,
    outcome: Value,
    published: Value,
    actor: Value,
    target: Value,
    debug_context: Value,
}

impl Usage {
    /// Counts an event that succeeded and is a use: a sign-in, or a sign-on to each app it names.
    pub fn add(&mut self, event: &Original) {
        // Most events are no use, which shows without reading them.
        let tells = |text: &str| USES.iter().chain([&GRANT]).any(|kind| text.contains(kind));
        if matches!(event, Original::Text(text) if !tells(text.get())) {
            return;
        }
        let Some(event) = event.read::<Event>() else {
            return;
        };
        let kind = event.event_type.as_str().unwrap_or_default();
        if event.outcome["result"] != "SUCCESS" {
            return;
        }
        let published = text(&event.published, &[]).and_then(|time| time.parse::<Timestamp>().ok());
        let Some(published) = published else { return };
        match kind {
            "user.session.start" => {
                if let Some(user_id) = user_id(&event.actor) {
                    self.count(Use::SignIn { user_id }, published, String::new());
                }
            }
            "user.authentication.sso" => self.sign_on(&event, published),
            kind if kind.starts_with("app.oauth2.") && kind.contains(GRANT) => {
                if let Some(app_id) = own_grant(&event) {
                    self.count(Use::Token { app_id }, published, String::new());
                }
            }
            _ => {}
        }
    }

    fn sign_on(&mut self, event: &Event, published: Timestamp) {
        let Some(user_id) = user_id(&event.actor) else {
            return;
        };
        for app in targets(event, "AppInstance") {
            let Some(app_id) = text(app, &["id"]) else {
                continue;
            };
            let name = text(app, &["alternateId"])
                .or_else(|| text(app, &["displayName"]))
                .unwrap_or_else(|| app_id.clone());
            let user_id = user_id.clone();
            self.count(Use::App { app_id, user_id }, published, name);
        }
    }

    fn count(&mut self, of: Use, at: Timestamp, app_name: String) {
        let date = rfc3339(at)[..10].to_owned();
        let count = self.counts.entry(Key { of, date }).or_insert(Count {
            count: 0,
            first: at,
            last: at,
            app_name: String::new(),
        });
        count.count += 1;
        count.first = count.first.min(at);
        count.last = count.last.max(at);
        count.app_name = app_name;
    }

    /// Use by people since the last manifest: day (UTC, `YYYY-MM-DD`), whether of an app, and how often.
    pub fn by_day(&self) -> impl Iterator<Item = (&str, bool, u64)> {
        self.counts.iter().filter_map(|(key, count)| {
            let is_of_app = match key.of {
                Use::App { .. } => true,
                Use::SignIn { .. } => false,
                Use::Token { .. } => return None,
            };
            Some((key.date.as_str(), is_of_app, count.count))
        })
    }

    /// The lines of manifest `sequence`, and an empty count for the next.
    pub fn take(&mut self, sequence: u64, now: Timestamp) -> impl Iterator<Item = Record> + use<> {
        let observed_at = rfc3339(now);
        std::mem::take(&mut self.counts)
            .into_iter()
            .map(move |(key, count)| record(&key, &count, sequence, observed_at.clone()))
    }
}

/// The id of an actor that is a user: a system or a client that signs in is no use by anybody.
fn user_id(actor: &Value) -> Option<String> {
    let is_user = text(actor, &["type"]).is_none_or(|kind| kind == "User");
    text(actor, &["id"]).filter(|id| is_user && !id.eq_ignore_ascii_case("unknown"))
}

fn targets<'e>(event: &'e Event, kind: &'e str) -> impl Iterator<Item = &'e Value> {
    let targets = event.target.as_array().into_iter().flatten();
    targets.filter(move |target| target["type"] == kind)
}

/// The app that was granted a token for itself: one that is granted for a user is the user's use.
fn own_grant(event: &Event) -> Option<String> {
    let is_app = text(&event.actor, &["type"]).is_none_or(|kind| APPS.contains(&kind.as_str()));
    let grant = text(&event.debug_context, &["debugData", "grantType"]);
    let is_own = grant.is_none_or(|grant| grant == "client_credentials")
        && targets(event, "User").next().is_none();
    text(&event.actor, &["id"]).filter(|id| is_app && is_own && !id.eq_ignore_ascii_case("unknown"))
}

fn record(key: &Key, count: &Count, sequence: u64, observed_at: String) -> Record {
    let (date, last) = (&key.date, rfc3339(count.last));
    let mut source = json!({
        "date": date, "count": count.count, "first_used_at": rfc3339(count.first), "last_used_at": last,
    });
    let mut bundle = Bundle::default();
    let id = match &key.of {
        Use::App { app_id, user_id } => {
            (source["user_id"], source["app_id"]) = (json!(user_id), json!(app_id));
            bundle.update_assets = vec![AssetUpdate {
                unique_id: app_id.clone(),
                name: count.app_name.clone(),
                last_used_at: last,
            }];
            format!("{app_id}:{user_id}")
        }
        Use::SignIn { user_id } => {
            source["user_id"] = json!(user_id);
            bundle.update_users = vec![UserUpdate {
                unique_id: user_id.clone(),
                last_login_at: Some(last),
                ..UserUpdate::default()
            }];
            format!("login:{user_id}")
        }
        Use::Token { app_id } => {
            // Uses by people are added up over all lines: a program's tokens are none of them.
            (source["app_id"], source["grants"]) = (json!(app_id), json!(count.count));
            source["count"] = json!(0);
            bundle.update_service_accounts = vec![ServiceAccountUpdate {
                unique_id: app_id.clone(),
                last_activity_date: last,
            }];
            format!("token:{app_id}")
        }
    };
    Record {
        schema: SCHEMA,
        stream: "usage",
        op: Op::Upsert,
        id: format!("{id}:{date}:{sequence}"),
        observed_at,
        cause: None,
        bundle,
        source: Some(source.into()),
        ocsf: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::to_value;

    fn event(kind: &str, result: &str, at: &str, target: Value) -> Value {
        json!({"eventType": kind, "outcome": {"result": result}, "published": at, "actor": {"id": "00u1"}, "target": target})
    }

    fn lines(usage: &mut Usage) -> Vec<Value> {
        usage
            .take(7, Timestamp::UNIX_EPOCH)
            .map(|record| to_value(record).unwrap())
            .collect()
    }

    #[test]
    fn sign_ons_are_counted_by_app_user_and_day() {
        let mut usage = Usage::default();
        let app = json!([{"type": "AppInstance", "id": "0oa1", "alternateId": "Salesforce"}, {"type": "AppUser", "id": "0ua1"}]);
        for at in [
            "2026-11-23T10:00:00Z",
            "2026-11-23T08:00:00Z",
            "2026-11-24T01:00:00+02:00",
            "2026-11-24T00:00:00Z",
        ] {
            usage.add(&event("user.authentication.sso", "SUCCESS", at, app.clone()).into());
        }
        usage.add(
            &event(
                "user.authentication.sso",
                "FAILURE",
                "2026-11-23T10:00:00Z",
                app,
            )
            .into(),
        );
        let lines = lines(&mut usage);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["id"], "0oa1:00u1:2026-11-23:7");
        assert_eq!(
            lines[0]["source"],
            json!({"user_id": "00u1", "date": "2026-11-23", "count": 3, "first_used_at": "2026-11-23T08:00:00.000Z", "last_used_at": "2026-11-23T23:00:00.000Z", "app_id": "0oa1"})
        );
        let update = json!({"update_assets": [{"uniqueId": "0oa1", "name": "Salesforce", "lastUsedAt": "2026-11-23T23:00:00.000Z"}]});
        assert_eq!(lines[0]["bundle"], update);
        assert!(self::lines(&mut usage).is_empty());
    }

    #[test]
    fn sign_ins_are_counted_by_user_and_day() {
        let mut usage = Usage::default();
        usage.add(
            &event(
                "user.session.start",
                "SUCCESS",
                "2026-11-23T10:00:00Z",
                Value::Null,
            )
            .into(),
        );
        let lines = lines(&mut usage);
        assert_eq!(lines[0]["id"], "login:00u1:2026-11-23:7");
        assert!(lines[0]["source"].get("app_id").is_none());
        assert_eq!(
            lines[0]["bundle"],
            json!({"update_users": [{"uniqueId": "00u1", "lastLoginAt": "2026-11-23T10:00:00.000Z"}]})
        );
    }

    #[test]
    fn a_token_that_an_app_is_granted_for_itself_is_its_use() {
        let mut usage = Usage::default();
        let grant = |kind: &str, at: &str| {
            let mut event = event(
                kind,
                "SUCCESS",
                at,
                json!([{"type": "access_token", "id": "AT.1"}]),
            );
            event["actor"] = json!({"id": "0oa9", "type": "PublicClientApp"});
            event
        };
        usage.add(
            &grant(
                "app.oauth2.token.grant.access_token",
                "2026-11-23T10:00:00Z",
            )
            .into(),
        );
        usage.add(&grant("app.oauth2.as.token.grant", "2026-11-23T11:00:00Z").into());
        let mut failed = grant(
            "app.oauth2.token.grant.access_token",
            "2026-11-23T12:00:00Z",
        );
        failed["outcome"]["result"] = "FAILURE".into();
        let mut of_user = grant("app.oauth2.token.grant.id_token", "2026-11-23T12:00:00Z");
        of_user["target"] = json!([{"type": "User", "id": "00u1"}]);
        let mut by_code = grant(
            "app.oauth2.token.grant.access_token",
            "2026-11-23T12:00:00Z",
        );
        by_code["debugContext"] = json!({"debugData": {"grantType": "authorization_code"}});
        let mut by_user = grant(
            "app.oauth2.token.grant.access_token",
            "2026-11-23T12:00:00Z",
        );
        by_user["actor"] = json!({"id": "00u1", "type": "User"});
        for other in [failed, of_user, by_code, by_user] {
            usage.add(&other.into());
        }
        assert_eq!(usage.by_day().count(), 0);
        let lines = lines(&mut usage);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["id"], "token:0oa9:2026-11-23:7");
        let update = json!({"update_service_accounts": [{"uniqueId": "0oa9", "lastActivityDate": "2026-11-23T11:00:00.000Z"}]});
        assert_eq!(lines[0]["bundle"], update);
        let source = &lines[0]["source"];
        assert_eq!(
            (&source["grants"], &source["count"]),
            (&json!(2), &json!(0))
        );
    }

    #[test]
    fn odd_events_and_those_of_no_user_are_not_counted() {
        let mut usage = Usage::default();
        let app = json!([{"type": "AppInstance", "id": null}, null, 3]);
        usage.add(
            &event(
                "user.authentication.sso",
                "SUCCESS",
                "2026-11-23T10:00:00Z",
                app,
            )
            .into(),
        );
        usage.add(&event("user.session.start", "SUCCESS", "yesterday", Value::Null).into());
        usage.add(&json!({"eventType": "user.session.start", "outcome": null}).into());
        usage.add(&json!([]).into());
        for actor in [
            json!({"id": "okta.2b1959c8", "type": "SystemPrincipal"}),
            json!({"id": "0oa9", "type": "PublicClientApp"}),
            json!({"id": "unknown", "type": "User"}),
        ] {
            let mut event = event(
                "user.session.start",
                "SUCCESS",
                "2026-11-23T10:00:00Z",
                Value::Null,
            );
            event["actor"] = actor;
            usage.add(&event.into());
        }
        assert!(lines(&mut usage).is_empty());
    }
}
