//! The org behind a custom domain: asked without a token, and believed only where it names an address of Okta's.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/OrgSettingMetadata/>

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;

use super::received::text_of;
use crate::clock::Clock;

const PATH: &str = "/.well-known/okta-organization";
/// How often it is asked where no answer comes, or Okta fails.
const ATTEMPTS: u32 = 3;
/// Longest time of one attempt.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(10);
/// Longest part of an answer that an error repeats, in characters.
const MOST_TOLD: usize = 200;

/// The address that the org behind `base` names as its own, as it writes it.
///
/// # Errors
/// The answer that came instead, in words.
pub async fn home(
    http: &reqwest::Client,
    base: &Url,
    clock: &Clock,
    pause: Duration,
    until: Timestamp,
) -> Result<String, String> {
    let mut url = base.clone();
    url.set_path(PATH);
    url.set_query(None);
    let mut last = "the run's time is over".to_owned();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(pause * 2u32.pow(attempt - 1)).await;
        }
        let left = until.duration_since(clock.now());
        let Ok(left) = Duration::try_from(left) else {
            break;
        };
        let asked = tokio::time::timeout(left.min(LONGEST_ATTEMPT), ask(http, &url));
        match asked.await {
            Ok(Ok(address)) => return Ok(address),
            Ok(Err(Odd { text, is_final })) => {
                if is_final {
                    return Err(text);
                }
                last = text;
            }
            Err(_) => last = "no answer in time".to_owned(),
        }
    }
    Err(last)
}

/// An answer that names no address.
struct Odd {
    text: String,
    /// Whether asking again would change nothing.
    is_final: bool,
}

async fn ask(http: &reqwest::Client, url: &Url) -> Result<String, Odd> {
    let request = http.get(url.clone()).header("accept", "application/json");
    let response = request.send().await.map_err(|error| Odd {
        text: super::received::broken(error, super::answer::Size::Indifferent).text,
        is_final: false,
    })?;
    let status = response.status();
    let is_passing = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    let location = response.headers().get("location").cloned();
    let body = text_of(response).await.map_err(|trouble| Odd {
        text: trouble.text,
        is_final: false,
    })?;
    let odd = |what: &str| Odd {
        text: format!("HTTP {}{what}", status.as_u16()),
        is_final: !is_passing,
    };
    if let Some(location) = location.filter(|_| status.is_redirection()) {
        let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
        let host = Url::parse(&location).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or("elsewhere");
        return Err(odd(&format!(
            ", a redirect to {host}, which is not followed"
        )));
    }
    if status.as_u16() != 200 {
        return Err(odd(""));
    }
    let answer: Value = serde_json::from_str(&body).map_err(|_| odd(" without JSON"))?;
    let href = answer.pointer("/_links/organization/href");
    let href = href
        .and_then(Value::as_str)
        .ok_or_else(|| odd(" that names no _links.organization.href"))?;
    Ok(href.chars().take(MOST_TOLD).collect())
}
