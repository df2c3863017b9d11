//! One page of one org.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::auth::Session;
use super::transport::{Raw, Transport, Use};
use super::{Error, Within, link, pace};
use crate::body::Body;

/// An org that pages can be read of.
#[derive(Debug, Clone)]
pub struct Org {
    transport: Arc<Transport>,
    session: Arc<Session>,
}

/// An answer to a GET.
#[derive(Debug)]
pub struct Page {
    /// JSON text.
    pub body: Body,
    /// Path and query of the next page.
    pub next: Option<String>,
}

impl Org {
    /// The org that `transport` connects to.
    #[must_use]
    pub fn new(transport: Arc<Transport>, session: Arc<Session>) -> Self {
        Self { transport, session }
    }

    /// The scopes that the org grants (see [`Session`]); none where it does not say.
    ///
    /// # Errors
    /// [`Error::Rejected`] where it grants no token at all.
    pub async fn granted(&self, until: Timestamp) -> Result<Option<BTreeSet<String>>, Error> {
        self.session.granted(&self.transport, until).await
    }

    /// What was used of the org so far.
    #[must_use]
    pub fn used(&self) -> Use {
        self.transport.used()
    }

    /// How many requests should be under way at once.
    #[must_use]
    pub fn room(&self) -> usize {
        self.transport.room()
    }

    /// Of them, how many should count against one rate limit (see [`super::class_of`]).
    #[must_use]
    pub fn room_of_a_class(&self) -> usize {
        self.transport.room_of_a_class()
    }

    /// Fetches a path (with its query). `omits`: what the answer may come without, in the words of
    /// Okta's `okta-response`; empty for nothing. A token that Okta no longer accepts is renewed once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, path: &str, omits: &str, within: Within) -> Result<Page, Error> {
        let url = self.transport.address().url(path)?;
        let class = pace::class_of(path);
        for attempt in 0.. {
            let access = self.session.authorize(&self.transport, within.until).await?;
            let build = |http: &reqwest::Client, now| {
                let mut request = http.get(url.clone()).header("accept", "application/json");
                if !omits.is_empty() {
                    request = request.header("content-type", format!("application/json; okta-response={omits}"));
                }
                let request = access.put_on(request, &Method::GET, &url, now)?;
                request.build().map_err(|error| Error::Failed(error.without_url().to_string()))
            };
            let raw = self.transport.send(class, within, build).await?;
            if raw.status == 200 {
                return Ok(page(raw));
            }
            let error = Refusal::read(&raw).explain(&raw, path);
            if !(matches!(error, Error::Rejected(_)) && attempt == 0 && self.session.forget(&access).await) {
                return Err(error);
            }
        }
        Err(Error::OutOfTime)
    }
}

/// Lists page by a `Link` header, or (IAM) by a link in the body.
fn page(raw: Raw) -> Page {
    #[derive(Deserialize)]
    struct Linked {
        #[serde(rename = "_links")]
        links: Links,
    }
    #[derive(Deserialize)]
    struct Links {
        next: Next,
    }
    #[derive(Deserialize)]
    struct Next {
        href: String,
    }
    let headers = raw.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
    let next = link::next(headers).or_else(|| {
        let wrapped = raw.body.trim_start().starts_with('{');
        let linked = wrapped.then(|| serde_json::from_str::<Linked>(&raw.body).ok()).flatten()?;
        link::path_of(&linked.links.next.href)
    });
    Page { body: raw.body, next }
}

/// What Okta says of a request that it refuses.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Refusal {
    error_code: String,
    error_summary: String,
    error_id: String,
}

/// Okta's words for a person to read, led by a space; nothing where there are none.
pub(super) fn told(body: &str) -> String {
    let refusal: Refusal = serde_json::from_str(body).unwrap_or_default();
    let words = [refusal.error_code, refusal.error_summary, refusal.error_id].join(" ");
    match words.trim() {
        "" => String::new(),
        words => format!(" {}", words.chars().take(300).collect::<String>()),
    }
}

impl Refusal {
    fn read(raw: &Raw) -> Self {
        serde_json::from_str(&raw.body).unwrap_or_default()
    }

    /// <https://developer.okta.com/docs/reference/error-codes/>
    fn explain(&self, raw: &Raw, path: &str) -> Error {
        let is_continued = path.contains("after=");
        let path = path.split('?').next().unwrap_or_default();
        let said = format!("GET {path}: HTTP {}{}", raw.status, told(&raw.body));
        let challenge = challenge(&raw.headers);
        match (raw.status, self.error_code.as_str()) {
            (_, "E0000015") => Error::NotApplicable(format!("the org does not have this feature ({said})")),
            (401, _) => Error::Rejected(format!(
                "Okta does not accept the access: check that the app or API token is active and not expired or revoked ({said})"
            )),
            // Not allowed "in the user's current status": there is nothing to be had of this user.
            (403, "E0000038") => Error::Gone,
            (403, _) => Error::Unavailable(missing(&challenge, &said)),
            (404, _) => Error::Gone,
            // Okta names no error for a position that it has forgotten: E0000029 and E0000031 are seen.
            (400, _) if is_continued => Error::Expired,
            (400, _) => Error::Refused(said),
            _ => Error::Failed(said),
        }
    }
}

fn challenge(headers: &HeaderMap) -> String {
    let values = headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(", ")
}

/// What is missing for a request that Okta forbids, and who can give it.
fn missing(challenge: &str, said: &str) -> String {
    if challenge.contains("insufficient_scope") {
        let scope = challenge
            .split("scope=\"")
            .last()
            .and_then(|rest| rest.split('"').next())
            .unwrap_or("its okta.*.read scope");
        return format!(
            "the scope {scope} is not granted: grant it to the app in Okta (Applications, the app, Okta API Scopes) ({said})"
        );
    }
    if said.contains("network zone") {
        return format!(
            "the org refuses the function's address: allow it in the app's or token's network zones ({said})"
        );
    }
    format!(
        "an admin role is missing: assign the app, or the API token's owner, an admin role that may read this, such as Read-Only Administrator ({said})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(status: u16, challenge: &str, body: &str) -> Error {
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", challenge.parse().unwrap());
        let raw = Raw { status, headers, body: body.to_owned().into() };
        Refusal::read(&raw).explain(&raw, "/api/v1/groups?after=secret")
    }

    #[test]
    fn what_is_missing_is_told_with_its_remedy() {
        let scope =
            explained(403, r#"Bearer authorization_uri="x", error="insufficient_scope", scope="okta.groups.read""#, "");
        assert!(
            matches!(&scope, Error::Unavailable(text) if text.contains("okta.groups.read") && text.contains("grant it")),
            "{scope}"
        );
        let role = explained(403, "", r#"{"errorCode":"E0000006","errorSummary":"You do not have permission"}"#);
        assert!(
            matches!(&role, Error::Unavailable(text) if text.contains("admin role") && text.contains("E0000006")),
            "{role}"
        );
        let feature = explained(401, "", r#"{"errorCode":"E0000015"}"#);
        assert!(matches!(feature, Error::NotApplicable(_)));
        let token = explained(401, r#"Bearer error="invalid_token""#, "");
        assert!(matches!(&token, Error::Rejected(text) if !text.contains("after=secret")));
    }

    #[test]
    fn a_listing_position_that_is_refused_has_expired() {
        assert_eq!(explained(400, "", r#"{"errorCode":"E0000031"}"#), Error::Expired);
        assert_eq!(explained(400, "", r#"{"errorCode":"E0000029"}"#), Error::Expired);
        assert_eq!(explained(400, "", r#"{"errorCode":"E0000001"}"#), Error::Expired);
        assert_eq!(explained(404, "", "<html>"), Error::Gone);
    }

    #[test]
    fn a_body_pages_by_its_own_link() {
        let raw = |body: &str| Raw { status: 200, headers: HeaderMap::new(), body: body.to_owned().into() };
        let body = r#"{"roles":[],"_links":{"self":{},"next":{"href":"https://acme-admin.okta.com/api/v1/iam/roles?after=1"}}}"#;
        assert_eq!(page(raw(body)).next.as_deref(), Some("/api/v1/iam/roles?after=1"));
        assert_eq!(page(raw(r#"{"_links":{}}"#)).next, None);
        assert_eq!(page(raw("[]")).next, None);
    }
}
