//! Pages, cursors and Link headers in the forms in which Okta sends them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::RawValue;

use crate::access::Denial;
use crate::message::Response;
use crate::org::Org;
use crate::refusal::Refusal;
use crate::routes::Call;

/// How Link headers are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Several header lines or one.
    pub form: LinkForm,
    /// Leave `rel="self"` out.
    pub without_self: bool,
    /// `next` before `self`.
    pub next_first: bool,
    /// The host of links in headers and IAM bodies.
    pub host: LinkHost,
    /// A full page has a next link even when nothing follows.
    pub next_after_last: bool,
}

/// The form of Link headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkForm {
    /// One header line for each link.
    #[default]
    Separate,
    /// One header line, links joined by commas.
    Joined,
}

/// The host in links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkHost {
    /// The org's domain.
    #[default]
    Org,
    /// The org's admin host, `{org}-admin`.
    Admin,
    /// Another origin, such as `https://login.acme.com`.
    Other(String),
}

/// Where a list goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Place of the last object given.
    pub(crate) place: u64,
    /// Objects given on all pages so far.
    given: u64,
}

/// The texts of one page and where the next one begins.
pub(crate) struct Page<'a> {
    pub(crate) texts: Vec<Cow<'a, str>>,
    pub(crate) next: Option<Position>,
}

impl Page<'_> {
    pub(crate) fn array(&self) -> String {
        let length = self.texts.iter().map(|text| text.len() + 1).sum::<usize>() + 2;
        let mut body = String::with_capacity(length);
        body.push('[');
        for (index, text) in self.texts.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(text);
        }
        body.push(']');
        body
    }
}

/// The limit asked for: `default` where none is, never over `max`.
pub(crate) fn limit(call: &Call<'_>, default: u64, max: u64) -> Result<u64, Refusal> {
    let Some(text) = call.query("limit") else {
        return Ok(default);
    };
    match text.parse::<i64>() {
        Ok(-1) => Ok(default),
        Ok(limit) if limit > 0 => Ok(limit.unsigned_abs().min(max)),
        _ => Err(Refusal::with_causes(
            400,
            "E0000001",
            "Api validation failed: limit",
            &["limit: invalid value"],
        )),
    }
}

impl Org {
    /// Makes every cursor given out so far invalid.
    pub fn expire_cursors(&mut self) {
        self.cursor_generation += 1;
    }

    /// Makes the org fail, with status 500, on every cursor given out so far.
    pub fn break_cursors(&mut self) {
        self.broken_cursors.insert(self.cursor_generation);
        self.expire_cursors();
    }

    /// Where the list goes on, by the `after` parameter.
    pub(crate) fn position(&self, call: &Call<'_>) -> Result<Position, Refusal> {
        let Some(after) = call.query("after") else {
            return Ok(Position::default());
        };
        let refused = || match call.request.path.starts_with("/api/v1/apps") {
            true => Refusal::bad_paging(),
            false => Refusal::bad_search(),
        };
        let text = URL_SAFE_NO_PAD
            .decode(after)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let fields: Vec<u64> = text
            .iter()
            .flat_map(|text| text.split('.'))
            .map_while(|field| field.parse().ok())
            .collect();
        let [generation, issued, path, place, given] = fields[..] else {
            return Err(refused());
        };
        if self.broken_cursors.contains(&generation) {
            return Err(Refusal::api(500, "E0000009", "Internal Server Error"));
        }
        let age = self.now().as_second().unsigned_abs().saturating_sub(issued);
        let stale = self
            .options
            .cursor_seconds
            .is_some_and(|seconds| age > seconds);
        if generation != self.cursor_generation || stale || path != checksum(&call.request.path) {
            return Err(refused());
        }
        Ok(Position { place, given })
    }

    fn cursor(&self, path: &str, position: Position) -> String {
        let issued = self.now().as_second();
        let Position { place, given } = position;
        URL_SAFE_NO_PAD.encode(format!(
            "{}.{issued}.{}.{place}.{given}",
            self.cursor_generation,
            checksum(path)
        ))
    }

    /// Takes one page from rows that begin after `position`.
    pub(crate) fn page<'a>(
        &self,
        call: &Call<'_>,
        position: Position,
        limit: u64,
        rows: impl Iterator<Item = (u64, Cow<'a, str>)>,
    ) -> Page<'a> {
        let allowed = match self.denial(call.request) {
            Some(Denial::Short(most)) => most.saturating_sub(position.given),
            _ => u64::MAX,
        };
        let mut rows = rows.take(usize::try_from(allowed).unwrap_or(usize::MAX));
        let mut page = Page {
            texts: Vec::new(),
            next: None,
        };
        let mut last = position;
        while page.texts.len() as u64 != limit {
            let Some((place, text)) = rows.next() else {
                return page;
            };
            last = Position {
                place,
                given: last.given + 1,
            };
            page.texts.push(text);
        }
        if self.options.links.next_after_last || rows.next().is_some() {
            page.next = Some(last);
        }
        page
    }

    /// A list whose body is an array and whose links are headers.
    pub(crate) fn array(&self, call: &Call<'_>, page: &Page<'_>) -> Response {
        let next = page
            .next
            .map(|next| self.next_url(call, &self.cursor(&call.request.path, next)));
        self.with_links(call, Response::json(page.array()), next)
    }

    /// A list whose body is an object with the objects under `key` and the link to the next page in `_links`.
    pub(crate) fn object(
        &self,
        call: &Call<'_>,
        key: &str,
        page: &Page<'_>,
    ) -> Result<Response, Refusal> {
        let items = RawValue::from_string(page.array())
            .map_err(|_| Refusal::api(500, "E0000009", "Internal Server Error"))?;
        let mut links = serde_json::Map::new();
        if let Some(next) = page.next {
            let href = self.next_url(call, &self.cursor(&call.request.path, next));
            links.insert("next".into(), serde_json::json!({"href": href}));
        }
        let links = serde_json::Value::Object(links);
        Ok(Response::json(format!(
            "{{\"{key}\":{items},\"_links\":{links}}}"
        )))
    }

    pub(crate) fn with_links(
        &self,
        call: &Call<'_>,
        mut response: Response,
        next: Option<String>,
    ) -> Response {
        let style = &self.options.links;
        let query = if call.request.query.is_empty() {
            String::new()
        } else {
            format!("?{}", call.request.query)
        };
        let own = format!(
            "<{}{}{query}>; rel=\"self\"",
            self.link_host(),
            call.request.path
        );
        let mut links = Vec::new();
        links.extend((!style.without_self).then_some(own));
        links.extend(next.map(|next| format!("<{next}>; rel=\"next\"")));
        if style.next_first {
            links.reverse();
        }
        if style.form == LinkForm::Joined && !links.is_empty() {
            links = vec![links.join(", ")];
        }
        response
            .headers
            .extend(links.into_iter().map(|link| ("Link".into(), link)));
        response
    }

    /// The request's URL with another `after`; identity provider lists lose their filters, as Okta's do.
    pub(crate) fn next_url(&self, call: &Call<'_>, after: &str) -> String {
        let path = &call.request.path;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", after);
        for (key, value) in call.queries() {
            let lost = key == "after" || (path == "/api/v1/idps" && (key == "q" || key == "type"));
            if !lost {
                query.append_pair(key, value);
            }
        }
        format!("{}{path}?{}", self.link_host(), query.finish())
    }

    pub(crate) fn link_host(&self) -> String {
        match &self.options.links.host {
            LinkHost::Org => self.options.domain.clone(),
            LinkHost::Admin => self.admin_domain(),
            LinkHost::Other(origin) => origin.clone(),
        }
    }
}

fn checksum(path: &str) -> u64 {
    path.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte)) & 0xffff_ffff
    })
}
