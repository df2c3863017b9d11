//! A crowd that is generated while it is listed, for runs that are too large to hold.

use std::borrow::Cow;

/// So many users, all of them members of one group.
#[derive(Clone, Debug)]
pub(crate) struct Streamed {
    pub(crate) count: u64,
    pub(crate) group: String,
}

impl Streamed {
    /// The users behind the n-th.
    pub(crate) fn users(
        &self,
        after: u64,
    ) -> impl Iterator<Item = (u64, Cow<'static, str>)> + use<> {
        (after + 1..=self.count).map(|n| (n, Cow::Owned(user_text(n))))
    }
}

fn user_text(n: u64) -> String {
    let login = format!("user{n}@acme.com");
    let created = "2026-01-05T08:00:00.000Z";
    format!(
        r#"{{"id":"00uStream{n:011}","status":"ACTIVE","created":"{created}","activated":"{created}","statusChanged":"{created}","lastLogin":null,"lastUpdated":"{created}","passwordChanged":"{created}","type":{{"id":"otyAcmeDefault000697"}},"profile":{{"firstName":"First{n}","lastName":"Last{n}","login":"{login}","email":"{login}","department":"Department {}","title":"Analyst","employeeNumber":"{n}"}},"credentials":{{"password":{{}},"provider":{{"type":"OKTA","name":"OKTA"}}}},"_links":{{"self":{{"href":"https://acme.okta.com/api/v1/users/00uStream{n:011}"}}}}}}"#,
        n % 40
    )
}
