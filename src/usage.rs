//! Counting actual use: System Log events → one line per app, user and day of each manifest.
//! Lines add up: each counts the events of its own manifest, and every event is in one.
//! <https://developer.okta.com/docs/reference/api/event-types/>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::authomize::{AssetUpdate, Bundle, UserUpdate, rfc3339, text};
use crate::record::{Op, Original, Record, SCHEMA};

/// Use that the next manifest will tell.
#[derive(Debug, Default)]
pub struct Usage {
    counts: BTreeMap<Key, Count>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// None for a sign-in to Okta itself.
    app_id: Option<String>,
    user_id: String,
    /// UTC, `YYYY-MM-DD`.
    date: String,
}

#[derive(Debug)]
struct Count {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    app_name: String,
}

const USES: [&str; 2] = ["user.session.start", "user.authentication.sso"];

/// The attributes of an event that are counted; the rest stays unread.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    event_type: Value,
    outcome: Value,
    published: Value,
    actor: Value,
    target: Value,
}

impl Usage {
    /// Counts an event that succeeded and is a use: a sign-in, or a sign-on to each app it names.
    pub fn add(&mut self, event: &Original) {
        // Most events are no use, and are told so without being read.
        if matches!(event, Original::Text(text) if !USES.iter().any(|kind| text.get().contains(kind)))
        {
            return;
        }
        let Some(event) = event.read::<Event>() else {
            return;
        };
        let kind = event.event_type.as_str().unwrap_or_default();
        if !USES.contains(&kind) || event.outcome["result"] != "SUCCESS" {
            return;
        }
        let published = text(&event.published, &[]).and_then(|time| time.parse::<Timestamp>().ok());
        let (Some(published), Some(user_id)) = (published, user_id(&event.actor)) else {
            return;
        };
        if kind == "user.session.start" {
            self.count(None, &user_id, published, String::new());
            return;
        }
        for app in event
            .target
            .as_array()
            .into_iter()
            .flatten()
            .filter(|target| target["type"] == "AppInstance")
        {
            let Some(app_id) = text(app, &["id"]) else {
                continue;
            };
            let name = text(app, &["alternateId"])
                .or_else(|| text(app, &["displayName"]))
                .unwrap_or_else(|| app_id.clone());
            self.count(Some(app_id), &user_id, published, name);
        }
    }

    fn count(&mut self, app_id: Option<String>, user_id: &str, at: Timestamp, app_name: String) {
        let date = rfc3339(at)[..10].to_owned();
        let key = Key {
            app_id,
            user_id: user_id.to_owned(),
            date,
        };
        let count = self.counts.entry(key).or_insert(Count {
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

    /// Use since the last manifest: day (UTC, `YYYY-MM-DD`), whether of an app, and how often.
    pub fn by_day(&self) -> impl Iterator<Item = (&str, bool, u64)> {
        self.counts
            .iter()
            .map(|(key, count)| (key.date.as_str(), key.app_id.is_some(), count.count))
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

fn record(key: &Key, count: &Count, sequence: u64, observed_at: String) -> Record {
    let Key {
        app_id,
        user_id,
        date,
    } = key;
    let last = rfc3339(count.last);
    let mut source = json!({
        "user_id": user_id, "date": date, "count": count.count, "first_used_at": rfc3339(count.first), "last_used_at": last,
    });
    let bundle = match app_id {
        Some(app_id) => {
            source["app_id"] = app_id.clone().into();
            let update = AssetUpdate {
                unique_id: app_id.clone(),
                name: count.app_name.clone(),
                last_used_at: last,
            };
            Bundle {
                update_assets: vec![update],
                ..Bundle::default()
            }
        }
        None => {
            let update = UserUpdate {
                unique_id: user_id.clone(),
                last_login_at: Some(last),
                ..UserUpdate::default()
            };
            Bundle {
                update_users: vec![update],
                ..Bundle::default()
            }
        }
    };
    Record {
        schema: SCHEMA,
        stream: "usage",
        op: Op::Upsert,
        id: format!(
            "{}:{user_id}:{date}:{sequence}",
            app_id.as_deref().unwrap_or("login")
        ),
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
