//! `/api/v1/iam`: custom roles, their permissions, resource sets and their resources.

use serde_json::Value;

use crate::apps::texts;
use crate::message::Response;
use crate::org::Org;
use crate::paging::limit;
use crate::refusal::Refusal;
use crate::routes::Call;
use crate::table::Table;

const PAGE: u64 = 100;

/// `GET /api/v1/iam/roles`
pub(crate) fn roles(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    whole(org, call, "roles", Some(&org.custom_roles))
}

/// `GET /api/v1/iam/roles/{id}`, by id or label.
pub(crate) fn role(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let wanted = call.param(0);
    let by_label = || {
        org.custom_roles
            .rows()
            .find(|row| row.value["label"] == wanted)
    };
    let row = org.custom_roles.row(wanted).or_else(by_label);
    Ok(Response::json(
        row.ok_or_else(|| Refusal::not_found(wanted, "CustomRole"))?
            .text(),
    ))
}

/// `GET /api/v1/iam/roles/{id}/permissions`, never paged.
pub(crate) fn permissions(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    known(&org.custom_roles, call.param(0), "CustomRole")?;
    let rows = org
        .permissions
        .of(call.param(0))
        .into_iter()
        .flat_map(Table::rows);
    let permissions: Vec<&str> = rows.map(crate::table::Row::text).collect();
    Ok(Response::json(format!(
        "{{\"permissions\":[{}]}}",
        permissions.join(",")
    )))
}

/// `GET /api/v1/iam/resource-sets`
pub(crate) fn resource_sets(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    whole(org, call, "resource-sets", Some(&org.resource_sets))
}

/// `GET /api/v1/iam/resource-sets/{id}`
pub(crate) fn resource_set(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(
        known(&org.resource_sets, call.param(0), "ResourceSet")?.text(),
    ))
}

/// `GET /api/v1/iam/resource-sets/{id}/resources`
pub(crate) fn resources(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    known(&org.resource_sets, call.param(0), "ResourceSet")?;
    whole(org, call, "resources", org.resources.of(call.param(0)))
}

fn known<'a>(table: &'a Table, id: &str, kind: &str) -> Result<&'a crate::table::Row, Refusal> {
    table.row(id).ok_or_else(|| Refusal::not_found(id, kind))
}

fn whole(
    org: &Org,
    call: &Call<'_>,
    key: &str,
    table: Option<&Table>,
) -> Result<Response, Refusal> {
    let at = org.position(call)?;
    let rows = table.into_iter().flat_map(|table| table.after(at.place));
    let page = org.page(call, at, limit(call, PAGE, PAGE)?, texts(rows));
    org.object(call, key, &page)
}

impl Org {
    /// A custom role's object as the API shows it.
    #[must_use]
    pub fn custom_role(&self, id: &str) -> Option<&Value> {
        self.custom_roles.get(id)
    }

    /// A custom role's permissions as the API shows them.
    #[must_use]
    pub fn permissions(&self, role: &str) -> Vec<Value> {
        self.permissions
            .of(role)
            .into_iter()
            .flat_map(Table::rows)
            .map(|row| row.value.clone())
            .collect()
    }

    /// A resource set's resources as the API shows them.
    #[must_use]
    pub fn resources(&self, set: &str) -> Vec<Value> {
        self.resources
            .of(set)
            .into_iter()
            .flat_map(Table::rows)
            .map(|row| row.value.clone())
            .collect()
    }

    /// A resource set's object as the API shows it.
    #[must_use]
    pub fn resource_set(&self, id: &str) -> Option<&Value> {
        self.resource_sets.get(id)
    }
}
