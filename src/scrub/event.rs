//! System Log events: dropped attributes in what has changed.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/>

use std::borrow::Cow;

use super::nobody::{self, PEOPLE};
use super::taken::Taken;
use super::text::without_parameters;
use super::{Pass, Rules, UnknownActors};
use crate::json::Json;

/// Members of an event about the request, never about a profile.
const OF_THE_REQUEST: [&str; 15] = [
    "authenticationContext",
    "client",
    "device",
    "displayMessage",
    "eventType",
    "legacyEventType",
    "outcome",
    "published",
    "request",
    "securityContext",
    "severity",
    "tid",
    "transaction",
    "uuid",
    "version",
];
/// Members of an actor or target that are in every one.
const OF_A_PARTY: [&str; 4] = ["id", "type", "alternateId", "displayName"];
/// Members whose text names the attribute of the members beside it.
const NAMING: [&str; 7] = [
    "attribute",
    "attributeName",
    "field",
    "key",
    "name",
    "path",
    "property",
];
/// Members beside an attribute's name that hold its value.
const HOLDING: [&str; 10] = [
    "after", "before", "data", "from", "new", "newValue", "old", "oldValue", "to", "value",
];

/// As [`scrub`](super::scrub), and moreover removes from a System Log event
/// - the values of dropped attributes in targets, actor and debug data: as members (`changeDetails.from`,
///   `detailEntry`), beside their name, in JSON inside a text, as parameters, and as the name that Okta shows of a person;
/// - the names of actors and targets that are nobody Okta knows, as the rules say;
/// - all of these wherever else in the event they stand.
///
/// Returns whether there was anything to remove.
pub fn scrub_event(event: &mut Json<'_>, rules: &Rules) -> bool {
    let mut pass = Pass::new(rules);
    let mut removed = pass.look_through(event);
    if !rules.drop_attributes.is_empty() {
        let dropped = Dropped {
            attributes: &rules.drop_attributes,
            taken: &mut pass.taken,
        };
        removed |= dropped.of_event(event);
    }
    if rules.unknown_actors == UnknownActors::Emails {
        removed |= nobody::hide(event, &mut pass);
    }
    pass.taken.cut(event) | removed
}

/// Attributes whose values are removed, and those values.
struct Dropped<'a> {
    attributes: &'a [String],
    taken: &'a mut Taken,
}

impl Dropped<'_> {
    fn of_event(mut self, event: &mut Json<'_>) -> bool {
        let Json::Object(members) = event else {
            return false;
        };
        let mut removed = false;
        for (name, value) in members
            .iter_mut()
            .filter(|(name, _)| !OF_THE_REQUEST.contains(&name.as_ref()))
        {
            match (name.as_ref(), value) {
                ("actor", party) => removed |= self.of_party(party),
                ("target", Json::Array(parties)) => {
                    parties
                        .iter_mut()
                        .for_each(|party| removed |= self.of_party(party));
                }
                (_, value) => removed |= self.within(value),
            }
        }
        removed
    }

    /// The name that Okta shows of a person is their attribute `displayName`, the other one their `login`.
    fn of_party(&mut self, party: &mut Json<'_>) -> bool {
        let is_person = party
            .get("type")
            .and_then(Json::as_str)
            .is_some_and(|kind| PEOPLE.contains(&kind));
        let Json::Object(members) = party else {
            return false;
        };
        let own = |name: &Cow<'_, str>| OF_A_PARTY.contains(&name.as_ref());
        let before = members.len();
        members.retain(|(name, value)| {
            let is_dropped = match name.as_ref() {
                "displayName" | "alternateId" if !is_person => false,
                "displayName" => self.names("displayName"),
                "alternateId" => self.names("login"),
                _ => !own(name) && self.names(name),
            };
            if is_dropped {
                self.taken.attribute(value);
            }
            !is_dropped
        });
        let is_shorter = members.len() < before;
        let rest = members.iter_mut().filter(|(name, _)| !own(name));
        rest.fold(is_shorter, |removed, (_, value)| {
            self.within(value) | removed
        })
    }

    /// Whether a member's name is a dropped attribute's, possibly with its place before it (`profile.title`).
    fn names(&self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or_default();
        self.attributes
            .iter()
            .any(|dropped| dropped == name || dropped == last)
    }

    fn within(&mut self, value: &mut Json<'_>) -> bool {
        match value {
            Json::Object(members) => self.of_members(members),
            Json::Array(items) => items
                .iter_mut()
                .fold(false, |removed, item| self.within(item) | removed),
            Json::Text(text) => self.of_text(text),
            Json::Null | Json::Bool(_) | Json::Number(_) => false,
        }
    }

    fn of_members(&mut self, members: &mut Vec<(Cow<'_, str>, Json<'_>)>) -> bool {
        let before = members.len();
        members.retain(|(name, value)| {
            let is_dropped = self.names(name);
            if is_dropped {
                self.taken.attribute(value);
            }
            !is_dropped
        });
        let is_naming = |(name, value): &(Cow<'_, str>, Json<'_>)| {
            NAMING.contains(&name.as_ref()) && value.as_str().is_some_and(|text| self.names(text))
        };
        if members.iter().any(is_naming) {
            members
                .iter()
                .filter(|(name, _)| HOLDING.contains(&name.as_ref()))
                .for_each(|(_, value)| self.taken.attribute(value));
            let is_naming = |member: &(Cow<'_, str>, Json<'_>)| NAMING.contains(&member.0.as_ref());
            members.retain(is_naming);
        }
        let is_shorter = members.len() < before;
        members.iter_mut().fold(is_shorter, |removed, (_, value)| {
            self.within(value) | removed
        })
    }

    fn of_text(&mut self, text: &mut Cow<'_, str>) -> bool {
        let json = text
            .starts_with(['{', '['])
            .then(|| Json::parse(text).ok())
            .flatten();
        let rest = match json {
            Some(mut json) => self
                .within(&mut json)
                .then(|| serde_json::to_string(&json).ok())
                .flatten(),
            None => without_parameters(text, &|name| self.names(name)).map(|(rest, values)| {
                values
                    .into_iter()
                    .for_each(|value| self.taken.attribute_in_text(value));
                rest
            }),
        };
        let Some(rest) = rest else { return false };
        *text = Cow::Owned(rest);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::NameKey;
    use super::super::nobody::is_email;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn scrubbed(event: &Value, rules: &Rules) -> Value {
        let text = event.to_string();
        let mut json = Json::parse(&text).unwrap();
        let removed = scrub_event(&mut json, rules);
        let rest = Value::from(json);
        assert_eq!(removed, rest != *event, "{event}");
        rest
    }

    fn without(event: &Value, attributes: &[&str]) -> Value {
        let drop_attributes = attributes
            .iter()
            .map(|&attribute| attribute.to_owned())
            .collect();
        scrubbed(
            event,
            &Rules {
                drop_attributes,
                ..Rules::default()
            },
        )
    }

    fn event() -> Value {
        json!({
            "uuid": "e1", "published": "2026-11-23T18:00:00.000Z", "eventType": "user.account.update_profile",
            "displayMessage": "Update user profile", "outcome": {"result": "SUCCESS"},
            "actor": {"id": "00u1", "type": "User", "alternateId": "ada@acme.example", "displayName": "Ada Lovelace"},
            "client": {"geographicalContext": {"city": "London", "state": "England"}, "device": "Computer"},
            "debugContext": {"debugData": {"requestId": "r", "changedAttributes": "mobilePhone,city"}},
            "target": [
                {"id": "00u2", "type": "User", "alternateId": "bob@acme.example", "displayName": "Bob"},
                {"id": "00g1", "type": "UserGroup", "alternateId": "unknown", "displayName": "Engineers"},
            ],
        })
    }

    #[test]
    fn a_dropped_attribute_goes_from_every_shape_of_a_change() {
        for change in [
            json!({"changeDetails": {"from": {"mobilePhone": "hush"}, "to": {"mobilePhone": "hush", "title": "x"}}}),
            json!({"changeDetails": {"from": {"profile": {"mobilePhone": "hush"}}}}),
            json!({"changeDetails": {"to": {"user.profile.mobilePhone": ["hush"]}}}),
            json!({"changeDetails": [{"attribute": "mobilePhone", "from": "hush", "to": "hush"}]}),
            json!({"changeDetails": {"to": "{\"mobilePhone\":\"hush\",\"title\":\"x\"}"}}),
            json!({"detailEntry": {"mobilePhone": "hush", "status": "ACTIVE"}}),
            json!({"detailEntry": {"operations": [{"op": "replace", "path": "profile.mobilePhone", "value": {"x": "hush"}}]}}),
            json!({"mobilePhone": "hush"}),
        ] {
            let mut event = event();
            event["target"][0]
                .as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            let rest = without(&event, &["mobilePhone"]);
            assert!(!rest.to_string().contains("hush"), "{rest}");
            assert_eq!(rest["target"][0]["displayName"], "Bob");
            let mut event = self::event();
            event["debugContext"]["debugData"]["more"] = change.clone();
            event["of_tomorrow"] = change;
            assert!(
                !without(&event, &["mobilePhone"])
                    .to_string()
                    .contains("hush")
            );
        }
        let mut event = event();
        event["debugContext"]["debugData"]["url"] = "/api/v1/users?mobilePhone=hush&limit=1".into();
        assert_eq!(
            without(&event, &["mobilePhone"])["debugContext"]["debugData"]["url"],
            "/api/v1/users?mobilePhone=&limit=1"
        );
    }

    #[test]
    fn what_is_of_the_request_is_no_attribute_of_a_profile() {
        let event = event();
        let request = [
            "city",
            "state",
            "device",
            "result",
            "id",
            "type",
            "uuid",
            "eventType",
            "mobilePhone",
        ];
        assert_eq!(without(&event, &request), event);
    }

    #[test]
    fn a_persons_shown_name_and_login_are_attributes() {
        let mut expected = event();
        for party in ["/actor", "/target/0"] {
            let party = expected
                .pointer_mut(party)
                .unwrap()
                .as_object_mut()
                .unwrap();
            party.remove("displayName");
            party.remove("alternateId");
        }
        assert_eq!(without(&event(), &["displayName", "login"]), expected);
    }

    fn failed(typed: &str) -> Value {
        let mut event = event();
        event["actor"] = json!({"id": "unknown", "type": "User", "alternateId": typed, "displayName": "unknown"});
        event["outcome"] = json!({"result": "FAILURE", "reason": "VERIFICATION_ERROR"});
        event
    }

    #[test]
    fn of_nobody_only_an_email_address_is_written() {
        for typed in [
            "Winter2026!",
            "P@ss.word1",
            "a@b",
            "two words@acme.example",
            "x@y@acme.example",
            "@acme.example",
            "hush",
        ] {
            let rules = Rules {
                names: Some(NameKey::of("hush")),
                ..Rules::default()
            };
            let rest = scrubbed(&failed(typed), &rules);
            let name = rest["actor"]["alternateId"].as_str().unwrap_or_default();
            assert_eq!(name.len(), "withheld:".len() + 32, "{typed}: {rest}");
            assert!(!rest.to_string().contains(typed), "{typed}");
        }
        for typed in ["ada@acme.example", "o'hara+x@mail.acme.co.uk", "unknown"] {
            assert_eq!(scrubbed(&failed(typed), &Rules::default()), failed(typed));
        }
        let mut suspicious = failed("2001:db8::1");
        suspicious["actor"]["type"] = "unknown".into();
        assert_eq!(scrubbed(&suspicious, &Rules::default()), suspicious);
        let keep = Rules {
            unknown_actors: UnknownActors::Keep,
            ..Rules::default()
        };
        assert_eq!(
            scrubbed(&failed("Winter2026!"), &keep),
            failed("Winter2026!")
        );
    }

    #[test]
    fn what_nobody_typed_goes_wherever_the_event_repeats_it() {
        let typed = "Winter 2026!";
        for id in [
            json!("unknown"),
            json!("UNKNOWN"),
            json!(""),
            Value::Null,
            json!(7),
        ] {
            let mut event = failed(typed);
            event["actor"]["id"] = id.clone();
            event["target"][0] =
                json!({"id": id, "type": "AppUser", "alternateId": typed, "displayName": typed});
            event["displayMessage"] = format!("Sign-in of {typed} failed").into();
            event["outcome"]["reason"] = format!("no user {typed}").into();
            event["debugContext"]["debugData"] = json!({
                "login": typed, "url": "/login?username=Winter+2026%21&x=1", "uri": "/login?username=Winter%202026%21", "more": [format!("<{typed}>")],
            });
            let rest = scrubbed(&event, &Rules::default());
            assert!(!rest.to_string().contains("Winter"), "{rest}");
            assert_eq!(
                (&rest["displayMessage"], &rest["outcome"]["result"]),
                (&json!("Sign-in of withheld: failed"), &json!("FAILURE"))
            );
            assert_eq!(
                rest["debugContext"]["debugData"]["url"],
                "/login?username=withheld:&x=1"
            );
        }
    }

    #[test]
    fn a_name_that_the_actor_does_not_repeat_is_withheld_all_the_same() {
        for data in [
            json!({"usernameOrEmail": "Winter2026!"}),
            json!({"more": [{"user_name": "Winter2026!", "x": "Winter2026!"}]}),
            json!({"url": "/login?username=Winter2026%21&x=1", "x": "for Winter2026! only"}),
            json!({"uri": "/login?fromURI=%2Fx%3Flogin_hint%3DWinter2026%2521"}),
            json!({"body": "{\"identifier\":\"Winter2026!\",\"rest\":\"stays\"}"}),
        ] {
            for actor in [
                json!(null),
                json!({"id": "unknown", "type": "User", "alternateId": "unknown"}),
            ] {
                let mut event = failed("unknown");
                event["actor"] = actor;
                event["debugContext"]["debugData"] = data.clone();
                let rest = scrubbed(&event, &Rules::default());
                assert!(!rest.to_string().contains("Winter"), "{rest}");
                assert!(rest.to_string().contains("withheld:"), "{rest}");
            }
            let mut known = event();
            known["debugContext"]["debugData"] = data;
            assert_eq!(scrubbed(&known, &Rules::default()), known);
        }
        let mut event = failed("unknown");
        event["debugContext"]["debugData"]["usernameOrEmail"] = "ada@acme.example".into();
        assert_eq!(scrubbed(&event, &Rules::default()), event);
    }

    #[test]
    fn a_dropped_value_goes_from_what_is_of_the_request_too() {
        let mut event = event();
        event["displayMessage"] = "changed to +44 20 7946 0000".into();
        event["request"] = json!({"x": "%2B44%2020%207946%200000"});
        event["client"]["note"] = "+44 20 7946 0000".into();
        event["target"][0]["changeDetails"] = json!({"to": {"mobilePhone": "+44 20 7946 0000"}});
        let rest = without(&event, &["mobilePhone"]);
        assert!(!rest.to_string().contains("7946"), "{rest}");
        assert_eq!(rest["displayMessage"], "changed to ");
    }

    #[test]
    fn a_name_of_somebody_or_something_stays() {
        for party in [
            json!({"id": "00u9", "type": "User", "alternateId": "ada.l", "displayName": "Ada"}),
            json!({"id": null, "type": "AppInstance", "alternateId": "Salesforce", "displayName": "Salesforce"}),
            json!({"id": "unknown", "type": "PolicyEntity", "alternateId": "unknown", "displayName": "Default Policy"}),
            json!({"id": "okta.1", "type": "SystemPrincipal", "alternateId": "system@okta.com", "displayName": "Okta System"}),
        ] {
            let mut event = event();
            event["actor"] = party.clone();
            event["target"][1] = party;
            assert_eq!(scrubbed(&event, &Rules::default()), event);
        }
    }

    #[test]
    fn events_of_any_shape_are_survived() {
        for event in [
            json!(null),
            json!([]),
            json!("x"),
            json!({"actor": [], "target": {}}),
            json!({"target": [null, 1, "x", []], "actor": "x"}),
        ] {
            assert_eq!(without(&event, &["x"]), event);
        }
    }

    proptest! {
        #[test]
        fn a_password_typed_as_a_name_is_nowhere(typed in "[!-~]{1,3}hush[!-~]{1,10}", place in 0..4_usize) {
            prop_assume!(!is_email(&typed));
            let mut event = failed(&typed);
            let told = ["displayMessage", "legacy", "debugContext", "of_tomorrow"][place];
            event[told] = json!([{"x": typed, "y": format!("tried {typed}")}]);
            let rest = scrubbed(&event, &Rules::default());
            prop_assert!(!rest.to_string().contains("hush"), "{}", rest);
        }

        #[test]
        fn a_dropped_attribute_goes_from_any_depth(path in prop::collection::vec("[a-m]{1,6}", 0..5), in_list in any::<bool>()) {
            let mut change = json!({"nickName": "hush", "title": "stays"});
            for name in path {
                change = if in_list { json!({ name: [change] }) } else { json!({ name: change }) };
            }
            let mut event = event();
            event["target"][0]["changeDetails"] = change;
            let rest = without(&event, &["nickName"]).to_string();
            prop_assert!(!rest.contains("hush") && rest.contains("stays"), "{}", rest);
        }
    }
}
