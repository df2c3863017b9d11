//! Failures on request, over HTTP where that is what they are about.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fake_org::{Failure, NewUser, Org, Server};
use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{CLIENT, get, org};

#[test]
fn failures_happen_as_often_as_planned_where_they_fit() {
    let mut org = org();
    org.fail(
        "GET /api/v1/users?limit=2",
        2,
        Failure::Status(500, "{}".into()),
    );
    assert_eq!(get(&mut org, "/api/v1/users").status, 200);
    let statuses: Vec<u16> = (0..3)
        .map(|_| get(&mut org, "/api/v1/users?limit=2").status)
        .collect();
    assert_eq!(statuses, [500, 500, 200]);
    org.fail(
        "/api/v1/**",
        1,
        Failure::RateLimited {
            limit: 0,
            reset_in_seconds: 111,
        },
    );
    let refused = get(&mut org, "/api/v1/groups");
    let reset = (org.now().as_second() + 111).to_string();
    assert_eq!(
        (refused.status, refused.header_value("x-rate-limit-reset")),
        (429, Some(reset.as_str()))
    );
    org.fail("/api/v1/**", 1, Failure::NotJson);
    assert_eq!(
        get(&mut org, "/api/v1/groups").value(),
        serde_json::Value::Null
    );
    assert_eq!(org.journal().len(), 6);
}

struct Client {
    org: Arc<Mutex<Org>>,
    server: Server,
    token: String,
}

impl Client {
    async fn new() -> Self {
        let mut org = org();
        org.create_user(NewUser::named("Ada", "Lovelace"));
        let token = org.issue_access_token(CLIENT);
        let org = Arc::new(Mutex::new(org));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            server: fake_org::serve(Arc::clone(&org), listener).await,
            org,
            token,
        }
    }

    fn fail(&self, failure: Failure) {
        self.org.lock().unwrap().fail("/api/v1/users", 1, failure);
    }

    /// Head and body of `GET /api/v1/users`, as far as they came.
    async fn get(&self, more: &str) -> std::io::Result<(String, Vec<u8>)> {
        let mut stream = TcpStream::connect(self.server.url.trim_start_matches("http://")).await?;
        let request = format!(
            "GET /api/v1/users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n{more}\r\n",
            self.token
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer).await;
        let Some(at) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return end.map(|_| (String::new(), Vec::new()));
        };
        Ok((
            String::from_utf8_lossy(&answer[..at]).to_lowercase(),
            answer[at + 4..].to_vec(),
        ))
    }
}

fn length(head: &str) -> usize {
    head.lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn answers_come_plain_or_compressed() {
    let client = Client::new().await;
    let (head, plain) = client.get("").await.unwrap();
    assert!(
        head.starts_with("http/1.1 200") && head.matches("\r\ndate: ").count() == 1,
        "{head}"
    );
    assert_eq!(length(&head), plain.len());
    let (head, packed) = client.get("Accept-Encoding: gzip\r\n").await.unwrap();
    assert!(head.contains("content-encoding: gzip"));
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain);
}

#[tokio::test]
async fn connections_are_reset() {
    let client = Client::new().await;
    client.fail(Failure::Reset);
    assert_eq!(
        client.get("").await.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
    assert!(client.get("").await.is_ok());
}

#[tokio::test]
async fn bodies_are_cut_below_their_announced_length() {
    let client = Client::new().await;
    client.fail(Failure::Truncate);
    let (head, body) = client.get("").await.unwrap();
    assert!(body.len() < length(&head));
}

#[tokio::test]
async fn answers_stall_and_all_may_be_slow() {
    let client = Client::new().await;
    client.fail(Failure::Stall(150));
    let begun = Instant::now();
    client.get("").await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(150));
    client.org.lock().unwrap().options.latency_ms = 60;
    let begun = Instant::now();
    let (first, second) = tokio::join!(client.get(""), client.get(""));
    assert!(first.is_ok() && second.is_ok() && begun.elapsed() >= Duration::from_millis(60));
    assert_eq!(client.org.lock().unwrap().counts().max_concurrency, 2);
}

#[tokio::test]
async fn a_dropped_server_answers_no_more() {
    let client = Client::new().await;
    let address = client.server.url.trim_start_matches("http://").to_owned();
    drop(client.server);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(address).await.is_err());
}
