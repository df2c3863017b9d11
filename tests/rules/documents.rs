//! What the documents and the template say is what the code declares.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use okta_authomize::config::{Config, VARIABLES};
use okta_authomize::invocation::{Outcome, Report, Request, StreamReport};
use okta_authomize::record::{Op, Record, SCHEMA};
use okta_authomize::secret::{Content, parse};
use okta_authomize::streams::{Context, STREAMS, Source, by_name, names, scopes};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json, to_value};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(file: &str) -> String {
    fs::read_to_string(project().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The rows of the table that the given header begins, cell by cell, without the header.
fn table(document: &str, header: &str) -> Vec<Vec<String>> {
    let text = text(document);
    let mut lines = text.lines().skip_while(|line| !line.starts_with(header));
    assert!(lines.next().is_some(), "{document} has no table {header}");
    let cells = |line: &str| {
        line.trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}

/// What stands between backticks.
fn codes(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The one word between backticks.
fn code(cell: &str) -> String {
    codes(cell)
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("{cell} names nothing in backticks"))
}

/// The JSON block of a document that holds `word`.
fn example(document: &str, word: &str) -> Value {
    let text = text(document);
    let blocks = text
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let block = blocks
        .into_iter()
        .find(|block| block.contains(word))
        .expect("the document has such an example");
    serde_json::from_str(block).unwrap_or_else(|error| panic!("{error} in {block}"))
}

fn keys(value: &Value) -> BTreeSet<String> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

fn set<T: Into<String>>(items: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    items.into_iter().map(Into::into).collect()
}

/// All files under `place`, as paths within the project.
fn files(place: &str) -> BTreeSet<String> {
    let mut open = vec![project().join(place)];
    let mut found = BTreeSet::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => drop(
                    found.insert(
                        path.strip_prefix(project())
                            .unwrap()
                            .to_str()
                            .unwrap()
                            .to_owned(),
                    ),
                ),
            }
        }
    }
    found
}

#[test]
fn the_documents_list_every_stream_as_it_is_declared() {
    let rows = table("docs/records.md", "| stream | data |");
    assert_eq!(
        rows.iter().map(|row| code(&row[0])).collect::<Vec<_>>(),
        names()
    );
    for (row, stream) in rows.iter().zip(STREAMS) {
        assert_eq!(
            (row[1].as_str(), code(&row[2]).as_str()),
            (stream.word, stream.scope),
            "{}",
            stream.name
        );
        let path = match &stream.source {
            Source::Listing(listing) => listing.path,
            Source::PerParent { path, .. } | Source::SystemLog { path } => path,
            Source::Assembled { .. } | Source::Counted { .. } => continue,
        };
        let path = path.split('?').next().unwrap().replace("{parent}", "{id}");
        assert_eq!(code(&row[3]), path, "{}", stream.name);
    }
}

#[test]
fn the_readme_asks_for_the_scopes_that_the_streams_need() {
    let text = text("README.md");
    let listed: Vec<_> = text
        .lines()
        .filter(|line| line.trim_start().starts_with("- `okta."))
        .map(code)
        .collect();
    assert_eq!(listed, scopes(STREAMS));
}

#[test]
fn the_documents_list_every_setting_with_its_default() {
    let rows = table("docs/configuration.md", "| setting | template parameter |");
    assert_eq!(
        rows.iter().map(|row| code(&row[0])).collect::<Vec<_>>(),
        VARIABLES
    );
    let told = |name: &str| {
        let row = rows.iter().find(|row| code(&row[0]) == name).unwrap();
        codes(&row[2]).into_iter().next()
    };
    // The defaults that are told, set as values, change nothing.
    let bucket = |name: &str| (name == "BUCKET").then(|| "acme-okta".to_owned());
    let silent = Config::read(bucket).unwrap();
    let spoken = Config::read(|name| bucket(name).or_else(|| told(name))).unwrap();
    assert_eq!(format!("{silent:?}"), format!("{spoken:?}"));
}

#[test]
fn the_template_sets_every_variable_but_the_one_for_tests() {
    let template = text("template.yaml");
    let mut lines = template
        .lines()
        .skip_while(|line| line.trim() != "Variables:");
    let depth = |line: &str| line.len() - line.trim_start().len();
    let head = depth(lines.next().expect("the template has variables"));
    let set_there = lines
        .take_while(|line| depth(line) > head)
        .filter_map(|line| line.trim().split_once(':'));
    // Those of the network are read by the libraries beneath.
    let of_the_network = ["HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"];
    let set_there: BTreeSet<_> = set_there
        .map(|(name, _)| name.to_owned())
        .filter(|name| !of_the_network.contains(&name.as_str()))
        .collect();
    assert_eq!(
        set_there,
        set(VARIABLES
            .into_iter()
            .filter(|name| *name != "OKTA_ENDPOINT_URL"))
    );
}

#[test]
fn the_loaders_document_lists_every_setting_and_the_template_sets_it() {
    let rows = table("docs/loader.md", "| variable | template parameter |");
    let listed: Vec<_> = rows.iter().flat_map(|row| codes(&row[0])).collect();
    assert_eq!(listed, loader::config::VARIABLES);
    let template = text("template.yaml");
    let function = template
        .split("\n  Loader:\n")
        .nth(1)
        .expect("the template has the loader");
    for name in loader::config::VARIABLES {
        assert!(function.contains(&format!("          {name}: !")), "{name}");
    }
    for parameter in rows.iter().flat_map(|row| codes(&row[1])) {
        assert!(
            template.contains(&format!("\n  {parameter}:\n    Type:")),
            "{parameter}"
        );
    }
}

#[test]
fn the_loaders_document_explains_every_error() {
    let listed: BTreeSet<_> = table("docs/loader.md", "| `errorType` |")
        .into_iter()
        .flat_map(|row| codes(&row[0]))
        .collect();
    let mut named = BTreeSet::new();
    for file in files("crates/loader/src")
        .into_iter()
        .filter(|file| !file.contains("/bin/"))
    {
        let source = text(&file);
        let code = source
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"));
        let code = code
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        let words = code.split('"').skip(1).step_by(2).filter(|word| {
            word.len() >= 7
                && word.starts_with(char::is_uppercase)
                && word.contains(char::is_lowercase)
                && word.chars().all(|c| c.is_ascii_alphabetic())
        });
        named.extend(
            words
                .filter(|word| !word.ends_with("Exception"))
                .map(str::to_owned),
        );
    }
    let missing: Vec<_> = listed.difference(&named).collect();
    assert!(missing.is_empty(), "no such error: {missing:?}");
    let known = ["Disabled", "Grouping", "Records", "Authomize"];
    let left_out: Vec<_> = named
        .difference(&listed)
        .filter(|word| !known.contains(&word.as_str()))
        .collect();
    assert!(left_out.is_empty(), "not explained: {left_out:?}");
}

#[test]
fn the_documents_name_parameters_that_the_template_has() {
    let template = text("template.yaml");
    for row in table("docs/configuration.md", "| setting | template parameter |") {
        for parameter in codes(&row[1]) {
            assert!(
                template.contains(&format!("{}: !Ref {parameter}\n", code(&row[0]))),
                "{parameter}"
            );
            assert!(
                template.contains(&format!("\n  {parameter}:\n    Type:")),
                "{parameter}"
            );
        }
    }
}

#[test]
fn the_documents_list_every_key_of_a_secret() {
    let rows = table("docs/configuration.md", "| key | meaning |");
    let mut secret: serde_json::Map<String, Value> = rows
        .iter()
        .flat_map(|row| codes(&row[0]))
        .map(|key| (key, Value::Null))
        .collect();
    let read = |secret: &serde_json::Map<String, Value>| {
        let text = Value::from(secret.clone()).to_string();
        parse(
            &Content {
                version: "1".into(),
                text: text.into(),
            },
            &names(),
        )
    };
    secret["domain"] = "acme.okta.com".into();
    secret["token"] = "t".into();
    assert!(read(&secret).is_ok(), "{secret:?}");
    secret.insert("unknown".into(), Value::Null);
    let problems = read(&secret).unwrap_err().problems.join(" ");
    let known = problems
        .split("the keys are ")
        .nth(1)
        .expect("the problem tells the keys")
        .split(", ");
    let listed: BTreeSet<_> = rows.iter().flat_map(|row| codes(&row[0])).collect();
    assert_eq!(set(known), listed);
}

#[test]
fn every_sample_event_is_one() {
    for file in files("events") {
        let event =
            serde_json::from_str(&text(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        Request::parse(&event, &names()).unwrap_or_else(|problems| panic!("{file}: {problems:?}"));
    }
    for row in table("docs/events-and-report.md", "| event | effect |") {
        let event = serde_json::from_str(&code(&row[0])).unwrap();
        Request::parse(&event, &names()).unwrap_or_else(|problems| panic!("{event}: {problems:?}"));
    }
}

#[test]
fn the_documents_record_is_what_the_function_writes() {
    let told = example("docs/records.md", "\"bundle\"");
    let stream = by_name(told["stream"].as_str().unwrap()).unwrap();
    let source: Box<RawValue> = to_raw_value(&told["source"]).unwrap();
    let made = (stream.normalize)(&source, &Context::default()).unwrap();
    let record = Record {
        schema: SCHEMA,
        stream: stream.name,
        op: Op::Upsert,
        id: made.id,
        observed_at: "2026-11-23T18:00:00.000Z".to_owned(),
        cause: None,
        bundle: made.bundle,
        source: Some(made.source),
        ocsf: made.ocsf,
    };
    assert_eq!(told, to_value(&record).unwrap());
}

#[test]
fn the_documents_report_is_one() {
    let told = example("docs/events-and-report.md", "\"outcome\"");
    let report = Report {
        power: None,
        integration: String::new(),
        run: String::new(),
        collector: "",
        outcome: Outcome::Succeeded,
        go_on: false,
        sequence: 0,
        streams: [("users".to_owned(), StreamReport::default())].into(),
        retry_after_seconds: None,
        activity_lag_seconds: 0,
        contradicted: 0,
        okta: okta_authomize::invocation::OktaUse::default(),
        duration_ms: 0,
    };
    let report = to_value(&report).unwrap();
    assert_eq!(keys(&told), keys(&report));
    assert_eq!(keys(&told["okta"]), keys(&report["okta"]));
    assert_eq!(
        keys(&told["streams"]["users"]),
        keys(&report["streams"]["users"])
    );
}

#[test]
fn the_documents_explain_every_outcome() {
    let listed: BTreeSet<_> = table("docs/events-and-report.md", "| outcome | of |")
        .into_iter()
        .flat_map(|row| codes(&row[0]))
        .collect();
    let outcomes = [
        Outcome::Succeeded,
        Outcome::NotApplicable,
        Outcome::Partial,
        Outcome::Held,
        Outcome::Unavailable,
        Outcome::Failed,
        Outcome::Degraded,
        Outcome::Superseded,
    ];
    let words = outcomes
        .iter()
        .map(|outcome| json!(outcome).as_str().unwrap().to_owned());
    assert_eq!(listed, words.collect());
}

#[test]
fn the_documents_explain_every_error() {
    let listed: BTreeSet<_> = table("docs/errors.md", "| `errorType` |")
        .into_iter()
        .flat_map(|row| codes(&row[0]))
        .collect();
    let is_kind = |word: &&str| {
        word.starts_with(char::is_uppercase)
            && word.contains(char::is_lowercase)
            && word.chars().all(|c| c.is_ascii_alphabetic())
    };
    let sources = [
        text("src/handler/failure.rs"),
        text("src/main.rs"),
        text("crates/aws/src/start.rs"),
    ];
    let kinds: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| {
            source
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
        })
        .flat_map(|line| {
            line.split('"')
                .skip(1)
                .step_by(2)
                .filter(is_kind)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(listed, kinds);
}

#[test]
fn every_file_begins_with_its_purpose() {
    let there = [
        "src",
        "crates/aws/src",
        "crates/fake-org/src",
        "crates/fold/src",
        "crates/loader/src",
        "crates/reader/src",
    ];
    for file in there.into_iter().flat_map(files) {
        let is_code = Path::new(&file).extension().is_some_and(|end| end == "rs");
        assert!(!is_code || text(&file).starts_with("//! "), "{file}");
    }
}

/// Every document for people, by its path within the project.
fn documents() -> Vec<String> {
    let own = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ]
    .map(str::to_owned);
    own.into_iter()
        .chain(
            files("docs")
                .into_iter()
                .filter(|file| file.ends_with(".md")),
        )
        .collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(document: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(document).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for document in documents() {
        let folder = project().join(&document).parent().unwrap().to_owned();
        for target in text(&document)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                project().join(&document)
            } else {
                folder.join(file)
            };
            assert!(file.exists(), "{document}: {target}");
            assert!(
                anchor.is_empty() || anchors(&file).contains(anchor),
                "{document}: {target} has no such heading"
            );
        }
    }
}

#[test]
fn every_make_target_that_is_written_about_is_there() {
    let makefile = text("Makefile");
    for document in documents() {
        for command in codes(&text(&document))
            .iter()
            .filter_map(|code| code.strip_prefix("make "))
        {
            let target = command.split(' ').next().unwrap();
            assert!(
                makefile.contains(&format!("\n{target}:")),
                "{document}: make {target}"
            );
        }
    }
}

#[test]
fn the_readme_is_short_and_its_pictures_are_small() {
    let readme = text("README.md");
    assert!(
        readme.lines().count() < 200,
        "{} lines",
        readme.lines().count()
    );
    let pictures: Vec<_> = files("docs/pictures").into_iter().collect();
    assert!(
        pictures.iter().all(|picture| picture.ends_with(".png")),
        "{pictures:?}"
    );
    for picture in &pictures {
        let bytes = fs::metadata(project().join(picture)).unwrap().len();
        assert!(bytes < 200_000, "{picture} has {bytes} bytes");
    }
    let shown = readme.matches("![").count();
    assert!(shown >= 3, "{shown} pictures");
}

#[test]
fn every_test_that_the_document_on_security_names_is_there() {
    let sources: String = files("tests/rules")
        .iter()
        .chain(&files("src"))
        .map(|file| text(file))
        .collect();
    let names: Vec<_> = table("docs/security.md", "| object | threat | means | shown by |");
    assert!(names.len() >= 8);
    let document = text("docs/security.md");
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| line.trim_end_matches(" |").rsplit(" | ").next());
    let named: Vec<_> = rows
        .flat_map(codes)
        .filter(|code| code.matches('_').count() > 2)
        .collect();
    assert!(named.len() >= 15, "{named:?}");
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "{name}");
    }
}
