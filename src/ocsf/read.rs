//! Reading a System Log event in which any field may be missing or of any type.

use crate::json::Json;

/// Follows a path of object members.
pub(super) fn at<'a>(value: &'a Json<'a>, path: &[&str]) -> Option<&'a Json<'a>> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// A text that says something: not empty, and not Okta's `unknown`, which stands for null.
pub(super) fn text<'a>(value: &'a Json<'a>, path: &[&str]) -> Option<&'a str> {
    at(value, path)?
        .as_str()
        .filter(|text| !text.trim().is_empty() && !text.eq_ignore_ascii_case("unknown"))
}

/// Whether `text` has `needle` (ASCII) anywhere in it, in upper or lower case.
pub(super) fn mentions(text: &str, needle: &str) -> bool {
    text.as_bytes()
        .windows(needle.len())
        .any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_text_that_says_something_is_read() {
        let event = json!({"a": {"b": "x", "c": "", "d": "UNKNOWN", "e": 1, "f": null, "g": " "}});
        assert_eq!(text(&Json::from(&event), &["a", "b"]), Some("x"));
        for key in ["c", "d", "e", "f", "g", "h"] {
            assert_eq!(text(&Json::from(&event), &["a", key]), None, "{key}");
        }
        assert_eq!(text(&Json::from(&json!([1])), &["a"]), None);
    }

    #[test]
    fn a_needle_is_found_in_either_case() {
        assert!(mentions("SAML 2.0", "saml"));
        assert!(!mentions("SA", "saml"));
    }
}
