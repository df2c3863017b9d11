//! Okta's error answers: the API's shape, the token endpoint's OAuth shape, and the empty ones.

use serde_json::json;

use crate::message::Response;

/// A request that is refused, with everything its answer needs.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(Response);

impl Refusal {
    /// An answer in the API's shape (`errorCode`, `errorSummary`, …).
    pub(crate) fn api(status: u16, code: &str, summary: &str) -> Self {
        Self::with_causes(status, code, summary, &[])
    }

    pub(crate) fn with_causes(status: u16, code: &str, summary: &str, causes: &[&str]) -> Self {
        let causes: Vec<_> = causes
            .iter()
            .map(|cause| json!({"errorSummary": cause}))
            .collect();
        let body = json!({"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": error_id(summary), "errorCauses": causes});
        Self(Response::new(status, "application/json", body.to_string()))
    }

    /// An answer in the shape of OAuth (`error`, `error_description`).
    pub(crate) fn oauth(status: u16, error: &str, description: &str) -> Self {
        let body = json!({"error": error, "error_description": description});
        Self(Response::new(status, "application/json", body.to_string()))
    }

    /// No body at all, as Okta's gateway answers.
    pub(crate) fn empty(status: u16) -> Self {
        Self(Response {
            status,
            ..Response::default()
        })
    }

    pub(crate) fn with(self, name: &str, value: impl Into<String>) -> Self {
        Self(self.0.with(name, value))
    }

    pub(crate) fn into_response(self) -> Response {
        self.0
    }

    pub(crate) fn not_found(id: &str, kind: &str) -> Self {
        Self::api(
            404,
            "E0000007",
            &format!("Not found: Resource not found: {id} ({kind})"),
        )
    }

    pub(crate) fn unknown_path() -> Self {
        Self::api(404, "E0000008", "The requested path was not found")
    }

    pub(crate) fn wrong_method() -> Self {
        Self::api(
            405,
            "E0000022",
            "The endpoint does not support the provided HTTP method",
        )
    }

    pub(crate) fn invalid_token() -> Self {
        Self::api(401, "E0000011", "Invalid token provided")
    }

    pub(crate) fn bad_paging() -> Self {
        Self::api(400, "E0000029", "Invalid paging request.")
    }

    pub(crate) fn bad_search() -> Self {
        Self::api(400, "E0000031", "Invalid search criteria.")
    }

    pub(crate) fn forbidden() -> Self {
        Self::api(
            403,
            "E0000006",
            "You do not have permission to perform the requested action",
        )
    }

    pub(crate) fn feature_off() -> Self {
        Self::api(
            401,
            "E0000015",
            "You do not have permission to access the feature you are requesting",
        )
    }
}

fn error_id(summary: &str) -> String {
    let sum = summary.bytes().fold(0_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    format!("oae{sum:020}")
}
