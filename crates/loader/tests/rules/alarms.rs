//! Watching the loader: the template's metric filter takes the lines that the built function writes in trouble.

use serde_json::{Value, json};

use super::lambda::Deployed;
use super::moto;
use super::template::{lines, of_type, template};

/// Whether a filter pattern for JSON takes a line. Of the language it knows what the templates use:
/// `{ $.a.b = "text" || … }`.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
fn takes(pattern: &str, line: &Value) -> bool {
    let inside = pattern
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .expect("a pattern for JSON");
    inside.split("||").any(|term| {
        let (path, value) = term.split_once('=').expect("a comparison");
        let path = path
            .trim()
            .strip_prefix("$.")
            .expect("a path from the root");
        let wanted = value.trim().trim_matches('"');
        let found = path
            .split('.')
            .try_fold(line, |value, name| value.get(name));
        found
            .and_then(Value::as_str)
            .is_some_and(|found| found == wanted)
    })
}

fn patterns() -> Vec<String> {
    let template = template("template.yaml");
    let of_the_loader =
        |filter: &&Value| filter["LogGroupName"] == json!({"Ref": "LoaderLogGroup"});
    let filters: Vec<_> = of_type(&template, "AWS::Logs::MetricFilter")
        .into_iter()
        .map(|(_, filter)| filter)
        .collect();
    filters
        .iter()
        .filter(|filter| of_the_loader(filter))
        .map(|filter| filter["FilterPattern"].as_str().unwrap().to_owned())
        .collect()
}

/// Lines of the loader's log that a filter takes.
fn taken(deployed: &Deployed) -> usize {
    let (lines, patterns) = (lines(&deployed.lambda.log()), patterns());
    lines
        .iter()
        .filter(|line| patterns.iter().any(|pattern| takes(pattern, line)))
        .count()
}

/// The same as soon as there are more than `before`: an answer may be here before the log is.
async fn taken_after(deployed: &Deployed, before: usize) -> usize {
    for _ in 0..100 {
        let now = taken(deployed);
        if now > before {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no filter takes a line of it: {}", deployed.lambda.log())
}

#[tokio::test]
async fn an_error_refused_items_and_a_held_purge_are_counted_and_a_good_load_is_not() {
    assert_eq!(patterns().len(), 1);
    let mut deployed = Deployed::small().await;
    deployed.report(json!({"integration": "okta"})).await;
    assert_eq!(taken(&deployed), 0, "{}", deployed.lambda.log());

    deployed
        .rig
        .fake
        .set(json!({"faults": [{"status": 401}]}))
        .await;
    deployed
        .lambda
        .invoke(json!({"integration": "okta", "mode": "full"}))
        .await;
    let errors = taken_after(&deployed, 0).await;

    deployed
        .rig
        .fake
        .set(json!({"faults": [], "refuse": ["00u1"]}))
        .await;
    let report = deployed
        .report(json!({"integration": "okta", "mode": "full"}))
        .await;
    assert_eq!(report["outcome"], "degraded", "{report:#}");
    let with_refused = taken_after(&deployed, errors).await;

    deployed.rig.fake.set(json!({"refuse": []})).await;
    let status = moto::s3()
        .delete_object()
        .bucket(&deployed.bucket)
        .key("okta/status/okta.json");
    status.send().await.unwrap();
    let report = deployed
        .report(json!({"integration": "okta", "mode": "full"}))
        .await;
    assert_eq!(report["outcome"], "held", "{report:#}");
    taken_after(&deployed, with_refused).await;
}
