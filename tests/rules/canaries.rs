//! Values that are never written, planted in every text of objects in more than twenty encodings: none comes out.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use okta_authomize::scrub::{NameKey, Rules};
use okta_authomize::streams::{Context, by_name};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

const CANARY: &str = "Hush Canary+7f3a!@acme.example";
const PARENT: &str = "0oaParent1";
/// Objects of each kind that are tried.
const MOST_OBJECTS: usize = 4;

/// The canary in every encoding.
fn encodings() -> Vec<(&'static str, String)> {
    let percent = |text: &str| {
        byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let each = |before: &str, after: &str, digits: usize| {
        let letter = |letter: char| format!("{before}{:0digits$x}{after}", letter as u32);
        CANARY.chars().map(letter).collect::<String>()
    };
    let decimal = CANARY.chars().map(|letter| format!("&#{};", letter as u32));
    let once = percent(CANARY);
    let as_json = json!({ "x": CANARY }).to_string();
    vec![
        ("plain", CANARY.to_owned()),
        ("capitals", CANARY.to_uppercase()),
        ("small", CANARY.to_lowercase()),
        ("percent", once.clone()),
        ("percent in small", once.to_lowercase()),
        ("percent twice", percent(&once)),
        ("percent three times", percent(&percent(&once))),
        ("every byte in percent", each("%", "", 2)),
        ("percent u", each("%u", "", 4)),
        ("form", byte_serialize(CANARY.as_bytes()).collect()),
        (
            "address",
            format!(
                "/login?fromURI={}",
                percent(&format!("/x?login={once}&y=1"))
            ),
        ),
        ("JSON", as_json.clone()),
        ("JSON in JSON", json!({ "y": as_json }).to_string()),
        ("JSON escapes", each("\\u", "", 4)),
        ("JavaScript escapes", each("\\x", "", 2)),
        ("HTML, decimal", decimal.collect()),
        ("HTML, hexadecimal", each("&#x", ";", 1)),
        ("quoted-printable", each("=", "", 2)),
        ("base64", STANDARD.encode(CANARY)),
        ("base64 for addresses", URL_SAFE_NO_PAD.encode(CANARY)),
        ("base64 of more", STANDARD.encode(format!("a {CANARY} b"))),
        ("base64 in percent", percent(&STANDARD.encode(CANARY))),
        ("base64 twice", STANDARD.encode(STANDARD.encode(CANARY))),
        ("base64 of percent", STANDARD.encode(&once)),
        ("hexadecimal", hex::encode(CANARY)),
        ("hexadecimal in capitals", hex::encode_upper(CANARY)),
        ("octal escapes", octal()),
        ("escapes in braces", each("\\u{", "}", 1)),
        ("long escapes", each("\\U", "", 8)),
        ("HTML, by name", named_entities()),
        ("broken lines", CANARY.replace("Can", "Ca=\nn")),
        ("base32", BASE32.to_owned()),
        ("UTF-16 in base64", STANDARD.encode(utf_16())),
        ("UTF-16 in hexadecimal", hex::encode(utf_16())),
    ]
}

/// Python: `base64.b32encode(b"Hush Canary+7f3a!@acme.example")`.
const BASE32: &str = "JB2XG2BAINQW4YLSPEVTOZRTMEQUAYLDNVSS4ZLYMFWXA3DF";

fn octal() -> String {
    let letter = |letter: char| format!("\\{:03o}", letter as u32);
    CANARY.chars().map(letter).collect()
}

fn named_entities() -> String {
    let names = [
        (" ", "&nbsp;"),
        ("+", "&plus;"),
        ("!", "&excl;"),
        ("@", "&commat;"),
        (".", "&period;"),
    ];
    let replace = |text: String, (letter, name): (&str, &str)| text.replace(letter, name);
    names.into_iter().fold(CANARY.to_owned(), replace)
}

fn utf_16() -> Vec<u8> {
    CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Objects of every kind: recorded ones where they lie beside the project, made-up ones always.
fn objects() -> Vec<(&'static str, Value)> {
    let mut objects = vec![
        (
            "users",
            json!({"id": "00u1", "status": "ACTIVE", "type": {"id": "oty1"}, "profile": {"login": "ada", "title": "x"},
            "credentials": {"emails": [{"value": "ada@acme.example", "status": "VERIFIED"}], "provider": {"type": "OKTA", "name": "OKTA"}}}),
        ),
        (
            "groups",
            json!({"id": "00g1", "type": "OKTA_GROUP", "objectClass": ["okta:user_group"], "profile": {"name": "x", "description": "y"}}),
        ),
        (
            "applications",
            json!({"id": "0oa1", "name": "x", "label": "y", "features": ["PUSH"], "settings": {"signOn": {"ssoAcsUrl": "https://a.example/acs"}, "app": {"url": "z"}}}),
        ),
        (
            "application_users",
            json!({"id": "00u1", "scope": "USER", "externalId": "x", "credentials": {"userName": "ada"}, "profile": {"a": "b"}}),
        ),
        (
            "application_groups",
            json!({"id": "00g1", "profile": {"role": "x", "roles": ["y"]}}),
        ),
        (
            "role_assignments",
            json!({"id": "ra1", "principal_id": "00u1", "principal_type": "User", "type": "USER_ADMIN", "label": "x", "targets": [{"id": "00g1", "profile": {"name": "y"}}]}),
        ),
        (
            "resource_sets",
            json!({"id": "iam1", "label": "x", "description": "y", "resources": [{"orn": "orn:okta:directory:00o1:realms:guo1"}]}),
        ),
        (
            "roles",
            json!({"id": "cr01", "label": "x", "description": "y", "permissions": [{"label": "okta.users.read"}]}),
        ),
        (
            "idps",
            json!({"id": "0oa2", "type": "OIDC", "name": "x", "protocol": {"type": "OIDC", "endpoints": {"token": {"url": "https://idp.example/t"}}}}),
        ),
        (
            "idp_users",
            json!({"id": "00u1", "externalId": "x", "profile": {"a": "b"}}),
        ),
        ("activity", event()),
    ];
    for (file, stream) in [
        ("users", "users"),
        ("groups", "groups"),
        ("apps", "applications"),
        ("app_users", "application_users"),
        ("app_groups", "application_groups"),
        ("idps", "idps"),
        ("custom_roles", "roles"),
        ("resource_sets", "resource_sets"),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/okta-recorded");
        let text =
            std::fs::read_to_string(folder.join(format!("{file}.jsonl"))).unwrap_or_default();
        let read = |line| serde_json::from_str::<Value>(line).ok();
        let recorded = text.lines().filter_map(read).filter(Value::is_object);
        objects.extend(recorded.take(MOST_OBJECTS).map(|object| (stream, object)));
    }
    objects
}

fn event() -> Value {
    json!({
        "uuid": "e1", "published": "2026-11-23T18:00:00.000Z", "eventType": "user.session.start", "severity": "INFO", "version": "0",
        "displayMessage": "x", "outcome": {"result": "FAILURE", "reason": "y"},
        "actor": {"id": "unknown", "type": "User", "alternateId": "unknown", "displayName": "unknown"},
        "client": {"userAgent": {"rawUserAgent": "z", "os": "Linux"}, "ipAddress": "192.0.2.1", "geographicalContext": {"city": "London"}},
        "request": {"ipChain": [{"ip": "192.0.2.1", "version": "V4"}]}, "securityContext": {"isp": "x"},
        "transaction": {"type": "WEB", "id": "t1"}, "authenticationContext": {"externalSessionId": "s1"},
        "debugContext": {"debugData": {"requestUri": "/api/v1/authn", "url": "/api/v1/authn?x=1", "requestId": "r1"}},
        "target": [{"id": "0oa1", "type": "AppInstance", "alternateId": "x", "displayName": "y", "detailEntry": {"a": "b"}}],
    })
}

/// Calls `plant` with each text, but those that are the object's own ids or are never read.
fn each_text(value: &mut Value, name: &str, plant: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::String(text) if !["id", "uuid", "principal_id"].contains(&name) => {
            plant(name, text);
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| each_text(item, name, plant)),
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| !name.starts_with('_'))
            .for_each(|(name, value)| each_text(value, name, plant)),
        _ => {}
    }
}

/// All texts and keys.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.push(name.clone());
            texts(value, found);
        }),
        _ => {}
    }
}

/// What a stream writes of an object.
fn written(stream: &str, object: &Value, rules: &Rules) -> Value {
    let context = Context {
        parent: Some(PARENT),
        rules,
    };
    let stream = by_name(stream).unwrap();
    let record = (stream.normalize)(&to_raw_value(object).unwrap(), &context);
    let record = record.unwrap_or_else(|| panic!("{object} is no record"));
    let ocsf = record.ocsf.map(|ocsf| ocsf.text);
    json!({"id": record.id, "bundle": record.bundle, "source": record.source, "ocsf": ocsf})
}

/// Puts the value that is never written where a rule finds it by its place.
fn found_by_place(stream: &str, way: usize, object: &mut Value) -> bool {
    match (way, stream) {
        (0, "activity") => {
            object["target"][0]["changeDetails"] = json!({"to": {"canary": CANARY}});
        }
        (0, _) if object["profile"].is_object() => object["profile"]["canary"] = CANARY.into(),
        (0, _) => object["more"] = json!({"profile": {"canary": [CANARY]}}),
        (1, _) => object["client_secret"] = CANARY.into(),
        (2, "activity") => object["actor"]["alternateId"] = CANARY.into(),
        (3, "activity") => {
            object["debugContext"]["debugData"]["usernameOrEmail"] = CANARY.into();
        }
        _ => return false,
    }
    true
}

#[test]
fn what_is_never_written_comes_out_of_no_text_in_no_encoding() {
    let rules = Rules {
        drop_attributes: vec!["canary".to_owned()],
        names: Some(NameKey::of("hush")),
        ..Rules::default()
    };
    let (encodings, mut planted) = (encodings(), 0);
    assert!(encodings.len() >= 20);
    for (stream, object) in objects() {
        let mut names = Vec::new();
        each_text(&mut object.clone(), "", &mut |name, _| {
            names.push(name.to_owned())
        });
        for (place, (way, (name, encoded))) in (0..names.len()).flat_map(|place| {
            let ways = (0..4).flat_map(|way| encodings.iter().map(move |encoding| (way, encoding)));
            ways.map(move |way| (place, way))
        }) {
            // Each place has each encoding, in one way of four.
            if way % 2 != place % 2 && stream != "activity" {
                continue;
            }
            // Of another type the actor is nobody who has a name.
            if way > 1 && names[place] == "type" {
                continue;
            }
            let (mut object, mut at) = (object.clone(), 0);
            each_text(&mut object, "", &mut |_, text| {
                if at == place {
                    *text = format!("before {encoded} after");
                }
                at += 1;
            });
            if !found_by_place(stream, way, &mut object) {
                continue;
            }
            planted += 1;
            let mut found = Vec::new();
            texts(&written(stream, &object, &rules), &mut found);
            let (head, tail) = (encoded.len() * 2 / 3, encoded.len() / 3);
            for part in [&encoded[..head], &encoded[tail..]] {
                let leak = found.iter().find(|text| text.contains(part));
                assert_eq!(leak, None, "{name} in {stream}, way {way}: {object}");
            }
        }
    }
    assert!(planted > 1_000, "{planted}");
}

#[test]
fn a_canary_in_a_key_does_not_come_out() {
    let rules = Rules {
        drop_attributes: vec!["canary".to_owned()],
        ..Rules::default()
    };
    for (name, encoded) in encodings() {
        let object = json!({"id": "00u1", "profile": {"canary": CANARY, encoded.clone(): 1, "title": "stays"}, "other": {encoded.clone(): {"a": 1}}});
        let mut found = Vec::new();
        texts(&written("users", &object, &rules), &mut found);
        assert!(
            !found.iter().any(|text| text.contains(&encoded)),
            "{name}: {found:?}"
        );
        assert!(found.iter().any(|text| text == "stays"));
    }
}

#[test]
fn a_short_or_common_dropped_value_destroys_nothing() {
    let user = json!({
        "id": "00u1", "status": "ACTIVE", "created": "2026-01-01T00:00:00.000Z", "type": {"id": "oty1"},
        "profile": {"login": "ada@acme.example", "state": "US", "flag": "true", "count": 1, "word": "ACTIVE", "own": "00u1", "title": "1 of US"},
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
    });
    let dropped = ["state", "flag", "count", "word", "own"];
    let rules = Rules {
        drop_attributes: dropped.map(str::to_owned).to_vec(),
        ..Rules::default()
    };
    let rest = written("users", &user, &rules);
    let mut expected = user;
    let profile = expected["profile"].as_object_mut().unwrap();
    dropped
        .iter()
        .for_each(|attribute| drop(profile.remove(*attribute)));
    assert_eq!(rest["source"], expected);
    assert_eq!(
        (&rest["id"], &rest["bundle"]["new_users"][0]["status"]),
        (&json!("00u1"), &json!("Enabled"))
    );
}

#[test]
fn distinct_names_of_nobody_stay_distinct_and_none_can_be_tried() {
    let name = |typed: &str, key: &str| {
        let rules = Rules {
            names: Some(NameKey::of(key)),
            ..Rules::default()
        };
        let mut event = event();
        event["actor"]["alternateId"] = typed.into();
        let rest = written("activity", &event, &rules);
        assert!(!rest.to_string().contains(typed), "{rest}");
        rest["source"]["actor"]["alternateId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(name("Winter2026!", "a").starts_with("withheld:"));
    assert_eq!(name("Winter2026!", "a"), name("Winter2026!", "a"));
    assert_ne!(name("Winter2026!", "a"), name("Winter2027!", "a"));
    assert_ne!(name("Winter2026!", "a"), name("Winter2026!", "b"));
}

#[test]
fn identity_engines_activation_link_is_written_in_no_form() {
    let percent = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let link = "/tokens/Hush7Canary/verify";
    for form in [
        link.to_owned(),
        format!("https://acme.okta.com{link}?x=1"),
        format!("https://login.acme.example/signin{link}"),
        format!("/login?fromURI={}", percent(link)),
        format!(
            "/login?fromURI={}",
            percent(&percent(&format!("https://acme.okta.com{link}")))
        ),
        link.replace('/', "\\/"),
        link.replace('/', "&#x2F;"),
        link.replace('/', "\\u002F"),
        link.replace('/', "\\x2f"),
        link.replace('/', "&sol;"),
        format!("/login?fromURI={}&x=1", percent(link).replace("%2F", "%2f")),
        json!({ "url": link }).to_string(),
    ] {
        let mut event = event();
        event["debugContext"]["debugData"]["url"] = form.clone().into();
        event["displayMessage"] = "used Hush7Canary once".into();
        let rest = written("activity", &event, &Rules::default());
        assert!(!rest.to_string().contains("Hush7Canary"), "{form}: {rest}");
        assert_eq!(rest["source"]["displayMessage"], "used  once");
    }
    let mut event = event();
    event["debugContext"]["debugData"]["url"] =
        "/api/v1/users/00u1/clients/0oa1/tokens/oar579Mcp7OUsNTlo0g3".into();
    assert_eq!(
        written("activity", &event, &Rules::default())["source"],
        event,
        "a token's id opens nothing"
    );
}
