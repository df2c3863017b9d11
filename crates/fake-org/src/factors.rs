//! `/api/v1/users/{id}/factors`

use serde_json::Value;

use crate::message::Response;
use crate::org::Org;
use crate::refusal::Refusal;
use crate::routes::Call;
use crate::table::{Row, Table};

/// `GET /api/v1/users/{id}/factors`, never paged.
pub(crate) fn list(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let user = &org.user_row(call.param(0))?.id;
    let rows = org.factors.of(user).into_iter().flat_map(Table::rows);
    let texts: Vec<&str> = rows.map(Row::text).collect();
    Ok(Response::json(format!("[{}]", texts.join(","))))
}

impl Org {
    /// A user's factors as the API shows them.
    #[must_use]
    pub fn factors(&self, user: &str) -> Vec<Value> {
        self.factors
            .of(user)
            .into_iter()
            .flat_map(Table::rows)
            .map(|row| row.value.clone())
            .collect()
    }
}
