//! Where an org is: no path, link or stored position leads a request anywhere else.

use reqwest::Url;

use super::Error;

/// Scheme, host and port of an org.
#[derive(Debug)]
pub(super) struct Address(Url);

impl Address {
    pub(super) fn new(base: Url) -> Self {
        Self(base)
    }

    /// The host, for people.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The URL of a path with its query. Whatever the path holds stays a path: one that begins with two slashes names
    /// no host.
    ///
    /// # Errors
    /// [`Error::Expired`] where it does not begin with a slash: such a position is not one that this function kept.
    pub(super) fn url(&self, path: &str) -> Result<Url, Error> {
        if !path.starts_with('/') {
            return Err(Error::Expired);
        }
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.0.clone();
        url.set_path(path);
        url.set_query(query);
        Ok(url)
    }

    /// Refuses a request to anywhere else, whatever it was made of.
    pub(super) fn check(&self, url: &Url) -> Result<(), Error> {
        if url.origin() == self.0.origin() {
            return Ok(());
        }
        Err(Error::Failed("a request to another host than the org's was refused".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_names_another_host() {
        let base: Url = "https://acme.okta.com".parse().unwrap();
        let address = Address::new(base.clone());
        for path in [
            "/api/v1/users?after=1&next=https://other.example/",
            "//other.example/api/v1/users?after=1",
            "///other.example/api",
            "/\\\\other.example/api",
            "/\\other.example/api",
            "/%2F/other.example",
            "/..//other.example/api",
            "/./\t/other.example/api",
            "/@other.example/api",
            "/:443@other.example",
        ] {
            let url = address.url(path).unwrap();
            assert_eq!((url.origin(), url.username(), url.password()), (base.origin(), "", None), "{path}: {url}");
        }
        for path in ["https://other.example/api", "other.example/api", "@other.example", "\\\\other.example", ""] {
            assert!(matches!(address.url(path), Err(Error::Expired)), "{path}");
        }
        assert_eq!(address.url("/a/b%20c?d=%22e%22").unwrap().as_str(), "https://acme.okta.com/a/b%20c?d=%22e%22");
    }
}
