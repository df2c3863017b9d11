//! A proxy before moto that refuses what a role of the template does not allow (`deploy/tests/enforcing.py`).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::moto;

/// The started proxy; it ends with this.
pub struct Enforcing {
    pub url: String,
    child: Child,
}

impl Drop for Enforcing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Enforcing {
    /// Enforces a role of template.yaml. `given` are parameters, names of resources and secrets, as the proxy takes them.
    pub fn start(role: &str, given: &Value) -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let project = package
            .ancestors()
            .find(|folder| folder.join("Makefile").exists())
            .unwrap_or(package);
        let mut child = Command::new(moto::python())
            .args(["-B", "-m", "deploy.tests.enforcing", moto::url(), role])
            .arg(given.to_string())
            .current_dir(project)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        assert!(
            url.starts_with("http://"),
            "the proxy does not start: {url}"
        );
        let url = url.trim().to_owned();
        Self { url, child }
    }

    /// Which statements allowed something (`used`), which there are (`there`), and what was refused (`refused`).
    pub fn told(&self) -> Value {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream
            .write_all(b"GET /told HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    /// Asserts that nothing was refused, and that no statement allows what nobody needs.
    pub fn assert_fits(&self, unneeded: &[&str]) {
        let told = self.told();
        assert_eq!(told["refused"], Value::Array(Vec::new()), "{told:#}");
        let texts = |key: &str| -> Vec<String> {
            let all = told[key].as_array().unwrap();
            all.iter()
                .map(|sid| sid.as_str().unwrap().to_owned())
                .filter(|sid| !unneeded.contains(&sid.as_str()))
                .collect()
        };
        assert_eq!(texts("used"), texts("there"));
    }
}
