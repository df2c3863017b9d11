//! What answers mean to the engine, as the client that asks Okta says it.

use fake_org::{Fault, Response};
use jiff::Timestamp;
use okta_authomize::body::Body;
use okta_authomize::engine::Answer;
use serde_json::{Value, json};

/// What an answer means to the client.
pub enum Meaning {
    Answer(Answer),
    /// If it is the same again.
    Doubtful(Answer),
    /// If it is the same five times.
    Trouble(Answer),
}

pub fn meaning(response: &Response, asked: &str) -> Meaning {
    // A page is read by the engine alone; only its link may be of interest here.
    let is_list = response.status == 200 && response.body.first() == Some(&b'[');
    let body = if is_list { json!([]) } else { response.value() };
    let code = body["errorCode"].as_str().unwrap_or_default();
    let said = format!("GET {}: HTTP {} {code}", path_of(asked), response.status);
    let failed = |error: &str| Answer::Failed {
        error: error.into(),
    };
    if matches!(response.fault, Some(Fault::Reset | Fault::Truncate)) {
        return Meaning::Trouble(failed(&said));
    }
    let is_continued = asked.contains("after=");
    match (response.status, code) {
        (200, _) if body.is_array() || body.is_object() => Meaning::Answer(Answer::Page {
            next: next_of(response, &body, asked),
            body: Body::of(
                path_of(asked),
                String::from_utf8_lossy(&response.body).into_owned(),
            ),
        }),
        (200 | 408 | 500.., _) => Meaning::Trouble(failed(&said)),
        (_, "E0000015") => Meaning::Answer(Answer::NotApplicable { error: said }),
        (400, "E0000029" | "E0000031" | "E0000053") if is_continued => {
            Meaning::Doubtful(Answer::Expired)
        }
        (400, _) => Meaning::Answer(Answer::Refused { error: said }),
        (401, _) | (403, "") => Meaning::Doubtful(Answer::Unavailable { error: said }),
        (403, _) => Meaning::Answer(Answer::Unavailable { error: said }),
        (404, "E0000007" | "E0000008") => Meaning::Answer(Answer::Gone),
        _ => Meaning::Doubtful(failed(&said)),
    }
}

/// Path and query of the next page, with the parameters that the link has lost.
fn next_of(response: &Response, body: &Value, asked: &str) -> Option<String> {
    let links = response
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("link"));
    let header = links
        .map(|(_, link)| link)
        .find(|link| link.contains("rel=\"next\""));
    let url = match header {
        Some(link) => link.split(['<', '>']).nth(1)?,
        None => body["_links"]["next"]["href"].as_str()?,
    };
    let (_, rest) = url.split_once("://")?;
    let mut next = rest[rest.find('/')?..].to_owned();
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let known: Vec<_> = query_of(&next).split('&').map(name).collect();
    for pair in query_of(asked).split('&').filter(|pair| !pair.is_empty()) {
        if !known.contains(&name(pair)) && !["after", "since"].contains(&name(pair).as_str()) {
            next = format!("{next}&{pair}");
        }
    }
    Some(next)
}

pub fn reset_of(response: &Response) -> Option<Timestamp> {
    let seconds = response.header_value("x-rate-limit-reset")?.parse().ok()?;
    Timestamp::from_second(seconds).ok()
}

pub fn limited(lifts_at: Timestamp, now: Timestamp) -> Answer {
    let retry_after_s = lifts_at.duration_since(now).as_secs().max(1);
    Answer::Limited { retry_after_s }
}

pub fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

fn query_of(target: &str) -> &str {
    target.split_once('?').map_or("", |(_, query)| query)
}
