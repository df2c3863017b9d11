//! How lists are paged.

use crate::support::{all, get, ids_of, next_target, org, org_with};
use fake_org::{Denial, LinkForm, LinkHost, Links, NewUser, Options, Org};

fn people(org: &mut Org, count: usize) -> Vec<String> {
    (0..count)
        .map(|n| org.create_user(NewUser::named("P", &n.to_string())))
        .collect()
}

#[test]
fn pages_joined_are_the_list_in_order() {
    let mut org = org();
    let users = people(&mut org, 7);
    assert_eq!(all(&mut org, "/api/v1/users?limit=3"), users);
    assert_eq!(org.counts().of("GET /api/v1/users"), 3);
}

#[test]
fn a_limit_over_the_maximum_is_capped_and_nonsense_refused() {
    let mut org = org();
    people(&mut org, 201);
    assert_eq!(ids_of(&get(&mut org, "/api/v1/users?limit=500")).len(), 200);
    assert_eq!(get(&mut org, "/api/v1/users?limit=x").status, 400);
}

#[test]
fn a_cursor_keeps_its_meaning_when_objects_come_and_go() {
    let mut org = org();
    let users = people(&mut org, 6);
    let first = get(&mut org, "/api/v1/users?limit=3");
    org.silently(|org| org.delete_user(&users[0]));
    org.silently(|org| org.delete_user(&users[3]));
    let late = org.create_user(NewUser::named("Late", "Comer"));
    assert_eq!(
        all(&mut org, &next_target(&first).unwrap()),
        [users[4].clone(), users[5].clone(), late]
    );
}

#[test]
fn expired_cursors_and_those_of_other_lists_are_refused() {
    let mut org = org_with(Options {
        cursor_seconds: Some(60),
        ..Options::default()
    });
    people(&mut org, 3);
    let next = next_target(&get(&mut org, "/api/v1/users?limit=1")).unwrap();
    assert_eq!(get(&mut org, &next).status, 200);
    assert_eq!(get(&mut org, &next.replace("users", "groups")).status, 400);
    org.advance(jiff::SignedDuration::from_secs(61));
    assert_eq!(get(&mut org, &next).value()["errorCode"], "E0000031");
    let next = next_target(&get(&mut org, "/api/v1/users?limit=1")).unwrap();
    org.expire_cursors();
    assert_eq!(get(&mut org, &next).status, 400);
}

#[test]
fn broken_cursors_fail_for_good_and_new_ones_do_not() {
    let mut org = org();
    people(&mut org, 3);
    let next = next_target(&get(&mut org, "/api/v1/users?limit=1")).unwrap();
    org.break_cursors();
    let newer = next_target(&get(&mut org, "/api/v1/users?limit=1")).unwrap();
    org.advance(jiff::SignedDuration::from_hours(50));
    assert_eq!(get(&mut org, &next).status, 500);
    assert_eq!(get(&mut org, &newer).status, 200);
}

#[test]
fn links_come_in_every_form() {
    let link = |links: Links| {
        let mut org = org_with(Options {
            links,
            ..Options::default()
        });
        people(&mut org, 2);
        let response = get(&mut org, "/api/v1/users?limit=1");
        response
            .headers
            .into_iter()
            .filter(|(name, _)| name == "Link")
            .map(|(_, value)| value)
            .collect::<Vec<_>>()
    };
    let usual = link(Links::default());
    assert_eq!(
        usual[0],
        "<https://acme.okta.com/api/v1/users?limit=1>; rel=\"self\""
    );
    assert!(
        usual[1].starts_with("<https://acme.okta.com/api/v1/users?after=")
            && usual[1].ends_with("&limit=1>; rel=\"next\"")
    );
    let joined = link(Links {
        form: LinkForm::Joined,
        next_first: true,
        ..Links::default()
    });
    assert_eq!(joined.len(), 1);
    assert!(joined[0].find("rel=\"next\"") < joined[0].find("rel=\"self\""));
    let admin = link(Links {
        without_self: true,
        host: LinkHost::Admin,
        ..Links::default()
    });
    assert!(
        admin.len() == 1
            && admin[0].starts_with("<https://acme-admin.okta.com/api/v1/users?after=")
    );
}

#[test]
fn a_full_last_page_may_point_to_an_empty_one() {
    let mut org = org_with(Options {
        links: Links {
            next_after_last: true,
            ..Links::default()
        },
        ..Options::default()
    });
    people(&mut org, 2);
    let next = next_target(&get(&mut org, "/api/v1/users?limit=2")).unwrap();
    let last = get(&mut org, &next);
    assert_eq!((ids_of(&last).len(), next_target(&last)), (0, None));
}

#[test]
fn a_weak_role_shortens_lists_without_an_error() {
    let mut org = org();
    people(&mut org, 10);
    org.deny("/api/v1/users", Denial::Short(4));
    assert_eq!(all(&mut org, "/api/v1/users?limit=3").len(), 4);
    org.allow_all();
    assert_eq!(all(&mut org, "/api/v1/users?limit=3").len(), 10);
}
