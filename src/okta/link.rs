//! Next links: whatever host Okta writes into them, only their path and query are kept.
//! <https://developer.okta.com/docs/api/#link-header>

use url::Url;

/// Path and query of the `next` link among the `Link` headers of an answer: several headers or
/// one, in any order, `self` there or not. (The published parsers split at commas, which Okta's
/// queries hold.)
pub(super) fn next<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<String> {
    headers.into_iter().find_map(|header| {
        let mut rest = header;
        while let Some((_, after)) = rest.split_once('<') {
            let (target, parameters) = after.split_once('>')?;
            // A parameter list ends where the next link begins.
            let own = parameters.split('<').next().unwrap_or_default();
            if own.split(';').any(is_next) {
                return path_of(target);
            }
            rest = parameters;
        }
        None
    })
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel") && value.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
}

/// Path and query of an absolute or relative link. The token goes to the configured org only,
/// so the host of a link is of no interest: Okta writes the org's, its `-admin` one or a custom
/// domain.
pub(super) fn path_of(link: &str) -> Option<String> {
    let base = Url::parse("https://org.invalid").ok()?;
    let url = base.join(link.trim()).ok()?;
    let path = url.path().to_owned();
    Some(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_in_every_form() {
        let next_link = r#"<https://acme.okta.com/api/v1/users?after=1&limit=2>; rel="next""#;
        let self_link = r#"<https://acme.okta.com/api/v1/users?limit=2>; rel="self""#;
        let path = Some("/api/v1/users?after=1&limit=2");
        for headers in [
            vec![next_link.to_owned()],
            vec![self_link.to_owned(), next_link.to_owned()],
            vec![next_link.to_owned(), self_link.to_owned()],
            vec![format!("{self_link}, {next_link}")],
            vec![format!("{next_link},{self_link}")],
            vec![r#"<https://acme-admin.okta.com/api/v1/users?after=1&limit=2>;title="a";rel=next"#.to_owned()],
            vec![r#"</api/v1/users?after=1&limit=2>; rel = "next""#.to_owned()],
        ] {
            assert_eq!(next(headers.iter().map(String::as_str)).as_deref(), path, "{headers:?}");
        }
        assert_eq!(next([self_link]), None);
        assert_eq!(next(["", "<", "<x", "rel=next", "<a>; nothing, <b>"]), None);
    }

    #[test]
    fn commas_within_a_query_are_part_of_it() {
        let header = r#"<https://x.okta.com/a?fields=id,profile>; rel="self", <https://x.okta.com/a?fields=id,profile&after=2>; rel="next""#;
        assert_eq!(next([header]).as_deref(), Some("/a?fields=id,profile&after=2"));
    }

    #[test]
    fn no_link_names_another_host() {
        for link in [
            "https://evil.example/api/v1/users?after=1",
            "//evil.example/api/v1/users?after=1",
            "https://u:p@evil.example:8443/api/v1/users?after=1",
        ] {
            assert_eq!(path_of(link).as_deref(), Some("/api/v1/users?after=1"), "{link}");
        }
        assert_eq!(path_of("\\\\evil.example\\api").as_deref(), Some("/api"));
        assert!(path_of("@evil.example/x").is_some_and(|path| path.starts_with('/')));
    }
}
