//! The published JSON Schemas, as the types generate them.

use std::collections::BTreeMap;

use okta_authomize::commit::Manifest;
use okta_authomize::head::Checkpoint;
use okta_authomize::invocation::Report;
use okta_authomize::record::Record;
use okta_authomize::status::Status;
use okta_authomize::streams::{STREAMS, Source, Stream};
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, RestrictFormats};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The bundle keys that each stream may write.
const BUNDLE_KEYS: [(&str, &[&str]); 14] = [
    ("users", &["new_users", "update_users"]),
    ("factors", &["update_users"]),
    ("groups", &["new_groupings", "new_assets"]),
    ("group_memberships", &["new_accounts_association"]),
    (
        "applications",
        &["new_privileges", "new_assets", "new_service_accounts"],
    ),
    ("application_users", &["new_permissions"]),
    ("application_groups", &["new_permissions"]),
    ("roles", &["new_privileges", "new_privileges_grants"]),
    (
        "role_assignments",
        &[
            "new_groupings",
            "new_permissions",
            "new_accounts_association",
            "new_groupings_association",
            "new_assets",
        ],
    ),
    ("resource_sets", &["new_assets", "new_assets_inheritance"]),
    ("idps", &["new_assets"]),
    ("idp_users", &[]),
    ("activity", &[]),
    (
        "usage",
        &["update_users", "update_service_accounts", "update_assets"],
    ),
];

/// The keys that `stream` may write.
pub fn bundle_keys(stream: &str) -> &'static [&'static str] {
    let declared = BUNDLE_KEYS.iter().find(|(name, _)| *name == stream);
    declared
        .unwrap_or_else(|| panic!("{stream} declares no bundle keys in {}", file!()))
        .1
}

/// Every schema by its file under `schemas/`.
pub fn published() -> BTreeMap<String, Value> {
    let record = of::<Record>(
        "record",
        "Record",
        "One line of a batch: one Okta object, or its tombstone.",
    );
    let mut schemas = BTreeMap::from([
        (
            "manifest.json".to_owned(),
            of::<Manifest>(
                "manifest",
                "Manifest",
                "A commit: its creation makes its batches part of the state.",
            ),
        ),
        (
            "head.json".to_owned(),
            of::<Checkpoint>(
                "head",
                "Head",
                "A checkpoint for readers: the live batches as of one manifest.",
            ),
        ),
        (
            "report.json".to_owned(),
            of::<Report>(
                "report",
                "Report",
                "The function's answer to an invocation.",
            ),
        ),
        (
            "status.json".to_owned(),
            of::<Status>(
                "status",
                "Status",
                "The state of an integration after its last run.",
            ),
        ),
    ]);
    schemas.extend(STREAMS.iter().map(|stream| {
        (
            format!("streams/{}.json", stream.name),
            narrowed(&record, stream),
        )
    }));
    schemas.insert("record.json".to_owned(), record);
    schemas
}

/// The schema of what `T` is written as.
fn of<T: JsonSchema>(name: &str, title: &str, description: &str) -> Value {
    let schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(refuse_null_for_absent))
        .with_transform(RecursiveTransform(tidy))
        .with_transform(RestrictFormats::default())
        .into_generator()
        .into_root_schema_for::<T>();
    headed(schema.to_value(), name, title, description)
}

/// What need not be there is left out where there is none: null never stands for it.
fn refuse_null_for_absent(schema: &mut Schema) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let required: Vec<&str> = required
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten();
    for (_, property) in properties.filter(|(name, _)| !required.contains(&name.as_str())) {
        refuse_null(property);
    }
}

fn refuse_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").filter(|types| types.is_array()) {
        let rest: Vec<Value> = types
            .as_array()
            .into_iter()
            .flatten()
            .filter(|kind| *kind != "null")
            .cloned()
            .collect();
        *types = if let [kind] = &rest[..] {
            kind.clone()
        } else {
            rest.into()
        };
    }
    let choices = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("anyOf"));
    for choice in choices
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if let Some(reference) = choice.get("$ref") {
            schema["$ref"] = reference.clone();
        }
    }
}

/// Descriptions are text for everybody, not for rustdoc; what a status is read as where a key is
/// missing is the function's own matter.
fn tidy(schema: &mut Schema) {
    schema.remove("default");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text
            .replace("[`", "`")
            .replace("`]", "`")
            .replace('\n', " ");
    }
}

/// The schema of a stream's lines: that of every line, and what holds for this stream.
fn narrowed(record: &Value, stream: &Stream) -> Value {
    let mut schema = record.clone();
    schema["properties"]["stream"] =
        json!({"description": "Name of the stream.", "const": stream.name});
    if !matches!(
        stream.source,
        Source::Listing(_) | Source::PerParent { .. } | Source::Assembled { .. }
    ) {
        schema["properties"]["op"] =
            json!({"description": "The stream only grows.", "const": "upsert"});
    }
    if matches!(stream.source, Source::SystemLog { .. }) {
        schema["required"]
            .as_array_mut()
            .unwrap()
            .push("ocsf".into());
    }
    schema["properties"]["bundle"] = bundle(record, stream.name);
    keep_what_is_referred_to(&mut schema);
    let description = format!(
        "One line of the stream {} ({}), read with the scope {}.",
        stream.name, stream.word, stream.scope
    );
    headed(
        schema,
        &format!("streams:{}", stream.name),
        &format!("Record of {}", stream.name),
        &description,
    )
}

fn bundle(record: &Value, stream: &str) -> Value {
    let mut bundle = record["$defs"]["Bundle"].clone();
    let keys = bundle_keys(stream);
    let properties = bundle["properties"].as_object_mut().unwrap();
    assert!(
        keys.iter().all(|key| properties.contains_key(*key)),
        "{stream}: no such keys in {keys:?}"
    );
    properties.retain(|key, _| keys.contains(&key.as_str()));
    bundle
}

fn keep_what_is_referred_to(schema: &mut Value) {
    loop {
        let text = schema.to_string();
        let definitions = schema["$defs"].as_object_mut().unwrap();
        let before = definitions.len();
        definitions.retain(|name, _| text.contains(&format!("\"#/$defs/{name}\"")));
        if definitions.len() == before {
            return;
        }
    }
}

/// The schema with its head first.
fn headed(schema: Value, name: &str, title: &str, description: &str) -> Value {
    let mut headed = Map::new();
    headed.insert("$schema".to_owned(), schema["$schema"].clone());
    headed.insert(
        "$id".to_owned(),
        format!("urn:okta-authomize:schema:1:{name}").into(),
    );
    headed.insert("title".to_owned(), title.into());
    headed.insert("description".to_owned(), description.into());
    let Value::Object(schema) = schema else {
        panic!("{name} is no object: {schema}")
    };
    headed.extend(
        schema
            .into_iter()
            .filter(|(key, _)| !["$schema", "$id", "title", "description"].contains(&&**key)),
    );
    headed.into()
}
