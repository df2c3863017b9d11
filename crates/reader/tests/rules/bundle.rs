use reader::Reader;
use serde_json::{Value, json};

use crate::bucket::{Bucket, delete, upsert};

fn with_bundle(stream: &str, id: &str, bundle: Value) -> Value {
    let mut line = upsert(stream, id, 1);
    line["bundle"] = bundle;
    line
}

#[test]
fn bundles_of_the_newest_entities_are_concatenated_key_by_key() {
    let user = |id: &str| with_bundle("users", id, json!({"new_users": [{"uniqueId": id}]}));
    let mut bucket = Bucket::default();
    bucket.commit(&[("users", vec![user("u1"), user("u2"), user("u3")])], &[]);
    let factors = with_bundle(
        "factors",
        "u1",
        json!({"update_users": [{"uniqueId": "u1", "hasMFA": true}]}),
    );
    let usage = with_bundle(
        "usage",
        "login:u1",
        json!({"update_users": [{"uniqueId": "u1"}]}),
    );
    let app = json!({"new_assets": [{"uniqueId": "a1"}], "new_users": [{"uniqueId": "u9"}]});
    bucket.commit(
        &[
            ("factors", vec![factors]),
            ("usage", vec![usage]),
            ("applications", vec![with_bundle("applications", "a1", app)]),
            ("users", vec![delete("users", "u2")]),
        ],
        &[],
    );
    let bundle = Reader::read(&bucket.objects, "okta", "acme")
        .unwrap()
        .bundle();
    let users = json!([{"uniqueId": "u9"}, {"uniqueId": "u1"}, {"uniqueId": "u3"}]);
    assert_eq!(
        Value::from(bundle.data),
        json!({"new_assets": [{"uniqueId": "a1"}], "new_users": users})
    );
    assert_eq!(
        Value::from(bundle.updates),
        json!({"update_users": [{"uniqueId": "u1", "hasMFA": true}]})
    );
}
