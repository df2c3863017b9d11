//! AWS on this machine: one moto server a test process, which ends with it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;

/// It serves until its standard input ends, which is when this process does, however that comes about.
const PROGRAM: &str = "
import os, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print('http://%s:%s' % server.get_host_and_port(), flush=True)
sys.stdin.read()
os._exit(0)
";

struct Moto {
    url: String,
    /// Holds the pipe that keeps it alive.
    _child: Child,
}

static MOTO: OnceLock<Moto> = OnceLock::new();

/// The Python that has moto, and all that the demo needs.
pub fn python() -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = package
        .ancestors()
        .find(|folder| folder.join("Makefile").exists())
        .unwrap_or(package);
    let own = project.join(".venv/bin/python3");
    let python =
        std::env::var("MOTO_PYTHON").unwrap_or_else(|_| own.to_string_lossy().into_owned());
    assert!(
        Path::new(&python).exists(),
        "there is no {python} to run moto with: `make test` installs it"
    );
    python
}

/// Where AWS answers, such as `http://127.0.0.1:40123`.
pub fn url() -> &'static str {
    &MOTO.get_or_init(start).url
}

fn start() -> Moto {
    let python = python();
    let mut command = Command::new(&python);
    command
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{python} does not start: {error}"));
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    if url.is_empty() {
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        panic!("{python} does not serve moto, run `make test`, which installs it:\n{said}");
    }
    // Its log goes nowhere, and would block it in a pipe that nobody reads.
    let mut log = child.stderr.take().unwrap();
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Moto {
        url: url.trim().to_owned(),
        _child: child,
    }
}

/// What the AWS SDKs, and the function, read from the environment.
pub fn environment() -> Vec<(&'static str, String)> {
    [
        ("AWS_ENDPOINT_URL", url()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "tests")
}

pub fn s3() -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(credentials())
        .region(Region::new("us-east-1"))
        .endpoint_url(url())
        .force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

pub fn secrets() -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(credentials())
        .region(Region::new("us-east-1"))
        .endpoint_url(url());
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

/// A name that nobody else in this process has.
pub fn name(kind: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{kind}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A new bucket.
pub async fn bucket() -> String {
    let name = name("bucket");
    s3().create_bucket().bucket(&name).send().await.unwrap();
    name
}

/// A new secret of this content; returns its name.
pub async fn secret(content: &serde_json::Value) -> String {
    let name = name("okta/acme");
    secrets()
        .create_secret()
        .name(&name)
        .secret_string(content.to_string())
        .send()
        .await
        .unwrap();
    name
}

/// Everything in a bucket, by key.
pub async fn objects(bucket: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let (s3, mut objects) = (s3(), std::collections::BTreeMap::new());
    let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
    while let Some(page) = pages.next().await {
        for key in page
            .unwrap()
            .contents
            .unwrap_or_default()
            .into_iter()
            .filter_map(|object| object.key)
        {
            let body: ByteStream = s3
                .get_object()
                .bucket(bucket)
                .key(&key)
                .send()
                .await
                .unwrap()
                .body;
            objects.insert(key, body.collect().await.unwrap().to_vec());
        }
    }
    objects
}
