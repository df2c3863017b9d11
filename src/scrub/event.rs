//! System Log events: dropped attributes in what has changed, names of unknown actors.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/>

use std::borrow::Cow;

use url::form_urlencoded::byte_serialize;

use super::text::without_parameters;
use super::{Rules, UnknownActors, scrub};
use crate::json::Json;

/// Members of an event that tell of the request and never of a profile.
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
/// Members whose text names the attribute that the members beside it tell of.
const NAMING: [&str; 7] = [
    "attribute",
    "attributeName",
    "field",
    "key",
    "name",
    "path",
    "property",
];
/// Types of a party that is a person.
const PEOPLE: [&str; 2] = ["User", "AppUser"];
/// A shorter name is not looked for inside other texts: it may be a part of any word.
const SHORTEST_TYPED: usize = 4;

/// As [`scrub`], and moreover removes from a System Log event
/// - the values of dropped attributes in targets, actor and debug data: as members (`changeDetails.from`,
///   `detailEntry`), beside their name, in JSON inside a text, as parameters, and as the name that Okta shows of a person;
/// - the names of actors and targets that are nobody Okta knows, as the rules say.
///
/// Returns whether there was anything to remove.
pub fn scrub_event(event: &mut Json<'_>, rules: &Rules) -> bool {
    let mut removed = scrub(event, rules);
    if !rules.drop_attributes.is_empty() {
        removed |= drop_attributes(event, &rules.drop_attributes);
    }
    if rules.unknown_actors == UnknownActors::Emails {
        removed |= hide_unknown(event);
    }
    removed
}

fn drop_attributes(event: &mut Json<'_>, dropped: &[String]) -> bool {
    let Json::Object(members) = event else {
        return false;
    };
    let mut removed = false;
    for (name, value) in members
        .iter_mut()
        .filter(|(name, _)| !OF_THE_REQUEST.contains(&name.as_ref()))
    {
        match (name.as_ref(), value) {
            ("actor", party) => removed |= drop_of_party(party, dropped),
            ("target", Json::Array(parties)) => {
                parties
                    .iter_mut()
                    .for_each(|party| removed |= drop_of_party(party, dropped));
            }
            (_, value) => removed |= drop_within(value, dropped),
        }
    }
    removed
}

/// The name that Okta shows of a person is their attribute `displayName`, the other one their `login`.
fn drop_of_party(party: &mut Json<'_>, dropped: &[String]) -> bool {
    let is_person = party
        .get("type")
        .and_then(Json::as_str)
        .is_some_and(|kind| PEOPLE.contains(&kind));
    let Json::Object(members) = party else {
        return false;
    };
    let is_dropped = |attribute: &str| dropped.iter().any(|dropped| dropped == attribute);
    let before = members.len();
    members.retain(|(name, _)| {
        let attribute = match name.as_ref() {
            "displayName" => "displayName",
            "alternateId" => "login",
            _ => return true,
        };
        !(is_person && is_dropped(attribute))
    });
    let mut removed = members.len() < before;
    let own = |name: &Cow<'_, str>| OF_A_PARTY.contains(&name.as_ref());
    let before = members.len();
    members.retain(|(name, _)| own(name) || !names_one(name, dropped));
    removed |= members.len() < before;
    for (_, value) in members.iter_mut().filter(|(name, _)| !own(name)) {
        removed |= drop_within(value, dropped);
    }
    removed
}

/// Whether a member's name is a dropped attribute's, possibly with its place before it (`profile.title`).
fn names_one(name: &str, dropped: &[String]) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    dropped
        .iter()
        .any(|dropped| dropped == name || dropped == last)
}

fn drop_within(value: &mut Json<'_>, dropped: &[String]) -> bool {
    match value {
        Json::Object(members) => {
            let before = members.len();
            members.retain(|(name, _)| !names_one(name, dropped));
            let is_naming = |(name, value): &(Cow<'_, str>, Json<'_>)| {
                NAMING.contains(&name.as_ref())
                    && value.as_str().is_some_and(|text| names_one(text, dropped))
            };
            if members.iter().any(is_naming) {
                members.retain(is_naming);
            }
            let is_shorter = members.len() < before;
            members.iter_mut().fold(is_shorter, |removed, (_, value)| {
                drop_within(value, dropped) | removed
            })
        }
        Json::Array(items) => items
            .iter_mut()
            .fold(false, |removed, item| drop_within(item, dropped) | removed),
        Json::Text(text) => {
            let json = text
                .starts_with(['{', '['])
                .then(|| Json::parse(text).ok())
                .flatten();
            let rest = match json {
                Some(mut json) => drop_within(&mut json, dropped)
                    .then(|| serde_json::to_string(&json).ok())
                    .flatten(),
                None => without_parameters(text, &|name| names_one(name, dropped)),
            };
            let Some(rest) = rest else { return false };
            *text = Cow::Owned(rest);
            true
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// Removes the names of parties that are nobody Okta knows, and what was typed wherever it is repeated.
fn hide_unknown(event: &mut Json<'_>) -> bool {
    let Json::Object(members) = event else {
        return false;
    };
    let mut typed = Vec::new();
    for (name, value) in members.iter_mut() {
        match (name.as_ref(), value) {
            ("actor", party) => take_names(party, &mut typed),
            ("target", Json::Array(parties)) => parties
                .iter_mut()
                .for_each(|party| take_names(party, &mut typed)),
            _ => {}
        }
    }
    if typed.is_empty() {
        return false;
    }
    let repeats = |name: &str| {
        !OF_THE_REQUEST.contains(&name) || ["displayMessage", "request"].contains(&name)
    };
    for (name, value) in members.iter_mut() {
        match (name.as_ref(), value) {
            ("outcome", Json::Object(outcome)) => {
                outcome
                    .iter_mut()
                    .filter(|(name, _)| name == "reason")
                    .for_each(|(_, reason)| forget(reason, &typed));
            }
            (name, value) if repeats(name) => forget(value, &typed),
            _ => {}
        }
    }
    true
}

/// Takes the names of a person without an id, but for e-mail addresses.
fn take_names(party: &mut Json<'_>, typed: &mut Vec<String>) {
    let says = |text: &str| !text.trim().is_empty() && !text.eq_ignore_ascii_case("unknown");
    let text = |name: &str| {
        party
            .get(name)
            .and_then(Json::as_str)
            .filter(|text| says(text))
    };
    if text("id").is_some() || text("type").is_some_and(|kind| !PEOPLE.contains(&kind)) {
        return;
    }
    // Okta names a suspicious client that has no user by its address.
    let is_untyped = text("type").is_none();
    let is_address = |text: &str| is_untyped && text.parse::<std::net::IpAddr>().is_ok();
    let Json::Object(members) = party else { return };
    members.retain(|(name, value)| {
        let is_name = name == "alternateId" || name == "displayName";
        let name = value
            .as_str()
            .filter(|text| is_name && says(text) && !is_email(text) && !is_address(text));
        typed.extend(name.map(str::to_owned));
        name.is_none()
    });
}

/// Whether a text has the form of an e-mail address, the last part of whose host is letters.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| is_plain(byte) || byte == b'-')
    };
    let is_top =
        |label: &&str| label.len() >= 2 && !label.bytes().any(|byte| byte.is_ascii_digit());
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| is_plain(byte) || b".!#$%&'*+/=?^_`{|}~-".contains(&byte))
        && labels.len() >= 2
        && labels.iter().all(is_label)
        && labels.last().is_some_and(is_top)
}

/// Removes what was typed from all texts: as a whole at any length, as a part if it is long enough.
fn forget(value: &mut Json<'_>, typed: &[String]) {
    match value {
        Json::Object(members) => {
            members.retain(|(_, value)| {
                !value
                    .as_str()
                    .is_some_and(|text| typed.iter().any(|typed| typed == text))
            });
            members
                .iter_mut()
                .for_each(|(_, value)| forget(value, typed));
        }
        Json::Array(items) => items.iter_mut().for_each(|item| forget(item, typed)),
        Json::Text(text) => {
            for typed in typed.iter().filter(|typed| typed.len() >= SHORTEST_TYPED) {
                let encoded: String = byte_serialize(typed.as_bytes()).collect();
                let escaped = serde_json::to_string(typed).unwrap_or_default();
                for form in [
                    typed,
                    &encoded,
                    &encoded.replace('+', "%20"),
                    escaped.trim_matches('"'),
                ] {
                    if text.contains(form) {
                        *text = Cow::Owned(text.replace(form, ""));
                    }
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
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
            let rest = scrubbed(&failed(typed), &Rules::default());
            assert_eq!(
                rest["actor"],
                json!({"id": "unknown", "type": "User", "displayName": "unknown"}),
                "{typed}"
            );
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
                (&json!("Sign-in of  failed"), &json!("FAILURE"))
            );
            assert_eq!(
                rest["debugContext"]["debugData"]["url"],
                "/login?username=&x=1"
            );
        }
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
