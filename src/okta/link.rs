//! Next links: whatever host Okta writes into them, only their path and query are kept.
//! <https://developer.okta.com/docs/api/#link-header>

use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

/// A next link that is there and cannot be followed: the listing goes on, nobody knows where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclear;

/// Parameters that are a position: a next link is not given back the one of the request before.
const POSITIONS: [&str; 2] = ["after", "since"];

/// Longest `_links` of a body that is read.
const MOST_LINKS_BYTES: usize = 256 << 10;

/// Path and query of the next page of the listing that `asked` (a path with its query) is a page of, by the
/// `Link` headers or, if there are none of that kind (IAM), by the link in the body; `None` after the last page.
///
/// # Errors
/// [`Unclear`], if there is a next link that names no page.
pub(super) fn next_page(
    headers: &HeaderMap,
    body: &str,
    asked: &str,
) -> Result<Option<String>, Unclear> {
    let links: Vec<_> = headers
        .get_all("link")
        .iter()
        .map(|link| String::from_utf8_lossy(link.as_bytes()))
        .collect();
    let next = match in_headers(links.iter().map(AsRef::as_ref))? {
        None if body.trim_start().starts_with('{') => in_body(body)?,
        next => next,
    };
    Ok(next.map(|next| completed(&next, asked)))
}

/// The `next` link among the `Link` headers of an answer: several headers or one, in any order, `self` there
/// or not. (The published parsers split at commas, which Okta's queries hold.)
fn in_headers<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Option<String>, Unclear> {
    for header in headers {
        let mut rest = header;
        while let Some((_, after)) = rest.split_once('<') {
            let Some((target, parameters)) = after.split_once('>') else {
                break;
            };
            // A parameter list ends where the next link begins.
            let own = parameters.split('<').next().unwrap_or_default();
            if own.split(';').any(is_next) {
                return path_of(target).map(Some).ok_or(Unclear);
            }
            rest = parameters;
        }
        let plain: String = header
            .to_ascii_lowercase()
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '"')
            .collect();
        if plain.contains("rel=next") {
            return Err(Unclear);
        }
    }
    Ok(None)
}

/// The `_links.next` of a body: an object with a `href`, a list of such objects, or a text.
fn in_body(body: &str) -> Result<Option<String>, Unclear> {
    #[derive(serde::Deserialize)]
    struct Linked<'a> {
        #[serde(rename = "_links", default, borrow)]
        links: Option<&'a RawValue>,
    }
    // A body that is no JSON object is reported by the search for its items.
    let Ok(Linked { links }) = serde_json::from_str::<Linked<'_>>(body) else {
        return Ok(None);
    };
    let links = links.map_or("null", RawValue::get);
    if links.len() > MOST_LINKS_BYTES {
        return Err(Unclear);
    }
    let links: Value = serde_json::from_str(links).unwrap_or_default();
    let next = match links.get("next") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(links)) if links.is_empty() => return Ok(None),
        Some(Value::Array(links)) => &links[0],
        Some(next) => next,
    };
    let href = next
        .as_str()
        .or_else(|| next.get("href")?.as_str())
        .ok_or(Unclear)?;
    path_of(href).map(Some).ok_or(Unclear)
}

/// A next link with the parameters of the request that it has lost, and with no larger a `limit` than was asked for.
fn completed(next: &str, asked: &str) -> String {
    let mut pairs: Vec<String> = pairs(next).map(str::to_owned).collect();
    let known: Vec<String> = pairs.iter().map(|pair| name_of(pair).to_owned()).collect();
    for pair in
        pairs_of_request(asked).filter(|pair| !known.iter().any(|name| name == name_of(pair)))
    {
        pairs.push(pair.to_owned());
    }
    let path = next.split('?').next().unwrap_or_default();
    let whole = if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    };
    match (limit_of(&whole), limit_of(asked)) {
        (Some(limit), Some(most)) if limit > most => with_limit(&whole, most),
        _ => whole,
    }
}

fn pairs_of_request(asked: &str) -> impl Iterator<Item = &str> {
    pairs(asked).filter(|pair| !POSITIONS.contains(&name_of(pair)))
}

/// The parameters of a path's query, as they are written.
pub(super) fn pairs(path: &str) -> impl Iterator<Item = &str> {
    path.split_once('?')
        .map_or("", |(_, query)| query)
        .split('&')
        .filter(|pair| !pair.is_empty())
}

fn name_of(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

/// The page size that a path asks for.
pub(super) fn limit_of(path: &str) -> Option<u32> {
    pairs(path).find_map(|pair| pair.strip_prefix("limit=")?.parse().ok())
}

/// The same path with another page size.
pub(super) fn with_limit(path: &str, limit: u32) -> String {
    let (place, _) = path.split_once('?').unwrap_or((path, ""));
    let limited = |pair: &str| {
        if name_of(pair) == "limit" {
            format!("limit={limit}")
        } else {
            pair.to_owned()
        }
    };
    format!(
        "{place}?{}",
        pairs(path).map(limited).collect::<Vec<_>>().join("&")
    )
}

/// The same path from a position on.
pub(super) fn after(path: &str, position: &str) -> String {
    let place = path.split('?').next().unwrap_or_default();
    let others: String = pairs_of_request(path)
        .map(|pair| format!("{pair}&"))
        .collect();
    format!("{place}?{others}after={position}")
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && value
            .split_whitespace()
            .any(|rel| rel.eq_ignore_ascii_case("next"))
}

/// Path and query of an absolute or relative link. The token goes to the configured org only,
/// so the host of a link is of no interest: Okta writes the org's, its `-admin` one or a custom
/// domain.
fn path_of(link: &str) -> Option<String> {
    let base = Url::parse("https://org.invalid").ok()?;
    let url = base.join(link.trim()).ok()?;
    let path = url.path();
    if !path.starts_with('/') || path == "/" {
        return None;
    }
    // Okta has written `??after=`, and ignores such a parameter: the listing would begin again.
    Some(
        match url.query().map(|query| query.trim_start_matches('?')) {
            Some(query) if !query.is_empty() => format!("{path}?{query}"),
            _ => path.to_owned(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn next(headers: &[&str], body: &str, asked: &str) -> Result<Option<String>, Unclear> {
        let mut map = HeaderMap::new();
        for link in headers {
            map.append("link", link.parse().unwrap());
        }
        next_page(&map, body, asked)
    }

    fn followed(path: &str) -> Result<Option<String>, Unclear> {
        Ok(Some(path.to_owned()))
    }

    #[test]
    fn the_next_link_is_found_in_every_form() {
        let next_link = r#"<https://acme.okta.com/api/v1/users?after=1&limit=2>; rel="next""#;
        let self_link = r#"<https://acme.okta.com/api/v1/users?limit=2>; rel="self""#;
        for headers in [
            vec![next_link.to_owned()],
            vec![self_link.to_owned(), next_link.to_owned()],
            vec![next_link.to_owned(), self_link.to_owned()],
            vec![format!("{self_link}, {next_link}")],
            vec![format!("{next_link},{self_link}")],
            vec![
                r#"<https://acme-admin.okta.com/api/v1/users?after=1&limit=2>;title="a";rel=next"#
                    .to_owned(),
            ],
            vec![r#"</api/v1/users?after=1&limit=2>; rel = "next""#.to_owned()],
        ] {
            let headers: Vec<_> = headers.iter().map(String::as_str).collect();
            assert_eq!(
                next(&headers, "[]", "/api/v1/users"),
                followed("/api/v1/users?after=1&limit=2"),
                "{headers:?}"
            );
        }
        for none in [&[self_link][..], &["", "<", "<x", "<a>; nothing, <b>"], &[]] {
            assert_eq!(next(none, "[]", "/api/v1/users"), Ok(None), "{none:?}");
        }
    }

    #[test]
    fn commas_within_a_query_are_part_of_it() {
        let header = r#"<https://x.okta.com/a?fields=id,profile>; rel="self", <https://x.okta.com/a?fields=id,profile&after=2>; rel="next""#;
        assert_eq!(
            next(&[header], "", "/a"),
            followed("/a?fields=id,profile&after=2")
        );
    }

    #[test]
    fn a_next_link_that_names_no_page_is_unclear_and_not_the_end() {
        for link in [
            r#"<https://x.okta.com/a?after=1; rel="next""#,
            r#"; rel="next""#,
            "rel=next",
            r#"<mailto:a>; rel="next""#,
            "<http://[>; rel=next",
        ] {
            assert_eq!(next(&[link], "[]", "/a"), Err(Unclear), "{link}");
        }
        for body in [
            r#"{"_links":{"next":7}}"#,
            r#"{"_links":{"next":{}}}"#,
            r#"{"_links":{"next":[{"x":1}]}}"#,
            r#"{"_links":{"next":{"href":null}}}"#,
        ] {
            assert_eq!(next(&[], body, "/a"), Err(Unclear), "{body}");
        }
    }

    #[test]
    fn a_body_pages_by_its_own_link() {
        for form in [
            r#"{"href":"LINK"}"#,
            r#"[{"href":"LINK"},{"href":"/b"}]"#,
            r#""LINK""#,
        ] {
            let form = form.replace(
                "LINK",
                "https://acme-admin.okta.com/api/v1/iam/roles?after=1",
            );
            let body = format!(r#"{{"roles":[],"_links":{{"self":{{}},"next":{form}}}}}"#);
            assert_eq!(
                next(&[], &body, "/api/v1/iam/roles"),
                followed("/api/v1/iam/roles?after=1"),
                "{body}"
            );
        }
        for body in [
            r#"{"_links":{}}"#,
            r#"{"_links":null}"#,
            r#"{"_links":{"next":null}}"#,
            r#"{"_links":{"next":[]}}"#,
            "{}",
            "[]",
            "{",
        ] {
            assert_eq!(next(&[], body, "/a"), Ok(None), "{body}");
        }
    }

    #[test]
    fn parameters_that_a_link_has_lost_are_put_back() {
        let asked = "/api/v1/users?limit=200&filter=lastUpdated%20ge%20%221970%22&after=0";
        for (link, expected) in [
            (
                "?after=1",
                "?after=1&limit=200&filter=lastUpdated%20ge%20%221970%22",
            ),
            (
                "??after=1",
                "?after=1&limit=200&filter=lastUpdated%20ge%20%221970%22",
            ),
            (
                "?limit=50&after=1",
                "?limit=50&after=1&filter=lastUpdated%20ge%20%221970%22",
            ),
            (
                "?after=1&filter=x&limit=1000",
                "?after=1&filter=x&limit=200",
            ),
            ("?filter=x&after=1&limit=200", "?filter=x&after=1&limit=200"),
        ] {
            let header = format!("<https://acme.okta.com/api/v1/users{link}>; rel=\"next\"");
            assert_eq!(
                next(&[&header], "[]", asked),
                followed(&format!("/api/v1/users{expected}")),
                "{link}"
            );
        }
        // Where the log was asked from is not where it goes on.
        let log = next(
            &["</api/v1/logs?after=1>; rel=next"],
            "[]",
            "/api/v1/logs?since=2026&sortOrder=ASCENDING",
        );
        assert_eq!(log, followed("/api/v1/logs?after=1&sortOrder=ASCENDING"));
    }

    #[test]
    fn no_link_names_another_host() {
        for link in [
            "https://evil.example/api/v1/users?after=1",
            "//evil.example/api/v1/users?after=1",
            "https://u:p@evil.example:8443/api/v1/users?after=1",
        ] {
            assert_eq!(
                path_of(link).as_deref(),
                Some("/api/v1/users?after=1"),
                "{link}"
            );
        }
        assert_eq!(path_of("\\\\evil.example\\api").as_deref(), Some("/api"));
        assert!(path_of("@evil.example/x").is_some_and(|path| path.starts_with('/')));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn any_link_is_a_path_of_the_org_or_none(
            header in r#"(<|>|;|,|rel=|"|next|self|https?:|/|\\|@|[a-z.:]{1,9}|\?|&|=|after|limit|[0-9]{1,4}| ){0,24}"#,
            body in r#"(\{|\}|"_links"|:|"next"|"href"|"[a-z/:@?]{0,12}"|\[|\]|,|null|1){0,16}"#,
        ) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = header.parse() {
                headers.append("link", value);
            }
            if let Ok(Some(next)) = next_page(&headers, &body, "/api/v1/users?limit=200&filter=x") {
                prop_assert!(next.starts_with('/') && next.contains("filter="), "{next}");
                prop_assert!(limit_of(&next).is_none_or(|limit| limit <= 200), "{next}");
            }
        }
    }
}
