//! Data that is never written: links, embedded copies, every credential, and attributes that the
//! integration's owner has ruled out. By rule, not by list of places, so that an unknown future
//! shape is covered as well.
//!
//! | file | coverage |
//! |---|---|
//! | `mod` | members of any object |
//! | `text` | credentials inside texts: URLs, tokens, JSON in a text |
//! | `codes` | one-time codes in the paths of links |
//! | `event` | System Log events: dropped attributes in what has changed |
//! | `nobody` | System Log events: names of unknown actors |
//! | `names` | the keyed hash in the place of a name that is withheld |
//! | `taken` | values that were removed from one place, wherever else they stand |
//! | `view` | texts as they read decoded |
//! | `decode` | letters that stand for others |
//!
//! Most objects hold nothing that is to be removed. They are looked at once and not copied; what costs more is done
//! only where something was found.

mod codes;
mod decode;
mod event;
mod names;
mod nobody;
mod taken;
mod text;
mod view;

pub use event::scrub_event;
pub use names::NameKey;

use std::borrow::Cow;

use crate::json::Json;
use taken::Taken;
use text::Verdict;

/// What an integration says of its records: what its owner wants written and what not, and the org's Admin Console.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Profile attributes whose values are never written.
    pub drop_attributes: Vec<String>,
    /// The treatment of a name that belongs to nobody Okta knows.
    pub unknown_actors: UnknownActors,
    /// The key of the hashes of names that are withheld; without it they have none.
    pub names: Option<NameKey>,
    /// Host of the org's Admin Console, `acme-admin.okta.com`, which people's links lead to.
    pub console: Option<String>,
}

/// The treatment of a name that belongs to nobody Okta knows. A failed sign-in holds the text that was typed
/// into the username field, passwords included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnknownActors {
    /// Only e-mail addresses.
    #[default]
    Emails,
    /// Every name.
    Keep,
}

/// A text as it may be told: without the credentials in it. Okta's words for a refusal repeat what was asked.
#[must_use]
pub fn scrub_text(text: &str) -> Cow<'_, str> {
    let mut pass = Pass::new(<&Rules>::default());
    match text::look(text, &mut pass) {
        Verdict::Stays => Cow::Borrowed(text),
        Verdict::Goes => Cow::Borrowed(""),
        Verdict::Cut(rest) => Cow::Owned(pass.taken.cut_text(&rest).unwrap_or(rest)),
    }
}

static NO_RULES: Rules = Rules {
    drop_attributes: Vec::new(),
    unknown_actors: UnknownActors::Emails,
    names: None,
    console: None,
};

impl Default for &Rules {
    fn default() -> Self {
        &NO_RULES
    }
}

/// Removes from an Okta object, at any depth:
/// - `_links` and `_embedded`;
/// - credentials, by their names and forms;
/// - credentials inside texts, of which the rest stays (`?token=` in a URL);
/// - the members of a `profile` that the rules name;
/// - the removed values in the rest of the object (see `taken`).
///
/// Returns whether there was anything to remove.
pub fn scrub(json: &mut Json<'_>, rules: &Rules) -> bool {
    let mut pass = Pass::new(rules);
    let removed = pass.look_through(json);
    pass.taken.cut(json) | removed
}

/// One look through an object.
struct Pass<'r> {
    rules: &'r Rules,
    /// The values removed so far.
    taken: Taken,
}

/// The parts of a value that are never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    /// It was removed.
    Part,
    /// The value itself: it is still there.
    Whole,
}

impl Found {
    fn part(removed: bool) -> Self {
        if removed { Self::Part } else { Self::Nothing }
    }
}

impl<'r> Pass<'r> {
    fn new(rules: &'r Rules) -> Self {
        let taken = Taken::default();
        Self { rules, taken }
    }

    /// Removes data by its place, and remembers its values; returns whether there was anything.
    fn look_through(&mut self, json: &mut Json<'_>) -> bool {
        let found = self.scrub_value(json);
        if found == Found::Whole {
            *json = Json::Text(Cow::Borrowed(""));
        }
        found != Found::Nothing
    }

    fn scrub_value(&mut self, json: &mut Json<'_>) -> Found {
        match json {
            Json::Object(members) => Found::part(self.scrub_members(members)),
            Json::Array(items) => {
                let mut removed = false;
                items.retain_mut(|item| {
                    let found = self.scrub_value(item);
                    removed |= found != Found::Nothing;
                    found != Found::Whole
                });
                Found::part(removed)
            }
            Json::Text(content) => match text::look(content, self) {
                Verdict::Stays => Found::Nothing,
                Verdict::Goes => {
                    self.taken.credential(content);
                    Found::Whole
                }
                Verdict::Cut(rest) => {
                    *content = Cow::Owned(rest);
                    Found::Part
                }
            },
            Json::Null | Json::Bool(_) | Json::Number(_) => Found::Nothing,
        }
    }

    /// Scrubs an object's members, in one pass; returns whether there was anything to remove.
    fn scrub_members(&mut self, members: &mut Vec<(Cow<'_, str>, Json<'_>)>) -> bool {
        let (mut is_key, mut is_hash) = (false, false);
        for (name, _) in &*members {
            match name.as_ref() {
                "kty" => is_key = true,
                "salt" | "workFactor" => is_hash = true,
                _ => {}
            }
        }
        let mut removed = false;
        members.retain_mut(|(name, value)| {
            if name == "_links" || name == "_embedded" {
                removed = true;
                return false;
            }
            let is_credential = is_credential(name, value)
                || is_key && is_private_jwk_member(name)
                || is_hash && name == "value";
            if is_credential {
                self.take_credential(value);
                removed = true;
                return false;
            }
            if let (false, "profile", Json::Object(profile)) = (
                self.rules.drop_attributes.is_empty(),
                name.as_ref(),
                &mut *value,
            ) {
                removed |= self.drop_of_profile(profile);
            }
            let found = self.scrub_value(value);
            removed |= found != Found::Nothing;
            found != Found::Whole
        });
        removed
    }

    fn drop_of_profile(&mut self, profile: &mut Vec<(Cow<'_, str>, Json<'_>)>) -> bool {
        let before = profile.len();
        profile.retain(|(name, value)| {
            let dropped = &self.rules.drop_attributes;
            let is_dropped = dropped.iter().any(|dropped| dropped == name);
            if is_dropped {
                self.taken.attribute(value);
            }
            !is_dropped
        });
        profile.len() < before
    }

    /// Remembers a credential: a text, the texts of a list, or of a whole object those that are secret in it.
    fn take_credential(&mut self, value: &Json<'_>) {
        match value {
            Json::Text(text) => self.taken.credential(text),
            Json::Array(items) => items.iter().for_each(|item| self.take_credential(item)),
            Json::Object(members) => {
                let is_secret = |(name, value): &&(Cow<'_, str>, Json<'_>)| {
                    let is_nested = matches!(value, Json::Object(_) | Json::Array(_));
                    is_nested || name == "value" || names_credential(name)
                };
                let secrets = members.iter().filter(is_secret);
                secrets.for_each(|(_, value)| self.take_credential(value));
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
}

/// Whether a member holds a credential: its name's last word says so (`client_secret`,
/// `sharedPassword`, `accessToken`, `salt`) and its value can be one. Flags, numbers and null
/// stay (`revealPassword: false`); objects are credentials only under the names that Okta gives
/// to whole ones (`password`, `recovery_question`), for `token` is also an endpoint's name.
fn is_credential(name: &str, value: &Json<'_>) -> bool {
    match value {
        Json::Text(_) => names_credential(name),
        Json::Object(_) => {
            has_credential_end(name)
                && CREDENTIAL_OBJECTS
                    .iter()
                    .any(|whole| is_folded(name, whole))
        }
        Json::Array(items) => {
            !items.is_empty()
                && names_credential(name)
                && items.iter().all(|item| item.as_str().is_some())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

const CREDENTIAL_ENDINGS: [&str; 15] = [
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "token",
    "privatekey",
    "apikey",
    "secretkey",
    "sharedkey",
    "encryptionkey",
    "passwordhash",
    "recoveryanswer",
    "securityanswer",
];

/// Names under which a whole object is a credential.
const CREDENTIAL_OBJECTS: [&str; 3] = ["password", "recoveryquestion", "privatekey"];

const CREDENTIAL_NAMES: [&str; 3] = ["answer", "salt", "hash"];

fn names_credential(name: &str) -> bool {
    has_credential_end(name)
        && (CREDENTIAL_ENDINGS
            .iter()
            .any(|ending| rest_before(name, ending).is_some())
            || CREDENTIAL_NAMES.iter().any(|whole| is_folded(name, whole)))
}

/// Whether a name's last two letters are those of a credential's name: most names are told
/// harmless by them.
fn has_credential_end(name: &str) -> bool {
    let ends = |before: u8, last: u8| {
        matches!(
            [before, last],
            [b'e', b't' | b'n' | b'y' | b'r']
                | [b'r' | b'w', b'd']
                | [b's' | b'd', b'e']
                | [b's', b'h']
                | [b'l', b't']
                | [b'o', b'n']
        )
    };
    if let [.., before, last] = name.as_bytes()
        && before.is_ascii_lowercase()
        && last.is_ascii_lowercase()
    {
        return ends(*before, *last);
    }
    let mut letters = folded_from_back(name);
    match (letters.next(), letters.next()) {
        (Some(last), Some(before)) => ends(before, last),
        _ => false,
    }
}

/// Whether a name is `folded` without case, `_`, `-`, `.` and all else that is no ASCII letter or
/// digit, so that `client_secret` and `clientSecret` are one.
fn is_folded(name: &str, folded: &str) -> bool {
    rest_before(name, folded).is_some_and(|mut rest| rest.next().is_none())
}

/// The letters of a name before `ending`, from back to front; `None` if it does not end so.
fn rest_before<'a>(name: &'a str, ending: &str) -> Option<impl Iterator<Item = u8> + use<'a>> {
    let mut letters = folded_from_back(name);
    ending
        .bytes()
        .rev()
        .all(|byte| letters.next() == Some(byte))
        .then_some(letters)
}

fn folded_from_back(name: &str) -> impl Iterator<Item = u8> + use<'_> {
    name.bytes()
        .rev()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| byte.to_ascii_lowercase())
}

/// Private members of a JSON Web Key. <https://www.rfc-editor.org/rfc/rfc7518#section-6>
fn is_private_jwk_member(key: &str) -> bool {
    matches!(key, "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth" | "k")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn scrubbed(value: &Value) -> Value {
        scrubbed_of(value, &[])
    }

    fn scrubbed_of(value: &Value, drop_attributes: &[String]) -> Value {
        let mut json = Json::from(value);
        scrub(
            &mut json,
            &Rules {
                drop_attributes: drop_attributes.to_vec(),
                ..Rules::default()
            },
        );
        json.into()
    }

    #[test]
    fn links_and_embedded_copies_go_at_any_depth() {
        let value =
            json!({"id": "1", "_links": {}, "_embedded": {"a": 1}, "a": [{"_links": {}, "b": 2}]});
        assert_eq!(scrubbed(&value), json!({"id": "1", "a": [{"b": 2}]}));
    }

    #[test]
    fn credentials_go_wherever_they_sit() {
        let value = json!({
            "credentials": {"password": {"value": "x", "hash": {"salt": "y"}}, "recovery_question": {"question": "q", "answer": "a"}, "provider": {"type": "OKTA"}},
            "protocol": {"credentials": {"client": {"client_id": "c", "client_secret": "x"}}},
            "keys": [{"kty": "RSA", "n": "n", "d": "x"}], "settings": {"app": {"bearerToken": "x", "adminPassword": "x"}},
            "pem": "-----BEGIN RSA PRIVATE KEY-----\nx", "pems": ["-----BEGIN PRIVATE KEY-----"],
        });
        assert_eq!(
            scrubbed(&value),
            json!({
                "credentials": {"provider": {"type": "OKTA"}},
                "protocol": {"credentials": {"client": {"client_id": "c"}}},
                "keys": [{"kty": "RSA", "n": "n"}], "settings": {"app": {}},
                "pems": [],
            })
        );
    }

    #[test]
    fn nothing_harmless_goes() {
        let value = json!({
            "passwordChanged": "2026-01-01T00:00:00.000Z", "features": ["PUSH_PASSWORD_UPDATES"],
            "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}, "revealPassword": false, "signing": {"kid": "k"}},
            "settings": {"oauthClient": {"token_endpoint_auth_method": "client_secret_basic", "grant_types": ["refresh_token"], "refresh_token": {"rotation_type": "STATIC"}}},
            "protocol": {"endpoints": {"token": {"url": "https://idp.example.com/token", "binding": "HTTP-POST"}}},
        });
        assert_eq!(scrubbed(&value), value);
    }

    #[test]
    fn dropped_attributes_go_from_every_profile() {
        let value = json!({"profile": {"login": "a", "mobilePhone": "1"}, "mobilePhone": "kept", "to": {"profile": {"mobilePhone": "2"}}});
        let value = scrubbed_of(&value, &["mobilePhone".to_owned()]);
        assert_eq!(
            value,
            json!({"profile": {"login": "a"}, "mobilePhone": "kept", "to": {"profile": {}}})
        );
    }

    /// A harmless object of any shape: names that hold a credential's word but are none.
    fn harmless() -> impl Strategy<Value = Value> {
        let keys = "(passwordChanged|tokenLifetime|secretQuestionCount|hashAlgorithm|answers|keyId|provider|[a-m]{1,8})";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~]{0,12}|PUSH_PASSWORD_UPDATES|client_secret_basic".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            let object = prop::collection::btree_map(keys, inner.clone(), 0..5);
            let array = prop::collection::vec(inner, 0..4);
            prop_oneof![
                object.prop_map(|object| json!(object)),
                array.prop_map(Value::from)
            ]
        })
    }

    /// A credential under one of the names that Okta and its kin give to them.
    fn credential() -> impl Strategy<Value = (String, Value)> {
        let names = prop::sample::select(vec![
            "client_secret",
            "clientSecret",
            "password",
            "adminPassword",
            "bearerToken",
            "access_token",
            "refreshToken",
            "apiToken",
            "secret",
            "sharedSecret",
            "private_key",
            "privateKey",
            "passphrase",
            "scimToken",
            "salt",
            "answer",
            "recovery_answer",
            "ApiKey",
            "hash",
        ]);
        (names, "hunter2[a-z]{0,8}").prop_map(|(name, value)| (name.to_owned(), value.into()))
    }

    /// Puts a member into the object that a walk by `path` ends at.
    fn plant(value: &mut Value, path: &[usize], (name, secret): (String, Value)) {
        let next = path.first().copied().unwrap_or_default();
        match value {
            Value::Array(items) if !items.is_empty() && !path.is_empty() => {
                let at = next % items.len();
                plant(&mut items[at], &path[1..], (name, secret));
            }
            Value::Object(object) if !object.is_empty() && !path.is_empty() => {
                let key = object.keys().nth(next % object.len()).cloned().unwrap();
                plant(&mut object[&key], &path[1..], (name, secret));
            }
            Value::Object(object) => {
                object.insert(name, secret);
            }
            other => *other = json!({name: secret}),
        }
    }

    #[test]
    fn a_text_is_told_without_its_credentials() {
        for (text, told) in [
            ("no such object", "no such object"),
            ("see /x?token=hush&a=1", "see /x?token=&a=1"),
            ("-----BEGIN PRIVATE KEY----- hush", ""),
        ] {
            assert_eq!(scrub_text(text), told);
        }
    }

    #[test]
    fn a_credentials_name_is_known_by_its_last_letters() {
        let names = CREDENTIAL_ENDINGS
            .iter()
            .chain(&CREDENTIAL_NAMES)
            .chain(&CREDENTIAL_OBJECTS);
        assert!(names.clone().all(|name| has_credential_end(name)));
        assert!(
            names
                .clone()
                .all(|name| has_credential_end(&name.to_uppercase()))
        );
        let odd = |name: &str| format!("{}_{}", &name[..name.len() - 1], &name[name.len() - 1..]);
        assert!(names.clone().all(|name| has_credential_end(&odd(name))));
    }

    proptest! {
        #[test]
        fn a_credential_goes_from_any_place_in_any_object(
            mut object in harmless(), path in prop::collection::vec(0..5_usize, 0..5), credential in credential(),
        ) {
            plant(&mut object, &path, credential);
            prop_assert!(!scrubbed(&object).to_string().contains("hunter2"), "{object}");
        }

        #[test]
        fn whole_credential_objects_go_from_any_place(
            mut object in harmless(), path in prop::collection::vec(0..5_usize, 0..5), at in 0..4_usize,
        ) {
            let credentials = [
                ("password", json!({"value": "hunter2", "hash": {"algorithm": "BCRYPT", "salt": "hunter2", "value": "hunter2"}})),
                ("recovery_question", json!({"question": "Whose?", "answer": "hunter2"})),
                ("jwk", json!({"kty": "RSA", "n": "x", "d": "hunter2", "p": "hunter2"})),
                ("pem", "-----BEGIN EC PRIVATE KEY-----\nhunter2".into()),
            ];
            let (name, value) = credentials[at].clone();
            plant(&mut object, &path, (name.to_owned(), value));
            prop_assert!(!scrubbed(&object).to_string().contains("hunter2"), "{object}");
        }

        #[test]
        fn no_harmless_object_changes(object in harmless()) {
            prop_assert_eq!(scrubbed(&object), object);
        }
    }
}
