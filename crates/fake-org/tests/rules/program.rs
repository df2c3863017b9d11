//! The program `fake-org`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    ready: Value,
}

impl Program {
    fn serve(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-org"))
            .args(["serve", "--until-stdin-closes", "--people", "40"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            stdin: child.stdin.take(),
            child,
            ready: serde_json::from_str(&line).unwrap(),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (String, Value) {
        let address = self.ready["url"]
            .as_str()
            .unwrap()
            .trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let token = self.ready["token"].as_str().unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: SSWS {token}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head.to_lowercase(),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stdin.take();
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn the_program_tells_where_it_is_serves_and_ends_with_its_input() {
    let program = Program::serve(&[
        "--start",
        "2026-08-03T00:00:00Z",
        "--now",
        "2026-08-06T12:00:00Z",
        "--rate-limits",
        "workforce",
    ]);
    assert_eq!(program.ready["domain"], "https://acme.okta.com");
    let (head, users) = program.ask("GET", "/api/v1/users", "");
    assert!(
        head.starts_with("http/1.1 200")
            && head.contains("x-rate-limit-limit: 300")
            && head.contains("date: thu, 06 aug 2026"),
        "{head}"
    );
    assert!(users.as_array().unwrap().len() > 20);
}

#[test]
fn the_fake_is_controlled_over_http() {
    let program = Program::serve(&[
        "--start",
        "2026-08-03T00:00:00Z",
        "--now",
        "2026-08-04T00:00:00Z",
    ]);
    program.ask(
        "POST",
        "/_fake/fail",
        r#"{"match": "/api/v1/users", "failure": {"status": 503, "body": {"errorCode": "E0000010"}}}"#,
    );
    assert_eq!(
        program.ask("GET", "/api/v1/users", "").1["errorCode"],
        "E0000010"
    );
    assert_eq!(
        program.ask("GET", "/_fake/counts", "").1["requests"]["GET /api/v1/users"],
        1
    );
    program.ask("POST", "/_fake/reset-counts", "");
    assert_eq!(
        program.ask("GET", "/_fake/counts", "").1["requests"],
        serde_json::json!({})
    );
    let users = |program: &Program| {
        program.ask("GET", "/_fake/state", "").1["users"]
            .as_array()
            .unwrap()
            .len()
    };
    let before = users(&program);
    program.ask("POST", "/_fake/burst", "");
    assert_eq!(users(&program), before + 2);
}
