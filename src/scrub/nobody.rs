//! System Log events of nobody Okta knows: a failed sign-in holds what was typed into the username field, passwords
//! included. Such a name is withheld, wherever the event has it, unless it has the form of an e-mail address.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/>

use std::borrow::Cow;

use super::names::withheld;
use super::taken::decoded;
use super::text::found_parameters;
use super::{Pass, is_folded, rest_before};
use crate::json::Json;

/// Types of a party that is a person.
pub(super) const PEOPLE: [&str; 2] = ["User", "AppUser"];
/// Members and parameters that hold the text typed as a name, without case, `_` and `-`.
const TYPED: [&str; 11] = [
    "email",
    "identifier",
    "login",
    "loginhint",
    "loginid",
    "principal",
    "upn",
    "user",
    "userlogin",
    "usernameoremail",
    "userprincipalname",
];
/// Ends of the names of such members: `attemptedUserName`, `samAccountName`.
const TYPED_ENDS: [&str; 4] = ["accountname", "emailaddress", "loginname", "username"];
/// Members of an event that repeat the typed text beside the actor.
const REPEATING: [&str; 2] = ["debugContext", "request"];

/// Withholds the names of parties that are nobody Okta knows, and remembers them so that they are cut wherever the
/// event repeats them. Returns whether there were any.
pub(super) fn hide(event: &mut Json<'_>, pass: &mut Pass<'_>) -> bool {
    let is_by_nobody = event.get("actor").is_none_or(is_nobody);
    let Json::Object(members) = event else {
        return false;
    };
    let mut hidden = false;
    for (name, value) in members.iter_mut() {
        match (name.as_ref(), value) {
            ("actor", party) => hidden |= hide_party(party, pass),
            ("target", Json::Array(parties)) => {
                parties
                    .iter_mut()
                    .for_each(|party| hidden |= hide_party(party, pass));
            }
            (name, value) if is_by_nobody && REPEATING.contains(&name) => {
                hidden |= hide_typed(value, pass);
            }
            _ => {}
        }
    }
    hidden
}

fn says(text: &str) -> bool {
    !text.trim().is_empty() && !text.eq_ignore_ascii_case("unknown")
}

/// A text of a party that says something.
fn text<'j>(party: &'j Json<'_>, name: &str) -> Option<&'j str> {
    party
        .get(name)
        .and_then(Json::as_str)
        .filter(|text| says(text))
}

/// Whether a party may be a person, and is none that Okta knows.
fn is_nobody(party: &Json<'_>) -> bool {
    text(party, "id").is_none() && text(party, "type").is_none_or(|kind| PEOPLE.contains(&kind))
}

/// Withholds the names of a person without an id, but for e-mail addresses.
fn hide_party(party: &mut Json<'_>, pass: &mut Pass<'_>) -> bool {
    if !is_nobody(party) {
        return false;
    }
    // Okta names a suspicious client that has no user by its address.
    let is_untyped = text(party, "type").is_none();
    let Json::Object(members) = party else {
        return false;
    };
    let mut hidden = false;
    for (name, value) in members.iter_mut() {
        let is_name = name == "alternateId" || name == "displayName";
        let is_address = |text: &str| is_untyped && text.parse::<std::net::IpAddr>().is_ok();
        if is_name && value.as_str().is_some_and(|text| !is_address(text)) {
            hidden |= withhold(value, pass);
        }
    }
    hidden
}

/// Puts the hash in the place of a name, unless it is an e-mail address.
fn withhold(value: &mut Json<'_>, pass: &mut Pass<'_>) -> bool {
    let Json::Text(name) = value else {
        return false;
    };
    let instead = remember(name, pass);
    let is_withheld = instead.is_some();
    if let Some(instead) = instead {
        *name = Cow::Owned(instead);
    }
    is_withheld
}

/// Remembers a name that is to be withheld; `None` if it may be written.
fn remember(name: &str, pass: &mut Pass<'_>) -> Option<String> {
    if !says(name) || is_email(name.trim()) {
        return None;
    }
    let instead = withheld(name.trim(), pass.rules.names.as_ref());
    pass.taken.name(name, instead.clone());
    Some(instead)
}

/// Withholds what was typed where a member's or a parameter's name says so: the actor does not always repeat it.
fn hide_typed(value: &mut Json<'_>, pass: &mut Pass<'_>) -> bool {
    match value {
        Json::Object(members) => members.iter_mut().fold(false, |hidden, (name, value)| {
            let is_hidden = match value {
                Json::Text(_) if is_typed(name) => withhold(value, pass),
                value => hide_typed(value, pass),
            };
            hidden | is_hidden
        }),
        Json::Array(items) => items
            .iter_mut()
            .fold(false, |hidden, item| hide_typed(item, pass) | hidden),
        Json::Text(text) => {
            // The values are remembered here; they are cut with all that was remembered.
            for typed in found_parameters(text, &is_typed) {
                remember(&decoded(&text[typed]), pass);
            }
            let json = text.starts_with(['{', '[']).then(|| Json::parse(text).ok());
            let Some(mut json) = json.flatten() else {
                return false;
            };
            let is_hidden = hide_typed(&mut json, pass);
            let rest = is_hidden
                .then(|| serde_json::to_string(&json).ok())
                .flatten();
            rest.is_some_and(|rest| {
                *text = Cow::Owned(rest);
                true
            })
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

fn is_typed(name: &str) -> bool {
    let ends = |end: &&str| rest_before(name, end).is_some();
    TYPED.iter().any(|typed| is_folded(name, typed)) || TYPED_ENDS.iter().any(ends)
}

/// Whether a text has the form of an e-mail address, the last part of whose host is letters.
pub(super) fn is_email(text: &str) -> bool {
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
