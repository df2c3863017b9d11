//! Factors that the network hides. Okta evaluates the enrollment policy for the asker's network zone, so that people
//! with factors can look as if they had none; the System Log, which is read anyway, tells of those who use one.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserFactor/#tag/UserFactor/operation/listFactors>

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::authomize::text;
use crate::record::{Original, Record};

/// Event types by which somebody has proved a factor.
const PROOFS: [&str; 2] = [
    "user.authentication.auth_via_mfa",
    "user.authentication.verify",
];
/// Event types after which earlier proofs count for nothing.
const ENDS: [&str; 2] = ["user.mfa.factor.reset_all", "user.mfa.factor.deactivate"];
/// People of each kind that are remembered; those beyond are left to the next reading.
const MOST_PEOPLE: usize = 5_000;
/// Methods of one person.
const MOST_METHODS: usize = 8;
/// Longest name of a method, in characters.
const LONGEST_NAME: usize = 60;
/// Percent of the people without factors whom the log contradicts, above which factors count as hidden.
const FEW_PERCENT: usize = 10;

/// People whose factors were read and show none, and the methods that the log has seen them, or people whose factors
/// are not read yet, use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SeenMethods {
    /// Ids of users without a second factor, as read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    bare: BTreeSet<String>,
    /// Method → when it was last used, by user id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    seen: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// Whether everybody's factors were read once: who is not bare has a factor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    knows_all: bool,
}

/// Key of the manifest's cursor that it is kept under.
pub const KEY: &str = "seen_methods";

impl SeenMethods {
    /// The memory in a manifest's cursor; empty if it has none.
    #[must_use]
    pub fn of(cursor: &Value) -> Self {
        cursor
            .get(KEY)
            .and_then(|kept| Self::deserialize(kept).ok())
            .unwrap_or_default()
    }

    /// Puts the memory into a manifest's cursor.
    pub fn keep_in(&self, cursor: &mut Value) {
        if *self != Self::default() {
            cursor[KEY] = json!(self);
        }
    }

    /// Takes a record of the System Log. Gives the id of a user whose factors are to be read again, because the log
    /// tells of a method that the newest reading does not know.
    pub fn event(&mut self, record: &Record) -> Option<String> {
        let kind = record
            .ocsf
            .as_ref()
            .map(|event| event.event_type.as_str())?;
        if ENDS.contains(&kind) {
            self.end(&record.source.as_ref()?.read()?);
        }
        if !PROOFS.contains(&kind) {
            return None;
        }
        let (user, method, at) = proof(&record.source.as_ref()?.read()?)?;
        self.note(&user, &method, at).then_some(user)
    }

    /// Notes a use; gives whether it contradicts the newest reading in a way that is new.
    fn note(&mut self, user: &str, method: &str, at: Timestamp) -> bool {
        let is_bare = self.bare.contains(user);
        let is_wanted = is_bare || !self.knows_all;
        if !is_wanted || !self.seen.contains_key(user) && self.seen.len() >= MOST_PEOPLE {
            return false;
        }
        let methods = self.seen.entry(user.to_owned()).or_default();
        let is_new = !methods.contains_key(method);
        if is_new && methods.len() >= MOST_METHODS {
            return false;
        }
        let last = methods.entry(method.to_owned()).or_insert(at);
        *last = at.max(*last);
        is_bare && is_new
    }

    fn end(&mut self, event: &Value) {
        let targets = event["target"].as_array().into_iter().flatten();
        for id in targets.filter_map(|target| target["id"].as_str()) {
            self.seen.remove(id);
        }
        if let Some(actor) = event["actor"]["id"].as_str()
            && !event["target"]
                .as_array()
                .is_some_and(|targets| targets.iter().any(|target| target["type"] == "User"))
        {
            self.seen.remove(actor);
        }
    }

    /// Takes a record of somebody's factors, and completes it: `source.seen_methods` names what the log has seen, and
    /// `hasMFA` is not false of whoever has used a second factor.
    pub fn reading(&mut self, record: &mut Record) {
        let (Some(update), Some(Original::Tree(source))) =
            (record.bundle.update_users.first_mut(), &mut record.source)
        else {
            self.forget(&record.id);
            return;
        };
        if update.has_mfa != Some(false) {
            self.forget(&record.id);
            return;
        }
        if self.bare.len() < MOST_PEOPLE {
            self.bare.insert(record.id.clone());
        }
        let Some(methods) = self.seen.get(&record.id) else {
            return;
        };
        let told = methods
            .iter()
            .map(|(method, at)| json!({"method": method, "at": at}));
        source["seen_methods"] = told.collect();
        // A mailbox or an answer is no second factor where it shows either: then nothing is said.
        update.has_mfa = methods
            .keys()
            .any(|method| !is_weak(method))
            .then_some(true);
    }

    /// Notes that somebody has a factor as read, or is not read any more.
    fn forget(&mut self, user: &str) {
        self.bare.remove(user);
        self.seen.remove(user);
    }

    /// Notes that everybody's factors are read.
    pub fn all_are_read(&mut self) {
        self.knows_all = true;
        let bare = &self.bare;
        self.seen.retain(|user, _| bare.contains(user));
    }

    /// Why factors count as hidden, and the remedy; `None` while few of the people without factors are contradicted.
    #[must_use]
    pub fn hidden(&self) -> Option<String> {
        let contradicts = |user: &&String| self.seen.contains_key(*user);
        let (contradicted, bare) = (
            self.bare.iter().filter(contradicts).count(),
            self.bare.len(),
        );
        (contradicted * 100 > bare * FEW_PERCENT).then(|| {
            format!(
                "factors are hidden from this address: {contradicted} of {bare} people whose factors were read as none have passed one in the System Log. Okta shows the factors that its enrollment policy has for the network zone of whoever asks: put the function's outgoing addresses into a network zone that the policy trusts (Security, Networks; Security, Authenticators, Enrollment), then send {{\"mode\": \"full\", \"streams\": [\"factors\"]}}"
            )
        })
    }
}

/// User, method and time of a proof that succeeded; `None` for the password's.
fn proof(event: &Value) -> Option<(String, String, Timestamp)> {
    if event["outcome"]["result"] != "SUCCESS" {
        return None;
    }
    let actor = &event["actor"];
    let user = text(actor, &["id"]).filter(|_| actor["type"] == "User")?;
    let at = text(event, &["published"])?.parse().ok()?;
    let method = method(event)?;
    let is_password = method.to_ascii_lowercase().contains("password");
    (!is_password && user != "unknown").then_some((user, method, at))
}

/// The method's name, wherever the event has it.
fn method(event: &Value) -> Option<String> {
    let targets = event["target"].as_array().into_iter().flatten();
    let authenticators = || {
        targets.clone().filter(|target| {
            target["type"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("Authenticator"))
        })
    };
    let of_target = |path: &[&str]| authenticators().find_map(|target| text(target, path));
    let name = text(event, &["debugContext", "debugData", "factor"])
        .or_else(|| of_target(&["detailEntry", "methodTypeUsed"]))
        .or_else(|| of_target(&["displayName"]))
        .or_else(|| text(event, &["authenticationContext", "credentialType"]))
        .or_else(|| (event["eventType"] == PROOFS[0]).then(|| "unknown".to_owned()))?;
    Some(name.chars().take(LONGEST_NAME).collect())
}

fn is_weak(method: &str) -> bool {
    let method = method.to_ascii_lowercase();
    ["email", "question"]
        .iter()
        .any(|weak| method.contains(weak))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authomize::{Bundle, UserUpdate};
    use crate::record::{OcsfEvent, Op, SCHEMA};
    use serde_json::value::to_raw_value;

    fn record(stream: &'static str, id: &str, source: Value) -> Record {
        let event_type = source["eventType"].as_str().unwrap_or_default().to_owned();
        let ocsf = (stream == "activity").then(|| OcsfEvent {
            text: to_raw_value(&json!({})).unwrap(),
            at: Timestamp::UNIX_EPOCH,
            event_type,
        });
        Record {
            schema: SCHEMA,
            stream,
            op: Op::Upsert,
            id: id.to_owned(),
            observed_at: String::new(),
            cause: None,
            bundle: Bundle::default(),
            source: Some(source.into()),
            ocsf,
        }
    }

    fn event(kind: &str, user: &str, factor: &str) -> Record {
        let source = json!({
            "eventType": kind, "actor": {"id": user, "type": "User"}, "outcome": {"result": "SUCCESS"},
            "published": "2026-11-23T18:00:00.000Z", "debugContext": {"debugData": {"factor": factor}},
        });
        record("activity", "e", source)
    }

    fn passes(user: &str, factor: &str) -> Record {
        event(PROOFS[0], user, factor)
    }

    /// The record of somebody's factors after the log has had its say.
    fn read(seen: &mut SeenMethods, user: &str, has_mfa: bool) -> Record {
        let mut record = record("factors", user, json!({"user_id": user, "factors": []}));
        record.bundle.update_users.push(UserUpdate {
            unique_id: user.to_owned(),
            has_mfa: Some(has_mfa),
            ..UserUpdate::default()
        });
        seen.reading(&mut record);
        record
    }

    fn methods(record: &Record) -> Value {
        record.source.as_ref().unwrap().read::<Value>().unwrap()["seen_methods"].clone()
    }

    #[test]
    fn who_has_passed_a_factor_has_one_whatever_was_read() {
        let mut seen = SeenMethods::default();
        assert_eq!(seen.event(&passes("00u1", "OKTA_VERIFY_PUSH")), None);
        let record = read(&mut seen, "00u1", false);
        assert_eq!(record.bundle.update_users[0].has_mfa, Some(true));
        let expected = json!([{"method": "OKTA_VERIFY_PUSH", "at": "2026-11-23T18:00:00Z"}]);
        assert_eq!(methods(&record), expected);
        assert_eq!(seen.event(&passes("00u1", "OKTA_VERIFY_PUSH")), None);
        assert_eq!(
            seen.event(&passes("00u1", "GOOGLE_OTP")).as_deref(),
            Some("00u1"),
            "what the record does not tell yet is read again"
        );
        let record = read(&mut seen, "00u2", false);
        assert_eq!(record.bundle.update_users[0].has_mfa, Some(false));
        assert_eq!(methods(&record), Value::Null);
    }

    #[test]
    fn a_password_proves_nothing_and_a_mailbox_no_second_factor() {
        let mut seen = SeenMethods::default();
        seen.event(&passes("00u1", "PASSWORD_AS_FACTOR"));
        seen.event(&passes("00u2", "EMAIL_FACTOR"));
        let mut failed = passes("00u3", "SMS_FACTOR");
        failed.source =
            Some(json!({"eventType": PROOFS[0], "outcome": {"result": "FAILURE"}}).into());
        seen.event(&failed);
        seen.event(&event("user.session.start", "00u3", "SMS_FACTOR"));
        for (user, has_mfa) in [("00u1", Some(false)), ("00u2", None), ("00u3", Some(false))] {
            let record = read(&mut seen, user, false);
            assert_eq!(record.bundle.update_users[0].has_mfa, has_mfa, "{user}");
        }
    }

    #[test]
    fn a_method_is_found_wherever_an_event_names_it() {
        let actor = json!({"id": "00u1", "type": "User"});
        for (rest, expected) in [
            (
                json!({"target": [{"type": "AuthenticatorEnrollment", "displayName": "Okta Verify", "detailEntry": {"methodTypeUsed": "signed_nonce"}}]}),
                Some("signed_nonce"),
            ),
            (
                json!({"target": [{"type": "AuthenticatorEnrollment", "displayName": "Password", "detailEntry": null}]}),
                None,
            ),
            (
                json!({"authenticationContext": {"credentialType": "OTP"}}),
                Some("OTP"),
            ),
            (json!({"target": null}), None),
        ] {
            let mut event = json!({"eventType": PROOFS[1], "actor": actor, "outcome": {"result": "SUCCESS"}, "published": "2026-11-23T18:00:00Z"});
            event
                .as_object_mut()
                .unwrap()
                .extend(rest.as_object().unwrap().clone());
            let found = proof(&event).map(|(_, method, _)| method);
            assert_eq!(found.as_deref(), expected, "{rest}");
        }
    }

    #[test]
    fn a_reset_ends_what_was_seen() {
        let mut seen = SeenMethods::default();
        read(&mut seen, "00u1", false);
        seen.event(&passes("00u1", "SMS_FACTOR"));
        let source = json!({"eventType": ENDS[0], "actor": {"id": "00uAdmin"}, "target": [{"id": "00u1", "type": "User"}]});
        seen.event(&record("activity", "e", source));
        let record = read(&mut seen, "00u1", false);
        assert_eq!(record.bundle.update_users[0].has_mfa, Some(false));
    }

    #[test]
    fn factors_are_hidden_where_more_than_a_tenth_is_contradicted() {
        let mut seen = SeenMethods::default();
        (0..20).for_each(|n| drop(read(&mut seen, &format!("00u{n}"), false)));
        for n in 0..2 {
            seen.event(&passes(&format!("00u{n}"), "SMS_FACTOR"));
        }
        assert_eq!(seen.hidden(), None);
        seen.event(&passes("00u2", "SMS_FACTOR"));
        assert!(seen.hidden().unwrap().contains("3 of 20"));
        (0..3).for_each(|n| drop(read(&mut seen, &format!("00u{n}"), true)));
        assert_eq!(seen.hidden(), None, "what shows again is not hidden");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_survives_a_manifest() {
        let mut seen = SeenMethods::default();
        for n in 0..MOST_PEOPLE + 10 {
            seen.event(&passes(&format!("00u{n}"), "SMS_FACTOR"));
            read(&mut seen, &format!("00v{n}"), false);
        }
        (0..20).for_each(|n| drop(seen.event(&passes("00u1", &format!("factor {n}")))));
        assert_eq!(
            (seen.seen.len(), seen.bare.len()),
            (MOST_PEOPLE, MOST_PEOPLE)
        );
        assert_eq!(seen.seen["00u1"].len(), MOST_METHODS);
        let mut cursor = json!({"version": 2});
        seen.keep_in(&mut cursor);
        assert_eq!(SeenMethods::of(&cursor), seen);
        seen.all_are_read();
        assert!(seen.seen.is_empty(), "everybody else has a factor as read");
        assert_eq!(SeenMethods::of(&json!({KEY: 7})), SeenMethods::default());
    }
}
