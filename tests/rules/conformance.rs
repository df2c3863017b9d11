//! What is written is what Authomize's own client and the OCSF schema take, and no record of a
//! recorded org is lost.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fake_org::{Client, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DemoOptions, Options, Org};
use jiff::{SignedDuration, Timestamp};
use okta_authomize::invocation::Outcome;
use serde_json::json;

use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};

/// Authomize's own client is in an environment of its own, the OCSF schema with everything else.
const AUTHOMIZE: Checker = Checker {
    module: "conformance.authomize_check",
    variable: "CONFORMANCE_PYTHON",
    environment: ".venv-conformance",
};
const OCSF: Checker = Checker {
    module: "conformance.ocsf_check",
    variable: "FINDINGS_PYTHON",
    environment: ".venv",
};

struct Checker {
    module: &'static str,
    variable: &'static str,
    environment: &'static str,
}

/// The interpreter that `make` has installed a check's needs for.
fn python(checker: &Checker) -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os(checker.variable).map(PathBuf::from);
    let python = given.unwrap_or_else(|| project.join(checker.environment).join("bin/python3"));
    assert!(
        python.exists(),
        "{} is not there: run make test, which installs it",
        python.display()
    );
    python
}

fn check(checker: &Checker, arguments: &[&Path], input: &[u8]) -> String {
    let mut command = Command::new(python(checker));
    command
        .args(["-B", "-m", checker.module])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Checks all that a rig's function has written.
fn assert_conforms(rig: &Rig) {
    let directory = tempfile::tempdir().unwrap();
    rig.copy_to(directory.path());
    eprintln!("{}", check(&AUTHOMIZE, &[directory.path()], b""));
    let activity = &rig.read().streams["activity"].records;
    if !activity.is_empty() {
        let events: String = activity
            .values()
            .map(|line| format!("{}\n", line.record["ocsf"]))
            .collect();
        eprintln!("{}", check(&OCSF, &[], events.as_bytes()));
    }
}

#[tokio::test]
async fn a_company_conforms_and_nothing_dangles() {
    let now = Timestamp::now();
    let start = now - SignedDuration::from_hours(24 * 45);
    let org = Org::demo(&DemoOptions {
        seed: 11,
        people: 80,
        start,
        now,
        bursts: vec![],
    });
    let mut secret = secret();
    secret["client_id"] = DEMO_CLIENT_ID.into();
    secret["client_secret"] = DEMO_CLIENT_SECRET.into();
    let rig = Rig::around(org, &secret, &[("LOG_LOOKBACK_DAYS", "5")]).await;
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(
        report.streams.values().all(|stream| stream.upserts > 0),
        "{report:#?}"
    );
    assert_conforms(&rig);
}

/// Runs where recordings of real orgs lie beside the project; they are no part of it.
#[tokio::test]
async fn no_recorded_object_is_lost() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/okta-recorded");
    if !recorded.is_dir() {
        eprintln!("no recordings beside the project");
        return;
    }
    let mut org = Org::new(Options::default());
    org.add_client(Client::with_secret(CLIENT, PASSWORD));
    eprintln!("{:#?}", org.load_recorded(&recorded).unwrap());
    let rig = Rig::around(org, &secret(), &[]).await;
    let report = rig.ask(json!({})).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig.assert_in_step();
    for (name, stream) in &rig.read().streams {
        eprintln!("{name}: {} records", stream.records.len());
    }
    assert_conforms(&rig);
}
