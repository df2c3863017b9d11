//! Orgs for benchmarks.

use fake_org::{BenchOptions, DEMO_CLIENT_ID, Org, Request};
use jiff::Timestamp;

use crate::support::{NOW, ids_of, next_target};

#[test]
fn a_bench_org_is_as_large_as_asked() {
    let now: Timestamp = NOW.parse().unwrap();
    let org = Org::bench(&BenchOptions {
        users: 50,
        groups: 7,
        memberships: 120,
        apps: 4,
        assignments: 90,
        admins: 3,
        idps: 2,
        events: 300,
        now,
    });
    let state = org.state();
    assert_eq!(
        (
            state.users.len(),
            state.groups.len(),
            state.memberships.len()
        ),
        (50, 7, 120)
    );
    assert_eq!(
        (
            state.apps.len(),
            state.app_users.len(),
            state.role_assignments.len()
        ),
        (4, 90, 3)
    );
    assert_eq!((state.idps.len(), state.events), (2, 300));
    let large = BenchOptions::large(now);
    assert_eq!(
        (
            large.users,
            large.memberships,
            large.assignments,
            large.events
        ),
        (10_000, 39_940, 30_500, 50_000)
    );
}

#[test]
fn a_streamed_org_lists_more_than_it_holds() {
    let mut org = Org::streamed(1_000_000, NOW.parse().unwrap());
    let token = org.issue_access_token(DEMO_CLIENT_ID);
    let mut get = |target: &str| org.answer(&Request::get(target).authorized("Bearer", &token));
    let group = ids_of(&get("/api/v1/groups"))[0].clone();
    let page = get(&format!("/api/v1/groups/{group}/users?limit=1000"));
    assert_eq!(
        (ids_of(&page)[999].as_str(), ids_of(&page).len()),
        ("00uStream00000001000", 1000)
    );
    let next = get(&next_target(&page).unwrap());
    assert_eq!(ids_of(&next)[0], "00uStream00000001001");
    assert_eq!(ids_of(&get("/api/v1/users")).len(), 200);
}
