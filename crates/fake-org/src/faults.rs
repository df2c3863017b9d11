//! Answers that go wrong on request: statuses, cut bodies, resets, stalls, pages that are no JSON.

use serde_json::json;

use crate::limits::Announced;
use crate::message::{Request, Response};

/// A fault that an answer meets on its way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset (RST) before the first byte of the answer.
    Reset,
    /// Half of the body arrives, less than `Content-Length` says, then the connection ends.
    Truncate,
    /// The answer comes whole, so many milliseconds late.
    Stall(u64),
}

/// A way for a request to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This status and body (JSON) in place of the answer; the org does not see the request.
    Status(u16, String),
    /// This status with these headers and this body in place of the answer; the org does not see the request.
    Answer(u16, Vec<(String, String)>, String),
    /// The connection is reset; the org does not see the request.
    Reset,
    /// The answer is cut in the middle of its body.
    Truncate,
    /// An HTML page of this status, as a gateway answers; the org does not see the request.
    Html(u16),
    /// The answer's status and headers with a body that is no JSON.
    NotJson,
    /// The answer comes this many milliseconds late.
    Stall(u64),
    /// 429 E0000047 with these rate-limit headers; `limit: 0` is Okta's way to say too many requests at once.
    RateLimited {
        /// `X-Rate-Limit-Limit`.
        limit: u64,
        /// `X-Rate-Limit-Reset` less `Date`, in seconds.
        reset_in_seconds: i64,
    },
}

/// Which requests: `METHOD /path?part-of-query`.
///
/// The method may be left out (any). A segment `*` or `{name}` stands for any one segment, a last segment `**` for any
/// rest. What follows `?` has to be contained in the decoded query.
///
/// ```
/// let matcher: fake_org::Matcher = "GET /api/v1/groups/*/users?after=".into();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    method: Option<String>,
    segments: Vec<String>,
    query: Option<String>,
    more_than: Option<u64>,
}

impl From<&str> for Matcher {
    fn from(text: &str) -> Self {
        let (method, target) = match text.split_once(' ') {
            Some((method, target)) if !text.starts_with('/') => (Some(method.to_owned()), target),
            _ => (None, text),
        };
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Self {
            method,
            segments: path.split('/').map(str::to_owned).collect(),
            query,
            more_than: None,
        }
    }
}

impl Matcher {
    /// Only requests that ask for a larger page than this.
    #[must_use]
    pub fn asking_for_more_than(mut self, limit: u64) -> Self {
        self.more_than = Some(limit);
        self
    }

    pub(crate) fn matches(&self, request: &Request) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| *method == request.method)
            && self.matches_path(&request.path)
            && self
                .query
                .as_ref()
                .is_none_or(|part| decoded(&request.query).contains(part))
            && self
                .more_than
                .is_none_or(|most| limit_of(&request.query).is_some_and(|limit| limit > most))
    }

    fn matches_path(&self, path: &str) -> bool {
        let mut found = path.split('/');
        for wanted in &self.segments {
            if wanted == "**" {
                return true;
            }
            let Some(segment) = found.next() else {
                return false;
            };
            if wanted != "*" && !wanted.starts_with('{') && wanted != segment {
                return false;
            }
        }
        found.next().is_none()
    }
}

fn limit_of(query: &str) -> Option<u64> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("limit=")?.parse().ok())
}

fn decoded(query: &str) -> String {
    percent_encoding::percent_decode_str(&query.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// The failures that were asked for and have not happened yet.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: Vec<(Matcher, u64, Failure)>,
}

impl Faults {
    pub(crate) fn plan(&mut self, matcher: Matcher, times: u64, failure: Failure) {
        self.planned.push((matcher, times, failure));
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
    }

    /// The failure that this request meets; each counts down on its own.
    pub(crate) fn meet(&mut self, request: &Request) -> Option<Failure> {
        let index = self
            .planned
            .iter()
            .position(|(matcher, times, _)| *times > 0 && matcher.matches(request))?;
        let (_, times, failure) = &mut self.planned[index];
        *times -= 1;
        let failure = failure.clone();
        self.planned.retain(|(_, times, _)| *times > 0);
        Some(failure)
    }
}

impl Failure {
    /// The answer to a request that the org does not see.
    pub(crate) fn instead(&self, now_seconds: i64) -> Option<(Response, Option<Announced>)> {
        let response = match self {
            Self::Status(status, body) => {
                Response::new(*status, "application/json", body.as_bytes())
            }
            Self::Answer(status, headers, body) => Response {
                status: *status,
                headers: headers.clone(),
                body: body.clone().into_bytes(),
                ..Response::default()
            },
            Self::Html(status) => Response::new(
                *status,
                "text/html;charset=utf-8",
                format!(
                    "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
                ),
            ),
            Self::Reset => Response {
                fault: Some(Fault::Reset),
                ..Response::default()
            },
            Self::RateLimited {
                limit,
                reset_in_seconds,
            } => {
                let announced = Announced {
                    limit: *limit,
                    remaining: 0,
                    reset: now_seconds + reset_in_seconds,
                };
                return Some((too_many(), Some(announced)));
            }
            Self::Truncate | Self::NotJson | Self::Stall(_) => return None,
        };
        Some((response, None))
    }

    /// The fate of an answer that the org gave.
    pub(crate) fn spoil(&self, mut response: Response) -> Response {
        match self {
            Self::Truncate => response.fault = Some(Fault::Truncate),
            Self::Stall(ms) => response.fault = Some(Fault::Stall(*ms)),
            Self::NotJson => {
                response.body =
                    b"upstream connect error or disconnect/reset before headers".to_vec()
            }
            Self::Status(..)
            | Self::Answer(..)
            | Self::Reset
            | Self::Html(_)
            | Self::RateLimited { .. } => {}
        }
        response
    }
}

/// 429 E0000047.
pub(crate) fn too_many() -> Response {
    let summary = "API call exceeded rate limit due to too many requests.";
    let body = json!({"errorCode": "E0000047", "errorSummary": summary, "errorLink": "E0000047", "errorId": "oaeFakeRateLimit", "errorCauses": []});
    Response::new(429, "application/json", body.to_string())
}

#[cfg(test)]
mod tests {
    use super::Matcher;
    use crate::Request;

    #[test]
    fn a_matcher_knows_method_wildcards_and_query() {
        let request = Request::get("/api/v1/groups/00g1/users?after=abc&filter=x%20eq%201");
        for pattern in [
            "/api/v1/groups/*/users",
            "GET /api/v1/groups/{id}/users",
            "/api/v1/**",
            "/api/v1/groups/**?x eq 1",
        ] {
            assert!(Matcher::from(pattern).matches(&request), "{pattern}");
        }
        assert!(
            !Matcher::from("/api/v1/**")
                .asking_for_more_than(5)
                .matches(&request)
        );
        let limited = Request::get("/api/v1/users?limit=6");
        assert!(
            Matcher::from("/api/v1/**")
                .asking_for_more_than(5)
                .matches(&limited)
        );
        assert!(
            !Matcher::from("/api/v1/**")
                .asking_for_more_than(6)
                .matches(&limited)
        );
        for pattern in [
            "POST /api/v1/groups/*/users",
            "/api/v1/groups/*",
            "/api/v1/groups/*/users?limit",
            "/api/v1",
        ] {
            assert!(!Matcher::from(pattern).matches(&request), "{pattern}");
        }
    }
}
