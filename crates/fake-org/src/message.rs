//! Requests to an org and its responses, without any HTTP library's types.

use crate::faults::Fault;

/// One request, as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path, percent-encoded as sent, without the query.
    pub path: String,
    /// The raw query, without `?`; empty when there is none.
    pub query: String,
    /// Names in any case; duplicates allowed.
    pub headers: Vec<(String, String)>,
    /// The body, empty for `GET`.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers; `target` is path and query.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            ..Self::default()
        }
    }

    /// `GET` of path and query.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds `Authorization: {scheme} {token}`.
    #[must_use]
    pub fn authorized(self, scheme: &str, token: &str) -> Self {
        self.header("Authorization", &format!("{scheme} {token}"))
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The URL that the sender asked for, without the query: `http` for loopback hosts, `https` for all others.
    pub(crate) fn url(&self, domain: &str) -> String {
        let Some(host) = self.header_value("host") else {
            return format!("{domain}{}", self.path);
        };
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let loopback = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
        format!(
            "{}://{host}{}",
            if loopback { "http" } else { "https" },
            self.path
        )
    }
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// HTTP status; what it says does not matter when `fault` is [`Fault::Reset`].
    pub status: u16,
    /// Duplicates are allowed and sent as several lines.
    pub headers: Vec<(String, String)>,
    /// The whole body, even when `fault` says that it will not arrive whole.
    pub body: Vec<u8>,
    /// A fault that the answer meets on its way.
    pub fault: Option<Fault>,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), content_type.into())],
            body: body.into(),
            fault: None,
        }
    }

    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "application/json", body)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
