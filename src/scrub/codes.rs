//! One-time codes in the paths of links that Okta sends or redirects to: `/welcome/AbC12` → `/welcome/`.

use std::ops::Range;

use super::text::encoded;

/// Pages whose links carry a one-time code as the next segment of the path.
const CODE_PAGES: [&str; 9] = [
    "activate-account",
    "refresh-auth-state",
    "reset-password",
    "reset_password",
    "sessions",
    "unlock-account",
    "unlock_account",
    "verify_email",
    "welcome",
];
/// Pages that may be followed by a one-time code as well as by a word.
const MIXED_PAGES: [&str; 8] = [
    "activate",
    "activation",
    "email-verification",
    "email_verification",
    "recover",
    "recovery",
    "redirect",
    "unlock",
];

/// Identity Engine's links: `/tokens/{code}/verify`. Without that end the segment is a token's id, which opens nothing.
const TOKENS: (&str, &str) = ("tokens", "verify");

/// Okta's own hosts. <https://developer.okta.com/docs/guides/find-your-domain/main/>
const HOSTS: [&str; 7] = [
    ".okta.com",
    ".oktapreview.com",
    ".okta-emea.com",
    ".okta-gov.com",
    ".okta.mil",
    ".okta-miltest.com",
    ".trex-govcloud.com",
];

/// Those that one of the pages begins with.
const FIRST_LETTERS: &[u8] = b"aerstuvw";

/// Shorter words of an unknown host's path are words.
const SHORTEST_CODE: usize = 12;

/// Finds one-time codes in the paths of links.
pub(super) fn codes(text: &str, cuts: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let slash = |at: usize| match bytes.get(at) {
        Some(b'/') => Some(1),
        Some(b'\\') => (bytes.get(at + 1) == Some(&b'/')).then_some(2),
        Some(b'%') => encoded(bytes, at, b"2F").map(|(length, _)| length),
        _ => None,
    };
    for at in memchr::memchr2_iter(b'/', b'%', bytes) {
        let Some(length) = slash(at) else { continue };
        let start = at + length;
        let Some(first) = bytes
            .get(start)
            .filter(|first| FIRST_LETTERS.contains(first))
        else {
            continue;
        };
        let is = |page: &&&str| {
            page.as_bytes()[0] == *first
                && bytes[start..].starts_with(page.as_bytes())
                && slash(start + page.len()).is_some()
        };
        let sure = CODE_PAGES.iter().find(is);
        let page = sure.or_else(|| MIXED_PAGES.iter().find(is));
        let tokens = Some(&TOKENS.0).filter(is);
        let Some(page) = page.or(tokens) else {
            continue;
        };
        let start = start + page.len() + slash(start + page.len()).unwrap_or_default();
        let is_of_code = |byte: u8| is_of_code(byte) || tokens.is_some() && byte == b'.';
        let end = (start..bytes.len())
            .find(|at| slash(*at).is_some() || is_mark(bytes, *at) || !is_of_code(bytes[*at]));
        let end = end.unwrap_or(bytes.len());
        if tokens.is_some() {
            let is_verified =
                slash(end).is_some_and(|length| text[end + length..].starts_with(TOKENS.1));
            if is_verified {
                cuts.push(start..end);
            }
            continue;
        }
        let is_sure = sure.is_some()
            && is_of_okta(&text[..at])
            && !(*page == "sessions" && &text[start..end] == "me");
        // A name with an ending is a file.
        if is_sure && bytes.get(end) != Some(&b'.') || looks_like_code(&text[start..end]) {
            cuts.push(start..end);
        }
    }
}

/// Whether a `?`, `&` or `#` is encoded here.
fn is_mark(bytes: &[u8], at: usize) -> bool {
    [b"3F", b"26", b"23"]
        .iter()
        .any(|code| encoded(bytes, at, code).is_some())
}

fn is_of_code(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-~%+=".contains(&byte)
}

fn looks_like_code(segment: &str) -> bool {
    let has_digit = segment.bytes().any(|byte| byte.is_ascii_digit());
    let has_both_cases = segment.bytes().any(|byte| byte.is_ascii_lowercase())
        && segment
            .bytes()
            .skip(1)
            .any(|byte| byte.is_ascii_uppercase());
    segment.len() >= SHORTEST_CODE && (has_digit || has_both_cases)
}

/// Whether the address that has this beginning is Okta's: one without a host, as Okta logs its own, or one of
/// Okta's hosts.
fn is_of_okta(beginning: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || "\"'<>(=?&".contains(c);
    let address = beginning
        .rfind(ends)
        .map_or(beginning, |at| &beginning[at + 1..]);
    let has_scheme = address
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("http"));
    address.is_empty()
        || !has_scheme && address.starts_with(['/', '%'])
        || HOSTS.iter().any(|host| address.contains(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letters_of_all_pages_are_looked_for() {
        assert!(
            CODE_PAGES
                .iter()
                .chain(&MIXED_PAGES)
                .chain([&TOKENS.0])
                .all(|page| FIRST_LETTERS.contains(&page.as_bytes()[0]))
        );
    }
}
