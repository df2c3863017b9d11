//! `make check`: what a secret opens, as a table of streams.

use std::io::Write;
use std::process::{Command, Stdio};

use fake_org::{Denial, NewApp};
use serde_json::{Value, json};

use crate::support::moto;
use crate::support::rig::{CLIENT, PASSWORD, Rig};

/// What is shown of a report in so many columns, and the exit code.
fn shown(report: &Value, columns: usize) -> (String, Option<i32>) {
    let mut command = Command::new(moto::python());
    command
        .args(["-B", "-m", "demo.check", "--report", "-"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
        .env("COLUMNS", columns.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(report.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr]
        .map(|part| String::from_utf8(part).unwrap())
        .concat();
    (text, output.status.code())
}

/// The rows of a table, by their first word, with runs of blanks made one and continued lines joined.
fn row(text: &str, stream: &str) -> String {
    let mut lines = text
        .lines()
        .skip_while(|line| line.split_whitespace().next() != Some(stream));
    let first = lines
        .next()
        .unwrap_or_else(|| panic!("there is no {stream} in\n{text}"))
        .to_owned();
    let more = lines.take_while(|line| line.starts_with("          "));
    let words: Vec<String> = std::iter::once(first)
        .chain(more.map(str::to_owned))
        .collect();
    joined(&words.join(" "))
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn check(rig: &Rig) -> Value {
    serde_json::to_value(rig.ask(json!({"mode": "check"})).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_checks_report_is_a_table_of_gaps_and_remedies() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.org().create_app(NewApp::service("Collector", CLIENT));
    rig.org().create_idp("OIDC", "Partners");
    let (text, code) = shown(&check(&rig).await, 120);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(row(&text, "users"), "users yes");
    assert!(
        text.contains("every stream can be read, and the bucket can be written"),
        "{text}"
    );
    rig.org().edit_client(CLIENT, |client| {
        client.scopes.retain(|scope| scope != "okta.idps.read")
    });
    rig.org().deny("/api/v1/iam/**", Denial::AdminRole);
    rig.org().deny("/api/v1/groups", Denial::Feature);
    rig.org().revoke_access_tokens();
    let report = check(&rig).await;
    for columns in [60, 120, 300] {
        let (text, code) = shown(&report, columns);
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= columns.max(75)),
            "{text}"
        );
        assert_eq!(row(&text, "users"), "users yes");
        assert!(
            row(&text, "groups").starts_with("groups not there the org does not have this feature"),
            "{text}"
        );
        assert!(
            row(&text, "roles").starts_with("roles no an admin role is"),
            "{text}"
        );
        assert!(text.contains("5 of 14 streams cannot be read"), "{text}");
        if columns >= 120 {
            assert_eq!(
                row(&text, "groups"),
                "groups not there the org does not have this feature"
            );
            let remedy = "View roles, resources, and admin assignments";
            assert!(
                text.contains("remedy") && joined(&text).contains(&joined(remedy)),
                "{text}"
            );
            assert_eq!(
                row(&text, "roles"),
                "roles no an admin role is missing as for resource_sets"
            );
            assert!(row(&text, "idps").contains("okta.idps.read"), "{text}");
        }
    }
}

#[test]
fn another_answer_than_a_checks_report_is_shown_in_words() {
    let error = json!({"errorType": "CredentialsRejected", "errorMessage": "check the secret"});
    for (report, words) in [
        (error, "CredentialsRejected: check the secret"),
        (json!({}), "no report"),
        (json!([]), "no report"),
    ] {
        let (text, code) = shown(&report, 100);
        assert!(
            code == Some(2) && text.contains(words) && !text.contains("Traceback"),
            "{text}"
        );
    }
}

/// Builds nothing: a secret that cannot be read ends it before.
#[test]
fn a_secret_that_cannot_be_read_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.json");
    std::fs::write(&file, format!("{{\"token\": \"{PASSWORD}\"")).unwrap();
    for (secret, words) in [
        ("", "OKTA_SECRET="),
        ("/nowhere.json", "cannot be read"),
        (file.to_str().unwrap(), "JSON"),
    ] {
        let mut command = Command::new(moto::python());
        command
            .args(["-B", "-m", "demo.check"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("OKTA_SECRET", secret);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains(words) && !text.contains(PASSWORD) && !text.contains("Traceback"),
            "{text}"
        );
    }
}

/// The setup's table names the scope of every stream.
#[test]
fn the_setup_tells_of_every_stream() {
    let setup = include_str!("../../docs/okta-setup.md");
    let rows = setup.lines().filter(|line| line.starts_with("| `"));
    let codes = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let told = rows.flat_map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let scope = codes(cells[2]).into_iter().next().unwrap_or_default();
        codes(cells[1])
            .into_iter()
            .map(move |stream| (stream, scope.clone()))
    });
    let told: std::collections::BTreeSet<_> = told.collect();
    let declared = okta_authomize::streams::STREAMS
        .iter()
        .map(|stream| (stream.name.to_owned(), stream.scope.to_owned()));
    assert_eq!(told, declared.collect());
}
