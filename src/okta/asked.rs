//! A request for a page as it is asked now: with a smaller page, or without decoration, where Okta fails on more.
//! <https://developer.okta.com/docs/api/#pagination> ("retry with a smaller limit")

use super::link::{limit_of, pairs, with_limit};

/// A request for a page: its target, and parts that it can do without.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Path and query.
    target: String,
    /// Page size at first; `None` for an answer without pages.
    limit: Option<u32>,
    /// Members that the answer may come without, in the words of `okta-response`; empty for nothing.
    omits: String,
}

/// Smallest page that is asked for.
const SMALLEST_PAGE: u32 = 10;
/// The same for the groups of an app: Okta takes no smaller `limit` there.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationGroups/>
const SMALLEST_PAGE_OF_APP_GROUPS: u32 = 20;

impl Asked {
    pub(super) fn new(target: &str, omits: &str) -> Self {
        Self {
            target: target.to_owned(),
            limit: limit_of(target),
            omits: omits.to_owned(),
        }
    }

    /// Path and query.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The page size that it asks for now.
    pub(super) fn limit(&self) -> Option<u32> {
        limit_of(&self.target)
    }

    /// Asks for no larger a page than this.
    pub(super) fn at_most(&mut self, most: u32) {
        if self.limit().is_some_and(|limit| limit > most) {
            self.target = with_limit(&self.target, most);
            self.limit = Some(most);
        }
    }

    /// The path alone.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Members that the answer may come without; empty for nothing.
    pub(super) fn omits(&self) -> &str {
        &self.omits
    }

    /// Whether it goes on behind a page that Okta has answered.
    pub(super) fn is_continued(&self) -> bool {
        pairs(&self.target).any(|pair| pair.starts_with("after="))
    }

    /// Whether it asks for something that the answer is worth having without.
    pub(super) fn is_decorated(&self) -> bool {
        !self.omits.is_empty() || pairs(&self.target).any(is_decoration)
    }

    /// Halves the page; false where it is as small as it gets.
    pub(super) fn halve(&mut self) -> bool {
        let is_app_groups =
            self.path().starts_with("/api/v1/apps/") && self.path().ends_with("/groups");
        let smallest = if is_app_groups {
            SMALLEST_PAGE_OF_APP_GROUPS
        } else {
            SMALLEST_PAGE
        };
        match limit_of(&self.target) {
            Some(limit) if limit > smallest => {
                self.target = with_limit(&self.target, (limit / 2).max(smallest));
                true
            }
            _ => false,
        }
    }

    /// Leaves decoration out, and asks for a whole page again; false where there is none.
    pub(super) fn undecorate(&mut self) -> bool {
        if !self.is_decorated() {
            return false;
        }
        self.omits.clear();
        let kept: Vec<&str> = pairs(&self.target)
            .filter(|pair| !is_decoration(pair))
            .collect();
        let query = if kept.is_empty() {
            String::new()
        } else {
            format!("?{}", kept.join("&"))
        };
        self.target = format!("{}{query}", self.path());
        if let Some(limit) = self.limit {
            self.target = with_limit(&self.target, limit);
        }
        true
    }
}

/// Whether a parameter asks for numbers beside an object, which save requests and cost Okta time. Any other `expand` is
/// asked for its own sake.
fn is_decoration(pair: &str) -> bool {
    pair == "expand=stats"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(target: &str) -> Vec<u32> {
        let mut asked = Asked::new(target, "");
        std::iter::from_fn(|| asked.halve().then(|| limit_of(asked.target()).unwrap())).collect()
    }

    #[test]
    fn a_page_is_halved_down_to_the_floor_of_its_path() {
        assert_eq!(
            sizes("/api/v1/groups/00g1/users?limit=1000&after=1"),
            [500, 250, 125, 62, 31, 15, 10]
        );
        assert_eq!(
            sizes("/api/v1/apps/0oa1/groups?limit=200"),
            [100, 50, 25, 20]
        );
        assert!(sizes("/api/v1/users?limit=1").is_empty());
        assert!(sizes("/api/v1/users/00u1/factors").is_empty());
    }

    #[test]
    fn decoration_is_left_out_and_nothing_else() {
        let mut asked = Asked::new("/api/v1/groups?limit=200&expand=stats&filter=x", "");
        assert!(asked.halve() && asked.undecorate() && !asked.undecorate());
        assert_eq!(asked.target(), "/api/v1/groups?limit=200&filter=x");
        let mut asked = Asked::new("/api/v1/users/00u1", "omitCredentialsLinks");
        assert!(asked.undecorate() && asked.omits().is_empty());
        let mut asked = Asked::new("/api/v1/apps?expand=user%2F00u1&limit=200", "");
        assert!(!asked.undecorate());
        let mut asked = Asked::new("/api/v1/groups?expand=stats", "");
        assert!(asked.undecorate() && asked.target() == "/api/v1/groups");
    }
}
