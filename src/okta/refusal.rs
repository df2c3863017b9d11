//! Okta's words for a refusal: in the body, in the API's shape or in OAuth's, and in `WWW-Authenticate`.
//! <https://developer.okta.com/docs/reference/error-codes/>, <https://www.rfc-editor.org/rfc/rfc6750#section-3>

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::scrub::scrub_text;

/// The body of a refusal; empty members where it has none of that kind.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// `errorCode`: `E0000007`.
    pub code: String,
    /// `error`: `invalid_client`.
    pub error: String,
    words: String,
}

/// `WWW-Authenticate` as one text.
#[derive(Debug, Default)]
pub(super) struct Challenge(String);

/// Longest text of Okta's that a message repeats, in characters.
const MOST_TOLD: usize = 300;
/// Longest body that is read as a refusal: as a tree it takes many times as much.
const MOST_REFUSAL_BYTES: usize = 256 << 10;
/// Causes of a refusal that are read.
const MOST_CAUSES: usize = 10;

impl Refusal {
    /// Reads a body of any shape.
    pub(super) fn read(body: &str) -> Self {
        let is_refusal = body.len() <= MOST_REFUSAL_BYTES;
        let body = Some(body).filter(|_| is_refusal);
        let body: Value = serde_json::from_str(body.unwrap_or_default()).unwrap_or_default();
        let text = |name: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let causes = body.get("errorCauses").and_then(Value::as_array);
        let causes = causes
            .into_iter()
            .flatten()
            .take(MOST_CAUSES)
            .filter_map(|cause| Some(cause.get("errorSummary")?.as_str()?.to_owned()));
        let (code, error) = (text("errorCode"), text("error"));
        let words = std::iter::once(text("errorSummary"))
            .chain(causes)
            .chain([text("errorId"), text("error_description")])
            .filter(|words| !words.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        Self { code, error, words }
    }

    /// Okta's words for a person to read, led by a space; nothing where there are none.
    pub(super) fn told(&self) -> String {
        let words = [self.code.as_str(), &self.error, &self.words];
        told(words.into_iter())
    }

    /// Whether a DPoP proof or its nonce is refused. <https://www.rfc-editor.org/rfc/rfc9449#section-7.1>
    pub(super) fn is_about_proof(&self) -> bool {
        matches!(self.error.as_str(), "invalid_dpop_proof" | "use_dpop_nonce")
    }

    /// Whether a validation names the position in a listing.
    pub(super) fn is_about_position(&self) -> bool {
        self.code == "E0000001"
            && ["after:", "'after'", "cursor"]
                .iter()
                .any(|word| self.words.contains(word))
    }

    /// Whether a validation names the page size: a parameter's name, whatever the sentence around it.
    pub(super) fn is_about_limit(&self) -> bool {
        let lower = self.words.to_ascii_lowercase();
        let words: Vec<_> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        let is_rate = |at: usize| at > 0 && words[at - 1] == "rate";
        (0..words.len()).any(|at| words[at] == "limit" && !is_rate(at))
    }

    /// Whether the address of the function is refused.
    pub(super) fn is_about_zones(&self) -> bool {
        self.words.to_ascii_lowercase().contains("network zone")
    }
}

impl Challenge {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let values = headers.get_all("www-authenticate").iter();
        Self(
            values
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect::<Vec<_>>()
                .join(", "),
        )
    }

    /// The value of a parameter, such as `error` of `DPoP algs="ES256", error="use_dpop_nonce"`.
    fn parameter(&self, name: &str) -> Option<&str> {
        let starts = self.0.match_indices(name).map(|(at, _)| at);
        starts.into_iter().find_map(|at| {
            let is_whole = !self.0[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let value = self.0[at + name.len()..]
                .trim_start()
                .strip_prefix('=')?
                .trim_start();
            let value = match value.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next()?,
                None => value.split([',', ' ']).next()?,
            };
            is_whole.then_some(value)
        })
    }

    /// Whether a DPoP proof or its nonce is refused, or wanted where there was none.
    pub(super) fn is_about_proof(&self) -> bool {
        matches!(
            self.parameter("error"),
            Some("invalid_dpop_proof" | "use_dpop_nonce")
        )
    }

    /// Whether the address of the function is refused.
    pub(super) fn is_about_zones(&self) -> bool {
        self.0.to_ascii_lowercase().contains("network zone")
    }

    /// The scope that the token lacks.
    pub(super) fn missing_scope(&self) -> Option<&str> {
        (self.parameter("error")? == "insufficient_scope")
            .then(|| self.parameter("scope").unwrap_or("that the request needs"))
    }

    /// The error for a person to read, led by a space; nothing where there is none.
    pub(super) fn told(&self) -> String {
        let words = ["error", "error_description"]
            .into_iter()
            .filter_map(|name| self.parameter(name));
        told(words)
    }
}

/// Okta's words in a line, led by a space; empty if there are none. They repeat the request's values, addresses and
/// assertions included, so credentials are cut from each of them.
fn told<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words
        .filter(|words| !words.is_empty())
        .map(scrub_text)
        .collect();
    let line: String = words.join(" ").chars().take(MOST_TOLD).collect();
    if line.is_empty() {
        line
    } else {
        format!(" {line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_in_every_form() {
        let read = |text: &str| Challenge(text.to_owned());
        let scope = read(
            r#"Bearer authorization_uri="x", error="insufficient_scope", error_description="a", scope="okta.groups.read""#,
        );
        assert_eq!(scope.missing_scope(), Some("okta.groups.read"));
        assert_eq!(scope.told(), " insufficient_scope a");
        for proof in [
            r#"DPoP algs="ES256" error="invalid_dpop_proof""#,
            "DPoP error=use_dpop_nonce",
            r#"DPoP error = "use_dpop_nonce", algs="x""#,
        ] {
            assert!(read(proof).is_about_proof(), "{proof}");
        }
        for other in [
            "",
            "SSWS",
            r#"Bearer error_description="error invalid_dpop_proof""#,
            "error",
            "error=",
            "error=\"",
        ] {
            assert!(
                !read(other).is_about_proof() && read(other).missing_scope().is_none(),
                "{other}"
            );
        }
    }

    #[test]
    fn what_okta_repeats_of_a_credential_is_not_told() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIwMHUxIn0.hush-hush";
        for (words, expected) in [
            (
                format!("the assertion {jwt} has expired"),
                "the assertion  has expired",
            ),
            (
                "GET /cb?code=hush&state=1 is unknown".to_owned(),
                "GET /cb?code=&state=1 is unknown",
            ),
            (
                "Authorization: SSWS 00hush0000000000000000".to_owned(),
                "Authorization: SSWS ",
            ),
            (
                "https://name:hush@acme.okta.com/x".to_owned(),
                "https://name:@acme.okta.com/x",
            ),
        ] {
            let oauth = serde_json::json!({"error": "x", "error_description": words}).to_string();
            assert_eq!(Refusal::read(&oauth).told(), format!(" x {expected}"));
            let api = serde_json::json!({"errorCode": "E1", "errorSummary": "s", "errorCauses": [{"errorSummary": words}]});
            assert_eq!(
                Refusal::read(&api.to_string()).told(),
                format!(" E1 s {expected}")
            );
            let challenge = Challenge(format!("Bearer error=\"x\", error_description=\"{words}\""));
            assert_eq!(challenge.told(), format!(" x {expected}"));
        }
    }

    #[test]
    fn a_page_size_is_named_by_the_parameter_and_not_by_a_rate() {
        let body = |summary: &str, cause: &str| {
            let body = serde_json::json!({"errorCode": "E0000001", "errorSummary": summary,
                "errorCauses": [{"errorSummary": "q: x"}, {"errorSummary": cause}]});
            Refusal::read(&body.to_string()).is_about_limit()
        };
        for (summary, cause) in [
            ("x", "limit: must be less than or equal to 200"),
            ("Api validation failed: limit", ""),
            ("x", "The 'limit' parameter must be between 1 and 100."),
        ] {
            assert!(body(summary, cause), "{summary} {cause}");
        }
        for (summary, cause) in [
            ("x", "after: invalid"),
            ("rate limit of search", "unlimited"),
            ("Api validation failed: filter", ""),
        ] {
            assert!(!body(summary, cause), "{summary} {cause}");
        }
    }

    #[test]
    fn a_body_of_any_shape_is_read() {
        let told = |body: &str| Refusal::read(body).told();
        assert_eq!(
            told(
                r#"{"errorCode":"E0000001","errorSummary":"Api validation failed","errorCauses":[{"errorSummary":"limit"}],"errorId":"x"}"#
            ),
            " E0000001 Api validation failed limit x"
        );
        assert_eq!(
            told(r#"{"error":"invalid_client","error_description":"The client is unknown."}"#),
            " invalid_client The client is unknown."
        );
        for odd in [
            "",
            "<html>",
            "[]",
            "null",
            r#"{"errorCode":7,"errorCauses":"x","errorSummary":null}"#,
        ] {
            assert_eq!(told(odd), "", "{odd}");
        }
        assert!(
            told(&format!(r#"{{"errorSummary":"{}"}}"#, "é".repeat(9_999)))
                .chars()
                .count()
                <= MOST_TOLD + 1
        );
    }
}
