//! `docs/records.md` tells every field of every stream as the published schemas do.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use okta_authomize::streams::STREAMS;
use serde_json::Value;

use crate::support::schemas::published;

const BEGIN: &str = "<!-- generated from schemas/: UPDATE_DOCS=1 cargo test records -->\n";
const END: &str = "<!-- end of what is generated -->\n";

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/records.md")
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or_default()
}

/// The name behind a reference.
fn referred(schema: &Value) -> Option<&str> {
    text(schema, "$ref").strip_prefix("#/$defs/")
}

/// An enumeration's words, of a definition or a field.
fn words(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let told = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|choice| {
            let own = choice["const"].as_str();
            own.into_iter().chain(
                choice["enum"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            )
        });
    listed.chain(told).collect()
}

/// A field's type, for people.
fn kind(field: &Value, definitions: &Value) -> String {
    if let Some(name) = referred(field) {
        if name == "Bundle" {
            return "[bundle](#bundles-by-stream)".to_owned();
        }
        let words = words(&definitions[name]);
        return match words.is_empty() {
            true => format!("[{name}](#{})", name.to_lowercase()),
            false => words
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", "),
        };
    }
    if let Some(word) = field.get("const") {
        return format!("`{word}`");
    }
    let own = words(field);
    if !own.is_empty() {
        return own
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let most = field["maxLength"]
        .as_u64()
        .map(|most| format!(", at most {most} characters"))
        .unwrap_or_default();
    match (text(field, "type"), text(field, "format")) {
        ("array", _) => format!("list of {}", kind(&field["items"], definitions)),
        ("string", "date-time") => "time (RFC 3339, UTC)".to_owned(),
        ("string", _) => format!("text{most}"),
        ("boolean", _) => "yes or no".to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// The table of an object's fields.
fn fields(schema: &Value, definitions: &Value) -> String {
    let required: BTreeSet<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut rows = "| field | type | always | meaning |\n|---|---|---|---|\n".to_owned();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let always = if required.contains(name.as_str()) {
            "yes"
        } else {
            ""
        };
        let _ = writeln!(
            rows,
            "| `{name}` | {} | {always} | {} |",
            kind(field, definitions),
            text(field, "description")
        );
    }
    rows
}

fn streams(schemas: &std::collections::BTreeMap<String, Value>) -> String {
    let mut told = String::new();
    for stream in STREAMS {
        let schema = &schemas[&format!("streams/{}.json", stream.name)];
        let bundle = schema["properties"]["bundle"]["properties"]
            .as_object()
            .unwrap();
        let _ = writeln!(
            told,
            "### `{}`\n\n{}",
            stream.name,
            text(schema, "description")
        );
        if stream.tombstone.is_some() {
            let _ = writeln!(
                told,
                "A tombstone's bundle tells Authomize of the deletion."
            );
        }
        let _ = writeln!(told);
        if bundle.is_empty() {
            let _ = writeln!(told, "Its bundle is empty.\n");
            continue;
        }
        let _ = writeln!(told, "| key of `bundle` | items | meaning |\n|---|---|---|");
        for (key, list) in bundle {
            let items = kind(&list["items"], &schema["$defs"]);
            let _ = writeln!(
                told,
                "| `{key}` | {items} | {} |",
                text(list, "description")
            );
        }
        let _ = writeln!(told);
    }
    told
}

fn items(record: &Value) -> String {
    let definitions = record["$defs"].as_object().unwrap();
    let objects = definitions
        .iter()
        .filter(|(name, schema)| *name != "Bundle" && schema["properties"].is_object());
    let told = objects.map(|(name, schema)| {
        format!(
            "### {name}\n\n{}\n\n{}\n",
            text(schema, "description"),
            fields(schema, &record["$defs"])
        )
    });
    told.collect()
}

fn generated() -> String {
    let schemas = published();
    let record = &schemas["record.json"];
    format!(
        "{BEGIN}\n## The line\n\n{}\n## Bundles by stream\n\n{}## Items of a bundle\n\n{}{END}",
        fields(record, &record["$defs"]),
        streams(&schemas),
        items(record)
    )
}

#[test]
fn the_document_of_the_records_tells_every_field_of_every_stream() {
    let told = fs::read_to_string(document()).unwrap();
    let (before, rest) = told
        .split_once(BEGIN)
        .expect("docs/records.md has a generated part");
    let (_, after) = rest.split_once(END).expect("the generated part has an end");
    let expected = format!("{before}{}{after}", generated());
    if std::env::var_os("UPDATE_DOCS").is_some_and(|wanted| wanted == "1") {
        fs::write(document(), &expected).unwrap();
        return;
    }
    assert!(
        told == expected,
        "docs/records.md is not what schemas/ says: UPDATE_DOCS=1 cargo test records rewrites it"
    );
    for stream in STREAMS {
        assert!(
            expected.contains(&format!("### `{}`\n", stream.name)),
            "{}",
            stream.name
        );
    }
}
