//! An org with a client, and how tests ask it.

use fake_org::{Client, Clock, Options, Org, Request, Response};

pub const CLIENT: &str = "0oaTestClient0000697";
pub const NOW: &str = "2026-11-23T18:00:00Z";

pub fn org() -> Org {
    org_with(Options::default())
}

pub fn org_with(options: Options) -> Org {
    let clock = Clock::Simulated(NOW.parse().unwrap());
    let mut org = Org::new(Options {
        clock,
        journal: true,
        ..options
    });
    org.add_client(Client::with_secret(CLIENT, "secret"));
    org
}

pub fn get(org: &mut Org, target: &str) -> Response {
    let token = org.issue_access_token(CLIENT);
    org.answer(&Request::get(target).authorized("Bearer", &token))
}

/// Ids of all pages of an array-bodied list.
pub fn all(org: &mut Org, target: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut next = Some(target.to_owned());
    while let Some(target) = next {
        let response = get(org, &target);
        assert_eq!(
            response.status,
            200,
            "{target}: {}",
            String::from_utf8_lossy(&response.body)
        );
        ids.extend(ids_of(&response));
        next = next_target(&response);
    }
    ids
}

pub fn ids_of(response: &Response) -> Vec<String> {
    let body = response.value();
    body.as_array()
        .unwrap()
        .iter()
        .map(|object| object["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Path and query of the next link.
pub fn next_target(response: &Response) -> Option<String> {
    let links = response
        .headers
        .iter()
        .filter(|(name, _)| name == "Link")
        .map(|(_, value)| value.as_str());
    let links: Vec<&str> = links.flat_map(|value| value.split(", ")).collect();
    let next = links.iter().find(|link| link.ends_with("rel=\"next\""))?;
    let url = next.trim_start_matches('<').split('>').next()?;
    let path = url.splitn(4, '/').nth(3)?;
    Some(format!("/{path}"))
}
