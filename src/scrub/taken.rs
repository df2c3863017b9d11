//! Values that were taken out of an object, and the cutting of them wherever else they stand in it: as values, inside
//! texts, addresses (decoded) and keys. Rules by place miss the next place; a value is the same in all.
//!
//! The more a value says, the more it may take with it:
//!
//! | value | is cut |
//! |---|---|
//! | `true`, `null`, `unknown`, … | nowhere else: it says nothing |
//! | short: under 4 letters, or a number of under 6 digits (`US`, `1`) | where it is the whole of a profile's value |
//! | a word (`Sales`) | where it is a whole value, and as a whole word of a longer text |
//! | telling: 8 letters or more that are not only letters and spaces (`ada@acme.example`) | inside words, too |
//!
//! Ids are never cut. Okta's own words (`ACTIVE` as a status, `user.session.start` as a type), times and keys are not
//! cut because a profile happens to hold the same word.

use std::borrow::Cow;
use std::ops::Range;

use super::view::{self, folded};
use crate::json::Json;

/// A shorter value is looked for as a whole value of profiles alone.
const LEAST_LETTERS: usize = 4;
/// The same of a value that is a number: shorter ones are years, ports and counts.
const LEAST_DIGITS: usize = 6;
/// A value of so many letters that is no plain word is looked for inside words, too.
const TELLING_LETTERS: usize = 8;
/// The same of a credential that was found in a text: a shorter one may be a word.
const CREDENTIAL_LETTERS: usize = 6;
/// Rounds of decoding that a credential in an address may have been encoded by.
const DEEPEST: usize = 4;

/// Values that say nothing of anybody.
const NOTHINGS: [&str; 9] = [
    "true",
    "false",
    "yes",
    "no",
    "null",
    "none",
    "unknown",
    "undefined",
    "n/a",
];
/// Members whose members are a person's or a thing's data, and not the schema's.
const PROFILES: [&str; 4] = ["profile", "changeDetails", "detailEntry", "profileChanges"];
/// Members of other objects that hold the same data as a profile.
const OF_PROFILES: [&str; 10] = [
    "alternateId",
    "displayName",
    "email",
    "emails",
    "externalId",
    "externalName",
    "label",
    "login",
    "userName",
    "usernameOrEmail",
];
/// Members that hold an id that records and references hang on.
const IDS: [&str; 11] = [
    "id",
    "uuid",
    "user_id",
    "group_id",
    "app_id",
    "idp_id",
    "principal_id",
    "resource_id",
    "role",
    "resource-set",
    "kid",
];
/// Ends of the names of members that hold Okta's own words and times.
const SCHEMA_ENDS: [&str; 21] = [
    "type",
    "status",
    "state",
    "mode",
    "scope",
    "scopes",
    "result",
    "action",
    "class",
    "severity",
    "version",
    "features",
    "algorithm",
    "alg",
    "use",
    "provider",
    "created",
    "updated",
    "changed",
    "published",
    "activated",
];

/// How much a value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Short,
    Word,
    Telling,
}

struct Value {
    /// Its letters, folded.
    letters: Vec<char>,
    weight: Weight,
    /// Whether one of Okta's own words or a time could be the same.
    is_schema_like: bool,
    /// Its replacement; nothing if it is cut.
    instead: String,
}

/// Values that were taken out of an object. They do not print.
#[derive(Default)]
pub(super) struct Taken {
    values: Vec<Value>,
}

impl Taken {
    /// Remembers a value of an attribute: each text and number in it.
    pub(super) fn attribute(&mut self, value: &Json<'_>) {
        match value {
            Json::Text(text) => self.add(text, String::new()),
            Json::Number(number) => self.add(&number.to_string(), String::new()),
            Json::Array(items) => items.iter().for_each(|item| self.attribute(item)),
            Json::Object(members) => members.iter().for_each(|(_, value)| self.attribute(value)),
            Json::Null | Json::Bool(_) => {}
        }
    }

    /// Remembers a name, in whose place something else stands.
    pub(super) fn name(&mut self, name: &str, instead: String) {
        self.add(name, instead);
    }

    /// Remembers a credential that was a value of its own.
    pub(super) fn credential(&mut self, value: &str) {
        let lines = value.lines().map(str::trim);
        lines
            .filter(|line| !line.starts_with("-----"))
            .for_each(|line| self.add(line, String::new()));
    }

    /// Remembers a value of an attribute that stood in a text, decoded.
    pub(super) fn attribute_in_text(&mut self, value: &str) {
        self.add(&decoded(value), String::new());
    }

    /// Remembers a credential that stood in a text, decoded.
    pub(super) fn credential_in_text(&mut self, value: &str) {
        let value = decoded(value);
        let is_word =
            value.chars().all(char::is_alphabetic) && value.len() < 2 * CREDENTIAL_LETTERS;
        if value.len() >= CREDENTIAL_LETTERS && !is_word {
            self.add(&value, String::new());
        }
    }

    fn add(&mut self, value: &str, instead: String) {
        let value = value.trim();
        let letters: Vec<char> = value.chars().map(folded).collect();
        let is_known = self.values.iter().any(|known| known.letters == letters);
        if value.is_empty() || is_known || NOTHINGS.iter().any(|no| value.eq_ignore_ascii_case(no))
        {
            return;
        }
        self.values.push(Value {
            weight: weight(value),
            is_schema_like: is_schema_like(value),
            letters,
            instead,
        });
    }

    /// Cuts the values wherever they stand; returns whether there was anything to cut.
    pub(super) fn cut(&self, json: &mut Json<'_>) -> bool {
        if self.values.is_empty() {
            return false;
        }
        let place = Place {
            name: "",
            is_profile: false,
        };
        match self.cut_value(json, place) {
            Fate::Stays => false,
            Fate::Changed => true,
            Fate::Goes => {
                *json = Json::Text(Cow::Borrowed(""));
                true
            }
        }
    }

    /// A text without the values, or `None` if it holds none.
    pub(super) fn cut_text(&self, text: &str) -> Option<String> {
        let mut json = Json::Text(text.into());
        self.cut(&mut json)
            .then(|| json.as_str().unwrap_or_default().to_owned())
    }

    fn cut_value(&self, json: &mut Json<'_>, place: Place<'_>) -> Fate {
        match json {
            Json::Object(members) => self.cut_members(members, place),
            Json::Array(items) => {
                let before = items.len();
                let mut is_changed = false;
                items.retain_mut(|item| {
                    let fate = self.cut_value(item, place);
                    is_changed |= fate == Fate::Changed;
                    fate != Fate::Goes
                });
                Fate::changed(is_changed || items.len() < before)
            }
            Json::Text(text) => self.cut_in(text, place),
            Json::Number(number) => {
                let text = number.to_string();
                match self.whole(&text, place) {
                    Some(value) if value.instead.is_empty() => Fate::Goes,
                    Some(value) => {
                        *json = Json::Text(Cow::Owned(value.instead.clone()));
                        Fate::Changed
                    }
                    None => Fate::Stays,
                }
            }
            Json::Null | Json::Bool(_) => Fate::Stays,
        }
    }

    fn cut_members(&self, members: &mut Vec<(Cow<'_, str>, Json<'_>)>, place: Place<'_>) -> Fate {
        let before = members.len();
        let (mut is_changed, mut is_renamed) = (false, false);
        members.retain_mut(|(name, value)| {
            let place = Place {
                name,
                is_profile: place.is_profile || PROFILES.contains(&name.as_ref()),
            };
            let fate = self.cut_value(value, place);
            is_changed |= fate == Fate::Changed;
            if fate == Fate::Goes {
                return false;
            }
            let is_schema = is_key_of_schema(name);
            let Some(rest) = self.within(name, |value, is_plain| {
                !(is_plain && is_schema && value.is_schema_like)
            }) else {
                return true;
            };
            is_renamed = true;
            *name = Cow::Owned(rest);
            !name.trim().is_empty()
        });
        if is_renamed {
            // Of two names that became one the first stays.
            let mut names = std::collections::HashSet::new();
            members.retain(|(name, _)| names.insert(name.clone()));
        }
        Fate::changed(is_changed || is_renamed || members.len() < before)
    }

    fn cut_in(&self, text: &mut Cow<'_, str>, place: Place<'_>) -> Fate {
        if place.is_id(text) {
            return Fate::Stays;
        }
        if let Some(value) = self.whole(text, place) {
            if value.instead.is_empty() {
                return Fate::Goes;
            }
            *text = Cow::Owned(value.instead.clone());
            return Fate::Changed;
        }
        let is_schema = place.is_schema();
        let Some(rest) = self.within(text, |value, is_plain| {
            !(is_plain && is_schema && value.is_schema_like)
        }) else {
            return Fate::Stays;
        };
        *text = Cow::Owned(rest);
        if text.trim().is_empty() {
            Fate::Goes
        } else {
            Fate::Changed
        }
    }

    /// The value that this text is.
    fn whole(&self, text: &str, place: Place<'_>) -> Option<&Value> {
        let text = text.trim();
        let is = |value: &&Value| {
            value.letters.len() <= text.len()
                && text.chars().map(folded).eq(value.letters.iter().copied())
        };
        let value = self.values.iter().find(is)?;
        let is_there = match value.weight {
            // A withheld name is one wherever it stands alone.
            Weight::Short if value.instead.is_empty() => place.is_of_profile(),
            _ => !(place.is_schema() && value.is_schema_like),
        };
        is_there.then_some(value)
    }

    /// The text without the values that count in it (given whether it is looked at as it stands); `None` if it has none.
    fn within(&self, text: &str, counts: impl Fn(&Value, bool) -> bool) -> Option<String> {
        let could =
            |value: &&Value| value.weight > Weight::Short && value.letters.len() <= text.len();
        let values: Vec<&Value> = self.values.iter().filter(could).collect();
        if values.is_empty() {
            return None;
        }
        let mut cuts: Vec<(Range<usize>, &str)> = Vec::new();
        view::every(text, &mut |view, is_plain| {
            for value in values.iter().filter(|value| counts(value, is_plain)) {
                let as_words = value.weight < Weight::Telling;
                let mut cut = |range| cuts.push((range, value.instead.as_str()));
                view.find(&value.letters, as_words, &mut cut);
            }
        });
        (!cuts.is_empty()).then(|| without(text, cuts))
    }
}

/// A value as it was before it was encoded for an address.
pub(super) fn decoded(value: &str) -> Cow<'_, str> {
    let mut value = Cow::Borrowed(value);
    for _ in 0..DEEPEST {
        let Some(view) = view::unescaped(&value) else {
            break;
        };
        value = Cow::Owned(view.text());
    }
    value
}

fn without(text: &str, mut cuts: Vec<(Range<usize>, &str)>) -> String {
    cuts.sort_by_key(|(cut, _)| (cut.start, usize::MAX - cut.end));
    let mut rest = String::with_capacity(text.len());
    let mut kept_to = 0;
    for (cut, instead) in cuts {
        if cut.start >= kept_to {
            rest.push_str(&text[kept_to..cut.start]);
            rest.push_str(instead);
        }
        kept_to = kept_to.max(cut.end);
    }
    rest.push_str(&text[kept_to..]);
    rest
}

fn weight(value: &str) -> Weight {
    let letters = value.chars().count();
    let is_number = value
        .chars()
        .all(|letter| letter.is_ascii_digit() || "+-.".contains(letter));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_prose = value
        .chars()
        .all(|letter| letter.is_alphabetic() || letter == ' ');
    if letters < LEAST_LETTERS || is_number && digits < LEAST_DIGITS {
        Weight::Short
    } else if letters < TELLING_LETTERS || is_number || is_prose {
        Weight::Word
    } else {
        Weight::Telling
    }
}

/// Whether one of Okta's own words (`SUPER_ADMIN`, `user.session.start`, `AppUser`, `1.0`) or a time could read so.
fn is_schema_like(value: &str) -> bool {
    let all = |is: fn(u8) -> bool| {
        value
            .bytes()
            .all(|byte| is(byte) || byte == b'_' || byte == b'.')
    };
    all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        || all(|byte| byte.is_ascii_lowercase())
        || all(|byte| byte.is_ascii_alphabetic())
        || value.parse::<jiff::Timestamp>().is_ok()
}

/// Whether a key may be the schema's own: those begin with a small letter, and a name does not.
fn is_key_of_schema(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(is_plain)
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Of the member that it is, or that it is an item of.
    name: &'a str,
    /// Whether it is a part of somebody's data.
    is_profile: bool,
}

impl Place<'_> {
    fn is_of_profile(self) -> bool {
        self.is_profile || OF_PROFILES.contains(&self.name)
    }

    fn is_id(self, text: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !self.is_profile && IDS.contains(&self.name) && text.bytes().all(is_plain)
    }

    fn is_schema(self) -> bool {
        let ends = |end: &&str| {
            let at = self.name.len().checked_sub(end.len());
            at.and_then(|at| self.name.get(at..))
                .is_some_and(|rest| rest.eq_ignore_ascii_case(end))
        };
        !self.is_of_profile() && SCHEMA_ENDS.iter().any(ends)
    }
}

/// The fate of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Changed,
    /// It is one of the values: it is still there.
    Goes,
}

impl Fate {
    fn changed(is_changed: bool) -> Self {
        if is_changed {
            Self::Changed
        } else {
            Self::Stays
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Tree, json};

    fn cut(value: &str, object: &Tree) -> Tree {
        let mut taken = Taken::default();
        taken.attribute(&Json::Text(value.into()));
        let mut json = Json::from(object);
        let is_cut = taken.cut(&mut json);
        let rest = Tree::from(json);
        assert_eq!(is_cut, rest != *object, "{object}");
        rest
    }

    #[test]
    fn a_value_is_cut_as_a_value_in_texts_in_addresses_and_in_keys() {
        let object = json!({
            "id": "00u1", "emails": [{"value": "Ada@acme.example", "status": "VERIFIED"}], "note": "to ada@acme.example.",
            "url": "/x?u=ada%2540acme.example&y=1", "by": {"ada@acme.example": 1, "b": 2}, "n": 7,
        });
        let rest = json!({
            "id": "00u1", "emails": [{"status": "VERIFIED"}], "note": "to .", "url": "/x?u=&y=1", "by": {"b": 2}, "n": 7,
        });
        assert_eq!(cut("ada@acme.example", &object), rest);
    }

    #[test]
    fn a_short_or_common_value_takes_no_id_status_or_text_with_it() {
        let object = json!({
            "id": "1", "status": "ACTIVE", "type": {"id": "ACTIVE"}, "eventType": "user.session.active", "priority": 1, "enabled": true,
            "place": {"country": "US", "n": "1"}, "displayMessage": "1 of US is true", "outcome": {"result": "ACTIVE"}, "version": "1",
            "created": "2026-01-01T00:00:00.000Z", "ACTIVE": 1, "active": 2, "features": ["ACTIVE"],
        });
        for value in [
            "US",
            "1",
            "true",
            "null",
            "unknown",
            "00",
            "",
            " ",
            "2026-01-01T00:00:00.000Z",
            "session",
            "created",
        ] {
            assert_eq!(cut(value, &object), object, "{value}");
        }
        let rest = cut("ACTIVE", &object);
        for path in [
            "/id",
            "/status",
            "/type/id",
            "/eventType",
            "/outcome/result",
            "/active",
            "/features/0",
        ] {
            assert_eq!(rest.pointer(path), object.pointer(path), "{path}");
        }
    }

    #[test]
    fn a_short_value_is_cut_from_the_data_of_a_profile() {
        let object = json!({"profile": {"a": "US", "b": "USA", "c": ["US"]}, "displayName": "us", "x": "US"});
        let rest = json!({"profile": {"b": "USA", "c": []}, "x": "US"});
        assert_eq!(cut("US", &object), rest);
        let object = json!({"profile": {"a": 7, "b": 77, "c": "7"}, "priority": 7});
        assert_eq!(
            cut("7", &object),
            json!({"profile": {"b": 77}, "priority": 7})
        );
    }

    #[test]
    fn a_word_is_cut_as_a_word_and_a_telling_value_inside_words() {
        let object = json!({"a": "Sales and Presales", "b": "SALES", "c": "x%20Sales"});
        assert_eq!(
            cut("Sales", &object),
            json!({"a": " and Presales", "c": "x%20"})
        );
        let object = json!({"a": "xhush-2026x", "b": 2026, "c": "2026-11"});
        assert_eq!(
            cut("hush-2026", &object),
            json!({"a": "xx", "b": 2026, "c": "2026-11"})
        );
    }

    #[test]
    fn names_that_become_one_stay_one() {
        let object = json!({"x hush-2026": 1, "x ": 2, "hush-2026": 3});
        assert_eq!(cut("hush-2026", &object), json!({"x ": 1}));
    }

    #[test]
    fn what_stands_in_a_names_place_stands_wherever_the_name_stood() {
        let mut taken = Taken::default();
        taken.name("Winter 2026!", "withheld:1".to_owned());
        let object = json!({"a": "Winter 2026!", "b": "for Winter+2026%21 here", "n": [{"Winter 2026!": 1}]});
        let mut json = Json::from(&object);
        assert!(taken.cut(&mut json));
        assert_eq!(
            Tree::from(json),
            json!({"a": "withheld:1", "b": "for withheld:1 here", "n": [{"withheld:1": 1}]})
        );
    }
}
