//! Every stream takes whatever Okta may answer: no shape costs more than itself.

use okta_authomize::streams::{Assembly, Context, Part, STREAMS, Source};
use proptest::prelude::*;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};

/// Names that the mappings look at, and others.
const KEYS: [&str; 44] = [
    "id",
    "user_id",
    "principal_id",
    "principal_type",
    "status",
    "type",
    "role",
    "resource-set",
    "targets",
    "factors",
    "factorType",
    "profile",
    "login",
    "email",
    "name",
    "label",
    "description",
    "displayName",
    "credentials",
    "provider",
    "features",
    "settings",
    "oauthClient",
    "grant_types",
    "application_type",
    "signOn",
    "ssoAcsUrl",
    "_links",
    "self",
    "href",
    "appLinks",
    "created",
    "lastLogin",
    "objectClass",
    "permissions",
    "resources",
    "bindings",
    "orn",
    "resource_type",
    "resource_id",
    "uuid",
    "actor",
    "target",
    "x",
];

/// Any JSON that a decoder may meet, with the names that matter in places where they do not belong.
fn anything() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("ACTIVE".to_owned()),
        Just("2026-11-23T18:00:00.000Z".to_owned()),
        Just("https://acme.okta.com/api/v1/groups/00g1".to_owned()),
        Just("orn:okta:idp:00o1:apps:bookmark:0oa1".to_owned()),
        "\\PC{0,80}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let member = (prop::sample::select(&KEYS[..]), inner.clone());
        prop_oneof![
            prop::collection::vec(member, 0..10).prop_map(|members| Value::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<Map<_, _>>()
            )),
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
        ]
    })
}

/// Asserts what the target model wants everywhere: absent values are left out.
fn assert_no_empty_value(value: &Value, path: &str) {
    match value {
        Value::Null => panic!("{path} is null"),
        Value::String(text) => assert!(!text.trim().is_empty(), "{path} is empty"),
        Value::Array(items) => items
            .iter()
            .for_each(|item| assert_no_empty_value(item, path)),
        Value::Object(object) => object
            .iter()
            .for_each(|(key, value)| assert_no_empty_value(value, &format!("{path}.{key}"))),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_object_with_an_id_is_a_record_with_any_other_content(mut object in anything()) {
        let ids = ["id", "user_id", "principal_id"].map(|key| (key.to_owned(), Value::from("00x1")));
        match object.as_object_mut() {
            Some(object) => object.extend(ids),
            None => object = Value::Object(ids.into_iter().collect()),
        }
        let raw = to_raw_value(&object).unwrap();
        let context = Context { parent: Some("00p1"), ..Context::default() };
        for stream in STREAMS.iter().filter(|stream| !matches!(stream.source, Source::Counted { .. })) {
            let normalized = (stream.normalize)(&raw, &context);
            let normalized = normalized.unwrap_or_else(|| panic!("{} lost {object}", stream.name));
            prop_assert!(!normalized.id.is_empty());
            assert_no_empty_value(&serde_json::to_value(&normalized.bundle).unwrap(), stream.name);
        }
    }

    #[test]
    fn no_answer_breaks_a_mapping(item in anything(), parts in prop::collection::vec(prop::collection::vec(anything(), 0..4), 0..5)) {
        let raw = to_raw_value(&item).unwrap();
        for stream in STREAMS {
            let _ = (stream.normalize)(&raw, &Context::default());
            let Source::Assembled { parents, next, assemble, .. } = &stream.source else { continue };
            for kind in parents.iter().map(|parents| parents.kind) {
                let mut assembly = Assembly { kind, parent: "00p1".into(), item: Some(item.clone()), parts: Vec::new() };
                let _ = next(&assembly);
                for items in &parts {
                    assembly.parts.push(Part { items: items.clone(), ..Part::default() });
                    let _ = next(&assembly);
                }
                for object in assemble(&assembly) {
                    let _ = (stream.normalize)(&to_raw_value(&object).unwrap(), &Context::default());
                }
            }
        }
    }
}
