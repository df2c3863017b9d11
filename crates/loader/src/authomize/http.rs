//! Requests over HTTP.

use std::io::Write;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response, redirect};
use secrecy::ExposeSecret;

use super::{Answer, Call, Transport};
use crate::failure::Failure;
use crate::secret::Tenant;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One whole answer: a request of 10,000 items may take its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// One whole list of an app's items.
const LIST_TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes of an answer at most; the ids of 10,000 items are a fraction of it.
const MOST_BODY: usize = 16 << 20;

/// A client that follows no redirect, for it would take the token elsewhere.
///
/// # Errors
/// `InitFailed`: TLS cannot be set up.
pub fn http_client() -> Result<Client, Failure> {
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .user_agent(concat!("okta-authomize-loader/", env!("CARGO_PKG_VERSION")));
    let built = builder.connect_timeout(CONNECT_TIMEOUT).build();
    built.map_err(|error| {
        Failure::new(
            "InitFailed",
            format!("the HTTP client cannot be set up: {error}"),
        )
    })
}

/// A tenant over HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    tenant: Tenant,
    authorization: HeaderValue,
}

impl Http {
    /// The tenant, reached by this client.
    ///
    /// # Errors
    /// `SecretInvalid`: the token is no header's value.
    pub fn new(client: Client, tenant: Tenant) -> Result<Self, Failure> {
        let value = HeaderValue::from_str(tenant.token.expose_secret());
        let mut authorization = value.map_err(|_| {
            Failure::new(
                "SecretInvalid",
                "the token holds characters that no header may: paste it into the secret again",
            )
        })?;
        authorization.set_sensitive(true);
        Ok(Self {
            client,
            tenant,
            authorization,
        })
    }
}

impl Transport for Http {
    /// `Authorization: {API token}`, without a scheme word (Authomize's OpenAPI document).
    async fn send(&self, call: &Call) -> Result<Answer, String> {
        let response = self.respond(call, ANSWER_TIMEOUT).await?;
        let (status, retry_after) = head(&response);
        Ok(Answer {
            status,
            retry_after,
            body: body(response).await?,
        })
    }

    async fn send_into(
        &self,
        call: &Call,
        sink: &mut (dyn Write + Send),
    ) -> Result<Answer, String> {
        let mut response = self.respond(call, LIST_TIMEOUT).await?;
        let (status, retry_after) = head(&response);
        if status == 200 {
            while let Some(part) = response.chunk().await.map_err(|error| told(&error))? {
                sink.write_all(&part)
                    .map_err(|error| format!("the temporary directory takes no more: {error}"))?;
            }
        }
        Ok(Answer {
            status,
            retry_after,
            body: Vec::new(),
        })
    }
}

impl Http {
    async fn respond(&self, call: &Call, timeout: Duration) -> Result<Response, String> {
        let url = self
            .tenant
            .url
            .join(&call.path)
            .map_err(|error| error.to_string())?;
        if url.origin() != self.tenant.url.origin() {
            return Err("the path leads to another host".to_owned());
        }
        let method =
            Method::from_bytes(call.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = self
            .client
            .request(method, url)
            .header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let sent = request.timeout(timeout).send().await;
        sent.map_err(|error| told(&error))
    }
}

fn head(response: &Response) -> (u16, Option<Duration>) {
    let named = response.headers().get(RETRY_AFTER);
    let retry_after = named.and_then(|value| seconds(value.to_str().ok()?));
    (response.status().as_u16(), retry_after)
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| told(&error))? {
        body.extend_from_slice(&part);
        if body.len() > MOST_BODY {
            return Err(format!("the answer is longer than {MOST_BODY} bytes"));
        }
    }
    Ok(body)
}

/// Seconds, or an HTTP date.
fn seconds(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(
        at.duration_since(std::time::SystemTime::now())
            .unwrap_or_default(),
    )
}

/// The error and its causes; it names the URL, never a header.
fn told(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        told += &format!(": {next}");
        cause = next.source();
    }
    told
}
