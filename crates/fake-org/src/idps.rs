//! `/api/v1/idps`: identity providers and the users linked to them.

use serde_json::Value;

use crate::apps::texts;
use crate::message::Response;
use crate::org::Org;
use crate::paging::limit;
use crate::refusal::Refusal;
use crate::routes::Call;

const DEFAULT_LIMIT: u64 = 20;
const MAX_LIMIT: u64 = 200;

/// `GET /api/v1/idps`
pub(crate) fn list(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let at = org.position(call)?;
    let words = call.query("q").map(str::to_lowercase);
    let rows = org.idps.after(at.place).filter(|(_, row)| {
        let name = row.value["name"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        call.query("type")
            .is_none_or(|kind| row.value["type"] == kind)
            && words
                .as_ref()
                .is_none_or(|words| name.contains(words.as_str()))
    });
    let page = org.page(
        call,
        at,
        limit(call, DEFAULT_LIMIT, MAX_LIMIT)?,
        texts(rows),
    );
    Ok(org.array(call, &page))
}

/// `GET /api/v1/idps/{id}`
pub(crate) fn one(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(org.idp_row(call.param(0))?.text()))
}

/// `GET /api/v1/idps/{id}/users`
pub(crate) fn users(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let idp = &org.idp_row(call.param(0))?.id;
    let at = org.position(call)?;
    let rows = org
        .idp_users
        .of(idp)
        .into_iter()
        .flat_map(|table| table.after(at.place));
    let page = org.page(
        call,
        at,
        limit(call, DEFAULT_LIMIT, MAX_LIMIT)?,
        texts(rows),
    );
    Ok(org.array(call, &page))
}

/// `GET /api/v1/idps/{id}/credentials/keys`: the org's own keys, with which it signs what it sends to the provider.
pub(crate) fn keys_of_one(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let idp = &org.idp_row(call.param(0))?.value;
    let named = &idp["protocol"]["credentials"]["signing"]["kid"];
    let rows = org
        .idp_signing_keys
        .rows()
        .filter(|row| row.value["kid"] == *named);
    let keys: Vec<&str> = rows.map(crate::table::Row::text).collect();
    Ok(Response::json(format!("[{}]", keys.join(","))))
}

/// `GET /api/v1/idps/credentials/keys`: the certificates that providers sign with, which `trust` names.
pub(crate) fn keys(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let at = org.position(call)?;
    let page = org.page(
        call,
        at,
        limit(call, DEFAULT_LIMIT, MAX_LIMIT)?,
        texts(org.idp_keys.after(at.place)),
    );
    Ok(org.array(call, &page))
}

impl Org {
    fn idp_row(&self, id: &str) -> Result<&crate::table::Row, Refusal> {
        self.idps
            .row(id)
            .ok_or_else(|| Refusal::not_found(id, "IdpTrust"))
    }

    /// A linked user's object as the API shows it.
    #[must_use]
    pub fn idp_user(&self, idp: &str, user: &str) -> Option<&Value> {
        self.idp_users.get(idp, user)
    }

    /// An identity provider's object as the API shows it.
    #[must_use]
    pub fn idp(&self, id: &str) -> Option<&Value> {
        self.idps.get(id)
    }
}
